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
  } known[] = {{FM_U8, 1, 1},  {FM_I8, 2, 1},    {FM_U16, 3, 2},  {FM_I16, 4, 2},
               {FM_U32, 5, 4}, {FM_I32, 6, 4},   {FM_U64, 7, 8},  {FM_I64, 8, 8},
               {FM_F16, 9, 2}, {FM_BF16, 10, 2}, {FM_F32, 11, 4}, {FM_F64, 12, 8}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    ck_assert_int_eq(known[i].dtype, known[i].number);
    ck_assert_uint_eq(fm_dtype_size(known[i].dtype), known[i].size);
  }
  ck_assert_uint_eq(fm_dtype_size((fm_dtype)0), 0);
  ck_assert_uint_eq(fm_dtype_size((fm_dtype)13), 0);
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
  ck_assert_int_eq(plane.device, FM_DEVICE_HOST);
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
  bad.device = 1;
  refuse(bad, FM_ERR_UNSUPPORTED, "device is 1");
  bad.device = -1;
  refuse(bad, FM_ERR_UNSUPPORTED, "device is -1");
  bad.device = FM_DEVICE_HOST;
  static const struct {
    int32_t dtype;
    const char *name;
  } reals[] = {{FM_F32, "dtype is f32, expected u8, i8, u16, i16, u32, i32, u64, i64"},
               {FM_F16, "dtype is f16"},
               {FM_BF16, "dtype is bf16"},
               {FM_F64, "dtype is f64"}};
  for (size_t i = 0; i < 4; i++) {
    bad.dtype = reals[i].dtype;
    refuse(bad, FM_ERR_UNSUPPORTED, reals[i].name);
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
    plane.col_stride = 1;
    plane.row_stride = wild[i];
    refuse(plane, FM_ERR_ARGUMENT, "row_stride");
    plane.row_stride = 4;
    plane.col_stride = wild[i];
    refuse(plane, FM_ERR_ARGUMENT, "col_stride");
  }
}
END_TEST

/* All strides 0: packed. Else each is literal, and 0 only where there is one element. */
START_TEST(zero_strides_follow_one_rule) {
  uint8_t pixels[24];
  int64_t counts[11];
  for (int i = 0; i < 24; i++) pixels[i] = i % 2 ? 10 : 3;
  fm_plane plane = fm_plane_make(pixels, FM_U8, 3, 4);
  KIT_OK(fm_labels_count(labels, &plane, counts, NULL, &err));
  ck_assert_int_eq(counts[3], 6);
  plane.col_stride = 2;
  refuse(plane, FM_ERR_ARGUMENT, "row_stride is 0");
  plane.col_stride = 0;
  plane.row_stride = 8;
  refuse(plane, FM_ERR_ARGUMENT, "col_stride is 0");
  plane.col_stride = 2;
  KIT_OK(fm_labels_count(labels, &plane, counts, NULL, &err));
  ck_assert_int_eq(counts[3], 12);

  /* Along a single element any stride will do. */
  static const int64_t any[] = {0, 1, -7, INT64_MAX, INT64_MIN};
  for (size_t i = 0; i < sizeof any / sizeof *any; i++) {
    plane = fm_plane_make(pixels, FM_U8, 1, 12);
    plane.col_stride = 2;
    plane.row_stride = any[i];
    KIT_OK(fm_labels_count(labels, &plane, counts, NULL, &err));
    ck_assert_int_eq(counts[3], 12);
    plane = fm_plane_make(pixels, FM_U8, 12, 1);
    plane.row_stride = 2;
    plane.col_stride = any[i];
    KIT_OK(fm_labels_count(labels, &plane, counts, NULL, &err));
    ck_assert_int_eq(counts[3], 12);
  }
}
END_TEST

/* The same rule for volumes; a network's output stands for all of them. Class c has the logit c,
 * so that a stride that is read wrongly changes the loss. */
