/* core/test_view.c - freemask/view.h: planes, volumes, DLPack.
 * SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

START_TEST(sizes_of_elements) {
  static const struct {
    fm_dtype dtype;
    int number;
    size_t size;
  } known[] = {{FM_U8, 1, 1},  {FM_U16, 2, 2}, {FM_I16, 3, 2}, {FM_I32, 4, 4},
               {FM_I64, 5, 8}, {FM_F32, 6, 4}, {FM_F16, 7, 2}, {FM_BF16, 8, 2}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    ck_assert_int_eq(known[i].dtype, known[i].number);
    ck_assert_uint_eq(fm_dtype_size(known[i].dtype), known[i].size);
  }
  ck_assert_uint_eq(fm_dtype_size((fm_dtype)0), 0);
  ck_assert_uint_eq(fm_dtype_size((fm_dtype)9), 0);
  ck_assert_uint_eq(fm_dtype_size((fm_dtype)-1), 0);
}
END_TEST

START_TEST(layouts_are_frozen) {
  if (sizeof(void *) != 8) return;
  ck_assert_uint_eq(sizeof(fm_plane), 48);
  ck_assert_uint_eq(sizeof(fm_volume), 64);
  ck_assert_uint_eq(offsetof(fm_plane, dtype), 8);
  ck_assert_uint_eq(offsetof(fm_plane, height), 16);
  ck_assert_uint_eq(offsetof(fm_plane, row_stride), 32);
  ck_assert_uint_eq(offsetof(fm_volume, channels), 16);
  ck_assert_uint_eq(offsetof(fm_volume, channel_stride), 40);
}
END_TEST

START_TEST(made_views_are_packed) {
  uint8_t pixels[6] = {0};
  fm_plane plane = fm_plane_make(pixels, FM_U8, 2, 3);
  ck_assert_ptr_eq(plane.data, pixels);
  ck_assert_int_eq(plane.dtype, FM_U8);
  ck_assert_int_eq(plane.reserved, 0);
  ck_assert_int_eq(plane.height, 2);
  ck_assert_int_eq(plane.width, 3);
  ck_assert(plane.row_stride == 0 || plane.row_stride == 3);
  ck_assert(plane.col_stride == 0 || plane.col_stride == 1);
  fm_volume volume = fm_volume_make(pixels, FM_U8, 3, 1, 2);
  ck_assert_ptr_eq(volume.data, pixels);
  ck_assert_int_eq(volume.channels, 3);
  ck_assert_int_eq(volume.height, 1);
  ck_assert_int_eq(volume.width, 2);
}
END_TEST

/* ---- What calls say about bad planes: fm_labels_count stands for all of them ------- */

static fm_context *context;
static fm_labels *labels;

static void set_up(void) {
  context = kit_plain_context();
  KIT_OK(fm_labels_create_from_preset(context, "camvid", &labels, &err));
}

static void tear_down(void) {
  fm_labels_destroy(labels);
  fm_context_destroy(context);
}

static void refuse(fm_plane plane, fm_status status, const char *text) {
  int64_t pixels[11], ignored = -77;
  for (int i = 0; i < 11; i++) pixels[i] = -77;
  KIT_FAILS(status, text, fm_labels_count(labels, &plane, pixels, &ignored, &err));
  for (int i = 0; i < 11; i++) ck_assert_int_eq(pixels[i], -77);
  ck_assert_int_eq(ignored, -77);
}

START_TEST(bad_planes_are_refused) {
  uint8_t pixels[64] = {0};
  fm_plane good = fm_plane_make(pixels, FM_U8, 4, 4), bad = good;
  bad.data = NULL;
  refuse(bad, FM_ERR_ARGUMENT, "mask: data");
  bad = good;
  bad.dtype = 0;
  refuse(bad, FM_ERR_ARGUMENT, "dtype is 0");
  bad.dtype = 77;
  refuse(bad, FM_ERR_ARGUMENT, "dtype is 77");
  bad = good;
  bad.reserved = 1;
  refuse(bad, FM_ERR_ARGUMENT, "reserved");
  bad.reserved = 0;
  static const int32_t reals[] = {FM_F32, FM_F16, FM_BF16};
  for (size_t i = 0; i < 3; i++) {
    bad.dtype = reals[i];
    refuse(bad, FM_ERR_UNSUPPORTED, "dtype");
  }
  KIT_FAILS(FM_ERR_ARGUMENT, "mask", fm_labels_count(labels, NULL, NULL, NULL, &err));
}
END_TEST

