/* dsp/loss_c.c - the loss kernels in plain C, four lanes for the compiler to map. */
#include <stdint.h>
#include <string.h>

#include "core/bits.h"
#include "dsp/loss_kernels.h"

#if defined(__GNUC__)
#define KERNEL __attribute__((always_inline)) static inline
#else
#define KERNEL static inline
#endif
#define KERNEL_ENTRY static
#define LEVEL_KERNELS fm__loss_c
#define LANES 4

#if defined(__GNUC__)
typedef float vec __attribute__((vector_size(16)));
typedef uint32_t vec_bits __attribute__((vector_size(16)));

#define LANE(a, i) (a)[i]

KERNEL vec v_set(float a) {
  vec r = {a, a, a, a};
  return r;
}
KERNEL vec v_add(vec a, vec b) { return a + b; }
KERNEL vec v_sub(vec a, vec b) { return a - b; }
KERNEL vec v_mul(vec a, vec b) { return a * b; }
KERNEL vec v_div(vec a, vec b) { return a / b; }
KERNEL vec v_fma(vec a, vec b, vec c) { return a * b + c; }
KERNEL vec v_choose(vec_bits first, vec a, vec b) {
  return (vec)((first & (vec_bits)a) | (~first & (vec_bits)b));
}
KERNEL vec v_min(vec a, vec b) { return v_choose((vec_bits)(a < b), a, b); }
KERNEL vec v_max(vec a, vec b) { return v_choose((vec_bits)(a > b), a, b); }
KERNEL vec v_scale(vec p, vec m) { return (vec)((vec_bits)p + ((vec_bits)m << 23)); }
#else
typedef struct vec {
  float lane[LANES];
} vec;

#define LANE(a, i) (a).lane[i]
#define LANEWISE(expression)                              \
  vec r;                                                  \
  for (int i = 0; i < LANES; i++) r.lane[i] = expression; \
  return r

KERNEL vec v_set(float a) { LANEWISE(a); }
KERNEL vec v_add(vec a, vec b) { LANEWISE(a.lane[i] + b.lane[i]); }
KERNEL vec v_sub(vec a, vec b) { LANEWISE(a.lane[i] - b.lane[i]); }
KERNEL vec v_mul(vec a, vec b) { LANEWISE(a.lane[i] * b.lane[i]); }
KERNEL vec v_div(vec a, vec b) { LANEWISE(a.lane[i] / b.lane[i]); }
KERNEL vec v_fma(vec a, vec b, vec c) { LANEWISE(a.lane[i] * b.lane[i] + c.lane[i]); }
KERNEL vec v_min(vec a, vec b) { LANEWISE(a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]); }
KERNEL vec v_max(vec a, vec b) { LANEWISE(a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]); }
KERNEL vec v_scale(vec p, vec m) {
  LANEWISE(fm__float_of_bits(fm__float_bits(p.lane[i]) + (fm__float_bits(m.lane[i]) << 23)));
}
#endif

KERNEL vec v_load(const float *at) {
  vec r;
  memcpy(&r, at, sizeof r);
  return r;
}
KERNEL vec v_load_bytes(const char *at) {
  vec r;
  memcpy(&r, at, sizeof r);
  return r;
}
KERNEL void v_store(float *at, vec a) { memcpy(at, &a, sizeof a); }

/* Bits of sqrt(1/2), from which on an exponent counts as the next one. */
#define ROOT_BITS UINT32_C(0x3f3504f3)

KERNEL vec v_split(vec x, vec *e) {
  vec m;
  for (int i = 0; i < LANES; i++) {
    uint32_t bits = fm__float_bits(LANE(x, i));
    uint32_t above = (bits - ROOT_BITS + (UINT32_C(128) << 23)) >> 23; /* e + 128 */
    LANE(*e, i) = (float)((int32_t)above - 128);
    LANE(m, i) = fm__float_of_bits(bits - (above << 23) + (UINT32_C(128) << 23));
  }
  return m;
}

KERNEL vec v_load_half(const char *at) {
  uint16_t halves[LANES];
  memcpy(halves, at, sizeof halves);
  float values[LANES];
  for (int i = 0; i < LANES; i++) values[i] = fm__float_of_half(halves[i]);
  return v_load(values);
}

KERNEL vec v_load_bfloat(const char *at) {
  uint16_t halves[LANES];
  memcpy(halves, at, sizeof halves);
  float values[LANES];
  for (int i = 0; i < LANES; i++) values[i] = fm__float_of_bfloat(halves[i]);
  return v_load(values);
}

KERNEL float v_sum(vec a) { return (LANE(a, 0) + LANE(a, 1)) + (LANE(a, 2) + LANE(a, 3)); }

KERNEL float v_least(vec a) {
  float least = LANE(a, 0);
  for (int i = 1; i < LANES; i++) least = LANE(a, i) < least ? LANE(a, i) : least;
  return least;
}

KERNEL float v_largest(vec a) {
  float largest = LANE(a, 0);
  for (int i = 1; i < LANES; i++) largest = LANE(a, i) > largest ? LANE(a, i) : largest;
  return largest;
}

KERNEL void v_sum4(vec a, vec b, vec c, vec d, float *out) {
  out[0] = v_sum(a);
  out[1] = v_sum(b);
  out[2] = v_sum(c);
  out[3] = v_sum(d);
}

KERNEL vec v_blend(const float *const corners[4], const double weights[4], double base, size_t c) {
  float values[LANES];
  for (size_t i = 0; i < LANES; i++) {
    double z = -base;
    for (int n = 0; n < 4; n++) z += weights[n] * (double)corners[n][c + i];
    values[i] = (float)z;
  }
  return v_load(values);
}

KERNEL void v_transpose4(const char *from, ptrdiff_t stride, float *to, size_t pixel) {
  for (int i = 0; i < 4; i++)
    for (size_t x = 0; x < 4; x++)
      memcpy(&to[x * pixel + (size_t)i], from + i * stride + 4 * x, sizeof *to);
}

KERNEL vec v_less(vec a, const double *b) {
  float values[LANES];
  for (int i = 0; i < LANES; i++) values[i] = (float)((double)LANE(a, i) - b[i]);
  return v_load(values);
}

#include "dsp/vector/loss.h"
