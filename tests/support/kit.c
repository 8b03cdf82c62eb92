/* support/kit.c - see kit.h.
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "kit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__GLIBC__)
#include <dlfcn.h>
#endif

/* ---- Allocator ------------------------------------------------------------------ */

void *kit_allocate(size_t size, void *user) {
  kit_allocator *allocator = user;
  kit_pause();
  ck_assert_uint_ne(size, 0);
  kit_resume();
  long call = atomic_fetch_add(&allocator->calls, 1);
  if (allocator->fail_at >= 0 &&
      (call == allocator->fail_at || (allocator->fail_on && call > allocator->fail_at))) {
    atomic_fetch_add(&allocator->refused, 1);
    return NULL;
  }
  void *memory = malloc(size);
  if (!memory) return NULL; /* a walk (KIT_CALL) refuses it */
  /* What the library forgets to initialise shows. */
  memset(memory, 0xC3, size);
  atomic_fetch_add(&allocator->living, 1);
  return memory;
}

void kit_release(void *memory, void *user) {
  kit_allocator *allocator = user;
  kit_pause();
  ck_assert_ptr_nonnull(memory);
  kit_resume();
  atomic_fetch_sub(&allocator->living, 1);
  free(memory);
}

fm_context *kit_context(kit_allocator *allocator) {
  atomic_store(&allocator->calls, 0);
  atomic_store(&allocator->living, 0);
  atomic_store(&allocator->refused, 0);
  allocator->fail_at = -1;
  allocator->fail_on = false;
  fm_context_options options = {.size = sizeof options};
  options.allocate = kit_allocate;
  options.release = kit_release;
  options.allocator_user = allocator;
  fm_context *context = NULL;
  KIT_OK(fm_context_create(&options, &context, &err));
  return context;
}

fm_context *kit_plain_context(void) {
  fm_context *context = NULL;
  KIT_OK(fm_context_create(NULL, &context, &err));
  return context;
}

/* One run with the given failure; returns whether an allocation was refused. */
static bool run_failing(kit_scenario scenario, void *user, long fail_at, bool fail_on,
                        long *calls) {
  kit_allocator allocator;
  fm_context *context = kit_context(&allocator);
  long before = atomic_load(&allocator.calls);
  allocator.fail_at = fail_at < 0 ? -1 : before + fail_at;
  allocator.fail_on = fail_on;
  fm_error err = kit_error();
  fm_status status = scenario(context, user, &err);
  long refused = atomic_load(&allocator.refused);
  *calls = atomic_load(&allocator.calls) - before;
  if (refused) {
    ck_assert_msg(status == FM_ERR_MEMORY, "allocation %ld failed, the call returned %s", fail_at,
                  fm_status_name(status));
    kit_expect("out of memory", status, FM_ERR_MEMORY, &err, "memory");
  } else {
    ck_assert_msg(status == FM_OK, "nothing failed, the call returned %s: %s",
                  fm_status_name(status), err.message);
  }
  allocator.fail_at = -1;
  fm_context_destroy(context);
  ck_assert_msg(atomic_load(&allocator.living) == 0,
                "allocation %ld failed (%s): %ld blocks were not released", fail_at,
                fail_on ? "and all after it" : "alone", atomic_load(&allocator.living));
  return refused > 0;
}

void kit_every_allocation_fails(kit_scenario scenario, void *user, long least) {
  long total = 0;
  ck_assert(!run_failing(scenario, user, -1, false, &total));
  ck_assert_msg(total >= least, "only %ld allocations, expected %ld: is the scenario whole?", total,
                least);
  for (int fail_on = 0; fail_on < 2; fail_on++)
    for (long i = 0; i < total; i++) {
      long calls;
      ck_assert_msg(run_failing(scenario, user, i, fail_on, &calls),
                    "allocation %ld of %ld was never asked for", i, total);
    }
}

/* ---- Walks ------------------------------------------------------------------------ */

