/* io/png_general_libpng.c - PNG by libpng and zlib, for builds without libdeflate. */
#include "core/context.h"
#include "core/fail.h"
#include "io/png_general.h"
#include "io/png_hooks.h"

typedef struct png_write {
  fm__png_hooks hooks;
  png_structp png;
  png_infop info;
  const fm__png_layout *layout;
  unsigned char *rows;
  int compression;
  fm__bytes *out;
} png_write;

static void write_bytes(png_structp png, png_bytep data, size_t size) {
  png_write *w = png_get_io_ptr(png);
  if (fm__bytes_append(w->out, data, size)) return;
  w->hooks.refused = w->out->refused;
  png_error(png, "out of memory");
}

static void flush_nothing(png_structp png) { (void)png; }

static void set_palette(const png_write *w) {
  png_color colors[FM__PALETTE_MAX];
  for (int i = 0; i < w->layout->palette_size; i++) {
    const uint8_t *entry = w->layout->palette + 3 * i;
    colors[i] = (png_color){entry[0], entry[1], entry[2]};
  }
  if (w->layout->palette_size) png_set_PLTE(w->png, w->info, colors, w->layout->palette_size);
}

static void configure(const png_write *w) {
  bool photograph = w->layout->color_type == FM__PNG_RGB;
  png_set_write_fn(w->png, (void *)w, write_bytes, flush_nothing);
  png_set_user_limits(w->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_compression_level(w->png, w->compression);
  png_set_filter(w->png, PNG_FILTER_TYPE_BASE, photograph ? PNG_FILTER_PAETH : PNG_FILTER_NONE);
  png_set_check_for_invalid_index(w->png, 0);
  png_set_IHDR(w->png, w->info, w->layout->width, w->layout->height, w->layout->bit_depth,
               w->layout->color_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE,
               PNG_FILTER_TYPE_BASE);
}

static fm_status run(png_write *w, fm_error *err) {
  if (setjmp(w->hooks.jump)) {
    if (w->hooks.refused) return fm__fail_memory(err, w->hooks.refused);
    return fm__fail(err, FM_ERR_UNSUPPORTED, "PNG cannot be written: %s", w->hooks.message);
  }
  w->png = fm__png_writer(&w->hooks);
  if (w->png) w->info = png_create_info_struct(w->png);
  if (!w->info) return fm__fail_memory(err, w->hooks.refused);
  configure(w);
  set_palette(w);
  png_write_info(w->png, w->info);
  size_t stride = fm__png_row_bytes(w->layout);
  for (uint32_t y = 0; y < w->layout->height; y++) png_write_row(w->png, w->rows + y * stride + 1);
  png_write_end(w->png, NULL);
  return w->hooks.refused ? fm__fail_memory(err, w->hooks.refused) : FM_OK;
}

fm_status fm__png_general(const fm__png_layout *layout, unsigned char *rows, int compression,
                          fm__bytes *out, fm_error *err) {
  png_write w = {.hooks = {.context = out->context},
                 .layout = layout,
                 .rows = rows,
                 .compression = compression,
                 .out = out};
  fm_status status = run(&w, err);
  png_destroy_write_struct(&w.png, &w.info);
  return status;
}
