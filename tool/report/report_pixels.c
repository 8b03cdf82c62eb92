/* report/report_pixels.c - thumbnails of images, masks and losses, embedded in a page. */
#include "report/report_pixels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pixel.h"

static const uint8_t chosen[20][3] = {
    {112, 165, 224}, {176, 96, 84},  {222, 196, 72},  {120, 112, 132}, {226, 160, 190},
    {96, 150, 66},   {240, 120, 40}, {150, 112, 66},  {56, 78, 168},   {214, 48, 76},
    {32, 168, 164},  {140, 84, 190}, {190, 220, 120}, {250, 190, 150}, {86, 60, 40},
    {0, 110, 80},    {200, 90, 200}, {90, 200, 240},  {160, 150, 30},  {110, 30, 60}};
static const uint8_t ignored[3] = {58, 60, 66};

void class_color(int32_t k, uint8_t rgb[3]) {
  if (k < 20) {
    memcpy(rgb, chosen[k < 0 ? 0 : k], 3);
    return;
  }
  const double turn = fmod((double)k * 0.61803398875, 1.0) * 6.0; /* golden ratio */
  const double level = 0.55 + 0.2 * (k % 3), depth = 0.45 + 0.15 * (k % 4);
  for (int c = 0; c < 3; c++) {
    const double at = fmod(turn + 2.0 * (3 - c), 6.0);
    const double wave = at < 1.0 ? at : at < 3.0 ? 1.0 : at < 4.0 ? 4.0 - at : 0.0;
    rgb[c] = (uint8_t)(255.0 * level * (1.0 - depth + depth * wave));
  }
}

static picture picture_open(int64_t width, int64_t height) {
  const int64_t side = width > height ? width : height;
  picture p = {width, height, NULL};
  if (side > PICTURE_SIDE) {
    p.width = width * PICTURE_SIDE / side;
    p.height = height * PICTURE_SIDE / side;
  }
  if (p.width < 1) p.width = 1;
  if (p.height < 1) p.height = 1;
  p.rgb = alloc_zeroed((size_t)(p.width * p.height), 3);
  return p;
}

void picture_free(picture *p) {
  free(p->rgb);
  p->rgb = NULL;
}

/* Where a thumbnail's row or column begins in the source. */
static int64_t source_of(int64_t at, int64_t whole, int64_t thumb) { return at * whole / thumb; }

/* The middle of that range: the pixel that represents it where averages have no meaning. */
static int64_t middle_of(int64_t at, int64_t whole, int64_t thumb) {
  return (2 * at + 1) * whole / (2 * thumb);
}

picture picture_of_image(const fm_volume *image) {
  const fm_volume v = *image;
  picture p = picture_open(v.width, v.height);
  uint8_t *out = p.rgb;
  for (int64_t y = 0; y < p.height; y++)
    for (int64_t x = 0; x < p.width; x++)
      for (int64_t c = 0; c < 3; c++) {
        int64_t sum = 0, count = 0;
        for (int64_t sy = source_of(y, v.height, p.height);
             sy < source_of(y + 1, v.height, p.height); sy++)
          for (int64_t sx = source_of(x, v.width, p.width); sx < source_of(x + 1, v.width, p.width);
               sx++) {
            sum += ((const uint8_t *)
                        v.data)[c * v.channel_stride + sy * v.row_stride + sx * v.col_stride];
            count++;
          }
        *out++ = (uint8_t)((sum + count / 2) / (count ? count : 1));
      }
  return p;
}

/* ---- Planes --------------------------------------------------------------------------------- */

static const uint8_t *plane_at(const fm_plane *p, int64_t x, int64_t y) {
  const int64_t size = (int64_t)fm_dtype_size((fm_dtype)p->dtype);
  const int64_t column = p->col_stride ? p->col_stride : size;
  const int64_t row = p->row_stride ? p->row_stride : p->width * column;
  return (const uint8_t *)p->data + y * row + x * column;
}

static int64_t label_at(const fm_plane *p, int64_t x, int64_t y) {
  return pixel_label(plane_at(p, x, y), p->dtype);
}

static float loss_at(const fm_plane *p, int64_t x, int64_t y) {
  return pixel_loss(plane_at(p, x, y), p->dtype);
}

static void color_label(const fm_labels *labels, int64_t label, uint8_t *out) {
  const int32_t k = fm_labels_class_of(labels, label);
  if (k >= 0)
    class_color(k, out);
  else
    memcpy(out, ignored, 3);
}

picture picture_of_mask(const fm_labels *labels, const fm_plane *mask) {
  return picture_of_filtered(labels, mask, mask);
}