/* Of faults/shim.c. */
typedef void (*arm_fn)(long at, int on);
typedef long (*disarm_fn)(long *left);
typedef void (*pause_fn)(int deeper);
static arm_fn arm;
static disarm_fn disarm;
static pause_fn pause_walk;

#if defined(__GLIBC__)

static bool find_shim(void) {
  void *symbol = dlsym(RTLD_DEFAULT, "freemask_faults_arm");
  if (!symbol) return false;
  memcpy(&arm, &symbol, sizeof arm); /* ISO C has no cast from objects to functions */
  symbol = dlsym(RTLD_DEFAULT, "freemask_faults_disarm");
  ck_assert_ptr_nonnull(symbol);
  memcpy(&disarm, &symbol, sizeof disarm);
  symbol = dlsym(RTLD_DEFAULT, "freemask_faults_pause");
  ck_assert_ptr_nonnull(symbol);
  memcpy(&pause_walk, &symbol, sizeof pause_walk);
  return true;
}

#else

static bool find_shim(void) { return false; }

#endif

static bool walks_are_off;

void kit_pause(void) {
  if (pause_walk) pause_walk(1);
}

void kit_resume(void) {
  if (pause_walk) pause_walk(-1);
}

void kit_walk_off(void) { walks_are_off = true; }

/* Loops repeat the same calls: a few of them will do. */
kit_walk kit_walk_begin(const char *call, fm_status expected, int *visits) {
  enum { MOST_VISITS = 3 };
  static _Thread_local bool looked, there;
  kit_walk walk = {.call = call, .expected = expected};
  if (!looked) there = getenv("FREEMASK_FAULT_UNITS") && find_shim();
  looked = true;
  walk.active = there && !walks_are_off && !strncmp(call, "fm_", 3) && (*visits)++ < MOST_VISITS;
  walk.at = 1;
  return walk;
}

void kit_walk_arm(const kit_walk *walk) {
  if (walk->active) arm(walk->at, walk->on);
}

bool kit_walk_again(kit_walk *walk, fm_status status, const fm_error *err) {
  long left = 0;
  if (!walk->active) return false;
  long refused = disarm(&left);
  if (!refused) return false; /* it has come to its end */
  ck_assert_msg(status == FM_ERR_MEMORY || status == walk->expected,
                "%s: allocation %ld failed (%s), it returned %s: %s", walk->call, walk->at,
                walk->on ? "and all after it" : "alone", fm_status_name(status),
                kit_error_untouched(err) ? "" : err->message);
  if (status == FM_OK) return false; /* it did without */
  enum { MOST_ROOMS = 8 };
  if (left && walk->grown++ < MOST_ROOMS) return true;
  walk->grown = 0;
  ck_assert_msg(left == 0, "%s: allocation %ld failed (%s), it left %ld blocks behind", walk->call,
                walk->at, walk->on ? "and all after it" : "alone", left);
  walk->at += walk->on;
  walk->on = !walk->on;
  return true;
}

/* ---- Stack ---------------------------------------------------------------------- */

bool kit_stack_is_usual(void) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
  return false;
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
  return false;
#else
  return true;
#endif
}

/* ---- Errors --------------------------------------------------------------------- */

fm_error kit_error(void) {
  fm_error err;
  memset(&err, 0x5A, sizeof err);
  return err;
}

bool kit_error_untouched(const fm_error *err) {
  const unsigned char *bytes = (const unsigned char *)err;
  for (size_t i = 0; i < sizeof *err; i++)
    if (bytes[i] != 0x5A) return false;
  return true;
}

