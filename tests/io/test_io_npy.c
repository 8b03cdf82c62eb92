/* io/test_io_npy.c - arrays of NumPy as masks and loss maps, and writing them.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_io_kit.h"

static fm_context *context;

static void set_up(void) {
  context = kit_plain_context();
  io_folder_make();
}

static void tear_down(void) {
  ck_assert_int_eq(io_folder_count(), 0);
  io_folder_remove();
  fm_context_destroy(context);
}

#define HEADER(descr, order, shape) \
  "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }"

/* This machine's byte order. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define NATIVE ">"
#else
#define NATIVE "<"
#endif

typedef fm_status (*decoder)(const fm_context *, const void *, size_t, const fm_read_options *,
                             fm_raster **, fm_error *);

static fm_status try_decode(decoder decode, int major, const char *header, const void *data,
                            size_t size, fm_raster **out, fm_error *err) {
  io_bytes file = io_npy(major, header, data, size);
  fm_status status = decode(context, file.data, file.size, NULL, out, err);
  io_bytes_free(&file);
  return status;
}

static fm_raster *decoded(decoder decode, int major, const char *header, const void *data,
                          size_t size) {
  fm_raster *raster = NULL;
  KIT_OK(try_decode(decode, major, header, data, size, &raster, &err));
  return raster;
}

#define REFUSES(decode, expected, text, header, size)                                  \
  do {                                                                                 \
    static const char zeros[4096];                                                     \
    fm_raster *out = KIT_SENTINEL;                                                     \
    KIT_FAILS(expected, text, try_decode(decode, 1, header, zeros, size, &out, &err)); \
    ck_assert_ptr_eq(out, KIT_SENTINEL);                                               \
  } while (0)

/* ---- Numbers -------------------------------------------------------------------- */

/* 2x3 numbers of `item` bytes, 1 in the first byte and -2 in the last number. */
static void check_mask(const char *header, const void *data, size_t size, fm_dtype dtype, int depth,
                       const int64_t *expected) {
  fm_raster *raster = decoded(fm_mask_decode, 1, header, data, size);
  fm_plane plane = fm_raster_plane(raster);
  ck_assert_int_eq(plane.dtype, dtype);
  ck_assert_int_eq(plane.height, 2);
  ck_assert_int_eq(plane.width, 3);
  ck_assert_int_eq(fm_raster_bit_depth(raster), depth);
  ck_assert_int_eq(fm_raster_palette_size(raster), 0);
  for (int64_t i = 0; i < 6; i++) ck_assert_int_eq(kit_get_int(&plane, i / 3, i % 3), expected[i]);
  fm_raster_destroy(raster);
}

static const int64_t counted[6] = {1, 2, 3, 4, 5, -2};

/* The numbers above in bytes of either order. */
static void spell(unsigned char *to, size_t item, bool big) {
  for (size_t i = 0; i < 6; i++)
    for (size_t b = 0; b < item; b++)
      to[i * item + (big ? item - 1 - b : b)] = (unsigned char)((uint64_t)counted[i] >> (8 * b));
}

START_TEST(masks_of_every_type) {
  static const struct {
    const char *little, *big;
    size_t item;
    fm_dtype dtype;
    int64_t last;
  } types[] = {
      {HEADER("|u1", "False", "(2, 3)"), HEADER(">u1", "False", "(2, 3)"), 1, FM_U8, 254},
      {HEADER("<u2", "False", "(2, 3)"), HEADER(">u2", "False", "(2, 3)"), 2, FM_U16, 65534},
      {HEADER("<i2", "False", "(2, 3)"), HEADER(">i2", "False", "(2, 3)"), 2, FM_I16, -2},
      {HEADER("|i1", "False", "(2, 3)"), HEADER(">i1", "False", "(2, 3)"), 1, FM_I8, -2},
      {HEADER("<u4", "False", "(2, 3)"), HEADER(">u4", "False", "(2, 3)"), 4, FM_U32, 4294967294},
      {HEADER("<u8", "False", "(2, 3)"), HEADER(">u8", "False", "(2, 3)"), 8, FM_U64, -2},
      {HEADER("<i4", "False", "(2, 3)"), HEADER(">i4", "False", "(2, 3)"), 4, FM_I32, -2},
      {HEADER("<i8", "False", "(2, 3)"), HEADER(">i8", "False", "(2, 3)"), 8, FM_I64, -2},
  };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    unsigned char data[48];
    int64_t expected[6];
    memcpy(expected, counted, sizeof expected);
    expected[5] = types[i].last;
    int depth = 8 * (int)types[i].item;
    spell(data, types[i].item, false);
    check_mask(types[i].little, data, 6 * types[i].item, types[i].dtype, depth, expected);
    spell(data, types[i].item, true);
    check_mask(types[i].big, data, 6 * types[i].item, types[i].dtype, depth, expected);
  }
  static const unsigned char flags[6] = {0, 1, 1, 0, 0, 1};
  static const int64_t truth[6] = {0, 1, 1, 0, 0, 1};
  check_mask(HEADER("|b1", "False", "(2, 3)"), flags, 6, FM_U8, 8, truth);
}
END_TEST

