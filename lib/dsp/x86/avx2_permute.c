/* dsp/x86/avx2_permute.c - shuffles with AVX2, 16 elements abreast, each under a key of its own.
 * Tables stay with plain C, which looks into them faster than AVX2 multiplies. */
#include "dsp/x86/x86.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>
#include <string.h>

#include "core/random.h"
#include "plan/permutation.h"

#define AVX2 __attribute__((target("avx2")))

enum { LANES = 4, VECTORS = 4, COMPUTED = LANES * VECTORS };

typedef uint64_t longs __attribute__((vector_size(32)));

AVX2 static inline longs finalize(longs z) {
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* Rows modulo `rows`: what is below them wraps when they are subtracted. */
AVX2 static inline longs wrap(longs row, longs rows) {
  __m256i whole = (__m256i)row;
  return (longs)_mm256_min_epu32(whole, _mm256_sub_epi32(whole, (__m256i)rows));
}

/* Once through all rounds. */
AVX2 static void pass(const fm__permutation *p, const uint64_t keys[COMPUTED],
                      uint64_t x[COMPUTED]) {
  const int left = p->left_bits;
  const longs rows = p->rows - (longs){0};
  longs row[VECTORS], column[VECTORS], key[VECTORS];
  memcpy(key, keys, sizeof key);
  memcpy(column, x, sizeof column);
  FM__UNROLL
  for (int v = 0; v < VECTORS; v++) {
    row[v] = column[v] >> left;
    column[v] ^= row[v] << left;
  }
  for (int32_t i = 0; i < p->pairs; i++) {
    FM__UNROLL
    for (int v = 0; v < VECTORS; v++) {
      column[v] ^= finalize(key[v] + row[v]) >> (64 - left);
      key[v] += FM__GOLDEN;
      __m256i odd = (__m256i)(finalize(key[v] + column[v]) >> 32);
      key[v] += FM__GOLDEN;
      row[v] = wrap(row[v] + ((longs)_mm256_mul_epu32(odd, (__m256i)rows) >> 32), rows);
    }
  }
  FM__UNROLL
  for (int v = 0; v < VECTORS; v++) column[v] |= row[v] << left;
  memcpy(x, column, sizeof column);
}

/* Elements that are outside, and 0 and 1, are done by plain C. */
AVX2 static void finish(const fm__permutation *p, const uint64_t *keys, size_t count, uint64_t *x) {
  for (size_t i = 0; i < count; i++)
    if (x[i] - 2 >= p->length - 2) {
      fm__permutation own = *p;
      own.key = keys[i];
      x[i] = fm__permutation_finish(&own, x[i]);
    }
}

AVX2 static void permute_keyed(const fm__permutation *p, const uint64_t *keys, size_t count,
                               uint64_t *x) {
  size_t i = 0;
  for (; i + COMPUTED <= count; i += COMPUTED) pass(p, keys + i, x + i);
  if (i < count) {
    uint64_t rest[COMPUTED] = {0}, own[COMPUTED] = {0};
    memcpy(rest, x + i, (count - i) * sizeof *x);
    memcpy(own, keys + i, (count - i) * sizeof *x);
    pass(p, own, rest);
    memcpy(x + i, rest, (count - i) * sizeof *x);
  }
  finish(p, keys, count, x);
}

AVX2 static void permute(const fm__permutation *p, uint64_t first, uint64_t step, size_t count,
                         uint64_t *out) {
  uint64_t keys[COMPUTED];
  for (size_t i = 0; i < COMPUTED; i++) keys[i] = p->key;
  for (size_t i = 0, now; i < count; i += now) {
    now = count - i < COMPUTED ? count - i : COMPUTED;
    for (size_t j = 0; j < now; j++) out[i + j] = first + (i + j) * step;
    permute_keyed(p, keys, now, out + i);
  }
}

void fm__dsp_init_avx2_permute(fm_dsp *dsp) {
  dsp->permute = permute;
  dsp->permute_keyed = permute_keyed;
}

#endif
