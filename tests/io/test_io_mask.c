/* io/test_io_mask.c - reading masks: every kind of PNG, and what is refused.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "test_io_kit.h"

static fm_context *context;

static void set_up(void) { context = kit_plain_context(); }
static void tear_down(void) { fm_context_destroy(context); }

static fm_status decode(io_bytes file, fm_raster **out, fm_error *err) {
  return fm_mask_decode(context, file.data, file.size, NULL, out, err);
}

/* Refuses the file, leaves the output alone, frees the file. */
#define REFUSES(expected, text, file)                            \
  do {                                                           \
    io_bytes refused_file = (file);                              \
    fm_raster *out = KIT_SENTINEL;                               \
    KIT_FAILS(expected, text, decode(refused_file, &out, &err)); \
    ck_assert_ptr_eq(out, KIT_SENTINEL);                         \
    io_bytes_free(&refused_file);                                \
  } while (0)

/* ---- Numbers -------------------------------------------------------------------- */

static void check_numbers(const io_png *png) {
  io_bytes file = io_png_file(png);
  fm_raster *raster = NULL;
  KIT_OK(decode(file, &raster, &err));
  fm_plane plane = fm_raster_plane(raster);
  ck_assert_int_eq(plane.dtype, png->depth == 16 ? FM_U16 : FM_U8);
  ck_assert_int_eq(plane.width, png->width);
  ck_assert_int_eq(plane.height, png->height);
  ck_assert_int_eq(fm_raster_bit_depth(raster), png->depth);
  ck_assert_ptr_null(fm_raster_volume(raster).data);
  for (int64_t y = 0; y < plane.height; y++)
    for (int64_t x = 0; x < plane.width; x++)
      ck_assert_int_eq(kit_get_int(&plane, y, x), png->samples[y * plane.width + x]);
  fm_raster_destroy(raster);
  io_bytes_free(&file);
}

static void check_depth(int color, int depth) {
  uint64_t state = (uint64_t)(color * 100 + depth);
  uint16_t samples[23 * 19];
  for (int round = 0; round < 24; round++) {
    io_png png = {.width = 1 + (uint32_t)kit_below(&state, 23),
                  .height = 1 + (uint32_t)kit_below(&state, 19),
                  .depth = depth,
                  .color = color,
                  .interlaced = round & 1,
                  .samples = samples,
                  .transparent = round & 2};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
      samples[i] = (uint16_t)(kit_random(&state) & ((1U << depth) - 1));
    check_numbers(&png);
  }
}

START_TEST(gray_is_read_as_stored) {
  if (!io_has_png()) return;
  static const int depths[] = {1, 2, 4, 8, 16};
  for (size_t i = 0; i < 5; i++) check_depth(IO_GRAY, depths[i]);
}
END_TEST

START_TEST(palette_is_read_as_index) {
  if (!io_has_png()) return;
  static const int depths[] = {1, 2, 4, 8};
  for (size_t i = 0; i < 4; i++) check_depth(IO_PALETTE, depths[i]);
}
END_TEST

/* A row's bytes with its filter undone, by the letter of the standard. */
static void undo_filter(int filter, unsigned char *row, const unsigned char *above, int size,
                        int pixel) {
  for (int x = 0; x < size; x++) {
    int a = x < pixel ? 0 : row[x - pixel], b = above[x], c = x < pixel ? 0 : above[x - pixel];
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    int paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    const int predicted[5] = {0, a, b, (a + b) / 2, paeth};
    row[x] = (unsigned char)(row[x] + predicted[filter]);
  }
}

