/* export/export_controls.c - masks as pictures, for generators that are steered by a picture. */
#include "export/export_controls.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/pixel.h"
#include "base/pool.h"
#include "export/export_stage.h"

/* The work on all masks. */
typedef struct work {
  export_state *s;
  int32_t multiple;
  control *controls;
} work;

/* Pixels of a class in one mask. */
typedef struct share {
  int64_t pixels;
  int32_t class_index;
} share;

static int by_size(const void *a, const void *b) {
  const share *x = a, *y = b;
  if (x->pixels != y->pixels) return x->pixels < y->pixels ? 1 : -1;
  return x->class_index - y->class_index;
}

static int make_prompt(const fm_labels *labels, const fm_plane *mask, const char *path, char **out,
                       fault *f) {
  int32_t count = fm_labels_class_count(labels);
  int64_t *pixels = alloc_zeroed((size_t)count, sizeof *pixels);
  share *shares = alloc_zeroed((size_t)count, sizeof *shares);
  text t = {0};
  fm_error err;
  int code = EXIT_FINE;
  if (fm_labels_count(labels, mask, pixels, NULL, &err)) code = fault_library(f, &err, path);
  for (int32_t k = 0; k < count; k++) shares[k] = (share){pixels[k], k};
  qsort(shares, (size_t)count, sizeof *shares, by_size);
  text_add_bytes(&t, "", 0);
  for (int32_t k = 0; !code && k < count && shares[k].pixels; k++)
    text_add(&t, "%s%s", k ? ", " : "", fm_labels_class_name(labels, shares[k].class_index));
  *out = code ? NULL : t.data;
  if (code) text_free(&t);
  free(shares);
  free(pixels);
  return code;
}

static int32_t round_to(int64_t side, int32_t multiple) {
  int32_t rounded = (int32_t)((side + multiple / 2) / multiple * multiple);
  return rounded ? rounded : multiple;
}

static int64_t label_at(const fm_plane *mask, int64_t y, int64_t x) {
  return pixel_label((const char *)mask->data + y * mask->row_stride + x * mask->col_stride,
                     mask->dtype);
}

/* Ignored labels without a color of their own are black. */
static int paint(const fm_labels *labels, const fm_plane *mask, uint8_t *rgb, const char *path,
                 fault *f) {
  for (int64_t y = 0; y < mask->height; y++)
    for (int64_t x = 0; x < mask->width; x++, rgb += 3) {
      int64_t label = label_at(mask, y, x);
      int32_t color = fm_labels_color_of(labels, label);
      if (color < 0 && fm_labels_class_of(labels, label) >= 0)
        return fault_set(f, EXIT_USAGE,
                         "%s: label %" PRId64
                         " has no color in %s (a column `color` of an own table "
                         "gives it one)",
                         path, label, fm_labels_name(labels));
      for (int c = 0; c < 3; c++) rgb[c] = color < 0 ? 0 : (uint8_t)(color >> (16 - 8 * c));
    }
  return EXIT_FINE;
}

/* Between two pixels of different labels, the left or upper one is white. */
static void draw_edges(const fm_plane *mask, uint8_t *gray) {
  for (int64_t y = 0; y < mask->height; y++)
    for (int64_t x = 0; x < mask->width; x++) {
      int64_t label = label_at(mask, y, x);
      bool edge = (x + 1 < mask->width && label_at(mask, y, x + 1) != label) ||
                  (y + 1 < mask->height && label_at(mask, y + 1, x) != label);
      *gray++ = edge ? 255 : 0;
    }
}

/* Where a picture goes. Caller frees. */
static int picture_path(export_state *s, const char *kind, const export_entry *entry, char **path,
                        fault *f) {
  char *name = export_flat_name(entry->stem);
  text below = {0};
  text_add(&below, "%s/%s.png", kind, name);
  int code = export_stage_path(s->stage, s->job->format->name, below.data, path, f);
  text_free(&below);
  free(name);
  return code;
}

/* The commit flushes them all. */
static const fm_write_options flush_later = {.size = sizeof flush_later, .flush = FM_FLUSH_LATER};

static int write_control(export_state *s, const export_entry *entry, const fm_plane *mask,
                         const char *from, fault *f) {
  char *path = NULL;
  fm_error err;
  uint8_t *rgb = alloc_zeroed((size_t)(mask->height * mask->width), 3);
  int code = paint(s->ws.labels, mask, rgb, from, f);
  if (!code) code = picture_path(s, "controls", entry, &path, f);
  if (!code) {
    fm_volume image = fm_volume_make(rgb, FM_U8, 3, mask->height, mask->width);
    image.channel_stride = 1;
    image.col_stride = 3;
    image.row_stride = 3 * mask->width;
    if (fm_image_write(s->ws.context, path, &image, &flush_later, &err))
      code = fault_library(f, &err, path);
  }
  free(path);
  free(rgb);
  return code;
}

