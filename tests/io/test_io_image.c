/* io/test_io_image.c - photographs: JPEG and PNG of any kind as RGB, and writing them.
 * FM_TEST_GOLDEN is the folder of the golden files (golden/make_io_golden.py).
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_io_kit.h"

static fm_context *context;

static void set_up(void) { context = kit_plain_context(); }
static void tear_down(void) { fm_context_destroy(context); }

static fm_raster *decode(io_bytes file) {
  fm_raster *raster = NULL;
  KIT_OK(fm_image_decode(context, file.data, file.size, NULL, &raster, &err));
  fm_volume volume = fm_raster_volume(raster);
  ck_assert_ptr_null(fm_raster_plane(raster).data);
  ck_assert_int_eq(volume.dtype, FM_U8);
  ck_assert_int_eq(volume.channels, 3);
  ck_assert_int_eq(volume.channel_stride, 1);
  ck_assert_int_eq(volume.col_stride, 3);
  ck_assert_int_eq(volume.row_stride, 3 * volume.width);
  return raster;
}

static io_bytes encode(const fm_volume *image, int32_t quality, int32_t compression) {
  fm_write_options options = {
      .size = sizeof options, .compression = compression, .jpeg_quality = quality};
  io_bytes file = {0};
  KIT_OK(fm_image_encode(context, image, &options, io_collect, &file, &err));
  return file;
}

/* ---- PNG of every kind ---------------------------------------------------------- */

static int channels_of(int color) {
  return color == IO_RGB ? 3 : color == IO_RGB_ALPHA ? 4 : color == IO_GRAY_ALPHA ? 2 : 1;
}

/* A sample as eight bits, rounded. */
static int eight(unsigned value, int depth) {
  unsigned most = (1U << depth) - 1;
  return (int)((value * 255U + most / 2) / most);
}

static int expected(const io_png *png, size_t pixel, int c) {
  int channels = channels_of(png->color);
  const uint16_t *at = png->samples + pixel * (size_t)channels;
  if (png->color == IO_PALETTE) return (uint8_t)(at[0] + 10 * c); /* the kit's ramp */
  return eight(at[channels >= 3 ? c : 0], png->depth);
}

static void check_kind(int color, int depth, bool interlaced, bool transparent) {
  uint64_t state = (uint64_t)(depth * 10 + color);
  uint16_t samples[13 * 11 * 4];
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
    samples[i] = (uint16_t)(kit_random(&state) & ((1U << depth) - 1));
  io_png png = {13, 11, depth, color, interlaced, samples, NULL, 0, transparent};
  io_bytes file = io_png_file(&png);
  fm_raster *raster = decode(file);
  const uint8_t *pixels = fm_raster_volume(raster).data;
  ck_assert_int_eq(fm_raster_volume(raster).width, 13);
  ck_assert_int_eq(fm_raster_bit_depth(raster), depth);
  for (size_t i = 0; i < 143; i++)
    for (int c = 0; c < 3; c++)
      ck_assert_msg(pixels[3 * i + (size_t)c] == expected(&png, i, c),
                    "color type %d, %d bits, pixel %zu: %d instead of %d", color, depth, i,
                    pixels[3 * i + (size_t)c], expected(&png, i, c));
  fm_raster_destroy(raster);
  io_bytes_free(&file);
}

