/* io/test_io_mask_write.c - writing masks: what is written is read back, the way it was
 * stored. The files are taken apart here without the library.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "test_io_kit.h"

static fm_context *context;

static void set_up(void) { context = kit_plain_context(); }
static void tear_down(void) { fm_context_destroy(context); }

static io_bytes encode(const fm_plane *mask, const fm_raster *like, int32_t compression) {
  fm_write_options options = {.size = sizeof options, .like = like, .compression = compression};
  io_bytes file = {0};
  KIT_OK(fm_mask_encode(context, mask, &options, io_collect, &file, &err));
  return file;
}

static fm_raster *decode(io_bytes file) {
  fm_raster *raster = NULL;
  KIT_OK(fm_mask_decode(context, file.data, file.size, NULL, &raster, &err));
  return raster;
}

/* A raster as a mask file of the given kind gives it. */
static fm_raster *raster_of(int color, int depth, int palette_size) {
  io_png png = {
      .width = 2, .height = 2, .depth = depth, .color = color, .palette_size = palette_size};
  io_bytes file = io_png_file(&png);
  fm_raster *raster = decode(file);
  io_bytes_free(&file);
  return raster;
}

static void check_same(const fm_plane *a, const fm_plane *b) {
  ck_assert_int_eq(a->height, b->height);
  ck_assert_int_eq(a->width, b->width);
  for (int64_t y = 0; y < a->height; y++)
    for (int64_t x = 0; x < a->width; x++)
      ck_assert_int_eq(kit_get_int(a, y, x), kit_get_int(b, y, x));
}

static void check_round_trip(const fm_plane *mask, const fm_raster *like, int32_t compression) {
  io_bytes file = encode(mask, like, compression);
  fm_raster *raster = decode(file);
  fm_plane plane = fm_raster_plane(raster);
  check_same(mask, &plane);
  fm_raster_destroy(raster);
  io_bytes_free(&file);
}

/* ---- Structure ------------------------------------------------------------------ */

static uint32_t get_u32(const unsigned char *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Finds a chunk, having checked the sums of those before and of itself. */
static const unsigned char *find_chunk(const io_bytes *file, const char *type, uint32_t *size) {
  size_t at = 8;
  while (at + 12 <= file->size) {
    const unsigned char *chunk = file->data + at;
    uint32_t length = get_u32(chunk);
    ck_assert_uint_le(at + 12 + length, file->size);
    ck_assert_uint_eq(crc32(0, chunk + 4, length + 4), get_u32(chunk + 8 + length));
    if (!memcmp(chunk + 4, type, 4)) {
      *size = length;
      return chunk + 8;
    }
    at += 12 + length;
  }
  return NULL;
}

START_TEST(files_are_well_formed) {
  if (!io_has_png()) return;
  uint64_t state = 1;
  kit_plane mask = kit_plane_new(FM_U8, 33, 51, KIT_PACKED);
  for (int64_t y = 0; y < 33; y++)
    for (int64_t x = 0; x < 51; x++)
      kit_put_int(&mask.view, y, x, kit_below(&state, 30) ? y / 9 : 255);
  io_bytes file = encode(&mask.view, NULL, 0);
  ck_assert_mem_eq(file.data, "\x89PNG\r\n\x1a\n", 8);
  uint32_t size = 0;
  const unsigned char *header = find_chunk(&file, "IHDR", &size);
  static const unsigned char expected[13] = {0, 0, 0, 51, 0, 0, 0, 33, 8, IO_GRAY, 0, 0, 0};
  ck_assert_uint_eq(size, 13);
  ck_assert_mem_eq(header, expected, 13);
  const unsigned char *stream = find_chunk(&file, "IDAT", &size);
  ck_assert_ptr_nonnull(stream);
  unsigned char raw[33 * 52];
  uLongf length = sizeof raw;
  ck_assert_int_eq(uncompress(raw, &length, stream, size), Z_OK); /* checks its sum */
  ck_assert_uint_eq(length, sizeof raw);
  ck_assert_ptr_eq(find_chunk(&file, "IEND", &size), file.data + file.size - 4);
  ck_assert_uint_eq(size, 0);
  ck_assert_ptr_null(find_chunk(&file, "PLTE", &size));
  io_bytes_free(&file);
  kit_plane_free(&mask);
}
END_TEST

/* ---- Round trips ---------------------------------------------------------------- */

/* Contents between one label and noise, in every layout, small sizes among them. */
static void fill(fm_plane *mask, int kind, uint64_t *state) {
  int64_t most = mask->dtype == FM_U8 ? 256 : 65536;
  for (int64_t y = 0; y < mask->height; y++)
    for (int64_t x = 0; x < mask->width; x++) {
      int64_t value = 0;
      if (kind == 1) value = (x / 7 + y / 5) % 11;
      if (kind == 2) value = kit_below(state, 5) ? (x + y) / 9 % 19 : most - 1;
      if (kind == 3) value = kit_below(state, most);
      if (kind == 4) value = (x ^ y) & 1 ? most - 1 : 1;
      if (kind == 5) value = y < mask->height / 2 ? x % most : 3;
      kit_put_int(mask, y, x, value);
    }
}

START_TEST(everything_comes_back) {
  if (!io_has_png()) return;
  static const int64_t sizes[][2] = {{1, 1}, {1, 300},  {300, 1}, {2, 7},
                                     {8, 8}, {61, 259}, {40, 700}};
  uint64_t state = 3;
  for (int layout = 0; layout < KIT_LAYOUTS; layout++)
    for (int kind = 0; kind < 6; kind++)
      for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fm_dtype dtype = (kind + layout) & 1 ? FM_U8 : FM_U16;
        kit_plane mask = kit_plane_new(dtype, sizes[i][0], sizes[i][1], (kit_layout)layout);
        fill(&mask.view, kind, &state);
        check_round_trip(&mask.view, NULL, 0);
        kit_plane_free(&mask);
      }
}
END_TEST

