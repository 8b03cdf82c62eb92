/* io/jpeg_write.c - RGB images as JPEG. */
#include <inttypes.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/encode.h"
#include "io/jpeg_hooks.h"

enum { FIRST_PIECE = 64 * 1024 };

typedef struct jpeg_write {
  fm__jpeg_hooks hooks;
  struct jpeg_compress_struct jpeg;
  struct jpeg_destination_mgr destination;
  const fm_volume *image;
  int quality;
  unsigned char *row; /* for images that are not interleaved; NULL: they are */
  fm__bytes *out;
} jpeg_write;

/* ---- Bytes ---------------------------------------------------------------------- */

/* Gives libjpeg the room after the bytes that are there. */
static void offer_room(jpeg_write *w) {
  if (!fm__bytes_reserve(w->out, FIRST_PIECE))
    fm__jpeg_stop_memory((j_common_ptr)&w->jpeg, w->out->refused);
  w->destination.next_output_byte = w->out->data + w->out->size;
  w->destination.free_in_buffer = w->out->capacity - w->out->size;
}

static void begin(j_compress_ptr jpeg) { offer_room(jpeg->client_data); }

static boolean more(j_compress_ptr jpeg) {
  jpeg_write *w = jpeg->client_data;
  w->out->size = w->out->capacity; /* libjpeg calls this when all of the room is used */
  offer_room(w);
  return TRUE;
}

static void end(j_compress_ptr jpeg) {
  jpeg_write *w = jpeg->client_data;
  w->out->size = w->out->capacity - w->destination.free_in_buffer;
}

static void set_destination(jpeg_write *w) {
  w->destination.init_destination = begin;
  w->destination.empty_output_buffer = more;
  w->destination.term_destination = end;
  w->jpeg.dest = &w->destination;
}

/* ---- Rows ----------------------------------------------------------------------- */

static unsigned char *gather(const jpeg_write *w, int64_t y) {
  const fm_volume *v = w->image;
  unsigned char *at = (unsigned char *)v->data + y * v->row_stride;
  if (!w->row) return at;
  unsigned char *to = w->row;
  for (int64_t x = 0; x < v->width; x++, at += v->col_stride, to += 3)
    for (int c = 0; c < 3; c++) to[c] = at[c * v->channel_stride];
  return w->row;
}

static fm_status run(jpeg_write *w, fm_error *err) {
  w->jpeg.err = fm__jpeg_hooks_init(&w->hooks, w->hooks.context);
  if (setjmp(w->hooks.jump)) return fm__jpeg_failed(&w->hooks, err);
  jpeg_create_compress(&w->jpeg);
  w->jpeg.client_data = w;
  set_destination(w);
  w->jpeg.image_width = (JDIMENSION)w->image->width;
  w->jpeg.image_height = (JDIMENSION)w->image->height;
  w->jpeg.input_components = 3;
  w->jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults(&w->jpeg);
  jpeg_set_quality(&w->jpeg, w->quality, TRUE);
  jpeg_start_compress(&w->jpeg, TRUE);
  while (w->jpeg.next_scanline < w->jpeg.image_height) {
    JSAMPROW row = gather(w, w->jpeg.next_scanline);
    (void)jpeg_write_scanlines(&w->jpeg, &row, 1);
  }
  jpeg_finish_compress(&w->jpeg);
  return FM_OK;
}

fm_status fm__jpeg_write_image(const fm_volume *image, int quality, fm__bytes *out, fm_error *err) {
  if (image->width > JPEG_MAX_DIMENSION || image->height > JPEG_MAX_DIMENSION)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "image is %" PRId64 "x%" PRId64 ", a JPEG has at most %ld pixels a side",
                    image->width, image->height, (long)JPEG_MAX_DIMENSION);
  jpeg_write w = {
      .hooks = {.context = out->context}, .image = image, .quality = quality, .out = out};
  if (image->channel_stride != 1 || image->col_stride != 3) {
    w.row = fm__bytes_scratch(out, (size_t)image->width, 3);
    if (!w.row) return fm__fail_memory(err, out->refused);
  }
  fm_status status = run(&w, err);
  jpeg_destroy_compress(&w.jpeg); /* also one that was made in part, or not at all */
  fm__free(out->context, w.row);
  return status;
}