/* Any bytes are rows, whatever the filter: decoded here and by the library. */
static void check_filters(int depth, int color, uint64_t *state) {
  enum { HEIGHT = 40, WIDTH = 37, MOST = 1 + 2 * WIDTH };
  int size = (WIDTH * depth + 7) / 8, pixel = depth == 16 ? 2 : 1;
  unsigned char raw[HEIGHT * MOST], rows[HEIGHT + 1][MOST] = {{0}};
  for (int y = 0; y < HEIGHT; y++) {
    unsigned char *from = raw + y * (size + 1), *row = rows[y + 1];
    from[0] = (unsigned char)kit_below(state, 5);
    for (int x = 0; x < size; x++) row[x] = from[x + 1] = (unsigned char)kit_random(state);
    undo_filter(from[0], row, rows[y], size, pixel);
  }
  unsigned char stream[HEIGHT * MOST + 100];
  uLongf length = sizeof stream;
  ck_assert_int_eq(compress(stream, &length, raw, (uLong)(HEIGHT * (size + 1))), Z_OK);
  io_png png = {.width = WIDTH, .height = HEIGHT, .depth = depth, .color = color};
  io_bytes file = io_png_head(&png);
  size_t third = length / 3; /* in several pieces, one of them empty */
  io_chunk(&file, "IDAT", stream, third);
  io_chunk(&file, "IDAT", "", 0);
  io_chunk(&file, "IDAT", stream + third, length - third);
  io_chunk(&file, "tEXt", "a", 1);
  io_chunk(&file, "IEND", "", 0);
  fm_raster *raster = NULL;
  KIT_OK(decode(file, &raster, &err));
  fm_plane plane = fm_raster_plane(raster);
  for (int y = 0; y < HEIGHT; y++)
    for (int x = 0; x < WIDTH; x++) {
      const unsigned char *row = rows[y + 1];
      int value = depth == 16
                      ? row[2 * x] << 8 | row[2 * x + 1]
                      : row[x * depth / 8] >> (8 - depth - x * depth % 8) & ((1 << depth) - 1);
      ck_assert_int_eq(kit_get_int(&plane, y, x), value);
    }
  fm_raster_destroy(raster);
  io_bytes_free(&file);
}

START_TEST(every_filter_is_undone) {
  if (!io_has_png()) return;
  uint64_t state = 21;
  for (int depth = 1; depth <= 16; depth *= 2)
    for (int round = 0; round < 4; round++)
      check_filters(depth, round & 1 && depth < 16 ? IO_PALETTE : IO_GRAY, &state);
}
END_TEST

/* Two chunks of pixels with another between them. */
START_TEST(divided_pixels_are_refused) {
  if (!io_has_png()) return;
  io_png png = {.width = 9, .height = 9, .depth = 8, .color = IO_GRAY};
  io_bytes file = io_png_head(&png), stream = io_png_stream(&png);
  io_chunk(&file, "IDAT", stream.data, stream.size / 2);
  io_chunk(&file, "tEXt", "a", 1);
  io_chunk(&file, "IDAT", stream.data + stream.size / 2, stream.size - stream.size / 2);
  io_chunk(&file, "IEND", "", 0);
  REFUSES(FM_ERR_FORMAT, "PNG is damaged: ", file);
  io_bytes_free(&stream);
}
END_TEST

