/* core/random.c - SplitMix64 keyed by name. */
#include "core/random.h"

#include <string.h>

uint64_t fm__hash_bytes(uint64_t hash, const void *data, size_t size) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
  return hash;
}

uint64_t fm__hash_u64(uint64_t hash, uint64_t value) {
  unsigned char bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(value >> (8 * i));
  return fm__hash_bytes(hash, bytes, sizeof bytes);
}

static fm__random seeded(uint64_t seed, uint64_t name) {
  fm__random random = {fm__finalize(name ^ fm__finalize(seed))};
  return random;
}

fm__random fm__random_for(uint64_t seed, const char *name) {
  return seeded(seed, fm__hash_bytes(FM__HASH_START, name, strlen(name)));
}

fm__random fm__random_for_number(uint64_t seed, uint64_t number) {
  return seeded(seed, fm__hash_u64(FM__HASH_START, number));
}

uint64_t fm__random_next(fm__random *random) {
  random->state += FM__GOLDEN;
  return fm__finalize(random->state);
}

uint64_t fm__random_output(fm__random random, uint64_t index) {
  return fm__finalize(random.state + (index + 1) * FM__GOLDEN);
}

uint32_t fm__random_below(fm__random *random, uint32_t bound) {
  uint64_t product = (fm__random_next(random) >> 32) * bound;
  uint32_t low = (uint32_t)product;
  if (low < bound) {
    uint32_t reject = (uint32_t)(0U - bound) % bound;
    while (low < reject) {
      product = (fm__random_next(random) >> 32) * bound;
      low = (uint32_t)product;
    }
  }
  return (uint32_t)(product >> 32);
}

/* Upper and lower half of a product of 128 bits. */
static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low) {
  uint64_t a1 = a >> 32, a0 = (uint32_t)a, b1 = b >> 32, b0 = (uint32_t)b;
  uint64_t middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (uint32_t)middle;
  *low = a * b;
  return a1 * b1 + (middle >> 32) + (other >> 32);
}

uint64_t fm__scaled(uint64_t number, uint64_t bound) {
  uint64_t low;
  return multiply(number, bound, &low);
}

uint64_t fm__random_below_wide(fm__random *random, uint64_t bound) {
  uint64_t low, high = multiply(fm__random_next(random), bound, &low);
  if (low < bound) {
    uint64_t reject = (0U - bound) % bound;
    while (low < reject) high = multiply(fm__random_next(random), bound, &low);
  }
  return high;
}