START_TEST(bad_sizes_are_refused) {
  static const int64_t none[] = {0, -1, INT64_MIN};
  static const int64_t huge[] = {INT64_C(1) << 31, INT64_MAX};
  uint8_t pixel = 0;
  for (size_t i = 0; i < 3; i++) {
    refuse(fm_plane_make(&pixel, FM_U8, none[i], 1), FM_ERR_ARGUMENT, "size is");
    refuse(fm_plane_make(&pixel, FM_U8, 1, none[i]), FM_ERR_ARGUMENT, "size is");
  }
  for (size_t i = 0; i < 2; i++) {
    refuse(fm_plane_make(&pixel, FM_U8, huge[i], 1), FM_ERR_LIMIT, "2^31");
    refuse(fm_plane_make(&pixel, FM_U8, 1, huge[i]), FM_ERR_LIMIT, "2^31");
  }
  refuse(fm_plane_make(&pixel, FM_U8, (INT64_C(1) << 20) + 1, INT64_C(1) << 20), FM_ERR_LIMIT,
         "2^40");
  refuse(fm_plane_make(&pixel, FM_U8, INT32_MAX, INT32_MAX), FM_ERR_LIMIT, "2^40");
}
END_TEST

START_TEST(wild_strides_are_refused) {
  static const int64_t wild[] = {INT64_MAX, INT64_MIN, INT64_MAX / 2, INT64_MIN / 2};
  uint8_t pixels[64] = {0};
  for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
    fm_plane plane = fm_plane_make(pixels, FM_U8, 4, 4);
    plane.row_stride = wild[i];
    refuse(plane, FM_ERR_ARGUMENT, "row_stride");
    plane.row_stride = 4;
    plane.col_stride = wild[i];
    refuse(plane, FM_ERR_ARGUMENT, "col_stride");
  }
}
END_TEST

START_TEST(zero_row_stride_follows_the_column_stride) {
  uint8_t pixels[24];
  for (int i = 0; i < 24; i++) pixels[i] = i % 2 ? 10 : 3;
  fm_plane plane = fm_plane_make(pixels, FM_U8, 3, 4);
  plane.col_stride = 2;
  plane.row_stride = 0;
  int64_t counts[11];
  KIT_OK(fm_labels_count(labels, &plane, counts, NULL, &err));
  ck_assert_int_eq(counts[3], 12);
  ck_assert_int_eq(counts[10], 0);
}
END_TEST

/* ---- DLPack ------------------------------------------------------------------------ */

/* The layout of DLTensor as dlpack.h (0.2 to 1.x) has it. */
typedef struct tensor {
  void *data;
  struct {
    int32_t type, id;
  } device;
  int32_t ndim;
  struct {
    uint8_t code, bits;
    uint16_t lanes;
  } dtype;
  int64_t *shape;
  int64_t *strides;
  uint64_t byte_offset;
} tensor;

static int64_t shape2[] = {2, 3};

static tensor tensor_of(void *data, uint8_t code, uint8_t bits) {
  tensor t;
  memset(&t, 0, sizeof t);
  t.data = data;
  t.device.type = 1;
  t.ndim = 2;
  t.dtype.code = code;
  t.dtype.bits = bits;
  t.dtype.lanes = 1;
  t.shape = shape2;
  return t;
}

START_TEST(dlpack_types) {
  static const struct {
    uint8_t code, bits;
    fm_dtype dtype;
  } known[] = {{1, 8, FM_U8},   {1, 16, FM_U16}, {0, 16, FM_I16}, {0, 32, FM_I32},
               {0, 64, FM_I64}, {2, 32, FM_F32}, {2, 16, FM_F16}, {4, 16, FM_BF16}};
  int64_t pixels[6] = {0};
  for (int code = 0; code < 8; code++)
    for (int bits = 1; bits <= 128; bits++) {
      fm_dtype expected = (fm_dtype)0;
      for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == code && known[i].bits == bits) expected = known[i].dtype;
      tensor t = tensor_of(pixels, (uint8_t)code, (uint8_t)bits);
      fm_plane plane;
      if (expected) {
        KIT_OK(fm_plane_from_dlpack(&t, &plane, &err));
        ck_assert_int_eq(plane.dtype, expected);
        ck_assert_ptr_eq(plane.data, pixels);
        ck_assert_int_eq(plane.height, 2);
        ck_assert_int_eq(plane.width, 3);
      } else {
        KIT_FAILS(FM_ERR_UNSUPPORTED, "type", fm_plane_from_dlpack(&t, &plane, &err));
      }
    }
  tensor vector = tensor_of(pixels, 2, 32);
  vector.dtype.lanes = 4;
  fm_plane plane;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "lanes", fm_plane_from_dlpack(&vector, &plane, &err));
}
END_TEST