START_TEST(png_of_every_kind_is_rgb) {
  if (!io_has_png()) return;
  static const int kinds[][2] = {{IO_GRAY, 1},        {IO_GRAY, 2},      {IO_GRAY, 4},
                                 {IO_GRAY, 8},        {IO_GRAY, 16},     {IO_PALETTE, 1},
                                 {IO_PALETTE, 2},     {IO_PALETTE, 4},   {IO_PALETTE, 8},
                                 {IO_RGB, 8},         {IO_RGB, 16},      {IO_GRAY_ALPHA, 8},
                                 {IO_GRAY_ALPHA, 16}, {IO_RGB_ALPHA, 8}, {IO_RGB_ALPHA, 16}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    for (int variant = 0; variant < 4; variant++) {
      bool alpha = kinds[i][0] == IO_GRAY_ALPHA || kinds[i][0] == IO_RGB_ALPHA;
      check_kind(kinds[i][0], kinds[i][1], variant & 1, variant & 2 && !alpha);
    }
}
END_TEST

/* ---- Round trips ---------------------------------------------------------------- */

/* A smooth picture, 3 x 40 x 60. */
static void paint(uint8_t *pixels) {
  for (int y = 0; y < 40; y++)
    for (int x = 0; x < 60; x++)
      for (int c = 0; c < 3; c++) pixels[(y * 60 + x) * 3 + c] = (uint8_t)(y * 2 + x * (c + 1));
}

static fm_volume interleaved(uint8_t *pixels) {
  fm_volume v = fm_volume_make(pixels, FM_U8, 3, 40, 60);
  v.channel_stride = 1;
  v.col_stride = 3;
  v.row_stride = 180;
  return v;
}

START_TEST(png_comes_back) {
  if (!io_has_png()) return;
  uint8_t pixels[7200], planar[7200];
  paint(pixels);
  for (int i = 0; i < 2400; i++)
    for (int c = 0; c < 3; c++) planar[c * 2400 + i] = pixels[3 * i + c];
  fm_volume views[2] = {interleaved(pixels), fm_volume_make(planar, FM_U8, 3, 40, 60)};
  for (int i = 0; i < 2; i++)
    for (int32_t compression = 0; compression < 10; compression++) {
      io_bytes file = encode(&views[i], 0, compression);
      ck_assert_mem_eq(file.data, "\x89PNG", 4);
      fm_raster *raster = decode(file);
      ck_assert_mem_eq(fm_raster_volume(raster).data, pixels, sizeof pixels);
      fm_raster_destroy(raster);
      io_bytes_free(&file);
    }
}
END_TEST

START_TEST(jpeg_comes_back_nearly) {
  if (!io_has_jpeg()) return;
  uint8_t pixels[7200], planar[7200];
  paint(pixels);
  for (int i = 0; i < 2400; i++)
    for (int c = 0; c < 3; c++) planar[c * 2400 + i] = pixels[3 * i + c];
  fm_volume views[2] = {interleaved(pixels), fm_volume_make(planar, FM_U8, 3, 40, 60)};
  size_t sizes[2] = {0, 0};
  for (int i = 0; i < 2; i++) {
    io_bytes file = encode(&views[i], 95, 0);
    sizes[i] = file.size;
    ck_assert_mem_eq(file.data, "\xff\xd8\xff", 3);
    fm_raster *raster = decode(file);
    const uint8_t *got = fm_raster_volume(raster).data;
    long difference = 0;
    for (int k = 0; k < 7200; k++) difference += labs((long)got[k] - pixels[k]);
    ck_assert_int_lt(difference, 7200 * 6);
    fm_raster_destroy(raster);
    io_bytes_free(&file);
  }
  ck_assert_uint_eq(sizes[0], sizes[1]);
  io_bytes small = encode(&views[0], 10, 0);
  ck_assert_uint_lt(small.size, sizes[0]);
  io_bytes_free(&small);
}
END_TEST

/* Larger than the first piece of memory that the encoder takes. */
START_TEST(large_jpeg_comes_back) {
  if (!io_has_jpeg()) return;
  enum { SIDE = 500 };
  uint8_t *pixels = malloc(3 * SIDE * SIDE);
  uint64_t state = 2;
  for (size_t i = 0; i < 3 * SIDE * SIDE; i++) pixels[i] = (uint8_t)kit_random(&state);
  fm_volume image = fm_volume_make(pixels, FM_U8, 3, SIDE, SIDE);
  io_bytes file = encode(&image, 100, 0);
  ck_assert_uint_gt(file.size, 200000);
  fm_raster *raster = decode(file);
  ck_assert_int_eq(fm_raster_volume(raster).height, SIDE);
  fm_raster_destroy(raster);
  io_bytes_free(&file);
  free(pixels);
}
END_TEST

/* ---- Damage --------------------------------------------------------------------- */

START_TEST(truncated_jpeg_is_refused_at_every_byte) {
  if (!io_has_jpeg()) return;
  uint8_t pixels[7200];
  paint(pixels);
  fm_volume image = interleaved(pixels);
  io_bytes file = encode(&image, 50, 0);
  for (size_t size = 3; size < file.size; size++) {
    unsigned char *cut = malloc(size);
    memcpy(cut, file.data, size);
    fm_raster *out = KIT_SENTINEL;
    KIT_FAILS(FM_ERR_FORMAT,
              "JPEG is damaged: ", fm_image_decode(context, cut, size, NULL, &out, &err));
    ck_assert_ptr_eq(out, KIT_SENTINEL);
    /* The same with an end put where the file was cut. */
    if (size > 700) {
      unsigned char *ended = malloc(size + 2);
      memcpy(ended, cut, size);
      memcpy(ended + size, "\xff\xd9", 2);
      fm_status status = fm_image_decode(context, ended, size + 2, NULL, &out, NULL);
      ck_assert(status == FM_ERR_FORMAT || (size + 4 > file.size && status == FM_OK));
      if (!status) fm_raster_destroy(out);
      free(ended);
    }
    free(cut);
  }
  io_bytes_free(&file);
}
END_TEST

/* Where the frame's header begins: its height and width are five bytes on. */
static size_t find_frame(const io_bytes *file) {
  for (size_t at = 2; at + 9 < file->size;
       at += 2 + (size_t)(file->data[at + 2] << 8) + file->data[at + 3])
    if (file->data[at + 1] >= 0xC0 && file->data[at + 1] <= 0xC2) return at;
  ck_abort_msg("no frame");
  return 0;
}

START_TEST(lying_jpeg_is_refused) {
  if (!io_has_jpeg()) return;
  uint8_t pixels[7200];
  paint(pixels);
  fm_volume image = interleaved(pixels);
  io_bytes file = encode(&image, 50, 0);
  size_t frame = find_frame(&file);
  fm_raster *out = KIT_SENTINEL;
  memcpy(file.data + frame + 5, "\x40\x00\x40\x00", 4);
  KIT_FAILS(FM_ERR_FORMAT, "JPEG claims 16384x16384 pixels, but",
            fm_image_decode(context, file.data, file.size, NULL, &out, &err));
  memcpy(file.data + frame + 5, "\xff\x00\xff\x00", 4);
  KIT_FAILS(FM_ERR_LIMIT, "has 65280x65280 pixels, more than the limit of 268435456",
            fm_image_decode(context, file.data, file.size, NULL, &out, &err));
  memcpy(file.data + frame + 5, "\0\0\0\0", 4);
  KIT_FAILS(FM_ERR_FORMAT,
            "JPEG is damaged: ", fm_image_decode(context, file.data, file.size, NULL, &out, &err));
  ck_assert_ptr_eq(out, KIT_SENTINEL);
  io_bytes_free(&file);
}
END_TEST

static char last_line[512];
static int lines;

static void keep_line(int32_t level, const char *message, void *user) {
  (void)user;
  ck_assert_int_eq(level, FM_LOG_WARNING);
  lines++;
  snprintf(last_line, sizeof last_line, "%s", message);
}

/* Damage that costs a few pixels is told, not printed. */
START_TEST(warnings_go_to_the_log) {
  if (!io_has_jpeg()) return;
  uint8_t pixels[7200];
  paint(pixels);
  fm_volume image = interleaved(pixels);
  io_bytes file = encode(&image, 50, 0);
  fm_context_options options = {.size = sizeof options, .log = keep_line};
  fm_context *own = NULL;
  KIT_OK(fm_context_create(&options, &own, &err));
  io_bytes odd = {0};
  io_append(&odd, file.data, file.size - 2);
  io_append(&odd, "garbage\xff\xd9", 9);
  fm_raster *raster = NULL;
  lines = 0;
  KIT_OK(fm_image_decode(own, odd.data, odd.size, NULL, &raster, &err));
  ck_assert_int_eq(lines, 1);
  ck_assert_msg(!strncmp(last_line, "JPEG: Corrupt JPEG data: ", 25), "%s", last_line);
  fm_raster_destroy(raster);
  fm_context_destroy(own);
  io_bytes_free(&odd);
  io_bytes_free(&file);
}
END_TEST

/* ---- Golden files --------------------------------------------------------------- */

static bool ends_with(const char *name, const char *end) {
  size_t a = strlen(name), b = strlen(end);
  return a > b && !strcmp(name + a - b, end);
}

/* `name` without its ending, with another. */
static void path_of(char *path, size_t capacity, const char *name, const char *end) {
  const char *dot = strrchr(name, '.');
  snprintf(path, capacity, "%s/io/%.*s%s", FM_TEST_GOLDEN, (int)(dot - name), name, end);
}

static void check_golden_mask(const char *name) {
  char path[1024], expected_path[1024];
  snprintf(path, sizeof path, "%s/io/%s", FM_TEST_GOLDEN, name);
  path_of(expected_path, sizeof expected_path, name, ".expected.npy");
  fm_raster *got = NULL, *wanted = NULL;
  KIT_OK(fm_mask_read(context, path, NULL, &got, &err));
  KIT_OK(fm_mask_read(context, expected_path, NULL, &wanted, &err));
  fm_plane a = fm_raster_plane(got), b = fm_raster_plane(wanted);
  ck_assert_int_eq(a.height, b.height);
  ck_assert_int_eq(a.width, b.width);
  for (int64_t y = 0; y < a.height; y++)
    for (int64_t x = 0; x < a.width; x++)
      ck_assert_msg(kit_get_int(&a, y, x) == kit_get_int(&b, y, x), "%s: pixel (%d, %d)", name,
                    (int)y, (int)x);
  fm_raster_destroy(got);
  fm_raster_destroy(wanted);
}

/* Expectations of images are arrays [height, 3 width]. Decoders of JPEG may differ by
 * a little. */
static void check_golden_image(const char *name) {
  char path[1024], expected_path[1024];
  snprintf(path, sizeof path, "%s/io/%s", FM_TEST_GOLDEN, name);
  path_of(expected_path, sizeof expected_path, name, ".expected.npy");
  fm_raster *got = NULL, *wanted = NULL;
  KIT_OK(fm_image_read(context, path, NULL, &got, &err));
  KIT_OK(fm_mask_read(context, expected_path, NULL, &wanted, &err));
  fm_volume a = fm_raster_volume(got);
  fm_plane b = fm_raster_plane(wanted);
  ck_assert_int_eq(a.height, b.height);
  ck_assert_int_eq(3 * a.width, b.width);
  const uint8_t *pixels = a.data;
  int tolerance = ends_with(name, ".jpg") ? 4 : 0;
  for (int64_t i = 0; i < b.height * b.width; i++) {
    int64_t difference = pixels[i] - kit_get_int(&b, i / b.width, i % b.width);
    ck_assert_msg(llabs(difference) <= tolerance, "%s: byte %d is off by %d", name, (int)i,
                  (int)difference);
  }
  fm_raster_destroy(got);
  fm_raster_destroy(wanted);
}

START_TEST(golden_files_are_read) {
  bool png = io_has_png(), jpeg = io_has_jpeg();
  int masks = 0, images = 0;
  DIR *dir = opendir(FM_TEST_GOLDEN "/io");
  ck_assert_msg(dir != NULL, "no folder %s/io", FM_TEST_GOLDEN);
  for (struct dirent *entry; (entry = readdir(dir));) {
    const char *name = entry->d_name;
    if (ends_with(name, ".expected.npy") || name[0] == '.') continue;
    if ((ends_with(name, ".png") && !png) || (ends_with(name, ".jpg") && !jpeg)) continue;
    if (!strncmp(name, "mask", 4)) {
      check_golden_mask(name);
      masks++;
    } else if (!strncmp(name, "image", 5)) {
      check_golden_image(name);
      images++;
    }
  }
  closedir(dir);
  if (png) ck_assert_int_ge(masks, 8);
  if (png && jpeg) ck_assert_int_ge(images, 6);
}
END_TEST

START_TEST(cmyk_is_refused) {
  if (!io_has_jpeg()) return;
  fm_raster *out = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "JPEG holds CMYK, the colors of printing",
            fm_image_read(context, FM_TEST_GOLDEN "/io/refused_cmyk.jpg", NULL, &out, &err));
  ck_assert_ptr_eq(out, KIT_SENTINEL);
}
END_TEST