START_TEST(fortran_order_is_read_by_columns) {
  static const unsigned char data[6] = {1, 4, 2, 5, 3, 254};
  static const int64_t expected[6] = {1, 2, 3, 4, 5, 254};
  check_mask(HEADER("|u1", "True", "(2, 3)"), data, 6, FM_U8, 8, expected);
  check_mask(HEADER("|u1", "True", "(1, 1, 2, 3)"), data, 6, FM_U8, 8, expected);
}
END_TEST

START_TEST(headers_may_be_spelt_otherwise) {
  static const unsigned char data[6] = {1, 2, 3, 4, 5, 254};
  static const int64_t expected[6] = {1, 2, 3, 4, 5, 254};
  static const char *const headers[] = {
      "{'shape': (2, 3), 'descr': '|u1', 'fortran_order': False}",
      "{\"fortran_order\":False,\"shape\":(2,3,),\"descr\":\"u1\"}\n",
      "  { 'descr' :\t'|u1' ,\n 'fortran_order' : False , 'shape' : ( 2 , 3 ) , } \r\n",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3L), }",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3), }",
      "{'descr': '=u1', 'fortran_order': False, 'shape': (1, 1, 1, 2, 3), }          \n",
  };
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
    check_mask(headers[i], data, 6, FM_U8, 8, expected);
}
END_TEST

START_TEST(every_version_is_read) {
  static const unsigned char data[2] = {7, 8};
  for (int major = 1; major <= 3; major++) {
    fm_raster *raster = decoded(fm_mask_decode, major, HEADER("|u1", "False", "(1, 2)"), data, 2);
    fm_plane plane = fm_raster_plane(raster);
    ck_assert_int_eq(kit_get_int(&plane, 0, 1), 8);
    fm_raster_destroy(raster);
  }
}
END_TEST

START_TEST(losses_are_read) {
  static const float values[4] = {0.5F, -1.0F, INFINITY, 3.25F};
  fm_raster *raster =
      decoded(fm_loss_decode, 1, HEADER(NATIVE "f4", "False", "(2, 2)"), values, sizeof values);
  fm_plane plane = fm_raster_plane(raster);
  ck_assert_int_eq(plane.dtype, FM_F32);
  ck_assert_mem_eq(plane.data, values, sizeof values);
  fm_raster_destroy(raster);

  static const unsigned char half[4] = {0x3C, 0x00, 0xC0, 0x00}; /* 1, -2, big-endian */
  raster = decoded(fm_loss_decode, 1, HEADER(">f2", "False", "(1, 2)"), half, sizeof half);
  plane = fm_raster_plane(raster);
  ck_assert_int_eq(plane.dtype, FM_F16);
  ck_assert_int_eq(fm_raster_bit_depth(raster), 16);
  ck_assert_float_eq(kit_get_real(&plane, 0, 0), 1.0F);
  ck_assert_float_eq(kit_get_real(&plane, 0, 1), -2.0F);
  fm_raster_destroy(raster);
}
END_TEST