START_TEST(every_compression_comes_back) {
  if (!io_has_png()) return;
  uint64_t state = 4;
  size_t sizes[10];
  kit_plane mask = kit_plane_new(FM_U8, 200, 300, KIT_PACKED);
  fill(&mask.view, 2, &state);
  for (int32_t compression = 0; compression < 10; compression++) {
    check_round_trip(&mask.view, NULL, compression);
    io_bytes file = encode(&mask.view, NULL, compression);
    sizes[compression] = file.size;
    io_bytes_free(&file);
  }
  ck_assert_uint_le(sizes[9], sizes[6]);
  ck_assert_uint_le(sizes[6], sizes[1]);
  kit_plane_free(&mask);
}
END_TEST

/* Long enough for many blocks of tokens, and for runs beyond one step of the encoder. */
START_TEST(large_masks_come_back) {
  if (!io_has_png()) return;
  uint64_t state = 6;
  for (int kind = 0; kind < 6; kind++) {
    kit_plane mask = kit_plane_new(kind & 1 ? FM_U16 : FM_U8, 500, 400, KIT_PACKED);
    fill(&mask.view, kind, &state);
    io_bytes file = encode(&mask.view, NULL, 1);
    fm_raster *raster = decode(file);
    fm_plane plane = fm_raster_plane(raster);
    ck_assert_mem_eq(plane.data, mask.view.data, 500 * 400 * fm_dtype_size((fm_dtype)plane.dtype));
    fm_raster_destroy(raster);
    io_bytes_free(&file);
    kit_plane_free(&mask);
  }
}
END_TEST

START_TEST(output_is_deterministic) {
  if (!io_has_png()) return;
  uint64_t state = 7;
  kit_plane mask = kit_plane_new(FM_U8, 64, 64, KIT_PACKED);
  fill(&mask.view, 2, &state);
  io_bytes first = encode(&mask.view, NULL, 0), second = encode(&mask.view, NULL, 0);
  ck_assert_uint_eq(first.size, second.size);
  ck_assert_mem_eq(first.data, second.data, first.size);
  io_bytes_free(&first);
  io_bytes_free(&second);
  kit_plane_free(&mask);
}
END_TEST

/* ---- The way it was stored ------------------------------------------------------ */

typedef struct stored {
  int color, depth, palette; /* of `like` */
  fm_dtype dtype;
  int most; /* of the mask */
  int depth_now, palette_now;
} stored;

