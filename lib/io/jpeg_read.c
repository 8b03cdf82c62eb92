/* io/jpeg_read.c - JPEG photographs as RGB. */
#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/exif.h"
#include "io/jpeg_hooks.h"
#include "io/orient.h"

enum {
  /* libjpeg keeps two bytes for each coefficient of a progressive file. */
  MOST_WORK = 800 << 20,
  /* Each scan of a progressive file may visit all of its pixels. Usual files have about ten. */
  MOST_SCANS = 200,
  /* Without arithmetic coding a block of 64 pixels takes at least a bit. */
  MOST_PIXELS_PER_BYTE = 8 * 64,
  EXIF_MARKER = JPEG_APP0 + 1
};

typedef struct jpeg_read {
  fm__jpeg_hooks hooks;
  struct jpeg_decompress_struct jpeg;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  const fm_context *context;
  fm__input *input;
  int64_t max_pixels;
  int32_t orientation;
  fm_raster *raster;
} jpeg_read;

/* ---- Bytes ---------------------------------------------------------------------- */

static void init_source(j_decompress_ptr jpeg) { (void)jpeg; }

static boolean fill(j_decompress_ptr jpeg) {
  jpeg_read *r = jpeg->client_data;
  r->input->ready = 0; /* libjpeg has taken all of the window */
  if (!fm__input_fill(r->input))
    fm__jpeg_stop((j_common_ptr)jpeg, FM_ERR_FORMAT, "the file ends too early");
  r->source.next_input_byte = r->input->next;
  r->source.bytes_in_buffer = r->input->ready;
  return TRUE;
}

static void skip(j_decompress_ptr jpeg, long count) {
  jpeg_read *r = jpeg->client_data;
  while (count > 0) {
    if (!r->source.bytes_in_buffer) (void)fill(jpeg);
    size_t now =
        (size_t)count < r->source.bytes_in_buffer ? (size_t)count : r->source.bytes_in_buffer;
    r->source.next_input_byte += now;
    r->source.bytes_in_buffer -= now;
    count -= (long)now;
  }
}

static void set_source(jpeg_read *r) {
  r->source.init_source = init_source;
  r->source.fill_input_buffer = fill;
  r->source.skip_input_data = skip;
  r->source.resync_to_restart = jpeg_resync_to_restart;
  r->source.term_source = init_source;
  r->source.next_input_byte = r->input->next;
  r->source.bytes_in_buffer = r->input->ready;
  r->jpeg.src = &r->source;
}

/* ---- Limits --------------------------------------------------------------------- */

static void count_scans(j_common_ptr object) {
  j_decompress_ptr jpeg = (j_decompress_ptr)(void *)object;
  if (jpeg->input_scan_number > MOST_SCANS)
    fm__jpeg_stop(object, FM_ERR_FORMAT, "it has more scans than any encoder makes");
}

static fm_status check_size(const jpeg_read *r, fm_error *err) {
  uint64_t width = r->jpeg.image_width, height = r->jpeg.image_height;
  fm_status status = fm__check_pixels(width, height, r->max_pixels, err);
  if (status) return status;
  if (!r->jpeg.arith_code && width * height / MOST_PIXELS_PER_BYTE > (uint64_t)r->input->size)
    return fm__fail(err, FM_ERR_FORMAT,
                    "JPEG claims %" PRIu64 "x%" PRIu64 " pixels, but %" PRId64
                    " bytes of file cannot hold them",
                    width, height, r->input->size);
  J_COLOR_SPACE space = r->jpeg.jpeg_color_space;
  if (space == JCS_CMYK || space == JCS_YCCK)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "JPEG holds CMYK, the colors of printing, expected gray or RGB: convert it");
  if (space == JCS_UNKNOWN)
    return fm__fail(err, FM_ERR_UNSUPPORTED, "JPEG has %d channels, expected gray or RGB",
                    r->jpeg.num_components);
  return FM_OK;
}

/* ---- Decoding ------------------------------------------------------------------- */

/* EXIF data are in the first marker that is theirs; one after it is ignored. */
static int32_t orientation_of(const jpeg_read *r) {
  for (jpeg_saved_marker_ptr m = r->jpeg.marker_list; m; m = m->next)
    if (m->marker == EXIF_MARKER && m->data_length > 6 && !memcmp(m->data, "Exif\0\0", 6))
      return fm__exif_orientation(m->data, m->data_length);
  return 1;
}

static void read_rows(jpeg_read *r) {
  while (r->jpeg.output_scanline < r->jpeg.output_height) {
    JSAMPROW row = fm__raster_row(r->raster, r->jpeg.output_scanline);
    (void)jpeg_read_scanlines(&r->jpeg, &row, 1);
  }
}

static fm_status run(jpeg_read *r, fm_error *err) {
  r->jpeg.err = fm__jpeg_hooks_init(&r->hooks, r->hooks.context);
  if (setjmp(r->hooks.jump)) return fm__jpeg_failed(&r->hooks, err);
  jpeg_create_decompress(&r->jpeg);
  r->jpeg.client_data = r;
  r->jpeg.mem->max_memory_to_use = MOST_WORK;
  r->progress.progress_monitor = count_scans;
  r->jpeg.progress = &r->progress;
  set_source(r);
  jpeg_save_markers(&r->jpeg, EXIF_MARKER, 0xFFFF);
  (void)jpeg_read_header(&r->jpeg, TRUE);
  r->orientation = orientation_of(r);
  fm_status status = check_size(r, err);
  if (!status)
    status = fm__raster_image(r->context, r->jpeg.image_height, r->jpeg.image_width,
                              r->jpeg.data_precision, &r->raster, err);
  if (status) return status;
  r->jpeg.out_color_space = JCS_RGB;
  (void)jpeg_start_decompress(&r->jpeg);
  read_rows(r);
  (void)jpeg_finish_decompress(&r->jpeg);
  return FM_OK;
}

fm_status fm__jpeg_read(const fm_context *context, fm__input *input, const fm__request *request,
                        fm_raster **out, fm_error *err) {
  jpeg_read r = {.hooks = {.context = context},
                 .context = context,
                 .input = input,
                 .max_pixels = request->max_pixels};
  fm_status status = run(&r, err);
  jpeg_destroy_decompress(&r.jpeg); /* also one that was made in part, or not at all */
  if (status) {
    fm_raster_destroy(r.raster);
    return status;
  }
  status = fm__orient(context, request, r.orientation, &r.raster, err);
  if (!status) *out = r.raster;
  return status;
}
