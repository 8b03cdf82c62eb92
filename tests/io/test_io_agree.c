/* io/test_io_agree.c - a file means the same whichever way it is read: PNG from memory, at once, or
 * piece by piece by libpng; and what the writers write, however wide, the readers read.
 *
 * Damage is tried at every byte. A file that is longer than the reader's window is read piece by piece,
 * and bytes behind a PNG's end belong to nobody, so a tail of zeros chooses the way.
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "test_io_kit.h"

enum { TAIL = 300 * 1024, ROOM = 256 * 1024 };

static fm_context *context;
static int padded = -1;    /* the file that is read piece by piece, ROOM + TAIL bytes */
static size_t padded_size; /* what the last one took of it */

static void set_up(void) {
  context = kit_plain_context();
  io_folder_make();
  padded = open(io_path("padded.png"), O_RDWR | O_CREAT | O_TRUNC, 0600);
  ck_assert_int_ge(padded, 0);
  ck_assert_int_eq(ftruncate(padded, ROOM + TAIL), 0);
  padded_size = 0;
}

static void tear_down(void) {
  close(padded);
  io_folder_remove();
  fm_context_destroy(context);
}

/* ---- Both ways ------------------------------------------------------------------ */

static void put_padded(io_bytes file) {
  static unsigned char bytes[ROOM];
  ck_assert_uint_le(file.size, ROOM);
  size_t size = file.size > padded_size ? file.size : padded_size;
  memset(bytes, 0, size);
  memcpy(bytes, file.data, file.size);
  ck_assert_int_eq(pwrite(padded, bytes, size, 0), (ssize_t)size);
  padded_size = file.size;
}

static fm_status read_padded(io_bytes file, fm_raster **out, fm_error *err) {
  put_padded(file);
  return fm_mask_read(context, io_path("padded.png"), NULL, out, err);
}

static void check_same(const fm_raster *a, const fm_raster *b) {
  fm_plane p = fm_raster_plane(a), q = fm_raster_plane(b);
  ck_assert_int_eq(p.dtype, q.dtype);
  ck_assert_int_eq(p.height, q.height);
  ck_assert_int_eq(p.width, q.width);
  ck_assert_int_eq(fm_raster_bit_depth(a), fm_raster_bit_depth(b));
  ck_assert_int_eq(fm_raster_palette_size(a), fm_raster_palette_size(b));
  size_t row = (size_t)p.width * fm_dtype_size((fm_dtype)p.dtype);
  for (int64_t y = 0; y < p.height; y++)
    ck_assert_mem_eq((char *)p.data + y * p.row_stride, (char *)q.data + y * q.row_stride, row);
  for (int32_t i = 0; i < fm_raster_palette_size(a); i++) {
    uint8_t one[3], other[3];
    KIT_OK(fm_raster_palette_entry(a, i, one, &err));
    KIT_OK(fm_raster_palette_entry(b, i, other, &err));
    ck_assert_mem_eq(one, other, 3);
  }
}

/* What zlib says of codes that libdeflate takes for others (lib/io/png_fast.h). */
static bool is_about_codes(const char *message) {
  return strstr(message, "distance code") || strstr(message, "literal/length code") ||
         strstr(message, "length or distance symbols") || strstr(message, "code lengths set");
}

static int accepted, refused, forged;

/* `with_sums`: the sums were made anew, as damage does not. */
static void check_agree(io_bytes file, bool with_sums) {
  fm_raster *at_once = NULL, *piecewise = NULL;
  fm_error err = {0}, other = {0};
  fm_status status = fm_mask_decode(context, file.data, file.size, NULL, &at_once, &err);
  fm_status expected = read_padded(file, &piecewise, &other);
  if (with_sums && !status && expected && is_about_codes(other.message)) {
    forged++;
  } else {
    ck_assert_msg(!status == !expected, "at once: %d %s, by libpng: %d %s", (int)status,
                  status ? err.message : "", (int)expected, expected ? other.message : "");
    if (!status) check_same(at_once, piecewise);
    if (status) ck_assert_int_eq(status, expected);
  }
  if (status)
    refused++;
  else
    accepted++;
  fm_raster_destroy(at_once);
  fm_raster_destroy(piecewise);
}