/* Number c, y, x of 2 x 3 x 2 is 100 c + 10 y + x. */
static void check_output(const char *header, const void *data, size_t size, int64_t channels,
                         fm_dtype dtype) {
  fm_raster *raster = decoded(fm_output_decode, 1, header, data, size);
  fm_volume volume = fm_raster_volume(raster);
  ck_assert_ptr_null(fm_raster_plane(raster).data);
  ck_assert_int_eq(volume.dtype, dtype);
  ck_assert_int_eq(volume.channels, channels);
  ck_assert_int_eq(volume.height, 3);
  ck_assert_int_eq(volume.width, 2);
  for (int64_t i = 0; i < 6 * channels; i++) {
    int64_t c = i / 6, y = i / 2 % 3, x = i % 2;
    const char *at = (const char *)volume.data + c * volume.channel_stride + y * volume.row_stride +
                     x * volume.col_stride;
    float value;
    memcpy(&value, at, sizeof value);
    ck_assert_float_eq(value, (float)(100 * c + 10 * y + x));
  }
  fm_raster_destroy(raster);
}

START_TEST(outputs_are_read) {
  float rows[12], columns[12];
  double wide[12];
  unsigned char big[12 * sizeof(double)];
  for (int i = 0; i < 12; i++) {
    rows[i] = (float)(100 * (i / 6) + 10 * (i / 2 % 3) + i % 2);
    columns[i] = (float)(100 * (i % 2) + 10 * (i / 2 % 3) + i / 6);
    wide[i] = (double)rows[i];
    uint64_t bits;
    memcpy(&bits, &wide[i], sizeof bits);
    for (int b = 0; b < 8; b++) big[8 * i + b] = (unsigned char)(bits >> (56 - 8 * b));
  }
  check_output(HEADER(NATIVE "f4", "False", "(2, 3, 2)"), rows, sizeof rows, 2, FM_F32);
  check_output(HEADER(NATIVE "f4", "False", "(1, 1, 2, 3, 2)"), rows, sizeof rows, 2, FM_F32);
  check_output(HEADER(NATIVE "f4", "True", "(2, 3, 2)"), columns, sizeof columns, 2, FM_F32);
  check_output(HEADER(NATIVE "f4", "True", "(1, 2, 3, 2)"), columns, sizeof columns, 2, FM_F32);
  check_output(HEADER(NATIVE "f4", "False", "(1, 3, 2)"), rows, sizeof rows / 2, 1, FM_F32);
  check_output(HEADER(NATIVE "f8", "False", "(2, 3, 2)"), wide, sizeof wide, 2, FM_F32);
  check_output(HEADER(">f8", "False", "(2, 3, 2)"), big, sizeof big, 2, FM_F32);
}
END_TEST

START_TEST(doubles_are_rounded_once) {
  enum { COUNT = 1500 };
  double values[COUNT];
  uint64_t state = 11;
  for (int i = 0; i < COUNT; i++)
    values[i] = (double)(int64_t)kit_random(&state) * exp2((double)kit_below(&state, 200) - 160);
  values[0] = 1e300;
  values[1] = 1.0 + 0x1p-24;           /* a tie, to even */
  values[2] = 1.0 + 0x1p-24 + 0x1p-50; /* just above it */
  values[3] = 1e-320;
  fm_raster *raster =
      decoded(fm_loss_decode, 1, HEADER(NATIVE "f8", "False", "(30, 50)"), values, sizeof values);
  fm_plane plane = fm_raster_plane(raster);
  ck_assert_int_eq(plane.dtype, FM_F32);
  ck_assert_int_eq(fm_raster_bit_depth(raster), 64);
  const float *got = plane.data;
  ck_assert(isinf(got[0]) && got[0] > 0);
  ck_assert_float_eq(got[1], 1.0F);
  ck_assert_float_eq(got[2], 1.0F + 0x1p-23F);
  ck_assert_float_eq(got[3], 0.0F);
  for (int i = 4; i < COUNT; i++) ck_assert_float_eq(got[i], (float)values[i]);
  fm_raster_destroy(raster);

  unsigned char swapped[sizeof values];
  const unsigned char *bytes = (const unsigned char *)values;
  for (size_t i = 0; i < sizeof values; i++) swapped[i] = bytes[i - i % 8 + 7 - i % 8];
  const uint16_t one = 1;
  bool big = *(const unsigned char *)&one == 0;
  raster = decoded(fm_loss_decode, 2,
                   big ? HEADER("<f8", "True", "(50, 30)") : HEADER(">f8", "True", "(50, 30)"),
                   swapped, sizeof swapped);
  plane = fm_raster_plane(raster);
  for (int i = 4; i < COUNT; i++)
    ck_assert_float_eq(kit_get_real(&plane, i % 50, i / 50), (float)values[i]);
  fm_raster_destroy(raster);
}
END_TEST