void kit_expect(const char *where, fm_status status, fm_status expected, const fm_error *err,
                const char *text) {
  ck_assert_msg(status == expected, "%s: returned %s, expected %s: %.500s", where,
                fm_status_name(status), fm_status_name(expected),
                status && !kit_error_untouched(err) ? err->message : "");
  ck_assert_msg(err->code == (int32_t)expected, "%s: err.code is %d", where, (int)err->code);
  ck_assert_msg(expected == FM_ERR_CALLBACK || expected == FM_ERR_IO || err->host_code == 0,
                "%s: err.host_code is %d", where, (int)err->host_code);
  size_t length = strnlen(err->message, sizeof err->message);
  ck_assert_msg(length > 8 && length < sizeof err->message, "%s: message of %zu bytes", where,
                length);
  for (size_t i = 0; i < length; i++)
    ck_assert_msg((unsigned char)err->message[i] >= 0x20, "%s: control character in the message",
                  where);
  ck_assert_msg(!text || strstr(err->message, text), "%s: \"%s\" does not say \"%s\"", where,
                err->message, text);
}

/* ---- Options of other ages ------------------------------------------------------- */

void kit_options_rule(const char *name, const void *options, size_t size, kit_make make,
                      void *user) {
  union {
    max_align_t align;
    unsigned char bytes[1024];
  } room;
  ck_assert_uint_le(size + 64, sizeof room);

  static const size_t wild[] = {
      0, 1, sizeof(size_t) - 1, sizeof(size_t), SIZE_MAX, SIZE_MAX / 2, 1U << 20};
  for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
    memcpy(room.bytes, options, size);
    memcpy(room.bytes, &wild[i], sizeof wild[i]);
    KIT_FAILS(FM_ERR_ARGUMENT, name, make(room.bytes, user, &err));
  }

  /* A newer program's: the tail that this library does not know is zero, or not. */
  static const size_t tails[] = {1, 4, 8, 64};
  for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
    size_t longer = size + tails[i];
    memset(room.bytes, 0xFF, sizeof room);
    memcpy(room.bytes, options, size);
    memset(room.bytes + size, 0, tails[i]);
    memcpy(room.bytes, &longer, sizeof longer);
    KIT_OK(make(room.bytes, user, &err));
    for (size_t at = size; at<longer; at += tails[i]> 8 ? 21 : 1) {
      room.bytes[at] = 1;
      KIT_FAILS(FM_ERR_UNSUPPORTED, name, make(room.bytes, user, &err));
      room.bytes[at] = 0;
    }
    room.bytes[longer - 1] = 0x80;
    KIT_FAILS(FM_ERR_UNSUPPORTED, name, make(room.bytes, user, &err));
  }

  /* Bytes behind the size that the caller states are not looked at. */
  memset(room.bytes, 0xFF, sizeof room);
  memcpy(room.bytes, options, size);
  memcpy(room.bytes, &size, sizeof size);
  KIT_OK(make(room.bytes, user, &err));
}

/* ---- Planes --------------------------------------------------------------------- */

typedef struct kit_strides {
  int64_t row, col;
} kit_strides;

static kit_strides layout_strides(int64_t element, int64_t height, int64_t width,
                                  kit_layout layout) {
  switch (layout) {
    case KIT_PADDED:
      return (kit_strides){width * element + 5 * element, element};
    case KIT_FLIPPED:
      return (kit_strides){-width * element, element};
    case KIT_MIRRORED:
      return (kit_strides){width * element, -element};
    case KIT_TRANSPOSED:
      return (kit_strides){element, height * element};
    case KIT_STRIDED:
      return (kit_strides){3 * width * element, 3 * element};
    case KIT_UNALIGNED:
      return (kit_strides){width * (element + 1) + 3, element + 1};
    default:
      return (kit_strides){width * element, element};
  }
}