START_TEST(depth_and_palette_are_kept_or_widened) {
  if (!io_has_png()) return;
  static const stored cases[] = {
      {IO_GRAY, 1, 0, FM_U8, 1, 1, 0},         {IO_GRAY, 1, 0, FM_U8, 2, 2, 0},
      {IO_GRAY, 1, 0, FM_U8, 4, 4, 0},         {IO_GRAY, 2, 0, FM_U8, 3, 2, 0},
      {IO_GRAY, 2, 0, FM_U8, 255, 8, 0},       {IO_GRAY, 4, 0, FM_U8, 15, 4, 0},
      {IO_GRAY, 4, 0, FM_U8, 16, 8, 0},        {IO_GRAY, 8, 0, FM_U8, 255, 8, 0},
      {IO_GRAY, 8, 0, FM_U16, 255, 8, 0},      {IO_GRAY, 8, 0, FM_U16, 256, 16, 0},
      {IO_GRAY, 4, 0, FM_U16, 65535, 16, 0},   {IO_GRAY, 16, 0, FM_U8, 3, 16, 0},
      {IO_GRAY, 16, 0, FM_U16, 65535, 16, 0},  {IO_PALETTE, 1, 2, FM_U8, 1, 1, 2},
      {IO_PALETTE, 2, 3, FM_U8, 2, 2, 3},      {IO_PALETTE, 2, 3, FM_U8, 3, 2, 4},
      {IO_PALETTE, 4, 12, FM_U8, 255, 8, 256}, {IO_PALETTE, 8, 21, FM_U8, 20, 8, 21},
      {IO_PALETTE, 8, 21, FM_U8, 255, 8, 256}, {IO_PALETTE, 8, 256, FM_U8, 255, 8, 256},
      {IO_PALETTE, 8, 21, FM_U16, 99, 8, 100}, {IO_PALETTE, 8, 21, FM_U16, 256, 16, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const stored *c = &cases[i];
    fm_raster *like = raster_of(c->color, c->depth, c->palette);
    kit_plane mask = kit_plane_new(c->dtype, 5, 11, i & 1 ? KIT_PADDED : KIT_PACKED);
    for (int64_t y = 0; y < 5; y++)
      for (int64_t x = 0; x < 11; x++) kit_put_int(&mask.view, y, x, (x + y) % 2);
    kit_put_int(&mask.view, 4, 10, c->most);
    io_bytes file = encode(&mask.view, like, 0);
    fm_raster *back = decode(file);
    ck_assert_msg(fm_raster_bit_depth(back) == c->depth_now, "case %zu: depth %d", i,
                  (int)fm_raster_bit_depth(back));
    ck_assert_msg(fm_raster_palette_size(back) == c->palette_now, "case %zu: palette %d", i,
                  (int)fm_raster_palette_size(back));
    for (int k = 0; k < c->palette_now; k++) {
      uint8_t was[3] = {255, 255, 255}, is[3];
      if (k < c->palette) KIT_OK(fm_raster_palette_entry(like, k, was, &err));
      KIT_OK(fm_raster_palette_entry(back, k, is, &err));
      ck_assert_mem_eq(was, is, 3);
    }
    fm_plane plane = fm_raster_plane(back);
    check_same(&mask.view, &plane);
    io_bytes_free(&file);
    fm_raster_destroy(back);
    fm_raster_destroy(like);
    kit_plane_free(&mask);
  }
}
END_TEST

START_TEST(like_an_array_is_as_the_dtype) {
  if (!io_has_png()) return;
  int64_t number = 3;
  io_bytes npy = io_npy(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1)}", &number, 8);
  fm_raster *like = decode(npy);
  uint8_t pixel = 3;
  fm_plane mask = fm_plane_make(&pixel, FM_U8, 1, 1);
  io_bytes file = encode(&mask, like, 0);
  fm_raster *back = decode(file);
  ck_assert_int_eq(fm_raster_bit_depth(back), 8);
  fm_raster_destroy(back);
  fm_raster_destroy(like);
  io_bytes_free(&file);
  io_bytes_free(&npy);
}
END_TEST

/* ---- Calls ---------------------------------------------------------------------- */

static fm_status make(const void *options, void *mask, fm_error *err) {
  io_bytes file = {0};
  fm_status status = fm_mask_encode(context, mask, options, io_collect, &file, err);
  io_bytes_free(&file);
  return status;
}