/* ---- Refusals ------------------------------------------------------------------- */

START_TEST(lying_shapes_are_refused) {
  static const char lie[] = "bytes follow its header";
  REFUSES(fm_loss_decode, FM_ERR_FORMAT,
          "NPY claims [2, 3] numbers of 4 bytes, but 23 bytes follow its header",
          HEADER("<f4", "False", "(2, 3)"), 23);
  REFUSES(fm_loss_decode, FM_ERR_FORMAT, lie, HEADER("<f4", "False", "(2, 3)"), 25);
  REFUSES(fm_loss_decode, FM_ERR_FORMAT, lie, HEADER("<f4", "False", "(2, 3)"), 0);
  REFUSES(fm_mask_decode, FM_ERR_FORMAT, lie, HEADER("|u1", "False", "(1000000, 1000000)"), 6);
  REFUSES(fm_mask_decode, FM_ERR_FORMAT, lie, HEADER("<i8", "False", "(4294967296, 4294967296)"),
          0);
  REFUSES(fm_mask_decode, FM_ERR_FORMAT, lie, HEADER("<i8", "False", "(2305843009213693952, 8)"),
          0);
  REFUSES(fm_mask_decode, FM_ERR_FORMAT, lie,
          HEADER("<i8", "False", "(9000000000000000000, 9000000000000000000)"), 8);
  REFUSES(fm_mask_decode, FM_ERR_FORMAT, "beyond 2^63",
          HEADER("<i8", "False", "(99999999999999999999, 1)"), 8);
}
END_TEST

START_TEST(shapes_that_are_no_plane_are_refused) {
  REFUSES(fm_mask_decode, FM_ERR_FORMAT, "NPY has 1 dimension, expected [height, width]",
          HEADER("|u1", "False", "(6,)"), 6);
  REFUSES(fm_mask_decode, FM_ERR_FORMAT, "NPY has 0 dimensions", HEADER("|u1", "False", "()"), 1);
  REFUSES(fm_mask_decode, FM_ERR_FORMAT, "NPY has 3 dimensions, and number 0 is 2 instead of 1",
          HEADER("|u1", "False", "(2, 3, 4)"), 24);
  REFUSES(fm_mask_decode, FM_ERR_FORMAT, "NPY has no pixel: its shape is [0, 3]",
          HEADER("|u1", "False", "(0, 3)"), 0);
  REFUSES(fm_mask_decode, FM_ERR_FORMAT, "no pixel", HEADER("|u1", "False", "(3, 0)"), 0);
}
END_TEST

START_TEST(shapes_that_are_no_output_are_refused) {
  REFUSES(fm_output_decode, FM_ERR_FORMAT,
          "NPY has 2 dimensions, expected [channels, height, width]",
          HEADER("<f4", "False", "(2, 3)"), 24);
  REFUSES(
      fm_output_decode, FM_ERR_FORMAT,
      "NPY has 4 dimensions, and number 0 is 2 instead of 1: expected [channels, height, width]",
      HEADER("<f4", "False", "(2, 1, 1, 3)"), 24);
  REFUSES(fm_output_decode, FM_ERR_FORMAT, "NPY has no pixel: its shape is [0, 2, 3]",
          HEADER("<f4", "False", "(0, 2, 3)"), 0);
  REFUSES(fm_output_decode, FM_ERR_FORMAT, "NPY claims [1, 2, 3] numbers of 4 bytes, but 20 bytes",
          HEADER("<f4", "False", "(1, 2, 3)"), 20);
  REFUSES(fm_output_decode, FM_ERR_FORMAT, "NPY claims [4, 2305843009213693952, 2] numbers",
          HEADER("<f4", "False", "(4, 2305843009213693952, 2)"), 0);
  REFUSES(fm_output_decode, FM_ERR_FORMAT, "NPY claims [2, 3, 4] numbers of 8 bytes, but 184 bytes",
          HEADER("<f8", "False", "(2, 3, 4)"), 184);
  REFUSES(fm_output_decode, FM_ERR_UNSUPPORTED,
          "NPY has dtype i4, a network's output is f2, f4 or f8",
          HEADER("<i4", "False", "(1, 1, 1)"), 4);
}
END_TEST