/* ---- Calls ---------------------------------------------------------------------- */

START_TEST(bad_calls_are_refused) {
  uint8_t pixels[64] = {0};
  fm_volume image = fm_volume_make(pixels, FM_U8, 3, 2, 2);
  io_bytes file = {0};
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_image_encode: context is NULL",
            fm_image_encode(NULL, &image, NULL, io_collect, &file, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_image_encode: write is NULL",
            fm_image_encode(context, &image, NULL, NULL, &file, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "image: is NULL",
            fm_image_encode(context, NULL, NULL, io_collect, &file, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_image_write: path is NULL",
            fm_image_write(context, NULL, &image, NULL, &err));
  fm_volume gray = fm_volume_make(pixels, FM_U8, 1, 2, 2);
  KIT_FAILS(FM_ERR_ARGUMENT, "image: has 1 channels, expected 3 (RGB)",
            fm_image_encode(context, &gray, NULL, io_collect, &file, &err));
  fm_volume deep = fm_volume_make(pixels, FM_U16, 3, 2, 2);
  KIT_FAILS(FM_ERR_UNSUPPORTED, "image: dtype is u16",
            fm_image_encode(context, &deep, NULL, io_collect, &file, &err));
  fm_write_options options = {.size = sizeof options, .jpeg_quality = 101};
  KIT_FAILS(FM_ERR_ARGUMENT, "jpeg_quality is 101, expected 1 to 100, or 0 for PNG",
            fm_image_encode(context, &image, &options, io_collect, &file, &err));
  ck_assert_uint_eq(file.size, 0);
  fm_raster *out = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_image_read: path is NULL",
            fm_image_read(context, NULL, NULL, &out, &err));
  KIT_FAILS(FM_ERR_FORMAT, "is empty, expected an image as JPEG, PNG, TIFF or WebP",
            fm_image_decode(context, "", 0, NULL, &out, &err));
}
END_TEST

START_TEST(too_wide_for_jpeg_is_refused) {
  if (!io_has_jpeg()) return;
  uint8_t *pixels = calloc(70000, 3);
  fm_volume image = fm_volume_make(pixels, FM_U8, 3, 1, 70000);
  fm_write_options options = {.size = sizeof options, .jpeg_quality = 90};
  KIT_FAILS(FM_ERR_UNSUPPORTED, "image is 70000x1, a JPEG has at most",
            fm_image_encode(context, &image, &options, io_collect, NULL, &err));
  free(pixels);
}
END_TEST

static fm_status scenario(fm_context *own, void *quality, fm_error *err) {
  uint8_t pixels[7200];
  paint(pixels);
  fm_volume image = fm_volume_make(pixels, FM_U8, 3, 40, 60);
  fm_write_options options = {.size = sizeof options, .jpeg_quality = *(int32_t *)quality};
  io_bytes file = {0};
  fm_raster *raster = NULL;
  fm_status status = fm_image_encode(own, &image, &options, io_collect, &file, err);
  if (!status) status = fm_image_decode(own, file.data, file.size, NULL, &raster, err);
  fm_raster_destroy(raster);
  io_bytes_free(&file);
  return status;
}

START_TEST(every_allocation_may_fail) {
  int32_t quality = 0;
  if (io_has_png()) kit_every_allocation_fails(scenario, &quality, 6);
  quality = 80;
  if (io_has_jpeg()) kit_every_allocation_fails(scenario, &quality, 3);
}
END_TEST

START_TEST(builds_without_jpeg_say_so) {
  if (io_has_jpeg()) return;
  fm_raster *out = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "built without JPEG (libjpeg-turbo)",
            fm_image_decode(context, "\xff\xd8\xff\xe0", 4, NULL, &out, &err));
}
END_TEST

