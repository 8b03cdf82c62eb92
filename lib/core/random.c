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

static uint64_t finalize(uint64_t z) {
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static fm__random seeded(uint64_t seed, uint64_t name) {
  fm__random random = {finalize(name ^ finalize(seed))};
  return random;
}

fm__random fm__random_for(uint64_t seed, const char *name) {
  return seeded(seed, fm__hash_bytes(FM__HASH_START, name, strlen(name)));
}

fm__random fm__random_for_number(uint64_t seed, uint64_t number) {
  return seeded(seed, fm__hash_u64(FM__HASH_START, number));
}

uint64_t fm__random_next(fm__random *random) {
  random->state += UINT64_C(0x9e3779b97f4a7c15);
  return finalize(random->state);
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