START_TEST(palette_is_kept) {
  if (!io_has_png()) return;
  static const uint8_t palette[] = {1, 2, 3, 40, 50, 60, 255, 0, 255};
  static const uint16_t samples[] = {0, 1, 2, 3}; /* 3 is beyond the palette, and a label */
  io_png png = {2, 2, 8, IO_PALETTE, false, samples, palette, 3, false};
  io_bytes file = io_png_file(&png);
  fm_raster *raster = NULL;
  KIT_OK(decode(file, &raster, &err));
  ck_assert_int_eq(fm_raster_palette_size(raster), 3);
  for (int i = 0; i < 3; i++) {
    uint8_t rgb[3];
    KIT_OK(fm_raster_palette_entry(raster, i, rgb, &err));
    ck_assert_mem_eq(rgb, palette + 3 * i, 3);
  }
  uint8_t rgb[3] = {7, 8, 9};
  KIT_FAILS(FM_ERR_ARGUMENT, "index is 3, the palette has 3 entries",
            fm_raster_palette_entry(raster, 3, rgb, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "index is -1", fm_raster_palette_entry(raster, -1, rgb, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "rgb is NULL", fm_raster_palette_entry(raster, 0, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "raster is NULL", fm_raster_palette_entry(NULL, 0, rgb, &err));
  ck_assert_int_eq(rgb[0], 7);
  fm_plane plane = fm_raster_plane(raster);
  ck_assert_int_eq(kit_get_int(&plane, 1, 1), 3);
  fm_raster_destroy(raster);
  io_bytes_free(&file);
}
END_TEST

START_TEST(rasters_outlive_their_context_and_null_is_fine) {
  if (!io_has_png()) return;
  static const uint16_t samples[] = {9};
  io_png png = {1, 1, 8, IO_GRAY, false, samples, NULL, 0, false};
  io_bytes file = io_png_file(&png);
  fm_context *own = kit_plain_context();
  fm_raster *raster = NULL;
  KIT_OK(fm_mask_decode(own, file.data, file.size, NULL, &raster, &err));
  fm_context_destroy(own);
  fm_plane plane = fm_raster_plane(raster);
  ck_assert_int_eq(kit_get_int(&plane, 0, 0), 9);
  fm_raster_destroy(raster);
  fm_raster_destroy(NULL);
  ck_assert_ptr_null(fm_raster_plane(NULL).data);
  ck_assert_ptr_null(fm_raster_volume(NULL).data);
  ck_assert_int_eq(fm_raster_bit_depth(NULL), 0);
  ck_assert_int_eq(fm_raster_palette_size(NULL), 0);
  io_bytes_free(&file);
}
END_TEST

/* ---- Refusals ------------------------------------------------------------------- */

/* Three equal channels and opaque alpha are one number. */
START_TEST(equal_channels_are_one_number) {
  if (!io_has_png()) return;
  static const int colors[] = {IO_RGB, IO_RGB_ALPHA, IO_GRAY_ALPHA};
  for (int i = 0; i < 12; i++) {
    const int color = colors[i % 3], depth = i / 3 % 2 ? 16 : 8;
    const int channels = color == IO_RGB ? 3 : color == IO_RGB_ALPHA ? 4 : 2;
    uint16_t samples[5 * 7 * 4], truth[5 * 7];
    for (int p = 0; p < 35; p++) {
      truth[p] = (uint16_t)(depth == 16 ? 60000 - 1000 * p : 255 - p);
      for (int c = 0; c < channels; c++) samples[channels * p + c] = truth[p];
      if (channels != 3)
        samples[channels * p + channels - 1] = (uint16_t)(depth == 16 ? 65535 : 255);
    }
    io_png png = {5, 7, depth, color, i >= 6, samples, NULL, 0, false};
    io_bytes file = io_png_file(&png);
    fm_raster *raster = NULL;
    KIT_OK(decode(file, &raster, &err));
    fm_plane plane = fm_raster_plane(raster);
    ck_assert_int_eq(plane.dtype, depth == 16 ? FM_U16 : FM_U8);
    ck_assert_int_eq(fm_raster_bit_depth(raster), depth);
    for (int p = 0; p < 35; p++) ck_assert_int_eq(kit_get_int(&plane, p / 5, p % 5), truth[p]);
    fm_raster_destroy(raster);
    io_bytes_free(&file);
  }
}
END_TEST

START_TEST(colors_are_refused) {
  if (!io_has_png()) return;
  for (int i = 0; i < 12; i++) {
    static const int colors[] = {IO_RGB, IO_RGB_ALPHA, IO_GRAY_ALPHA};
    const int color = colors[i % 3], depth = i / 3 % 2 ? 16 : 8;
    const int channels = color == IO_RGB ? 3 : color == IO_RGB_ALPHA ? 4 : 2;
    const uint16_t most = (uint16_t)(depth == 16 ? 65535 : 255);
    uint16_t samples[3 * 2 * 4];
    for (int s = 0; s < 24; s++) samples[s] = most;
    samples[channels * 4 + channels - 1] = 254; /* pixel (1, 1): its blue, or its alpha */
    io_png png = {3, 2, depth, color, i >= 6, samples, NULL, 0, false};
    REFUSES(FM_ERR_UNSUPPORTED,
            color != IO_RGB ? "is not opaque at pixel (x 1, y 1)"
            : depth == 8    ? "holds colors, pixel (x 1, y 1) is #fffffe"
                            : "holds colors, pixel (x 1, y 1) is colored",
            io_png_file(&png));
    REFUSES(FM_ERR_UNSUPPORTED, "freemask convert", io_png_file(&png));
  }
}
END_TEST

/* Every type of PNG as red + 256 green + 65536 blue + 2^24 opacity. */
START_TEST(colors_are_read) {
  if (!io_has_png()) return;
  static const uint8_t palette[] = {10, 20, 30, 40, 50, 60};
  static const uint16_t rgb[] = {1, 2, 3, 4, 5, 6}, rgba[] = {1, 2, 3, 4, 5, 6, 7, 0};
  static const uint16_t gray[] = {7, 255}, index[] = {1, 0}, two[] = {2, 3};
  static const struct {
    io_png png;
    uint32_t truth[2];
  } cases[] = {{{2, 1, 8, IO_RGB, false, rgb, NULL, 0, false}, {0xFF030201, 0xFF060504}},
               {{2, 1, 8, IO_RGB_ALPHA, false, rgba, NULL, 0, false}, {0x04030201, 0x00070605}},
               {{2, 1, 8, IO_GRAY, false, gray, NULL, 0, false}, {0xFF070707, 0xFFFFFFFF}},
               {{2, 1, 2, IO_GRAY, false, two, NULL, 0, false}, {0xFFAAAAAA, 0xFFFFFFFF}},
               {{2, 1, 8, IO_PALETTE, false, index, palette, 2, false}, {0xFF3C3228, 0xFF1E140A}},
               {{2, 1, 8, IO_RGB, true, rgb, NULL, 0, false}, {0xFF030201, 0xFF060504}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    io_bytes file = io_png_file(&cases[i].png);
    fm_raster *raster = NULL;
    KIT_OK(fm_colors_decode(context, file.data, file.size, NULL, &raster, &err));
    fm_plane plane = fm_raster_plane(raster);
    ck_assert_int_eq(plane.dtype, FM_U32);
    for (int x = 0; x < 2; x++) ck_assert_int_eq(kit_get_int(&plane, 0, x), cases[i].truth[x]);
    fm_raster_destroy(raster);
    io_bytes_free(&file);
  }
}
END_TEST

static io_bytes literal(const char *text, size_t size) {
  io_bytes bytes = {0};
  io_append(&bytes, text, size);
  return bytes;
}

START_TEST(other_files_are_named) {
  static const struct {
    const char *bytes;
    size_t size;
    const char *name;
  } files[] = {
      {"", 0, "is empty, expected a mask as PNG, TIFF, NPY or NPZ"},
      {"BM\x36\0\0\0", 6, "looks like a BMP image, expected a mask as PNG, TIFF, NPY or NPZ"},
      {"GIF89a", 6, "a GIF image"},
      {"RIFF\0\0\0\0WEBP", 12, "is a WebP image: its compression changes numbers"},
      {"PK\x05\x06", 4, "an empty ZIP archive"},
      {"\xff\xd8\xff\xe0\0\x10JFIF", 10, "is a JPEG image: its compression changes numbers"},
      {"labels: 1 2 3\n", 14, "looks like a text file"},
      {"\x89PNG\n\x1a\n", 7, "a PNG image that went through a text conversion"},
      {"version https://git-lfs.github.com", 34, "a Git LFS pointer"},
      {"\0\0\0\0\0\0\0\0", 8, "a file of zeros"},
      {"\x80\x04\x95", 3, "a Python pickle"},
      {"\x01\x02\x03", 3, "no file format that is known here"},
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    REFUSES(FM_ERR_FORMAT, files[i].name, literal(files[i].bytes, files[i].size));
}
END_TEST

START_TEST(truncated_png_is_refused_at_every_byte) {
  if (!io_has_png()) return;
  uint16_t samples[40 * 30];
  uint64_t state = 5;
  for (size_t i = 0; i < 1200; i++) samples[i] = (uint16_t)kit_below(&state, 256);
  for (int interlaced = 0; interlaced < 2; interlaced++) {
    io_png png = {40, 30, 8, IO_PALETTE, interlaced, samples, NULL, 0, false};
    io_bytes file = io_png_file(&png);
    for (size_t size = 8; size < file.size; size++)
      REFUSES(FM_ERR_FORMAT,
              size < 16 ? NULL : "PNG is damaged: ", literal((const char *)file.data, size));
    io_bytes_free(&file);
  }
}
END_TEST

START_TEST(changed_bytes_are_found) {
  if (!io_has_png()) return;
  uint16_t samples[12 * 9];
  uint64_t state = 5;
  for (size_t i = 0; i < 108; i++) samples[i] = (uint16_t)kit_below(&state, 256);
  io_png png = {12, 9, 8, IO_GRAY, false, samples, NULL, 0, false};
  io_bytes file = io_png_file(&png);
  for (size_t at = 8; at < file.size; at++) {
    io_bytes damaged = literal((const char *)file.data, file.size);
    damaged.data[at] ^= 0x10;
    fm_raster *raster = NULL;
    fm_error err = kit_error();
    fm_status status = decode(damaged, &raster, &err);
    /* All of IHDR, IDAT and IEND is checked by their sums. */
    ck_assert_msg(status == FM_ERR_FORMAT || status == FM_ERR_UNSUPPORTED || status == FM_ERR_LIMIT,
                  "byte %zu: %s", at, fm_status_name(status));
    io_bytes_free(&damaged);
  }
  io_bytes_free(&file);
}
END_TEST

/* A PNG whose stream of pixels is given. */
static io_bytes with_stream(const io_png *png, io_bytes stream) {
  io_bytes file = io_png_head(png);
  io_chunk(&file, "IDAT", stream.data, stream.size);
  io_chunk(&file, "IEND", "", 0);
  io_bytes_free(&stream);
  return file;
}

START_TEST(too_few_pixels_are_refused) {
  if (!io_has_png()) return;
  io_png small = {.width = 16, .height = 15, .depth = 8, .color = IO_GRAY};
  io_png claims = {.width = 16, .height = 16, .depth = 8, .color = IO_GRAY};
  REFUSES(FM_ERR_FORMAT, "Not enough image data", with_stream(&claims, io_png_stream(&small)));
  io_bytes none = io_png_head(&claims);
  io_chunk(&none, "IEND", "", 0);
  REFUSES(FM_ERR_FORMAT, "PNG is damaged: ", none);
}
END_TEST

START_TEST(what_follows_the_end_does_not_matter) {
  if (!io_has_png()) return;
  static const uint16_t samples[] = {1, 2, 3, 4};
  io_png png = {2, 2, 8, IO_GRAY, false, samples, NULL, 0, false};
  io_bytes file = io_png_file(&png);
  io_append(&file, "garbage", 7);
  fm_raster *raster = NULL;
  KIT_OK(decode(file, &raster, &err));
  fm_raster_destroy(raster);
  io_bytes_free(&file);
}
END_TEST

START_TEST(damaged_extras_do_not_matter) {
  if (!io_has_png()) return;
  static const uint16_t samples[] = {1, 2, 3, 4};
  io_png png = {2, 2, 8, IO_GRAY, false, samples, NULL, 0, false};
  io_bytes file = io_png_head(&png), stream = io_png_stream(&png);
  io_chunk(&file, "gAMA", "\0\0\0\1", 4);
  io_chunk(&file, "iCCP", "nonsense", 8);
  io_chunk(&file, "zTXt", "more of it", 10);
  file.data[file.size - 1] ^= 1;
  io_chunk(&file, "IDAT", stream.data, stream.size);
  io_chunk(&file, "IEND", "", 0);
  fm_raster *raster = NULL;
  KIT_OK(decode(file, &raster, &err));
  fm_plane plane = fm_raster_plane(raster);
  ck_assert_int_eq(kit_get_int(&plane, 1, 0), 3);
  fm_raster_destroy(raster);
  io_bytes_free(&stream);
  io_bytes_free(&file);
}
END_TEST

/* ---- Limits --------------------------------------------------------------------- */

/* A large picture of one color would fit 1032 to 1; these claim more. */
START_TEST(bombs_cost_no_memory) {
  if (!io_has_png()) return;
  io_png tiny = {.width = 1, .height = 1, .depth = 8, .color = IO_GRAY};
  io_png huge = {.width = 16384, .height = 16384, .depth = 8, .color = IO_GRAY};
  kit_allocator allocator;
  fm_context *own = kit_context(&allocator);
  io_bytes file = with_stream(&huge, io_png_stream(&tiny));
  fm_raster *out = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_FORMAT, "PNG claims 16384x16384 pixels, but 67 bytes of file cannot hold them",
            fm_mask_decode(own, file.data, file.size, NULL, &out, &err));
  KIT_FAILS(FM_ERR_FORMAT, "cannot hold them",
            fm_image_decode(own, file.data, file.size, NULL, &out, &err));
  ck_assert_ptr_eq(out, KIT_SENTINEL);
  ck_assert_int_eq(atomic_load(&allocator.living), 1);
  io_bytes_free(&file);
  fm_context_destroy(own);
}
END_TEST

START_TEST(limits_hold) {
  if (!io_has_png()) return;
  io_png large = {.width = 16385, .height = 16384, .depth = 8, .color = IO_GRAY};
  io_png tiny = {.width = 1, .height = 1, .depth = 8, .color = IO_GRAY};
  REFUSES(FM_ERR_LIMIT, "has 16385x16384 pixels, more than the limit of 268435456 (max_pixels)",
          with_stream(&large, io_png_stream(&tiny)));
  io_png wide = {.width = 2000000, .height = 1, .depth = 8, .color = IO_GRAY};
  REFUSES(FM_ERR_FORMAT, "67 bytes of file cannot hold them",
          with_stream(&wide, io_png_stream(&tiny)));
  io_png most = {.width = 0x7FFFFFFF, .height = 0x7FFFFFFF, .depth = 16, .color = IO_GRAY};
  if (sizeof(size_t) == 8) /* else libpng has its own limit */
    REFUSES(FM_ERR_LIMIT, "max_pixels", with_stream(&most, io_png_stream(&tiny)));

  io_png png = {.width = 10, .height = 10, .depth = 8, .color = IO_GRAY};
  io_bytes file = io_png_file(&png);
  fm_read_options options = {
      .size = sizeof options, .max_pixels = 100, .max_bytes = (int64_t)file.size};
  fm_raster *raster = NULL;
  KIT_OK(fm_mask_decode(context, file.data, file.size, &options, &raster, &err));
  fm_raster_destroy(raster);
  options.max_pixels = 99;
  KIT_FAILS(FM_ERR_LIMIT, "has 10x10 pixels, more than the limit of 99 (max_pixels)",
            fm_mask_decode(context, file.data, file.size, &options, &raster, &err));
  options = (fm_read_options){.size = sizeof options, .max_bytes = (int64_t)file.size - 1};
  KIT_FAILS(FM_ERR_LIMIT, "(max_bytes)",
            fm_mask_decode(context, file.data, file.size, &options, &raster, &err));
  options = (fm_read_options){.size = sizeof options, .max_pixels = -1};
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_read_options: max_pixels is -1, expected 0 or more",
            fm_mask_decode(context, file.data, file.size, &options, &raster, &err));
  options = (fm_read_options){.size = sizeof options, .max_bytes = -2};
  KIT_FAILS(FM_ERR_ARGUMENT, "max_bytes is -2",
            fm_mask_decode(context, file.data, file.size, &options, &raster, &err));
  io_bytes_free(&file);
}
END_TEST

/* ---- Calls ---------------------------------------------------------------------- */

static fm_status make(const void *options, void *file, fm_error *err) {
  const io_bytes *bytes = file;
  fm_raster *raster = NULL;
  fm_status status = fm_mask_decode(context, bytes->data, bytes->size, options, &raster, err);
  fm_raster_destroy(raster);
  return status;
}

START_TEST(options_may_be_of_another_age) {
  if (!io_has_png()) return;
  io_png png = {.width = 1, .height = 1, .depth = 1, .color = IO_GRAY};
  io_bytes file = io_png_file(&png);
  fm_read_options options = {.size = sizeof options, .max_pixels = 7, .max_bytes = 1000};
  kit_options_rule("fm_read_options", &options, sizeof options, make, &file);
  io_bytes_free(&file);
}
END_TEST

START_TEST(null_is_refused) {
  fm_raster *out = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_mask_read: context is NULL",
            fm_mask_read(NULL, "x", NULL, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_mask_read: path is NULL",
            fm_mask_read(context, NULL, NULL, &out, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_mask_read: out is NULL",
            fm_mask_read(context, "x", NULL, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_mask_decode: data is NULL",
            fm_mask_decode(context, NULL, 1, NULL, &out, &err));
  KIT_FAILS(FM_ERR_FORMAT, "is empty", fm_mask_decode(context, NULL, 0, NULL, &out, &err));
  ck_assert_ptr_eq(out, KIT_SENTINEL);
  ck_assert_int_eq(fm_mask_decode(context, NULL, 0, NULL, &out, NULL), FM_ERR_FORMAT);
}
END_TEST

static fm_status scenario(fm_context *own, void *file, fm_error *err) {
  fm_raster *raster = NULL;
  fm_status status =
      fm_mask_decode(own, ((io_bytes *)file)->data, ((io_bytes *)file)->size, NULL, &raster, err);
  fm_raster_destroy(raster);
  return status;
}

static fm_status colors_scenario(fm_context *own, void *file, fm_error *err) {
  fm_raster *raster = NULL;
  fm_status status =
      fm_colors_decode(own, ((io_bytes *)file)->data, ((io_bytes *)file)->size, NULL, &raster, err);
  fm_raster_destroy(raster);
  return status;
}

START_TEST(every_allocation_may_fail) {
  if (!io_has_png()) return;
  uint16_t samples[64 * 64];
  uint64_t state = 5;
  for (size_t i = 0; i < 4096; i++) samples[i] = (uint16_t)kit_below(&state, 4);
  for (int interlaced = 0; interlaced < 2; interlaced++) {
    io_png png = {64, 64, 2, IO_PALETTE, interlaced, samples, NULL, 0, true};
    io_bytes file = io_png_file(&png);
    kit_every_allocation_fails(scenario, &file, interlaced ? 5 : 3);
    kit_every_allocation_fails(colors_scenario, &file, 4);
    io_bytes_free(&file);
    uint16_t equal[3 * 64 * 64];
    for (size_t i = 0; i < 3 * 4096; i++) equal[i] = samples[i / 3];
    io_png rgb = {64, 64, 8, IO_RGB, interlaced, equal, NULL, 0, false};
    file = io_png_file(&rgb);
    kit_every_allocation_fails(scenario, &file, 5);
    io_bytes_free(&file);
  }
}
END_TEST

START_TEST(builds_without_png_say_so) {
  if (io_has_png()) return;
  io_png png = {.width = 1, .height = 1, .depth = 1, .color = IO_GRAY};
  REFUSES(FM_ERR_UNSUPPORTED, "built without PNG (libpng)", io_png_file(&png));
  uint8_t pixel = 0;
  fm_plane plane = fm_plane_make(&pixel, FM_U8, 1, 1);
  KIT_FAILS(FM_ERR_UNSUPPORTED, "built without PNG (libpng)",
            fm_mask_encode(context, &plane, NULL, io_collect, NULL, &err));
}
END_TEST

Suite *io_mask_suite(void) {
  Suite *suite = suite_create("io: masks");
  TCase *numbers = tcase_create("numbers");
  tcase_add_checked_fixture(numbers, set_up, tear_down);
  tcase_add_test(numbers, gray_is_read_as_stored);
  tcase_add_test(numbers, palette_is_read_as_index);
  tcase_add_test(numbers, every_filter_is_undone);
  tcase_add_test(numbers, palette_is_kept);
  tcase_add_test(numbers, rasters_outlive_their_context_and_null_is_fine);
  suite_add_tcase(suite, numbers);
  TCase *refusals = tcase_create("refusals");
  tcase_add_checked_fixture(refusals, set_up, tear_down);
  tcase_set_timeout(refusals, 120);
  tcase_add_test(refusals, equal_channels_are_one_number);
  tcase_add_test(refusals, colors_are_refused);
  tcase_add_test(refusals, colors_are_read);
  tcase_add_test(refusals, other_files_are_named);
  tcase_add_test(refusals, truncated_png_is_refused_at_every_byte);
  tcase_add_test(refusals, changed_bytes_are_found);
  tcase_add_test(refusals, too_few_pixels_are_refused);
  tcase_add_test(refusals, divided_pixels_are_refused);
  tcase_add_test(refusals, what_follows_the_end_does_not_matter);
  tcase_add_test(refusals, damaged_extras_do_not_matter);
  suite_add_tcase(suite, refusals);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, set_up, tear_down);
  tcase_add_test(limits, bombs_cost_no_memory);
  tcase_add_test(limits, limits_hold);
  suite_add_tcase(suite, limits);
  TCase *calls = tcase_create("calls");
  tcase_add_checked_fixture(calls, set_up, tear_down);
  tcase_set_timeout(calls, 120);
  tcase_add_test(calls, options_may_be_of_another_age);
  tcase_add_test(calls, null_is_refused);
  tcase_add_test(calls, every_allocation_may_fail);
  tcase_add_test(calls, builds_without_png_say_so);
  suite_add_tcase(suite, calls);
  return suite;
}