Suite *io_image_suite(void) {
  Suite *suite = suite_create("io: images");
  TCase *pixels = tcase_create("pixels");
  tcase_add_checked_fixture(pixels, set_up, tear_down);
  tcase_set_timeout(pixels, 120);
  tcase_add_test(pixels, png_of_every_kind_is_rgb);
  tcase_add_test(pixels, png_comes_back);
  tcase_add_test(pixels, jpeg_comes_back_nearly);
  tcase_add_test(pixels, large_jpeg_comes_back);
  tcase_add_test(pixels, golden_files_are_read);
  suite_add_tcase(suite, pixels);
  TCase *damage = tcase_create("damage");
  tcase_add_checked_fixture(damage, set_up, tear_down);
  tcase_set_timeout(damage, 120);
  tcase_add_test(damage, truncated_jpeg_is_refused_at_every_byte);
  tcase_add_test(damage, lying_jpeg_is_refused);
  tcase_add_test(damage, warnings_go_to_the_log);
  tcase_add_test(damage, cmyk_is_refused);
  suite_add_tcase(suite, damage);
  TCase *calls = tcase_create("calls");
  tcase_add_checked_fixture(calls, set_up, tear_down);
  tcase_set_timeout(calls, 120);
  tcase_add_test(calls, bad_calls_are_refused);
  tcase_add_test(calls, too_wide_for_jpeg_is_refused);
  tcase_add_test(calls, every_allocation_may_fail);
  tcase_add_test(calls, builds_without_jpeg_say_so);
  suite_add_tcase(suite, calls);
  return suite;
}