START_TEST(dlpack_strides_count_elements) {
  uint16_t pixels[64];
  for (int i = 0; i < 64; i++) pixels[i] = 3;
  static const struct {
    int64_t row, col;
    int first;
  } cases[] = {{3, 1, 0}, {10, 1, 0}, {1, 2, 0}, {-3, 1, 12}, {12, -2, 20}, {7, 3, 5}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    tensor t = tensor_of(pixels, 1, 16);
    int64_t strides[] = {cases[i].row, cases[i].col};
    t.strides = strides;
    t.byte_offset = (uint64_t)cases[i].first * 2;
    fm_plane plane;
    KIT_OK(fm_plane_from_dlpack(&t, &plane, &err));
    ck_assert_ptr_eq(plane.data, pixels + cases[i].first);
    for (int64_t y = 0; y < 2; y++)
      for (int64_t x = 0; x < 3; x++) kit_put_int(&plane, y, x, y * 3 + x);
    for (int64_t y = 0; y < 2; y++)
      for (int64_t x = 0; x < 3; x++)
        ck_assert_int_eq(pixels[cases[i].first + y * cases[i].row + x * cases[i].col], y * 3 + x);
    int64_t counts[11];
    KIT_OK(fm_labels_count(labels, &plane, counts, NULL, &err));
    for (int k = 0; k < 6; k++) ck_assert_int_eq(counts[k], 1);
  }
}
END_TEST

START_TEST(dlpack_leading_ones) {
  uint8_t pixels[6] = {0};
  tensor t = tensor_of(pixels, 1, 8);
  int64_t shape4[] = {1, 1, 2, 3};
  int64_t strides4[] = {0, 999, 3, 1};
  t.ndim = 4;
  t.shape = shape4;
  t.strides = strides4;
  fm_plane plane;
  KIT_OK(fm_plane_from_dlpack(&t, &plane, &err));
  ck_assert_int_eq(plane.height, 2);
  ck_assert_int_eq(plane.width, 3);
  fm_plane before = plane;
  shape4[1] = 2;
  KIT_FAILS(FM_ERR_SHAPE, "2", fm_plane_from_dlpack(&t, &plane, &err));
  t.ndim = 1;
  KIT_FAILS(FM_ERR_SHAPE, "1 dimension", fm_plane_from_dlpack(&t, &plane, &err));
  t.ndim = 0;
  KIT_FAILS(FM_ERR_SHAPE, "0 dimension", fm_plane_from_dlpack(&t, &plane, &err));
  t.ndim = -5;
  KIT_FAILS(FM_ERR_SHAPE, "-5", fm_plane_from_dlpack(&t, &plane, &err));
  ck_assert_mem_eq(&before, &plane, sizeof plane);
}
END_TEST

START_TEST(dlpack_misfits_are_refused) {
  uint8_t pixels[6] = {0};
  fm_plane plane = fm_plane_make(pixels, FM_U8, 7, 9), before = plane;
  tensor t = tensor_of(pixels, 1, 8);
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_plane_from_dlpack(NULL, &plane, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_plane_from_dlpack(&t, NULL, &err));
  t.device.type = 2;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "device 2", fm_plane_from_dlpack(&t, &plane, &err));
  t = tensor_of(NULL, 1, 8);
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_plane_from_dlpack(&t, &plane, &err));
  t = tensor_of(pixels, 1, 8);
  int64_t empty[] = {2, 0};
  t.shape = empty;
  KIT_FAILS(FM_ERR_ARGUMENT, "size", fm_plane_from_dlpack(&t, &plane, &err));
  t = tensor_of(pixels, 0, 64);
  int64_t wild[] = {INT64_MAX, 1};
  t.strides = wild;
  KIT_FAILS(FM_ERR_ARGUMENT, "stride", fm_plane_from_dlpack(&t, &plane, &err));
  int64_t broadcast[] = {0, 1};
  t.strides = broadcast;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "broadcast", fm_plane_from_dlpack(&t, &plane, &err));
  ck_assert_mem_eq(&before, &plane, sizeof plane);
}
END_TEST

Suite *view_suite(void) {
  Suite *suite = suite_create("view");
  TCase *tests = tcase_create("view");
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_test(tests, sizes_of_elements);
  tcase_add_test(tests, layouts_are_frozen);
  tcase_add_test(tests, made_views_are_packed);
  tcase_add_test(tests, bad_planes_are_refused);
  tcase_add_test(tests, bad_sizes_are_refused);
  tcase_add_test(tests, wild_strides_are_refused);
  tcase_add_test(tests, zero_row_stride_follows_the_column_stride);
  tcase_add_test(tests, dlpack_types);
  tcase_add_test(tests, dlpack_strides_count_elements);
  tcase_add_test(tests, dlpack_leading_ones);
  tcase_add_test(tests, dlpack_misfits_are_refused);
  suite_add_tcase(suite, tests);
  return suite;
}
