/* io/png_encode.c - PNG by libpng; where a mask needs a search for matches, by libdeflate if the
 * build has it. */
#include "io/png_encode.h"

#include <zlib.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/png_deflate.h"
#include "io/png_hooks.h"

enum {
  /* 4096 symbols share a code, where zlib's default is 16384: labels that are frequent here
   * are rare there. Smaller by 3 to 5 %, and no slower. */
  RUNS_MEMORY = 6,
  CHUNK = 64 * 1024 /* most files are one chunk, which is read faster */
};

typedef struct png_write {
  fm__png_hooks hooks;
  png_structp png;
  png_infop info;
  const fm__png_layout *layout;
  const unsigned char *rows;
  fm__png_coding coding;
  fm__bytes stream; /* of libdeflate, ready to be written; none: zlib makes it */
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

static void set_compression(const png_write *w) {
  static const int filters[] = {PNG_FILTER_NONE, PNG_FILTER_UP, PNG_FILTER_PAETH};
  png_set_filter(w->png, PNG_FILTER_TYPE_BASE, filters[w->coding.filter]);
  png_set_compression_buffer_size(w->png, CHUNK);
  png_set_compression_level(w->png, w->coding.level ? w->coding.level : 1);
  if (w->coding.level) return;
  png_set_compression_strategy(w->png, Z_RLE);
  png_set_compression_mem_level(w->png, RUNS_MEMORY);
}

static void configure(const png_write *w) {
  png_set_write_fn(w->png, (void *)w, write_bytes, flush_nothing);
  png_set_user_limits(w->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_check_for_invalid_index(w->png, 0);
  png_set_IHDR(w->png, w->info, w->layout->width, w->layout->height, w->layout->bit_depth,
               w->layout->color_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE,
               PNG_FILTER_TYPE_BASE);
  set_palette(w);
  set_compression(w);
}

static void write_pixels(const png_write *w) {
  if (w->stream.size) {
    png_write_chunk(w->png, (png_const_bytep) "IDAT", w->stream.data, w->stream.size);
    png_write_chunk(w->png, (png_const_bytep) "IEND", NULL, 0);
    return;
  }
  size_t stride = fm__png_row_bytes(w->layout);
  for (uint32_t y = 0; y < w->layout->height; y++) png_write_row(w->png, w->rows + y * stride + 1);
  png_write_end(w->png, NULL);
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
  png_write_info(w->png, w->info);
  write_pixels(w);
  return w->hooks.refused ? fm__fail_memory(err, w->hooks.refused) : FM_OK;
}

fm_status fm__png_encode(const fm__png_layout *layout, const unsigned char *rows,
                         fm__png_coding coding, fm__bytes *out, fm_error *err) {
  png_write w = {.hooks = {.context = out->context},
                 .layout = layout,
                 .rows = rows,
                 .coding = coding,
                 .stream = {.context = out->context},
                 .out = out};
  fm_status status = FM_OK;
  /* Photographs are left to libpng, which has their filters. */
  if (coding.level && coding.filter != FM__PNG_PAETH)
    status = fm__png_deflate(layout, rows, coding, &w.stream, err);
  if (!status) {
    status = run(&w, err);
    png_destroy_write_struct(&w.png, &w.info);
  }
  fm__bytes_free(&w.stream);
  return status;
}
