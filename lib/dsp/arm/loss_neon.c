/* dsp/arm/loss_neon.c - the loss kernels for AArch64, whose CPUs all have NEON. */
#include "dsp/arm/arm.h"

#if FM__BUILD_NEON
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define KERNEL_ENTRY static
#define KERNEL __attribute__((always_inline)) static inline
#define LEVEL_KERNELS fm__loss_neon
#define LANES 4
#define BLOCK_ROWS 4

typedef float32x4_t vec;

KERNEL vec v_load(const float *at) { return vld1q_f32(at); }
KERNEL vec v_load_bytes(const char *at) {
  return vreinterpretq_f32_u8(vld1q_u8((const uint8_t *)at));
}
KERNEL void v_store(float *at, vec a) { vst1q_f32(at, a); }
KERNEL vec v_set(float a) { return vdupq_n_f32(a); }
KERNEL vec v_add(vec a, vec b) { return vaddq_f32(a, b); }
KERNEL vec v_sub(vec a, vec b) { return vsubq_f32(a, b); }
KERNEL vec v_mul(vec a, vec b) { return vmulq_f32(a, b); }
KERNEL vec v_div(vec a, vec b) { return vdivq_f32(a, b); }
KERNEL vec v_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
/* Not vminq: with a NaN it returns NaN, not the second. */
KERNEL vec v_min(vec a, vec b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
KERNEL vec v_max(vec a, vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }

KERNEL vec v_scale(vec p, vec m) {
  uint32x4_t k = vshlq_n_u32(vreinterpretq_u32_f32(m), 23);
  return vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(p), k));
}

KERNEL vec v_split(vec x, vec *e) {
  const int32x4_t root = vdupq_n_s32(0x3f3504f3); /* bits of sqrt(1/2) */
  int32x4_t bits = vreinterpretq_s32_f32(x);
  int32x4_t k = vshrq_n_s32(vsubq_s32(bits, root), 23);
  *e = vcvtq_f32_s32(k);
  return vreinterpretq_f32_s32(vsubq_s32(bits, vshlq_n_s32(k, 23)));
}

KERNEL vec v_load_half(const char *at) {
  return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8((const uint8_t *)at)));
}

KERNEL vec v_load_bfloat(const char *at) {
  uint16x4_t halves = vreinterpret_u16_u8(vld1_u8((const uint8_t *)at));
  return vreinterpretq_f32_u32(vshll_n_u16(halves, 16));
}

KERNEL void v_sum4(vec a, vec b, vec c, vec d, float *out) {
  vst1q_f32(out, vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)));
}

KERNEL float v_sum(vec a) { return vaddvq_f32(a); }
KERNEL float v_least(vec a) { return vminnmvq_f32(a); }
KERNEL float v_largest(vec a) { return vmaxnmvq_f32(a); }

KERNEL vec v_blend(const float *const corners[4], const double weights[4], double base, size_t c) {
  float64x2_t lower = vdupq_n_f64(-base), upper = lower;
  for (int i = 0; i < 4; i++) {
    float32x4_t corner = vld1q_f32(corners[i] + c);
    float64x2_t weight = vdupq_n_f64(weights[i]);
    lower = vfmaq_f64(lower, weight, vcvt_f64_f32(vget_low_f32(corner)));
    upper = vfmaq_f64(upper, weight, vcvt_high_f64_f32(corner));
  }
  return vcvt_high_f32_f64(vcvt_f32_f64(lower), upper);
}

KERNEL void v_transpose4(const char *from, ptrdiff_t stride, float *to, size_t pixel) {
  vec a = v_load_bytes(from), b = v_load_bytes(from + stride);
  vec c = v_load_bytes(from + 2 * stride), d = v_load_bytes(from + 3 * stride);
  vec ac0 = vzip1q_f32(a, c), ac1 = vzip2q_f32(a, c);
  vec bd0 = vzip1q_f32(b, d), bd1 = vzip2q_f32(b, d);
  vst1q_f32(to, vzip1q_f32(ac0, bd0));
  vst1q_f32(to + pixel, vzip2q_f32(ac0, bd0));
  vst1q_f32(to + 2 * pixel, vzip1q_f32(ac1, bd1));
  vst1q_f32(to + 3 * pixel, vzip2q_f32(ac1, bd1));
}

KERNEL vec v_less(vec a, const double *b) {
  float64x2_t lower = vsubq_f64(vcvt_f64_f32(vget_low_f32(a)), vld1q_f64(b));
  float64x2_t upper = vsubq_f64(vcvt_high_f64_f32(a), vld1q_f64(b + 2));
  return vcvt_high_f32_f64(vcvt_f32_f64(lower), upper);
}

#include "dsp/vector/loss.h"

#endif