kit_plane kit_plane_new(fm_dtype dtype, int64_t height, int64_t width, kit_layout layout) {
  int64_t element = (int64_t)fm_dtype_size(dtype);
  kit_strides s = layout_strides(element, height, width, layout);
  int64_t row_span = (height - 1) * s.row, col_span = (width - 1) * s.col;
  int64_t before = (row_span < 0 ? -row_span : 0) + (col_span < 0 ? -col_span : 0);
  int64_t after = (row_span > 0 ? row_span : 0) + (col_span > 0 ? col_span : 0) + element;
  /* Guard bytes on both sides; malloc's alignment makes the offset odd where asked for. */
  int64_t guard = layout == KIT_UNALIGNED ? 17 : 16;
  kit_plane plane;
  plane.size = (size_t)(before + after + 2 * guard);
  plane.memory = malloc(plane.size);
  ck_assert_ptr_nonnull(plane.memory);
  memset(plane.memory, 0xEE, plane.size);
  plane.view = fm_plane_make(plane.memory + guard + before, dtype, height, width);
  plane.view.row_stride = s.row;
  plane.view.col_stride = s.col;
  if (layout == KIT_PACKED) plane.view.row_stride = plane.view.col_stride = 0;
  return plane;
}

void kit_plane_free(kit_plane *plane) {
  free(plane->memory);
  plane->memory = NULL;
}

const char *kit_layout_name(kit_layout layout) {
  static const char *const names[] = {"packed",     "padded",  "flipped",  "mirrored",
                                      "transposed", "strided", "unaligned"};
  return names[layout];
}

static unsigned char *pixel(const fm_plane *plane, int64_t y, int64_t x) {
  int64_t col =
      plane->col_stride ? plane->col_stride : (int64_t)fm_dtype_size((fm_dtype)plane->dtype);
  int64_t row = plane->row_stride ? plane->row_stride : plane->width * col;
  return (unsigned char *)plane->data + y * row + x * col;
}

#define PUT(type)                             \
  do {                                        \
    type kit_value = (type)value;             \
    memcpy(at, &kit_value, sizeof kit_value); \
  } while (0)

void kit_put_int(const fm_plane *plane, int64_t y, int64_t x, int64_t value) {
  unsigned char *at = pixel(plane, y, x);
  switch (plane->dtype) {
    case FM_U8:
      PUT(uint8_t);
      break;
    case FM_I8:
      PUT(int8_t);
      break;
    case FM_U16:
      PUT(uint16_t);
      break;
    case FM_I16:
      PUT(int16_t);
      break;
    case FM_U32:
      PUT(uint32_t);
      break;
    case FM_I32:
      PUT(int32_t);
      break;
    case FM_U64:
      PUT(uint64_t);
      break;
    case FM_I64:
      PUT(int64_t);
      break;
    default:
      ck_abort_msg("not an integer plane");
  }
}

#define GET(type)                             \
  do {                                        \
    type kit_value;                           \
    memcpy(&kit_value, at, sizeof kit_value); \
    return (int64_t)kit_value;                \
  } while (0)

int64_t kit_get_int(const fm_plane *plane, int64_t y, int64_t x) {
  const unsigned char *at = pixel(plane, y, x);
  switch (plane->dtype) {
    case FM_U8:
      GET(uint8_t);
    case FM_I8:
      GET(int8_t);
    case FM_U16:
      GET(uint16_t);
    case FM_I16:
      GET(int16_t);
    case FM_U32:
      GET(uint32_t);
    case FM_I32:
      GET(int32_t);
    case FM_U64:
      GET(uint64_t);
    case FM_I64:
      GET(int64_t);
    default:
      ck_abort_msg("not an integer plane");
  }
  return 0;
}

void kit_put_real(const fm_plane *plane, int64_t y, int64_t x, float value) {
  unsigned char *at = pixel(plane, y, x);
  double wide = (double)value;
  uint16_t half;
  switch (plane->dtype) {
    case FM_F32:
      memcpy(at, &value, sizeof value);
      break;
    case FM_F64:
      memcpy(at, &wide, sizeof wide);
      break;
    case FM_F16:
      half = kit_half_bits(value);
      memcpy(at, &half, sizeof half);
      break;
    case FM_BF16:
      half = kit_bfloat_bits(value);
      memcpy(at, &half, sizeof half);
      break;
    default:
      ck_abort_msg("not a real plane");
  }
}