START_TEST(other_types_are_refused) {
  REFUSES(fm_mask_decode, FM_ERR_UNSUPPORTED, "NPY has dtype f4, a mask is an integer type",
          HEADER("<f4", "False", "(1, 1)"), 4);
  REFUSES(fm_loss_decode, FM_ERR_UNSUPPORTED, "NPY has dtype u1, a loss map is f2, f4 or f8",
          HEADER("|u1", "False", "(1, 1)"), 1);
  REFUSES(fm_loss_decode, FM_ERR_UNSUPPORTED, "dtype f16", HEADER("<f16", "False", "(1, 1)"), 16);
  REFUSES(fm_loss_decode, FM_ERR_UNSUPPORTED, "pickled Python objects",
          HEADER("|O", "False", "(1, 1)"), 8);
  REFUSES(fm_loss_decode, FM_ERR_UNSUPPORTED, "NPY has dtype '<c8'",
          HEADER("<c8", "False", "(1, 1)"), 8);
  REFUSES(fm_loss_decode, FM_ERR_UNSUPPORTED, "NPY has dtype '|S4'",
          HEADER("|S4", "False", "(1, 1)"), 4);
  REFUSES(fm_loss_decode, FM_ERR_UNSUPPORTED, "records with named fields",
          "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1)}", 4);
}
END_TEST

START_TEST(malformed_headers_are_refused) {
  static const char *const headers[][2] = {
      {"", "expected '{' at ''"},
      {"nonsense", "expected '{' at 'nonsense'"},
      {"{", "expected a key"},
      {"{}", "NPY header lacks 'descr'"},
      {"{'descr': '<f4'}", "NPY header lacks 'fortran_order'"},
      {"{'descr': '<f4', 'fortran_order': False}", "NPY header lacks 'shape'"},
      {"{'descr': '<f4', 'descr': '<f4'}", "NPY header has 'descr' twice"},
      {"{'color': 1}", "NPY header has an unknown key 'color'"},
      {"{descr: '<f4'}", "expected a key"},
      {"{'descr' '<f4'}", "expected ':'"},
      {"{'descr': '<f4' 'shape': (1, 1)}", "expected ',' or '}'"},
      {"{'descr': <f4}", "expected a dtype"},
      {"{'descr': '<f4", "expected a dtype"},
      {"{'descr': '<f4\\'', 'fortran_order': False, 'shape': (1, 1)}", "expected a dtype"},
      {"{'fortran_order': 0}", "expected True or False"},
      {"{'shape': 1}", "expected a shape"},
      {"{'shape': (3)}", "expected a tuple"},
      {"{'shape': (-1, 3)}", "expected a size"},
      {"{'shape': (1 1)}", "expected ',' or ')'"},
      {"{'shape': (1, 1", "expected ',' or ')'"},
      {"{'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)}",
       "no more than 32 dimensions"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)} x", "expected the end at 'x'"},
      {"{'descr': '', 'fortran_order': False, 'shape': (1, 1)}", "NPY has dtype ''"},
      {"{'descr': '<', 'fortran_order': False, 'shape': (1, 1)}", "NPY has dtype '<'"},
  };
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    fm_raster *out = KIT_SENTINEL;
    fm_error err = kit_error();
    fm_status status = try_decode(fm_loss_decode, 1, headers[i][0], "\0\0\0", 4, &out, &err);
    kit_expect(headers[i][0], status,
               strncmp(headers[i][1], "NPY has dtype", 13) ? FM_ERR_FORMAT : FM_ERR_UNSUPPORTED,
               &err, headers[i][1]);
  }
}
END_TEST

START_TEST(truncated_files_are_refused_at_every_byte) {
  io_bytes file = io_npy(1, HEADER("<f4", "False", "(2, 2)"), "0123456789abcdef", 16);
  for (size_t size = 0; size < file.size; size++) {
    /* A copy of its own, so that a checker sees every byte beyond. */
    unsigned char *cut = malloc(size + !size);
    memcpy(cut, file.data, size);
    fm_raster *out = KIT_SENTINEL;
    KIT_FAILS(FM_ERR_FORMAT, NULL, fm_loss_decode(context, cut, size, NULL, &out, &err));
    ck_assert_ptr_eq(out, KIT_SENTINEL);
    free(cut);
  }
  io_bytes_free(&file);
  fm_raster *out = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "NPY is of version 4.0",
            try_decode(fm_loss_decode, 4, HEADER("<f4", "False", "(1, 1)"), "1234", 4, &out, &err));
}
END_TEST