START_TEST(bad_calls_are_refused) {
  if (!io_has_png()) return;
  uint8_t pixels[8] = {0};
  fm_plane mask = fm_plane_make(pixels, FM_U8, 1, 2);
  io_bytes file = {0};
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_mask_encode: context is NULL",
            fm_mask_encode(NULL, &mask, NULL, io_collect, &file, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_mask_encode: write is NULL",
            fm_mask_encode(context, &mask, NULL, NULL, &file, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "mask: is NULL",
            fm_mask_encode(context, NULL, NULL, io_collect, &file, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_mask_write: path is NULL",
            fm_mask_write(context, NULL, &mask, NULL, &err));
  fm_plane wide = fm_plane_make(pixels, FM_I64, 1, 1);
  KIT_FAILS(FM_ERR_UNSUPPORTED, "mask: dtype is i64",
            fm_mask_encode(context, &wide, NULL, io_collect, &file, &err));
  fm_write_options options = {.size = sizeof options, .compression = 10};
  KIT_FAILS(FM_ERR_ARGUMENT, "compression is 10, expected 0 to 9", make(&options, &mask, &err));
  options = (fm_write_options){.size = sizeof options, .compression = -1};
  KIT_FAILS(FM_ERR_ARGUMENT, "compression is -1", make(&options, &mask, &err));
  options = (fm_write_options){.size = sizeof options, .jpeg_quality = 90};
  KIT_FAILS(FM_ERR_ARGUMENT, "JPEG would change a mask's labels", make(&options, &mask, &err));
  options = (fm_write_options){.size = sizeof options, .flush = 2};
  KIT_FAILS(FM_ERR_ARGUMENT, "flush is 2, expected an fm_flush", make(&options, &mask, &err));
  options = (fm_write_options){.size = sizeof options, .reserved = 1};
  KIT_FAILS(FM_ERR_ARGUMENT, "reserved is 1, expected 0", make(&options, &mask, &err));
  options = (fm_write_options){.size = sizeof options, .compression = 6};
  kit_options_rule("fm_write_options", &options, sizeof options, make, &mask);
  ck_assert_uint_eq(file.size, 0);
  int answer = 42;
  fm_error err = kit_error();
  ck_assert_int_eq(fm_mask_encode(context, &mask, NULL, io_stop, &answer, &err), FM_ERR_CALLBACK);
  ck_assert_int_eq(err.host_code, 42);
  ck_assert_str_eq(err.message, "the write callback stopped the call with 42");
}
END_TEST

START_TEST(an_image_is_nothing_to_be_like) {
  if (!io_has_png()) return;
  io_png png = {.width = 1, .height = 1, .depth = 8, .color = IO_RGB};
  io_bytes file = io_png_file(&png);
  fm_raster *image = NULL;
  KIT_OK(fm_image_decode(context, file.data, file.size, NULL, &image, &err));
  uint8_t pixel = 0;
  fm_plane mask = fm_plane_make(&pixel, FM_U8, 1, 1);
  fm_write_options options = {.size = sizeof options, .like = image};
  KIT_FAILS(FM_ERR_ARGUMENT, "like is an image, expected a mask", make(&options, &mask, &err));
  fm_raster_destroy(image);
  io_bytes_free(&file);
}
END_TEST

typedef struct scenario_input {
  fm_plane mask;
  int32_t compression;
} scenario_input;

static fm_status scenario(fm_context *own, void *user, fm_error *err) {
  scenario_input *input = user;
  fm_write_options options = {.size = sizeof options, .compression = input->compression};
  io_bytes file = {0};
  fm_status status = fm_mask_encode(own, &input->mask, &options, io_collect, &file, err);
  io_bytes_free(&file);
  return status;
}

START_TEST(every_allocation_may_fail) {
  if (!io_has_png()) return;
  uint64_t state = 8;
  kit_plane mask = kit_plane_new(FM_U8, 120, 90, KIT_PACKED);
  for (int kind = 1; kind < 4; kind++)
    for (int32_t compression = 0; compression < 7; compression += 6) {
      fill(&mask.view, kind, &state);
      scenario_input input = {mask.view, compression};
      kit_every_allocation_fails(scenario, &input, 4);
    }
  kit_plane_free(&mask);
}
END_TEST

Suite *io_mask_write_suite(void) {
  Suite *suite = suite_create("io: writing masks");
  TCase *files = tcase_create("files");
  tcase_add_checked_fixture(files, set_up, tear_down);
  tcase_set_timeout(files, 120);
  tcase_add_test(files, files_are_well_formed);
  tcase_add_test(files, everything_comes_back);
  tcase_add_test(files, every_compression_comes_back);
  tcase_add_test(files, large_masks_come_back);
  tcase_add_test(files, output_is_deterministic);
  suite_add_tcase(suite, files);
  TCase *like = tcase_create("like");
  tcase_add_checked_fixture(like, set_up, tear_down);
  tcase_add_test(like, depth_and_palette_are_kept_or_widened);
  tcase_add_test(like, like_an_array_is_as_the_dtype);
  suite_add_tcase(suite, like);
  TCase *calls = tcase_create("calls");
  tcase_add_checked_fixture(calls, set_up, tear_down);
  tcase_set_timeout(calls, 120);
  tcase_add_test(calls, bad_calls_are_refused);
  tcase_add_test(calls, an_image_is_nothing_to_be_like);
  tcase_add_test(calls, every_allocation_may_fail);
  suite_add_tcase(suite, calls);
  return suite;
}