float kit_get_real(const fm_plane *plane, int64_t y, int64_t x) {
  const unsigned char *at = pixel(plane, y, x);
  float value;
  double wide;
  uint16_t half;
  switch (plane->dtype) {
    case FM_F32:
      memcpy(&value, at, sizeof value);
      return value;
    case FM_F64:
      memcpy(&wide, at, sizeof wide);
      return (float)wide;
    case FM_F16:
      memcpy(&half, at, sizeof half);
      return (float)kit_half_value(half);
    case FM_BF16:
      memcpy(&half, at, sizeof half);
      return kit_bfloat_value(half);
    default:
      ck_abort_msg("not a real plane");
  }
  return 0;
}

fm_mean_table kit_mean_table(int32_t class_count, const double *means, const int64_t *pixels) {
  return (fm_mean_table){.size = sizeof(fm_mean_table),
                         .class_count = class_count,
                         .mean_loss = means,
                         .pixels = pixels};
}

/* ---- Number formats --------------------------------------------------------------- */

double kit_half_value(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double magnitude = exponent == 31  ? (fraction ? (double)NAN : (double)INFINITY)
                     : exponent == 0 ? ldexp(fraction, -24)
                                     : ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

float kit_bfloat_value(uint16_t bits) { return kit_float((uint32_t)bits << 16); }

float kit_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* By search in the sorted magnitudes: slow and plain. */
uint16_t kit_half_bits(float value) {
  uint16_t sign = signbit(value) ? 0x8000 : 0;
  if (isnan(value)) return 0x7E00;
  double magnitude = fabs((double)value);
  if (magnitude >= 65520.0) return (uint16_t)(sign | 0x7C00);
  uint16_t low = 0, high = 0x7C00;
  while (high - low > 1) {
    uint16_t middle = (uint16_t)((low + high) / 2);
    if (kit_half_value(middle) <= magnitude)
      low = middle;
    else
      high = middle;
  }
  double below = magnitude - kit_half_value(low);
  double above = (high == 0x7C00 ? 65536.0 : kit_half_value(high)) - magnitude;
  uint16_t best = below < above || (below == above && !(low & 1)) ? low : high;
  return (uint16_t)(sign | best);
}

uint16_t kit_bfloat_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (isnan(value)) return 0x7FC0;
  uint32_t rest = bits & 0xFFFF, upper = bits >> 16;
  if (rest > 0x8000 || (rest == 0x8000 && (upper & 1))) upper++;
  return (uint16_t)upper;
}

/* ---- Random numbers ---------------------------------------------------------------- */

uint64_t kit_random(uint64_t *state) {
  uint64_t x = *state ? *state : 88172645463325252U;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * UINT64_C(2685821657736338717);
}

int64_t kit_below(uint64_t *state, int64_t bound) {
  return (int64_t)((kit_random(state) >> 11) % (uint64_t)bound);
}

float kit_wild_loss(uint64_t *state) {
  switch (kit_below(state, 16)) {
    case 0:
      return 0.0F;
    case 1:
      return -0.0F;
    case 2:
      return kit_float((uint32_t)(kit_random(state) & 0x7FFFFF)); /* denormal */
    case 3:
      return kit_float(0x7F7FFFFF - (uint32_t)kit_below(state, 4)); /* FLT_MAX and below */
    case 4:
      return kit_float(1);
    case 5:
    case 6:
      return kit_float((uint32_t)kit_below(state, 0x7F800000)); /* any */
    default:
      return kit_plain_loss(state);
  }
}

float kit_plain_loss(uint64_t *state) {
  return (float)((double)(kit_random(state) >> 40) / (double)(1 << 24) * 8.0);
}

/* ---- Outputs of networks -------------------------------------------------------- */

fm_network_output kit_output(fm_volume values) {
  fm_network_output output = {.size = sizeof output, .values = values};
  return output;
}

fm_status kit_map(const fm_network_loss *network_loss, const fm_volume *values,
                  const fm_plane *mask, const fm_plane *loss, fm_error *err) {
  fm_network_output output = kit_output(*values);
  return fm_network_loss_map(network_loss, &output, mask, loss, err);
}