/* ---- Damage --------------------------------------------------------------------- */

static uint32_t get_u32(const unsigned char *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Puts the right sums into the chunks that a file has. */
static io_bytes repaired(io_bytes file) {
  io_bytes out = {0};
  io_append(&out, file.data, file.size);
  for (size_t at = 8; out.size >= 12 && at <= out.size - 12;) {
    size_t length = get_u32(out.data + at);
    if (length > out.size - 12 - at) break;
    uint32_t sum = (uint32_t)crc32(0, out.data + at + 4, (uInt)(length + 4));
    for (int i = 0; i < 4; i++)
      out.data[at + 8 + length + (size_t)i] = (unsigned char)(sum >> (24 - 8 * i));
    at += 12 + length;
  }
  return out;
}

static void check_byte(io_bytes file, size_t at, unsigned char value) {
  unsigned char was = file.data[at];
  file.data[at] = value;
  check_agree(file, false);
  io_bytes other = repaired(file);
  check_agree(other, true);
  io_bytes_free(&other);
  file.data[at] = was;
}

static void check_byte_values(io_bytes file, size_t at) {
  unsigned char was = file.data[at];
  for (int bit = 0; bit < 8; bit++) check_byte(file, at, (unsigned char)(was ^ 1U << bit));
  check_byte(file, at, 0);
  check_byte(file, at, 255);
  check_byte(file, at, (unsigned char)(was + 1));
}

static void check_cut(io_bytes file, size_t size) {
  io_bytes shorter = {file.data, size};
  fm_raster *raster = NULL;
  fm_error err = {0};
  /* Padding would make up for what is missing, so only what is read at once counts: nothing. */
  if (size < file.size) ck_assert(fm_mask_decode(context, shorter.data, size, NULL, &raster, &err));
  fm_raster_destroy(raster);
}

static void check_file(io_bytes file, size_t step) {
  check_agree(file, false);
  ck_assert_int_gt(accepted, 0);
  size_t ends = step > 1 ? 400 : file.size;
  for (size_t at = 0; at < file.size; at++) {
    bool near_an_end = at < ends || file.size - at < ends;
    if (!near_an_end && at % step) continue;
    check_byte_values(file, at);
    check_cut(file, at);
  }
}

/* ---- Files ---------------------------------------------------------------------- */

static const struct {
  int color, depth;
  bool interlaced, transparent, plain;
} kinds[] = {
    {IO_GRAY, 8, false, false, false},  {IO_GRAY, 8, false, false, true},
    {IO_GRAY, 1, false, true, false},   {IO_GRAY, 2, true, false, false},
    {IO_GRAY, 4, false, false, false},  {IO_GRAY, 16, false, false, false},
    {IO_PALETTE, 8, false, true, true}, {IO_PALETTE, 1, false, false, false},
    {IO_PALETTE, 4, true, true, false}, {IO_PALETTE, 2, false, false, true},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static io_bytes small_file(int kind, uint32_t width, uint32_t height) {
  uint16_t *samples = calloc((size_t)width * height, sizeof *samples);
  ck_assert_ptr_nonnull(samples);
  for (uint32_t i = 0; !kinds[kind].plain && i < width * height; i++)
    samples[i] = (uint16_t)(i * i * 7 % 251 & ((1U << kinds[kind].depth) - 1));
  io_png png = {.width = width,
                .height = height,
                .depth = kinds[kind].depth,
                .color = kinds[kind].color,
                .interlaced = kinds[kind].interlaced,
                .transparent = kinds[kind].transparent,
                .palette_size = kinds[kind].color == IO_PALETTE && kinds[kind].depth > 2 ? 5 : 0,
                .samples = samples};
  io_bytes file = io_png_file(&png);
  free(samples);
  return file;
}

START_TEST(damage_at_every_byte) {
  if (!io_has_png()) return;
  accepted = refused = forged = 0;
  io_bytes file = small_file(_i, 9, 5);
  check_file(file, 1);
  ck_assert_int_gt(refused, 100);
  /* Sums of text and the like do not count. */
  ck_assert_int_gt(accepted, 1);
  io_bytes_free(&file);
}
END_TEST

/* Chunks of all sorts around the pixels: in pieces, with hints, in an order that is wrong. */
static io_bytes file_of_chunks(int variant) {
  uint16_t samples[35];
  for (int i = 0; i < 35; i++) samples[i] = (uint16_t)(i % 3);
  int color = variant & 1 ? IO_PALETTE : IO_GRAY;
  io_png png = {
      .width = 7, .height = 5, .depth = 8, .color = color, .palette_size = 4, .samples = samples};
  io_bytes file = io_png_head(&png), stream = io_png_stream(&png);
  static const unsigned char hint[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  switch (variant / 2) {
    case 0: /* in pieces, one of them empty */
      io_chunk(&file, "tEXt", "Comment\0x", 9);
      io_chunk(&file, "IDAT", stream.data, 3);
      io_chunk(&file, "IDAT", "", 0);
      io_chunk(&file, "IDAT", stream.data + 3, stream.size - 3);
      break;
    case 1: /* a palette for displays, or one too many */
      io_chunk(&file, "PLTE", hint, 12);
      io_chunk(&file, "IDAT", stream.data, stream.size);
      break;
    case 2: /* two of them, or three */
      io_chunk(&file, "PLTE", hint, 12);
      io_chunk(&file, "PLTE", hint, 12);
      io_chunk(&file, "IDAT", stream.data, stream.size);
      break;
    case 3: /* behind the pixels */
      io_chunk(&file, "IDAT", stream.data, stream.size);
      io_chunk(&file, "PLTE", hint, 12);
      io_chunk(&file, "tEXt", "Comment\0x", 9);
      break;
    case 4: /* the pieces apart */
      io_chunk(&file, "IDAT", stream.data, 3);
      io_chunk(&file, "tEXt", "Comment\0x", 9);
      io_chunk(&file, "IDAT", stream.data + 3, stream.size - 3);
      break;
    case 5: /* no chunk that has such a name */
      io_chunk(&file, "te t", "x", 1);
      io_chunk(&file, "IDAT", stream.data, stream.size);
      break;
    case 6: /* one that no reader may pass over */
      io_chunk(&file, "TEXT", "x", 1);
      io_chunk(&file, "IDAT", stream.data, stream.size);
      break;
    case 7: /* too much */
      io_append(&stream, "xyz", 3);
      io_chunk(&file, "IDAT", stream.data, stream.size);
      io_chunk(&file, "IDAT", "more", 4);
      break;
    default: /* transparency of the wrong size, twice */
      io_chunk(&file, "tRNS", hint, 11);
      io_chunk(&file, "tRNS", hint, 1);
      io_chunk(&file, "IDAT", stream.data, stream.size);
  }
  if (variant % 4 < 3) io_chunk(&file, "IEND", "", 0);
  io_bytes_free(&stream);
  return file;
}

START_TEST(chunks_of_all_sorts) {
  if (!io_has_png()) return;
  accepted = refused = forged = 0;
  io_bytes file = file_of_chunks(_i);
  check_agree(file, false);
  for (size_t at = 8; at < file.size; at++) check_byte_values(file, at);
  io_bytes_free(&file);
}
END_TEST

/* A window that is smaller than the distances that are used. */
START_TEST(small_windows) {
  if (!io_has_png()) return;
  enum { SIDE = 300 };
  uint16_t *samples = calloc((size_t)SIDE * SIDE, sizeof *samples);
  ck_assert_ptr_nonnull(samples);
  for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) samples[i] = (uint16_t)(i % 20000 * 7919 % 251);
  io_png png = {.width = SIDE, .height = SIDE, .depth = 8, .samples = samples};
  io_bytes stream = io_png_stream(&png);
  for (unsigned window = 0; window < 8; window++) {
    io_bytes file = io_png_head(&png);
    stream.data[0] = (unsigned char)(8 | window << 4);
    stream.data[1] = (unsigned char)(31 - (stream.data[0] << 8) % 31);
    io_chunk(&file, "IDAT", stream.data, stream.size);
    io_chunk(&file, "IEND", "", 0);
    check_agree(file, false);
    io_bytes_free(&file);
  }
  io_bytes_free(&stream);
  free(samples);
}
END_TEST

/* Longer than the window, so that a file and its bytes in memory are read in different ways. */
START_TEST(damage_in_a_large_file) {
  if (!io_has_png()) return;
  accepted = refused = forged = 0;
  enum { SIDE = 420 };
  uint16_t *samples = calloc((size_t)SIDE * SIDE, sizeof *samples);
  ck_assert_ptr_nonnull(samples);
  uint32_t state = 1;
  for (size_t i = 0; i < (size_t)SIDE * SIDE; i++) {
    state = state * 1664525 + 1013904223;
    samples[i] = (uint16_t)(state >> 24);
  }
  io_png png = {.width = SIDE, .height = SIDE, .depth = 8, .samples = samples};
  io_bytes file = io_png_file(&png);
  ck_assert_uint_gt(file.size, 150 * 1024);
  check_agree(file, false);
  for (size_t at = 0; at < file.size; at++)
    if (at < 60 || file.size - at < 24 || at % 9973 == 0)
      check_byte(file, at, file.data[at] ^ 0x10);
  ck_assert_int_gt(refused, 50);
  io_bytes_free(&file);
  free(samples);
}
END_TEST

/* ---- Writers and readers -------------------------------------------------------- */

static const int64_t sides[][2] = {
    {1, 1000001}, {1000001, 1}, {2, 3000000}, {5000000, 1}, {1, 65536}};

enum { SIDES = sizeof sides / sizeof *sides };

START_TEST(as_wide_as_they_come) {
  if (!io_has_png()) return;
  int64_t height = sides[_i][0], width = sides[_i][1];
  unsigned char *pixels = malloc((size_t)(height * width));
  ck_assert_ptr_nonnull(pixels);
  for (int64_t i = 0; i < height * width; i++) pixels[i] = (unsigned char)(i * 31 % 19);
  fm_plane mask = fm_plane_make(pixels, FM_U8, height, width);
  for (int npy = 0; npy < 2; npy++) {
    const char *path = io_path(npy ? "wide.npy" : "wide.png");
    if (npy)
      KIT_OK(fm_npy_write(context, path, &mask, NULL, &err));
    else
      KIT_OK(fm_mask_write(context, path, &mask, NULL, &err));
    fm_raster *raster = NULL;
    KIT_OK(fm_mask_read(context, path, NULL, &raster, &err));
    fm_plane plane = fm_raster_plane(raster);
    ck_assert_int_eq(plane.height, height);
    ck_assert_int_eq(plane.width, width);
    ck_assert_mem_eq(plane.data, pixels, (size_t)(height * width));
    fm_raster_destroy(raster);
  }
  free(pixels);
}
END_TEST

Suite *io_agree_suite(void) {
  Suite *suite = suite_create("io_agree");
  TCase *tests = tcase_create("agree");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, damage_at_every_byte, 0, KINDS);
  tcase_add_loop_test(tests, chunks_of_all_sorts, 0, 18);
  tcase_add_test(tests, small_windows);
  tcase_add_test(tests, damage_in_a_large_file);
  tcase_add_loop_test(tests, as_wide_as_they_come, 0, SIDES);
  suite_add_tcase(suite, tests);
  return suite;
}