START_TEST(other_files_are_no_loss_maps) {
  fm_raster *out = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_FORMAT, "is a PNG image: loss maps are floating-point numbers",
            fm_loss_decode(context, "\x89PNG\r\n\x1a\n", 8, NULL, &out, &err));
  KIT_FAILS(FM_ERR_FORMAT, "is a JPEG image: loss maps",
            fm_loss_decode(context, "\xff\xd8\xff\xe0", 4, NULL, &out, &err));
  KIT_FAILS(FM_ERR_FORMAT, "the archive was cut off",
            fm_loss_decode(context, "PK\3\4", 4, NULL, &out, &err));
  KIT_FAILS(FM_ERR_FORMAT, "is a NumPy array (.npy): images come as JPEG, PNG, TIFF or WebP",
            fm_image_decode(context, "\x93NUMPY\x01\0", 8, NULL, &out, &err));
}
END_TEST

/* ---- Writing -------------------------------------------------------------------- */

START_TEST(written_arrays_come_back) {
  static const struct {
    fm_dtype dtype;
    const char *descr;
  } types[] = {{FM_U8, "|u1"},  {FM_I8, "|i1"},  {FM_U16, "<u2"}, {FM_I16, "<i2"},
               {FM_U32, "<u4"}, {FM_I32, "<i4"}, {FM_U64, "<u8"}, {FM_I64, "<i8"},
               {FM_F16, "<f2"}, {FM_F32, "<f4"}, {FM_F64, "<f8"}};
  uint64_t state = 12;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    for (int layout = 0; layout < KIT_LAYOUTS; layout++) {
      bool real = types[i].dtype >= FM_F16;
      int64_t width = layout & 1 ? 1200 : 17;
      kit_plane plane = kit_plane_new(types[i].dtype, 9, width, (kit_layout)layout);
      for (int64_t y = 0; y < 9; y++)
        for (int64_t x = 0; x < width; x++)
          if (real)
            kit_put_real(&plane.view, y, x, kit_plain_loss(&state));
          else
            kit_put_int(&plane.view, y, x, (int64_t)kit_random(&state));
      KIT_OK(fm_npy_write(context, io_path("a.npy"), &plane.view, NULL, &err));
      io_bytes file = io_get_file(io_path("a.npy"));
      char header[118];
      int length = snprintf(header, sizeof header,
                            "{'descr': '%s', 'fortran_order': False, 'shape': (9, %d), }",
                            types[i].descr, (int)width);
      ck_assert_mem_eq(file.data, "\x93NUMPY\x01\x00\x76\x00", 10);
      ck_assert_mem_eq(file.data + 10, header, (size_t)length);
      ck_assert_int_eq(file.data[127], '\n');
      fm_raster *raster = NULL;
      if (real)
        KIT_OK(fm_loss_read(context, io_path("a.npy"), NULL, &raster, &err));
      else
        KIT_OK(fm_mask_read(context, io_path("a.npy"), NULL, &raster, &err));
      fm_plane back = fm_raster_plane(raster);
      ck_assert_int_eq(back.dtype, types[i].dtype == FM_F64 ? FM_F32 : types[i].dtype);
      for (int64_t y = 0; y < 9; y++)
        for (int64_t x = 0; x < width; x++)
          if (real)
            ck_assert_float_eq(kit_get_real(&back, y, x), kit_get_real(&plane.view, y, x));
          else
            ck_assert_int_eq(kit_get_int(&back, y, x), kit_get_int(&plane.view, y, x));
      fm_raster_destroy(raster);
      io_bytes_free(&file);
      kit_plane_free(&plane);
      remove(io_path("a.npy"));
    }
}
END_TEST

