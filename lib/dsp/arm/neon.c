/* dsp/arm/neon.c - the vocabulary of dsp/vector/ for NEON on 64-bit Arm (little-endian). */
#include <freemask/view.h>

#include "dsp/arm/arm.h"

#if defined(__aarch64__) && defined(__GNUC__) && !defined(__AARCH64EB__)

#include <arm_neon.h>
#include <string.h>

#define VECTOR /* nothing above the baseline */
enum { VB = 16, VW = 4, VD = 2 };
typedef uint8x16_t vb;
typedef uint32x4_t vw;
typedef float64x2_t vd;

/* ---- Bytes ---------------------------------------------------------------------- */

static inline vb vb_load(const void *from) { return vld1q_u8(from); }
static inline void vb_store(void *to, vb v) { vst1q_u8(to, v); }
static inline vb vb_fill_1(uint32_t v) { return vdupq_n_u8((uint8_t)v); }
static inline vb vb_fill_2(uint32_t v) { return vreinterpretq_u8_u16(vdupq_n_u16((uint16_t)v)); }
static inline vb vb_fill_4(uint32_t v) { return vreinterpretq_u8_u32(vdupq_n_u32(v)); }
static inline vb vb_and(vb a, vb b) { return vandq_u8(a, b); }
static inline vb vb_or(vb a, vb b) { return vorrq_u8(a, b); }
static inline vb vb_equal(vb a, vb b) { return vceqq_u8(a, b); }
static inline vb vb_select(vb mask, vb set, vb clear) { return vbslq_u8(mask, set, clear); }
static inline vb vb_table(const void *bytes) { return vld1q_u8(bytes); }
static inline vb vb_look_up(vb table, vb indices) { return vqtbl1q_u8(table, indices); }
static inline vb vb_order(vb labels) { return labels; }

static inline vb vb_narrow(vb a, vb b) {
  return vcombine_u8(vmovn_u16(vreinterpretq_u16_u8(a)), vmovn_u16(vreinterpretq_u16_u8(b)));
}

/* 1, 2, 4, ... 128 in the bytes of each half. */
static inline vb byte_weights(void) {
  return vreinterpretq_u8_u64(vdupq_n_u64(UINT64_C(0x8040201008040201)));
}

static inline uint32_t vb_bits(vb v) {
  vb weighed = vandq_u8(v, byte_weights());
  return vaddv_u8(vget_low_u8(weighed)) | (uint32_t)vaddv_u8(vget_high_u8(weighed)) << 8;
}

static inline vb vb_from_bits_1(uint32_t bits) {
  vb v = vcombine_u8(vdup_n_u8((uint8_t)bits), vdup_n_u8((uint8_t)(bits >> 8)));
  return vtstq_u8(v, byte_weights());
}

static inline vb vb_from_bits_2(uint32_t bits) {
  static const uint16_t weights[8] = {1, 2, 4, 8, 16, 32, 64, 128};
  return vreinterpretq_u8_u16(vtstq_u16(vdupq_n_u16((uint16_t)bits), vld1q_u16(weights)));
}

static inline uint32x4_t word_weights(void) {
  static const uint32_t weights[4] = {1, 2, 4, 8};
  return vld1q_u32(weights);
}

static inline vb vb_from_bits_4(uint32_t bits) {
  return vreinterpretq_u8_u32(vtstq_u32(vdupq_n_u32(bits), word_weights()));
}

/* ---- Words ---------------------------------------------------------------------- */

static inline vw vw_load(const void *from) { return vreinterpretq_u32_u8(vld1q_u8(from)); }
static inline void vw_store(void *to, vw v) { vst1q_u8(to, vreinterpretq_u8_u32(v)); }
static inline vw vw_fill(uint32_t v) { return vdupq_n_u32(v); }
static inline vw vw_and(vw a, vw b) { return vandq_u32(a, b); }
static inline vw vw_less_one(vw v) { return vsubq_u32(v, vdupq_n_u32(1)); }
static inline vw vw_equal(vw a, vw b) { return vceqq_u32(a, b); }
static inline vw vw_min(vw a, vw b) { return vminq_u32(a, b); }
static inline vw vw_max(vw a, vw b) { return vmaxq_u32(a, b); }
static inline uint32_t vw_most(vw v) { return vmaxvq_u32(v); }
static inline uint32_t vw_bits(vw v) { return vaddvq_u32(vandq_u32(v, word_weights())); }

static inline vw vw_greater(vw a, vw b) {
  return vcgtq_s32(vreinterpretq_s32_u32(a), vreinterpretq_s32_u32(b));
}

static inline vw vw_from_bytes(const void *bytes) {
  int32_t four;
  memcpy(&four, bytes, sizeof four);
  int16x8_t twice = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
  return vreinterpretq_u32_s32(vmovl_s16(vget_low_s16(twice)));
}

static inline vw vw_widen(const void *halves) {
  return vreinterpretq_u32_f32(vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(halves))));
}

static inline void vw_interleave(const vb bytes[4], vw words[4]) {
  uint16x8_t low01 = vreinterpretq_u16_u8(vzip1q_u8(bytes[0], bytes[1]));
  uint16x8_t high01 = vreinterpretq_u16_u8(vzip2q_u8(bytes[0], bytes[1]));
  uint16x8_t low23 = vreinterpretq_u16_u8(vzip1q_u8(bytes[2], bytes[3]));
  uint16x8_t high23 = vreinterpretq_u16_u8(vzip2q_u8(bytes[2], bytes[3]));
  words[0] = vreinterpretq_u32_u16(vzip1q_u16(low01, low23));
  words[1] = vreinterpretq_u32_u16(vzip2q_u16(low01, low23));
  words[2] = vreinterpretq_u32_u16(vzip1q_u16(high01, high23));
  words[3] = vreinterpretq_u32_u16(vzip2q_u16(high01, high23));
}

/* ---- Doubles -------------------------------------------------------------------- */

static inline vd vd_load(const double *from) { return vld1q_f64(from); }
static inline void vd_store(double *to, vd v) { vst1q_f64(to, v); }
static inline vd vd_fill(double v) { return vdupq_n_f64(v); }
static inline vd vd_add(vd a, vd b) { return vaddq_f64(a, b); }
static inline vd vd_subtract(vd a, vd b) { return vsubq_f64(a, b); }
static inline vd vd_from_floats(const float *from) { return vcvt_f64_f32(vld1_f32(from)); }

#include "dsp/vector/table.h"

void fm__dsp_init_neon(fm_dsp *dsp) { fill_table(dsp); }

#endif
