/* long/walk.c - 10^9 entries and a few more, walked by 64 ranks: nothing missed, nothing doubled,
 * and as random as a shuffle is. A minute and a half on one processor, 126 MB.
 * SPDX-License-Identifier: MIT */
#include <freemask/freemask.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  REAL = 50000003, /* 10 times, and as many synthetic ones again */
  SYNTHETIC = 499999977,
  TIMES = 10,
  WORLD = 64,
  BATCH = 4096,
  SHIFT = 22, /* entries in a block of the statistics */
  BLOCKS = 239,
  STEPS = 1000
};
static const int64_t ENTRIES = (int64_t)REAL * TIMES + SYNTHETIC; /* 1,000,000,007 */

static unsigned char *seen; /* a bit for each entry */
static int64_t doubled, padded, strange, cells[BLOCKS][BLOCKS], steps[STEPS];

static int checks, failed;

static void check(bool good, const char *what, double value) {
  checks++;
  failed += !good;
  printf("%s %d - %s (%.10g)\n", good ? "ok" : "not ok", checks, what, value);
}

/* An entry of the epoch by what it is: image and repeat. */
static int64_t entry_of(int64_t number, int64_t repeat) {
  return number < REAL ? repeat * REAL + number : (int64_t)REAL * (TIMES - 1) + number;
}

static void note(int64_t place, int64_t entry, int64_t last) {
  if (entry < 0 || entry >= ENTRIES) {
    strange++;
    return;
  }
  unsigned char bit = (unsigned char)(1 << entry % 8);
  doubled += (seen[entry / 8] & bit) != 0;
  seen[entry / 8] |= bit;
  cells[place >> SHIFT][entry >> SHIFT]++;
  if (last >= 0) steps[((entry - last + ENTRIES) % ENTRIES) * STEPS / ENTRIES]++;
}

static void walk(fm_context *context, int32_t rank) {
  static int64_t numbers[BATCH], repeats[BATCH];
  static int32_t paddings[BATCH];
  fm_schedule_options options = {.size = sizeof options,
                                 .real_count = REAL,
                                 .synthetic_count = SYNTHETIC,
                                 .seed = 9,
                                 .rank = rank,
                                 .world = WORLD};
  fm_schedule_arrays arrays = {.size = sizeof arrays, .numbers = numbers};
  arrays.repeats = repeats;
  arrays.paddings = paddings;
  fm_schedule *schedule;
  fm_error err;
  if (fm_schedule_create(context, NULL, &options, &schedule, &err)) {
    printf("Bail out! %s\n", err.message);
    exit(EXIT_FAILURE);
  }
  int64_t length = fm_schedule_epoch_length(schedule, 0), last = -1;
  for (int64_t p = 0; p < length; p += BATCH) {
    int64_t count = length - p < BATCH ? length - p : BATCH;
    if (fm_schedule_next_many(schedule, count, &arrays, &err)) strange++;
    for (int64_t i = 0; i < count; i++) {
      padded += paddings[i];
      if (paddings[i]) continue;
      int64_t entry = entry_of(numbers[i], repeats[i]);
      note((p + i) * WORLD + rank, entry, last);
      last = entry;
    }
  }
  fm_schedule_destroy(schedule);
}

static int64_t missed(void) {
  int64_t count = 0;
  for (int64_t i = 0; i < ENTRIES; i++) count += !(seen[i / 8] >> i % 8 & 1);
  return count;
}

/* Chi-square with that many degrees of freedom, as a normal variate (Wilson and Hilferty). */
static double normal(double value, double degrees) {
  double ninth = 2 / (9 * degrees);
  return (cbrt(value / degrees) - (1 - ninth)) / sqrt(ninth);
}

static double block_size(int block) {
  int64_t rest = ENTRIES - ((int64_t)block << SHIFT);
  return rest < (1 << SHIFT) ? (double)rest : (double)(1 << SHIFT);
}

/* As many of each block of entries at each block of places; all sums are fixed. */
static double spread(void) {
  double sum = 0, n = (double)ENTRIES;
  for (int i = 0; i < BLOCKS; i++)
    for (int j = 0; j < BLOCKS; j++) {
      double expected = block_size(i) * block_size(j) / n, off = (double)cells[i][j] - expected;
      sum += off * off / expected;
    }
  return normal(sum * (n - 1) / n, (BLOCKS - 1.0) * (BLOCKS - 1.0));
}

/* From each entry of a rank to its next: any step but 0. */
static double even_steps(void) {
  double sum = 0, expected = (double)(ENTRIES - WORLD) / STEPS;
  for (int i = 0; i < STEPS; i++)
    sum += ((double)steps[i] - expected) * ((double)steps[i] - expected) / expected;
  return normal(sum, STEPS - 1);
}

int main(void) {
  fm_context *context;
  seen = calloc((size_t)ENTRIES / 8 + 1, 1);
  if (!seen || fm_context_create(NULL, &context, NULL)) return EXIT_FAILURE;
  for (int32_t rank = 0; rank < WORLD; rank++) walk(context, rank);
  check(strange == 0, "all entries are some", (double)strange);
  check(doubled == 0, "none comes twice", (double)doubled);
  check(padded == WORLD - ENTRIES % WORLD, "but to fill the epoch up", (double)padded);
  check(missed() == 0, "none is missed", (double)missed());
  double z = spread();
  check(fabs(z) < 4.7534, "spread evenly over the epoch: a normal variate", z);
  z = even_steps();
  check(fabs(z) < 4.7534, "steps of a rank are even: a normal variate", z);
  printf("1..%d\n", checks);
  fm_context_destroy(context);
  free(seen);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