static int write_edges(export_state *s, const export_entry *entry, const fm_plane *mask, fault *f) {
  char *path = NULL;
  fm_error err;
  uint8_t *gray = alloc_zeroed((size_t)(mask->height * mask->width), 1);
  fm_plane plane = fm_plane_make(gray, FM_U8, mask->height, mask->width);
  draw_edges(mask, gray);
  int code = picture_path(s, "edges", entry, &path, f);
  if (!code && fm_mask_write(s->ws.context, path, &plane, &flush_later, &err))
    code = fault_library(f, &err, path);
  free(path);
  free(gray);
  return code;
}

static int write_pictures(export_state *s, const export_entry *entry, const fm_plane *mask,
                          arg_size size, const char *from, fault *f) {
  void *pixels = alloc_zeroed((size_t)(size.width * size.height),
                              (size_t)fm_dtype_size((fm_dtype)mask->dtype));
  fm_plane resized = fm_plane_make(pixels, (fm_dtype)mask->dtype, size.height, size.width);
  fm_error err;
  int code = EXIT_FINE;
  if (fm_map_resize_nearest(s->ws.context, mask, &resized, &err))
    code = fault_library(f, &err, from);
  resized = pixel_strides(&resized);
  if (!code) code = write_control(s, entry, &resized, from, f);
  if (!code) code = write_edges(s, entry, &resized, f);
  free(pixels);
  return code;
}

static int write_one(void *shared, void *own, size_t index, fault *f) {
  const work *w = shared;
  export_state *s = w->s;
  const export_entry *entry = &s->real.entries[index];
  control *c = &w->controls[index];
  fm_raster *raster = NULL;
  fm_error err;
  (void)own;
  if (!c->size.width) return EXIT_FINE;
  char *path = folder_path(&s->real.masks, entry->mask);
  int code = EXIT_FINE;
  if (fm_mask_read(s->ws.context, path, NULL, &raster, &err)) code = fault_library(f, &err, path);
  if (!code) {
    fm_plane mask = fm_raster_plane(raster);
    c->size = s->job->size;
    if (c->size.width <= 0)
      c->size = (arg_size){round_to(mask.width, w->multiple), round_to(mask.height, w->multiple)};
    code = make_prompt(s->ws.labels, &mask, path, &c->prompt, f);
    if (!code) code = write_pictures(s, entry, &mask, c->size, path, f);
  }
  fm_raster_destroy(raster);
  free(path);
  return code;
}

static int check(const export_state *s, int32_t multiple, fault *f) {
  arg_size size = s->job->size;
  if (size.width > 0 && (size.width % multiple || size.height % multiple))
    return fault_set(f, EXIT_USAGE,
                     "--to %s makes images whose sides are multiples of %d, --size %dx%d is none",
                     s->job->format->name, (int)multiple, (int)size.width, (int)size.height);
  for (int32_t k = 0; k < fm_labels_class_count(s->ws.labels); k++)
    if (fm_labels_color_of(s->ws.labels, fm_labels_label_of(s->ws.labels, k)) >= 0)
      return EXIT_FINE;
  return fault_set(f, EXIT_USAGE,
                   "--to %s draws masks in the label space's colors, and %s has none: give an own "
                   "table a column `color` (freemask labels)",
                   s->job->format->name, fm_labels_name(s->ws.labels));
}

int controls_write(export_state *s, int32_t multiple, control **out, fault *f) {
  *out = NULL;
  int code = check(s, multiple, f);
  if (code) return code;
  *out = alloc_zeroed(s->real.count, sizeof **out);
  for (size_t i = 0; i < s->synthetic.count; i++)
    (*out)[s->synthetic.entries[i].row].size.width = 1;
  work w = {s, multiple, *out};
  pool_job job = {.what = "controls", .count = s->real.count, .quiet = s->job->common.quiet};
  job.threads = (int)s->job->common.threads;
  job.shared = &w;
  job.work = write_one;
  return pool_run(&job, f);
}

void controls_free(control *controls, size_t count) {
  for (size_t i = 0; controls && i < count; i++) free(controls[i].prompt);
  free(controls);
}

char *control_path(const export_state *s, const char *kind, const export_entry *entry) {
  char *base = export_path(s, s->job->output.folder);
  char *name = export_flat_name(plan_entry(s->plan, entry->row).mask_id);
  text t = {0};
  text_add(&t, "%s/%s/%s.png", base, kind, name);
  free(name);
  free(base);
  return t.data;
}