START_TEST(zero_strides_of_volumes_follow_the_rule) {
  enum { H = 2, W = 3, C = 11 };
  float logits[C * H * W], losses[H * W], again[H * W];
  uint8_t pixels[H * W] = {0, 5, 10, 3, 1, 7};
  for (int i = 0; i < C * H * W; i++) logits[i] = (float)(i / (H * W));
  fm_plane mask = fm_plane_make(pixels, FM_U8, H, W);
  fm_plane loss = fm_plane_make(losses, FM_F32, H, W);
  fm_plane second = fm_plane_make(again, FM_F32, H, W);
  fm_network_loss_options options = {.size = sizeof options, .kind = FM_OUTPUT_LOGITS};
  fm_network_loss *model = NULL;
  KIT_OK(fm_network_loss_create(labels, &options, &model, &err));
  fm_volume volume = fm_volume_make(logits, FM_F32, C, H, W);
  KIT_OK(kit_map(model, &volume, &mask, &loss, &err));
  volume.channel_stride = H * W * 4;
  volume.row_stride = W * 4;
  volume.col_stride = 4;
  KIT_OK(kit_map(model, &volume, &mask, &second, &err));
  ck_assert_mem_eq(losses, again, sizeof losses);
  static const struct {
    int64_t channel, row, col;
    const char *text;
  } bad[] = {{0, W * 4, 4, "channel_stride is 0"},
             {H * W * 4, 0, 4, "row_stride is 0"},
             {H * W * 4, W * 4, 0, "col_stride is 0"},
             {0, 0, 4, "row_stride is 0"},
             {4, 0, 0, "col_stride is 0"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    volume.channel_stride = bad[i].channel;
    volume.row_stride = bad[i].row;
    volume.col_stride = bad[i].col;
    KIT_FAILS(FM_ERR_ARGUMENT, bad[i].text, kit_map(model, &volume, &mask, &second, &err));
  }
  volume = fm_volume_make(logits, FM_F32, C, H, W);
  volume.device = 2;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "device is 2", kit_map(model, &volume, &mask, &second, &err));
  ck_assert_mem_eq(losses, again, sizeof losses);
  fm_network_loss_destroy(model);
}
END_TEST

