/* bench/bounds.c - the least that a kernel can take: its bytes read and written.
 *
 * Written with vectors, so that these are bounds and not merely other loops; the AVX-512 and
 * AVX2 ones run where the CPU has them, whatever level of kernels is measured.
 * SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "bench.h"

#define THRESHOLD 1.0F
enum { IGNORED = 255 };

/* ---- One label a byte, one loss a float ------------------------------------------ */

static void filter_plain(const bench_pass *p, int64_t from) {
  const uint8_t *labels = p->labels;
  const float *losses = p->losses;
  uint8_t *out = p->out;
  for (int64_t i = from; i < p->pixels; i++) out[i] = losses[i] > THRESHOLD ? IGNORED : labels[i];
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

/* Where a store that goes around the caches may begin. */
static bool may_stream(const bench_pass *p) { return p->stream && (uintptr_t)p->out % 64 == 0; }

__attribute__((target("avx512f,avx512bw"))) static int64_t filter_avx512(const bench_pass *p) {
  const uint8_t *labels = p->labels;
  const float *losses = p->losses;
  uint8_t *out = p->out;
  const __m512 threshold = _mm512_set1_ps(THRESHOLD);
  bool stream = may_stream(p);
  int64_t i = 0;
  for (; i + 64 <= p->pixels; i += 64) {
    uint64_t drop = 0;
    for (int part = 0; part < 4; part++)
      drop |= (uint64_t)_mm512_cmp_ps_mask(_mm512_loadu_ps(losses + i + 16 * part), threshold,
                                           _CMP_GT_OQ)
              << (16 * part);
    __m512i kept =
        _mm512_mask_mov_epi8(_mm512_loadu_si512(labels + i), drop, _mm512_set1_epi8((char)IGNORED));
    if (stream)
      _mm512_stream_si512((void *)(out + i), kept);
    else
      _mm512_storeu_si512(out + i, kept);
  }
  if (stream) _mm_sfence();
  return i;
}

__attribute__((target("avx2"))) static __m256i above_avx2(const float *losses, __m256 threshold) {
  return _mm256_castps_si256(_mm256_cmp_ps(_mm256_loadu_ps(losses), threshold, _CMP_GT_OQ));
}

__attribute__((target("avx2"))) static int64_t filter_avx2(const bench_pass *p) {
  const uint8_t *labels = p->labels;
  const float *losses = p->losses;
  uint8_t *out = p->out;
  const __m256 threshold = _mm256_set1_ps(THRESHOLD);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7); /* undoes the packing */
  bool stream = may_stream(p);
  int64_t i = 0;
  for (; i + 32 <= p->pixels; i += 32) {
    __m256i a = above_avx2(losses + i, threshold), b = above_avx2(losses + i + 8, threshold);
    __m256i c = above_avx2(losses + i + 16, threshold), d = above_avx2(losses + i + 24, threshold);
    __m256i drop = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
    drop = _mm256_permutevar8x32_epi32(drop, order);
    /* Dropped: all bits set, which is the ignored label. */
    __m256i kept = _mm256_or_si256(_mm256_loadu_si256((const void *)(labels + i)), drop);
    if (stream)
      _mm256_stream_si256((void *)(out + i), kept);
    else
      _mm256_storeu_si256((void *)(out + i), kept);
  }
  if (stream) _mm_sfence();
  return i;
}

static int64_t filter_vectors(const bench_pass *p) {
  if (__builtin_cpu_supports("avx512bw")) return filter_avx512(p);
  if (__builtin_cpu_supports("avx2")) return filter_avx2(p);
  return 0;
}

#else

static int64_t filter_vectors(const bench_pass *p) {
  (void)p;
  return 0;
}

#endif

/* ---- Reading --------------------------------------------------------------------- */

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

/* Sixteen chains, which compilers turn into vectors of whatever width they may use. */
INLINE uint64_t fold_words(const unsigned char *data, int64_t size) {
  uint64_t parts[16] = {0};
  int64_t at = 0;
  for (; at + 128 <= size; at += 128)
    for (int i = 0; i < 16; i++) {
      uint64_t word;
      memcpy(&word, data + at + 8 * i, 8);
      parts[i] |= word;
    }
  uint64_t sum = 0;
  for (; at < size; at++) sum |= data[at];
  for (int i = 0; i < 16; i++) sum |= parts[i];
  return sum;
}

#if defined(__x86_64__) && defined(__GNUC__)

__attribute__((target("avx512f"))) static uint64_t fold_avx512(const unsigned char *data,
                                                               int64_t size) {
  return fold_words(data, size);
}

__attribute__((target("avx2"))) static uint64_t fold_avx2(const unsigned char *data, int64_t size) {
  return fold_words(data, size);
}

static uint64_t fold(const unsigned char *data, int64_t size) {
  if (__builtin_cpu_supports("avx512f")) return fold_avx512(data, size);
  return __builtin_cpu_supports("avx2") ? fold_avx2(data, size) : fold_words(data, size);
}

#else

static uint64_t fold(const unsigned char *data, int64_t size) { return fold_words(data, size); }

#endif

/* ---- Filters of other sizes ------------------------------------------------------ */

/* The same number of bytes, read and written in blocks that stay in the first-level cache:
 * cheaper than any comparison of them. */
static void filter_bytes(const bench_pass *p) {
  enum { BLOCK = 2048 };
  const unsigned char *labels = p->labels, *losses = p->losses;
  unsigned char *out = p->out;
  for (int64_t at = 0; at < p->pixels; at += BLOCK) {
    int64_t n = p->pixels - at < BLOCK ? p->pixels - at : BLOCK;
    uint64_t drop = fold(losses + at * p->loss_size, n * p->loss_size);
    if (p->out_size == p->label_size) {
      memcpy(out + at * p->out_size, labels + at * p->label_size, (size_t)(n * p->out_size));
    } else {
      drop |= fold(labels + at * p->label_size, n * p->label_size);
      memset(out + at * p->out_size, (int)(drop & 1), (size_t)(n * p->out_size));
    }
    out[at * p->out_size] ^= (unsigned char)(drop & 1); /* so that no read is left out */
  }
}

int bench_filter_bound(const bench_pass *pass) {
  if (pass->label_size == 1 && pass->loss_size == 4 && pass->out_size == 1)
    filter_plain(pass, filter_vectors(pass));
  else
    filter_bytes(pass);
  return 0;
}

int bench_read_bound(const void *data, int64_t size, uint64_t *sum) {
  *sum |= fold(data, size);
  return 0;
}
