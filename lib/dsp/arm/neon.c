/* dsp/arm/neon.c - the byte kernels with NEON (every 64-bit ARM). */
#include "dsp/arm/arm.h"

#if FM__BUILD_NEON

#include <arm_neon.h>

#define VECTOR 16
#define TARGET
#define LEVEL(name) fm__neon_##name
#define POPCOUNT(word) __builtin_popcountll(word)

#include "dsp/vector/chunks.h"

/* Bit i of byte i, and bytes added up in pairs: 64 bytes become 8. */
static inline uint64_t bits_of(const bytes masks[4]) {
  const uint8x16_t each = vreinterpretq_u8_u64(vdupq_n_u64(UINT64_C(0x8040201008040201)));
  uint8x16_t a =
      vpaddq_u8(vandq_u8((uint8x16_t)masks[0], each), vandq_u8((uint8x16_t)masks[1], each));
  uint8x16_t b =
      vpaddq_u8(vandq_u8((uint8x16_t)masks[2], each), vandq_u8((uint8x16_t)masks[3], each));
  uint8x16_t sum = vpaddq_u8(a, b);
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(sum, sum)), 0);
}

static inline bool any_sign(ints v) { return vminvq_s32((int32x4_t)v) < 0; }

static inline bytes pack(const ints masks[4]) {
  uint16x8_t a = vuzp1q_u16((uint16x8_t)masks[0], (uint16x8_t)masks[1]);
  uint16x8_t b = vuzp1q_u16((uint16x8_t)masks[2], (uint16x8_t)masks[3]);
  return (bytes)vuzp1q_u8((uint8x16_t)a, (uint8x16_t)b);
}

/* Byte masks as masks of 32 bits. */
static inline ints widen_masks(const char *masks) {
  uint32_t four;
  memcpy(&four, masks, sizeof four);
  int16x8_t wide = vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four)));
  return (ints)vmovl_s16(vget_low_s16(wide));
}

/* Adds numbers to as many lanes. */
static inline void add_lanes(int64_t *lanes, ints numbers) {
  int32x4_t four = (int32x4_t)numbers;
  vst1q_s64(lanes, vaddw_s32(vld1q_s64(lanes), vget_low_s32(four)));
  vst1q_s64(lanes + 2, vaddw_high_s32(vld1q_s64(lanes + 2), four));
}

static inline bytes mix(bytes labels) { return labels; }

/* table[index % 32]. */
static inline bytes look_up(const uint8_t *table, bytes index) {
  return (bytes)vqtbl2q_u8(vld1q_u8_x2(table), vandq_u8((uint8x16_t)index, vdupq_n_u8(31)));
}

/* 32-bit numbers from their four bytes. */
static inline void spread(const bytes planes[4], ints numbers[4]) {
  uint8x16x2_t low = vzipq_u8((uint8x16_t)planes[0], (uint8x16_t)planes[1]);
  uint8x16x2_t high = vzipq_u8((uint8x16_t)planes[2], (uint8x16_t)planes[3]);
  for (int half = 0; half < 2; half++) {
    uint16x8x2_t both = vzipq_u16((uint16x8_t)low.val[half], (uint16x8_t)high.val[half]);
    numbers[2 * half] = (ints)both.val[0];
    numbers[2 * half + 1] = (ints)both.val[1];
  }
}

static inline bytes least_bytes(bytes a, bytes b) {
  return (bytes)vminq_u8((uint8x16_t)a, (uint8x16_t)b);
}

/* Each lane with all those before it, added up; and its last lane in all. */
static inline words scan(words v) {
  const uint32x4_t zero = vdupq_n_u32(0);
  v += (words)vextq_u32(zero, (uint32x4_t)v, 3);
  return v + (words)vextq_u32(zero, (uint32x4_t)v, 2);
}
static inline words last_lane(words v) { return (words)vdupq_laneq_u32((uint32x4_t)v, 3); }

#include "dsp/vector/judge.h"
#include "dsp/vector/labels.h"
#include "dsp/vector/map.h"
#include "dsp/vector/sum.h"

void LEVEL(widen)(const void *from, size_t n, float *to) {
  const char *in = from;
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    uint16_t four[4];
    memcpy(four, in + 2 * i, sizeof four);
    vst1q_f32(to + i, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(four))));
  }
  for (; i < n; i++) {
    uint16_t half;
    memcpy(&half, in + 2 * i, sizeof half);
    to[i] = fm__float_of_half(half);
  }
}

#endif