/* Every integer type reads the labels that it holds; what it holds beside them is named. */
START_TEST(masks_of_all_integers) {
  static const struct {
    fm_dtype dtype;
    int64_t stranger;
    const char *named;
  } kinds[] = {{FM_U8, 255, "255"},
               {FM_I8, -1, "-1"},
               {FM_U16, 65535, "65535"},
               {FM_I16, -32768, "-32768"},
               {FM_U32, INT64_C(4294967295), "4294967295"},
               {FM_I32, INT32_MIN, "-2147483648"},
               {FM_U64, -1, "18446744073709551615"},
               {FM_I64, INT64_MIN, "-9223372036854775808"}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    for (int layout = 0; layout < KIT_LAYOUTS; layout++) {
      kit_plane mask = kit_plane_new(kinds[i].dtype, 7, 300, (kit_layout)layout);
      for (int64_t y = 0; y < 7; y++)
        for (int64_t x = 0; x < 300; x++) kit_put_int(&mask.view, y, x, (y + x) % 12);
      int64_t counts[11], ignored;
      KIT_OK(fm_labels_count(labels, &mask.view, counts, &ignored, &err));
      for (int k = 0; k < 11; k++) ck_assert_int_eq(counts[k], 175);
      ck_assert_int_eq(ignored, 175);
      kit_put_int(&mask.view, 5, 299, kinds[i].stranger);
      refuse(mask.view, FM_ERR_LABEL, kinds[i].named);
      kit_plane_free(&mask);
    }
}
END_TEST

/* ---- Overlap: fm_map_resize_nearest stands for all calls that write a plane ---------- */

enum { ROOM = 600 };

/* Marks the bytes of a plane's pixels. False: two pixels share one. */
static bool mark_bytes(const fm_plane *plane, const unsigned char *memory, bool *used) {
  bool distinct = true;
  int64_t element = (int64_t)fm_dtype_size((fm_dtype)plane->dtype);
  for (int64_t y = 0; y < plane->height; y++)
    for (int64_t x = 0; x < plane->width; x++)
      for (int64_t b = 0; b < element; b++) {
        const unsigned char *at =
            (const unsigned char *)plane->data + y * plane->row_stride + x * plane->col_stride + b;
        distinct = distinct && !used[at - memory];
        used[at - memory] = true;
      }
  return distinct;
}

/* A plane somewhere in the memory; false if it does not fit. */
static bool draw_plane(fm_plane *plane, unsigned char *memory, uint64_t *state) {
  static const fm_dtype types[] = {FM_U8, FM_U16, FM_U32};
  fm_dtype dtype = types[kit_below(state, 3)];
  *plane = fm_plane_make(memory, dtype, 1 + kit_below(state, 5), 1 + kit_below(state, 5));
  plane->row_stride = kit_below(state, 81) - 40;
  plane->col_stride = kit_below(state, 21) - 10;
  if (!plane->row_stride || !plane->col_stride) return false;
  int64_t rows = (plane->height - 1) * plane->row_stride;
  int64_t columns = (plane->width - 1) * plane->col_stride;
  int64_t low = (rows < 0 ? rows : 0) + (columns < 0 ? columns : 0);
  int64_t high = (rows > 0 ? rows : 0) + (columns > 0 ? columns : 0) + 4;
  plane->data = memory + kit_below(state, ROOM - (high - low)) - low;
  return true;
}

/* Byte by byte: what is accepted shares none, and what shares none is mostly accepted. */
START_TEST(overlaps_are_found_whatever_the_strides) {
  static unsigned char memory[ROOM];
  uint64_t state = 31;
  int apart = 0, accepted = 0;
  for (int round = 0; round < 40000; round++) {
    fm_plane from, to;
    if (!draw_plane(&from, memory, &state) || !draw_plane(&to, memory, &state)) continue;
    bool used[ROOM] = {false}, written[ROOM] = {false}, meet = false;
    (void)mark_bytes(&from, memory, used);
    bool distinct = mark_bytes(&to, memory, written);
    for (int i = 0; i < ROOM; i++) meet = meet || (used[i] && written[i]);
    fm_error err;
    bool done = fm_map_resize_nearest(context, &from, &to, &err) == FM_OK;
    ck_assert_msg(done || strstr(err.message, "overlap"), "%s", err.message);
    ck_assert_msg(!done || (distinct && !meet), "round %d: overlapping planes were accepted",
                  round);
    apart += distinct && !meet;
    accepted += done;
  }
  ck_assert_int_gt(apart, 10000);
  ck_assert_msg(accepted > apart * 4 / 5, "only %d of %d were accepted", accepted, apart);
}
END_TEST

/* The interleavings that the header names. */
START_TEST(interleaved_planes_share_no_byte) {
  static uint16_t buffer[6 * 12 * 3];
  static const struct {
    int64_t height, width, row, col, other; /* strides and offset, in elements */
  } cases[] = {
      {6, 6, 12, 2, 1},   /* even and odd columns */
      {6, 6, 12, 1, 6},   /* left and right halves */
      {3, 12, 24, 1, 12}, /* even and odd rows */
      {6, 12, 36, 3, 2},  /* channels of interleaved pixels */
      {6, 6, 1, 12, 6},   /* halves of columns, transposed */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int flip = 0; flip < 2; flip++) {
      fm_plane from = fm_plane_make(buffer, FM_U16, cases[i].height, cases[i].width), to;
      from.row_stride = 2 * cases[i].row;
      from.col_stride = 2 * cases[i].col;
      to = from;
      to.data = buffer + cases[i].other;
      if (flip) { /* the last row first */
        to.data = (char *)to.data + (to.height - 1) * to.row_stride;
        to.row_stride = -to.row_stride;
      }
      KIT_OK(fm_map_resize_nearest(context, &from, &to, &err));
      to.data = (char *)to.data + 1; /* half an element further */
      KIT_FAILS(FM_ERR_ARGUMENT, "overlaps", fm_map_resize_nearest(context, &from, &to, &err));
    }
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
  } known[] = {{1, 8, FM_U8},   {0, 8, FM_I8},   {1, 16, FM_U16}, {0, 16, FM_I16}, {1, 32, FM_U32},
               {0, 32, FM_I32}, {1, 64, FM_U64}, {0, 64, FM_I64}, {2, 16, FM_F16}, {4, 16, FM_BF16},
               {2, 32, FM_F32}, {2, 64, FM_F64}, {6, 8, FM_U8}};
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
        static const char *const kinds[] = {"int",    "uint",    "float", "handle",
                                            "bfloat", "complex", "bool",  "type of code 7"};
        KIT_FAILS(FM_ERR_UNSUPPORTED, kinds[code], fm_plane_from_dlpack(&t, &plane, &err));
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

START_TEST(dlpack_volumes) {
  float values[5 * 2 * 3 * 4];
  for (int i = 0; i < 120; i++) values[i] = (float)i;
  tensor t = tensor_of(values, 2, 32);
  int64_t shape[] = {1, 5, 2, 3}, strides[] = {-9, 1, 60, 5};
  t.ndim = 4;
  t.shape = shape;
  fm_volume volume;
  KIT_OK(fm_volume_from_dlpack(&t, &volume, &err));
  ck_assert_int_eq(volume.channels, 5);
  ck_assert_int_eq(volume.height, 2);
  ck_assert_int_eq(volume.width, 3);
  ck_assert_int_eq(volume.channel_stride, 24);
  ck_assert_int_eq(volume.row_stride, 12);
  ck_assert_int_eq(volume.col_stride, 4);
  t.strides = strides; /* channels last */
  t.byte_offset = 8;
  KIT_OK(fm_volume_from_dlpack(&t, &volume, &err));
  for (int64_t c = 0; c < 5; c++)
    for (int64_t y = 0; y < 2; y++)
      for (int64_t x = 0; x < 3; x++) {
        const char *at = (const char *)volume.data + c * volume.channel_stride +
                         y * volume.row_stride + x * volume.col_stride;
        float value;
        memcpy(&value, at, sizeof value);
        ck_assert_int_eq((int)value, 2 + (int)(c + 60 * y + 5 * x));
      }
  fm_volume before = volume;
  strides[1] = 0;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "broadcast", fm_volume_from_dlpack(&t, &volume, &err));
  t.strides = NULL;
  t.ndim = 2;
  KIT_FAILS(FM_ERR_SHAPE, "[channels, height, width]", fm_volume_from_dlpack(&t, &volume, &err));
  t.ndim = 4;
  shape[0] = 2;
  KIT_FAILS(FM_ERR_SHAPE, "leading dimension 0 is 2", fm_volume_from_dlpack(&t, &volume, &err));
  shape[0] = 1;
  shape[1] = 65537;
  KIT_FAILS(FM_ERR_ARGUMENT, "65537 channels", fm_volume_from_dlpack(&t, &volume, &err));
  shape[1] = 5;
  t.device.type = 2;
  KIT_FAILS(FM_ERR_UNSUPPORTED, "device 2", fm_volume_from_dlpack(&t, &volume, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_volume_from_dlpack(NULL, &volume, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_volume_from_dlpack(&t, NULL, &err));
  ck_assert_mem_eq(&before, &volume, sizeof volume);
  t.device.type = 11; /* pinned host memory */
  KIT_OK(fm_volume_from_dlpack(&t, &volume, &err));
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
  tcase_add_test(tests, zero_strides_follow_one_rule);
  tcase_add_test(tests, zero_strides_of_volumes_follow_the_rule);
  tcase_add_test(tests, masks_of_all_integers);
  tcase_add_test(tests, overlaps_are_found_whatever_the_strides);
  tcase_add_test(tests, interleaved_planes_share_no_byte);
  tcase_add_test(tests, dlpack_types);
  tcase_add_test(tests, dlpack_strides_count_elements);
  tcase_add_test(tests, dlpack_leading_ones);
  tcase_add_test(tests, dlpack_volumes);
  tcase_add_test(tests, dlpack_misfits_are_refused);
  suite_add_tcase(suite, tests);
  return suite;
}
