/* plan/generator.h - the generator of doc/random.md, written independently.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_PLAN_GENERATOR_H
#define FM_TESTS_PLAN_GENERATOR_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t generator_finalize(uint64_t z) {
  z ^= z >> 30;
  z *= UINT64_C(0xBF58476D1CE4E5B9);
  z ^= z >> 27;
  z *= UINT64_C(0x94D049BB133111EB);
  z ^= z >> 31;
  return z;
}

/* The state of a seed and a name of `size` bytes. */
static inline uint64_t generator_of(uint64_t seed, const void *name, size_t size) {
  uint64_t hash = UINT64_C(0xCBF29CE484222325);
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ ((const unsigned char *)name)[i]) * UINT64_C(0x100000001B3);
  return generator_finalize(hash ^ generator_finalize(seed));
}

static inline uint64_t generator_next(uint64_t *state) {
  *state += UINT64_C(0x9E3779B97F4A7C15);
  return generator_finalize(*state);
}

#endif