picture picture_of_filtered(const fm_labels *labels, const fm_plane *mask,
                            const fm_plane *filtered) {
  static const uint8_t stripes[2][3] = {{255, 255, 255}, {214, 42, 42}};
  picture p = picture_open(mask->width, mask->height);
  uint8_t *out = p.rgb;
  for (int64_t y = 0; y < p.height; y++)
    for (int64_t x = 0; x < p.width; x++, out += 3) {
      const int64_t sx = middle_of(x, mask->width, p.width);
      const int64_t sy = middle_of(y, mask->height, p.height);
      const int64_t before = label_at(mask, sx, sy), after = label_at(filtered, sx, sy);
      const bool dropped = fm_labels_class_of(labels, before) >= 0 &&
                           fm_labels_class_of(labels, after) == FM_CLASS_IGNORE;
      if (dropped)
        memcpy(out, stripes[(x + y) % 7 < 2], 3);
      else
        color_label(labels, after, out);
    }
  return p;
}

/* Black, violet, red, orange, pale yellow. */
static void heat(float share, uint8_t *out) {
  static const float stops[5][3] = {
      {5, 5, 20}, {86, 20, 125}, {192, 58, 82}, {249, 142, 9}, {252, 255, 164}};
  const float at = 4.0F * fminf(fmaxf(share, 0.0F), 1.0F);
  const int i = at >= 4.0F ? 3 : (int)at;
  for (int c = 0; c < 3; c++)
    out[c] = (uint8_t)(stops[i][c] + (stops[i + 1][c] - stops[i][c]) * (at - (float)i) + 0.5F);
}

picture picture_of_loss(const fm_labels *labels, const fm_plane *mask, const fm_plane *loss,
                        float top) {
  picture p = picture_open(mask->width, mask->height);
  uint8_t *out = p.rgb;
  for (int64_t y = 0; y < p.height; y++)
    for (int64_t x = 0; x < p.width; x++, out += 3) {
      const int64_t sx = middle_of(x, mask->width, p.width);
      const int64_t sy = middle_of(y, mask->height, p.height);
      if (fm_labels_class_of(labels, label_at(mask, sx, sy)) < 0)
        memcpy(out, ignored, 3);
      else
        heat(sqrtf(fmaxf(loss_at(loss, sx, sy), 0.0F) / top), out);
    }
  return p;
}

/* ---- Embedding ------------------------------------------------------------------------------ */

static int collect(const void *data, size_t size, void *user) {
  text_add_bytes(user, data, size);
  return 0;
}

static void add_base64(text *t, const text *bytes) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes->length; i += 3) {
    const size_t left = bytes->length - i;
    const uint8_t *in = (const uint8_t *)bytes->data + i;
    const unsigned bits = (unsigned)in[0] << 16 | (left > 1 ? (unsigned)in[1] << 8 : 0U) |
                          (left > 2 ? (unsigned)in[2] : 0U);
    const char out[4] = {letters[bits >> 18], letters[bits >> 12 & 63],
                         left > 1 ? letters[bits >> 6 & 63] : '=',
                         left > 2 ? letters[bits & 63] : '='};
    text_add_bytes(t, out, sizeof out);
  }
}

static fm_status encode(fm_context *context, const picture *p, int32_t quality, text *out,
                        fm_error *err) {
  fm_volume v = fm_volume_make(p->rgb, FM_U8, 3, p->height, p->width);
  const fm_write_options options = {.size = sizeof options, .jpeg_quality = quality};
  v.channel_stride = 1;
  v.col_stride = 3;
  v.row_stride = 3 * p->width;
  return fm_image_encode(context, &v, &options, collect, out, err);
}

/* Without JPEG, photographs are embedded at half their size: PNG makes them large. */
static fm_status encode_half(fm_context *context, const picture *p, text *out, fm_error *err) {
  picture small = {p->width > 1 ? p->width / 2 : 1, p->height > 1 ? p->height / 2 : 1, NULL};
  small.rgb = alloc_zeroed((size_t)(small.width * small.height), 3);
  for (int64_t y = 0; y < small.height; y++)
    for (int64_t x = 0; x < small.width; x++) {
      const int64_t sx = middle_of(x, p->width, small.width);
      const int64_t sy = middle_of(y, p->height, small.height);
      memcpy(small.rgb + 3 * (y * small.width + x), p->rgb + 3 * (sy * p->width + sx), 3);
    }
  const fm_status status = encode(context, &small, 0, out, err);
  picture_free(&small);
  return status;
}

int picture_embed(fm_context *context, const picture *p, bool photograph, const char *alt, text *t,
                  fault *f) {
  text bytes = {0};
  fm_error err;
  bool jpeg = photograph;
  fm_status status = encode(context, p, photograph ? 82 : 0, &bytes, &err);
  if (photograph && status == FM_ERR_UNSUPPORTED) {
    jpeg = false;
    status = encode_half(context, p, &bytes, &err);
  }
  if (!status) {
    text_add(t, "<img%s width=\"%lld\" height=\"%lld\" alt=\"", photograph ? "" : " class=\"flat\"",
             (long long)p->width, (long long)p->height);
    text_add_html(t, alt);
    text_add(t, "\" src=\"data:image/%s;base64,", jpeg ? "jpeg" : "png");
    add_base64(t, &bytes);
    text_add(t, "\">");
  }
  text_free(&bytes);
  return status ? fault_library(f, &err, NULL) : EXIT_FINE;
}
