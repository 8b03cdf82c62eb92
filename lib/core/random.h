/* core/random.h - the one documented generator (doc/random.md). */
#ifndef FM_CORE_RANDOM_H
#define FM_CORE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bits, continued from `hash`; start with FM__HASH_START. */
#define FM__HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t fm__hash_bytes(uint64_t hash, const void *data, size_t size);
/* The eight bytes of a number, least significant first. */
uint64_t fm__hash_u64(uint64_t hash, uint64_t value);

#define FM__GOLDEN UINT64_C(0x9e3779b97f4a7c15)

/* SplitMix64's output function. */
static inline uint64_t fm__finalize(uint64_t z) {
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* floor(number * bound / 2^64): a number of 64 random bits, below the bound. */
uint64_t fm__scaled(uint64_t number, uint64_t bound);

/* SplitMix64 (Steele, Lea, Flood 2014). */
typedef struct fm__random {
  uint64_t state;
} fm__random;

/* The generator of a named thing under a seed: state = finalizer(FNV-1a(name) xor
 * finalizer(seed)), with SplitMix64's output function as the finalizer. */
fm__random fm__random_for(uint64_t seed, const char *name);
/* The same for a thing that has a number for a name: its eight bytes, least significant first. */
fm__random fm__random_for_number(uint64_t seed, uint64_t number);
uint64_t fm__random_next(fm__random *random);
/* The output number `index`, from 0, of a generator that has not been used. */
uint64_t fm__random_output(fm__random random, uint64_t index);
/* Uniform in 0 .. bound - 1, without bias (Lemire 2019, on the upper 32 bits). */
uint32_t fm__random_below(fm__random *random, uint32_t bound);
/* The same on all 64 bits, for bounds up to 2^63. */
uint64_t fm__random_below_wide(fm__random *random, uint64_t bound);

#endif
