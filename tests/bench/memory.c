/* bench/memory.c - an allocator that knows how much was in use at once.
 * SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "bench.h"

/* In front of every block: its size. As large as the strictest alignment. */
enum { HEAD = _Alignof(max_align_t) > sizeof(size_t) ? _Alignof(max_align_t) : sizeof(size_t) };

struct bench_meter {
  atomic_size_t now, peak;
};

bench_meter *bench_meter_create(void) { return calloc(1, sizeof(bench_meter)); }
void bench_meter_destroy(bench_meter *meter) { free(meter); }

int64_t bench_meter_now(const bench_meter *meter) { return (int64_t)meter->now; }
int64_t bench_meter_peak(const bench_meter *meter) { return (int64_t)meter->peak; }
void bench_meter_reset(bench_meter *meter) { atomic_store(&meter->peak, meter->now); }

void *bench_allocate(size_t size, void *user) {
  bench_meter *meter = user;
  unsigned char *block = size < SIZE_MAX - HEAD ? malloc(HEAD + size) : NULL;
  if (!block) return NULL;
  *(size_t *)(void *)block = size;
  size_t now = atomic_fetch_add(&meter->now, size) + size, peak = meter->peak;
  while (now > peak && !atomic_compare_exchange_weak(&meter->peak, &peak, now)) {
  }
  return block + HEAD;
}

void bench_release(void *memory, void *user) {
  bench_meter *meter = user;
  unsigned char *block = (unsigned char *)memory - HEAD;
  atomic_fetch_sub(&meter->now, *(size_t *)(void *)block);
  free(block);
}
