/* dsp/loss_c.c - the loss kernels in plain C, four lanes for the compiler to map. */
#include <string.h>

#include "dsp/loss_kernels.h"
#include "dsp/tile.h"

#if defined(__GNUC__)
#define KERNEL __attribute__((always_inline)) static inline
#else
#define KERNEL static inline
#endif
#define KERNEL_ENTRY static
#define LEVEL_KERNELS kernels
#define LANES 4

typedef struct vec {
  float lane[LANES];
} vec;

/* One operation on all lanes; compilers make one instruction of it. */
#define LANEWISE(expression)                            \
  vec r;                                                \
  for (int i = 0; i < LANES; i++) r.lane[i] = expression; \
  return r

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
KERNEL vec v_set(float a) { LANEWISE(a); }
KERNEL vec v_add(vec a, vec b) { LANEWISE(a.lane[i] + b.lane[i]); }
KERNEL vec v_sub(vec a, vec b) { LANEWISE(a.lane[i] - b.lane[i]); }
KERNEL vec v_div(vec a, vec b) { LANEWISE(a.lane[i] / b.lane[i]); }
KERNEL vec v_mul(vec a, vec b) { LANEWISE(a.lane[i] * b.lane[i]); }
KERNEL vec v_fma(vec a, vec b, vec c) { LANEWISE(a.lane[i] * b.lane[i] + c.lane[i]); }
KERNEL vec v_min(vec a, vec b) { LANEWISE(a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]); }
KERNEL vec v_max(vec a, vec b) { LANEWISE(a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]); }

KERNEL uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

KERNEL float of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

KERNEL vec v_scale(vec p, vec m) {
  LANEWISE(of_bits(bits_of(p.lane[i]) + (bits_of(m.lane[i]) << 23)));
}

/* Bits of sqrt(1/2), from which on an exponent counts as the next one. */
#define ROOT_BITS UINT32_C(0x3f3504f3)

KERNEL vec v_split(vec x, vec *e) {
  vec m;
  for (int i = 0; i < LANES; i++) {
    uint32_t bits = bits_of(x.lane[i]);
    uint32_t above = (bits - ROOT_BITS + (UINT32_C(128) << 23)) >> 23; /* e + 128 */
    e->lane[i] = (float)((int32_t)above - 128);
    m.lane[i] = of_bits(bits - (above << 23) + (UINT32_C(128) << 23));
  }
  return m;
}

KERNEL vec v_load_half(const char *at) {
  uint16_t halves[LANES];
  memcpy(halves, at, sizeof halves);
  LANEWISE(fm__float_of_half(halves[i]));
}

KERNEL vec v_load_bfloat(const char *at) {
  uint16_t halves[LANES];
  memcpy(halves, at, sizeof halves);
  LANEWISE(of_bits((uint32_t)halves[i] << 16));
}

KERNEL float v_sum(vec a) { return (a.lane[0] + a.lane[1]) + (a.lane[2] + a.lane[3]); }

KERNEL float v_least(vec a) {
  float least = a.lane[0];
  for (int i = 1; i < LANES; i++) least = a.lane[i] < least ? a.lane[i] : least;
  return least;
}

KERNEL float v_largest(vec a) {
  float largest = a.lane[0];
  for (int i = 1; i < LANES; i++) largest = a.lane[i] > largest ? a.lane[i] : largest;
  return largest;
}

KERNEL void v_sum4(vec a, vec b, vec c, vec d, float *out) {
  out[0] = v_sum(a);
  out[1] = v_sum(b);
  out[2] = v_sum(c);
  out[3] = v_sum(d);
}

#include "dsp/loss_lanes.h"

const fm__loss_kernels *fm__loss_kernels_c(void) { return &kernels; }