START_TEST(bad_writes_are_refused) {
  float pixels[4] = {0};
  fm_plane plane = fm_plane_make(pixels, FM_F32, 2, 2);
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_npy_write: context is NULL",
            fm_npy_write(NULL, "x", &plane, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "fm_npy_write: path is NULL",
            fm_npy_write(context, NULL, &plane, NULL, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "plane: is NULL", fm_npy_write(context, "x", NULL, NULL, &err));
  fm_write_options options = {.size = sizeof options, .compression = 1};
  KIT_FAILS(FM_ERR_ARGUMENT, "compression is given, which NPY has no use for",
            fm_npy_write(context, io_path("x.npy"), &plane, &options, &err));
  options = (fm_write_options){.size = sizeof options, .jpeg_quality = 1};
  KIT_FAILS(FM_ERR_ARGUMENT, "jpeg_quality is given",
            fm_npy_write(context, io_path("x.npy"), &plane, &options, &err));
  options = (fm_write_options){.size = sizeof options, .flush = 2};
  KIT_FAILS(FM_ERR_ARGUMENT, "flush is 2",
            fm_npy_write(context, io_path("x.npy"), &plane, &options, &err));
  fm_plane brain = fm_plane_make(pixels, FM_BF16, 2, 2);
  KIT_FAILS(FM_ERR_UNSUPPORTED, "dtype is bf16",
            fm_npy_write(context, io_path("x"), &brain, NULL, &err));
  KIT_FAILS(FM_ERR_IO, "No such file",
            fm_npy_write(context, io_path("no/x.npy"), &plane, NULL, &err));
}
END_TEST

static fm_status scenario(fm_context *own, void *path, fm_error *err) {
  float pixels[6] = {0.5F, 1, 2, 3, 4, 5};
  fm_plane plane = fm_plane_make(pixels, FM_F32, 2, 3);
  io_bytes cube = io_npy(1, HEADER(NATIVE "f4", "False", "(1, 2, 3)"), pixels, sizeof pixels);
  fm_raster *raster = NULL;
  fm_status status = fm_npy_write(own, path, &plane, NULL, err);
  if (!status) status = fm_loss_read(own, path, NULL, &raster, err);
  fm_raster_destroy(raster);
  raster = NULL;
  if (!status) status = fm_output_decode(own, cube.data, cube.size, NULL, &raster, err);
  fm_raster_destroy(raster);
  io_bytes_free(&cube);
  remove(path);
  return status;
}

START_TEST(every_allocation_may_fail) {
  char path[512];
  strcpy(path, io_path("a.npy"));
  kit_every_allocation_fails(scenario, path, 5);
}
END_TEST

Suite *io_npy_suite(void) {
  Suite *suite = suite_create("io: arrays");
  TCase *numbers = tcase_create("numbers");
  tcase_add_checked_fixture(numbers, set_up, tear_down);
  tcase_add_test(numbers, masks_of_every_type);
  tcase_add_test(numbers, fortran_order_is_read_by_columns);
  tcase_add_test(numbers, headers_may_be_spelt_otherwise);
  tcase_add_test(numbers, every_version_is_read);
  tcase_add_test(numbers, losses_are_read);
  tcase_add_test(numbers, outputs_are_read);
  tcase_add_test(numbers, doubles_are_rounded_once);
  suite_add_tcase(suite, numbers);
  TCase *refusals = tcase_create("refusals");
  tcase_add_checked_fixture(refusals, set_up, tear_down);
  tcase_add_test(refusals, lying_shapes_are_refused);
  tcase_add_test(refusals, shapes_that_are_no_plane_are_refused);
  tcase_add_test(refusals, shapes_that_are_no_output_are_refused);
  tcase_add_test(refusals, other_types_are_refused);
  tcase_add_test(refusals, malformed_headers_are_refused);
  tcase_add_test(refusals, truncated_files_are_refused_at_every_byte);
  tcase_add_test(refusals, other_files_are_no_loss_maps);
  suite_add_tcase(suite, refusals);
  TCase *writing = tcase_create("writing");
  tcase_add_checked_fixture(writing, set_up, tear_down);
  tcase_set_timeout(writing, 120);
  tcase_add_test(writing, written_arrays_come_back);
  tcase_add_test(writing, bad_writes_are_refused);
  tcase_add_test(writing, every_allocation_may_fail);
  suite_add_tcase(suite, writing);
  return suite;
}
