/* fuzz/fuzz_png.c - any bytes as a PNG mask, read at once and by libpng: both refuse them, or both read
 * the same. A file longer than the reader's window is libpng's, and bytes behind a PNG's end belong to
 * nobody, so a tail of zeros chooses the way. SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

enum { MOST = 64 * 1024, TAIL = 300 * 1024 };

/* The file with a tail. It is the same one each time. */
static const char *padded(const uint8_t *data, size_t size) {
  static char path[64];
  static int file = -1;
  static size_t before;
  static uint8_t bytes[MOST];
  if (file < 0) {
    snprintf(path, sizeof path, "%s/fm-fuzz-png-XXXXXX", fuzz_folder());
    file = mkstemp(path);
    fuzz_expect(file >= 0 && !ftruncate(file, MOST + TAIL), "no file");
  }
  size_t length = size > before ? size : before;
  memset(bytes, 0, length);
  memcpy(bytes, data, size);
  fuzz_expect(pwrite(file, bytes, length, 0) == (ssize_t)length, "not written");
  before = size;
  return path;
}

static void remove_file(void) { unlink(padded((const uint8_t *)"", 0)); }

static void expect_same(const fm_raster *a, const fm_raster *b) {
  fm_plane p = fm_raster_plane(a), q = fm_raster_plane(b);
  fuzz_expect(p.dtype == q.dtype && p.height == q.height && p.width == q.width, "another shape");
  fuzz_expect(fm_raster_bit_depth(a) == fm_raster_bit_depth(b), "another depth");
  fuzz_expect(fm_raster_palette_size(a) == fm_raster_palette_size(b), "another palette");
  size_t row = (size_t)p.width * fm_dtype_size((fm_dtype)p.dtype);
  for (int64_t y = 0; y < p.height; y++)
    fuzz_expect(!memcmp((char *)p.data + y * p.row_stride, (char *)q.data + y * q.row_stride, row),
                "other pixels");
}

/* What zlib says of codes that libdeflate takes for others (lib/io/png_fast.h); only a fuzzer that
 * repairs checksums gets there. */
static int is_about_codes(const char *message) {
  return strstr(message, "distance code") || strstr(message, "literal/length code") ||
         strstr(message, "length or distance symbols") || strstr(message, "code lengths set");
}

static void compare(const uint8_t *data, size_t size) {
  fm_read_options limits = {.size = sizeof limits, .max_pixels = 1 << 18};
  fm_context *context = NULL;
  fm_raster *at_once = NULL, *piecewise = NULL;
  fm_error err = {0}, other = {0};
  fuzz_expect(fm_context_create(NULL, &context, &err) == FM_OK, "context");
  fm_status status = fm_mask_decode(context, data, size, &limits, &at_once, &err);
  fm_status expected = fm_mask_read(context, padded(data, size), &limits, &piecewise, &other);
  if (status == FM_OK && expected == FM_OK) expect_same(at_once, piecewise);
  /* What ends too early may go on in the tail, as nothing that is right. */
  if (status == FM_OK && expected != FM_OK)
    fuzz_expect(is_about_codes(other.message), "read at once, but not by libpng");
  if (status != FM_OK && expected == FM_OK) fuzz_expect(0, "read by libpng, but not at once");
  fm_raster_destroy(at_once);
  fm_raster_destroy(piecewise);
  fm_context_destroy(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int begun;
  if (!begun) atexit(remove_file);
  begun = 1;
  if (size < 8 || size > MOST || memcmp(data, "\x89PNG", 4) != 0) return 0;
  compare(data, size);
  uint8_t *repaired = malloc(size);
  fuzz_expect(repaired != NULL, "memory");
  memcpy(repaired, data, size);
  fuzz_repair_png(repaired, size);
  compare(repaired, size);
  free(repaired);
  return 0;
}
