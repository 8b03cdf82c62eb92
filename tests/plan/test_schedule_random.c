/* plan/test_schedule_random.c - freemask/schedule.h: are the shuffles and draws as random as they
 * should be? Each test sums what an ideal shuffle does, by its exact expectation, and refuses what
 * such a shuffle does once in a million runs: too uneven, or too even. Seeds are fixed, so a test
 * that passes goes on passing.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"
#include "test_schedule_kit.h"

/* Standard deviations that a normal variate exceeds once in a million, on one side. */
static const double ONE_IN_A_MILLION = 4.7534;

/* Chi-square with that many degrees of freedom, as a normal variate (Wilson and Hilferty). */
static void expect_chi_square(double value, double degrees, const char *what) {
  double ninth = 2 / (9 * degrees);
  double z = (cbrt(value / degrees) - (1 - ninth)) / sqrt(ninth);
  ck_assert_msg(fabs(z) < ONE_IN_A_MILLION, "%s: chi-square %g of %g degrees of freedom, z = %.2f",
                what, value, degrees, z);
}

static void expect_normal(double value, double mean, double variance, const char *what) {
  double z = (value - mean) / sqrt(variance);
  ck_assert_msg(fabs(z) < ONE_IN_A_MILLION, "%s: %g, expected %g, z = %.2f", what, value, mean, z);
}

/* Sum of (observed - expected)^2 / expected where all cells expect the same. */
static double chi_square(const int32_t *cells, size_t count, double expected) {
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += ((double)cells[i] - expected) * ((double)cells[i] - expected) / expected;
  return sum;
}

static fm_schedule *shuffle_of(int64_t length, uint64_t seed) {
  fm_schedule_options options = schedule_options(FM_MIX_REAL, length, 0);
  options.seed = seed;
  return schedule_of(&options);
}

/* ---- Whole orders ------------------------------------------------------------------------------
 */

/* Which of the n! orders it is. */
static size_t order_number(const int64_t *numbers, int n) {
  size_t number = 0;
  for (int i = 0; i < n; i++) {
    size_t smaller = 0;
    for (int j = i + 1; j < n; j++) smaller += numbers[j] < numbers[i];
    number = number * (size_t)(n - i) + smaller;
  }
  return number;
}

/* Loop: 2 to 7 images. All orders of them are equally likely. */
START_TEST(all_orders_are_equally_likely) {
  enum { EPOCHS = 200000 };
  size_t orders = 1;
  for (int i = 2; i <= _i; i++) orders *= (size_t)i;
  int32_t *cells = calloc(orders, sizeof *cells);
  fm_schedule *schedule = shuffle_of(_i, 20231215);
  for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
    int64_t numbers[7];
    schedule_numbers(schedule, epoch * _i, _i, numbers);
    cells[order_number(numbers, _i)]++;
  }
  expect_chi_square(chi_square(cells, orders, (double)EPOCHS / (double)orders), (double)orders - 1,
                    "orders");
  fm_schedule_destroy(schedule);
  free(cells);
}
END_TEST

/* Whether it takes an odd number of swaps: as many as there are entries less cycles. */
static int is_odd(const int64_t *numbers, int n) {
  bool seen[256] = {false};
  int odd = n % 2;
  for (int i = 0; i < n; i++) {
    odd ^= !seen[i];
    for (int64_t j = i; !seen[j]; j = numbers[j]) seen[j] = true;
  }
  return odd;
}

/* Loop: sizes, full grids and others. Rounds of a Feistel network are even permutations where both
 * sides have more than one bit; then the last two of an epoch would follow from the others. */
START_TEST(half_of_the_orders_are_odd) {
  static const int sizes[] = {2, 3, 9, 10, 11, 12, 16, 20, 28, 100, 240, 256};
  enum { EPOCHS = 20000 };
  int n = sizes[_i], odd = 0;
  fm_schedule *schedule = shuffle_of(n, 12);
  for (int64_t epoch = 0; epoch < EPOCHS; epoch++) {
    int64_t numbers[256];
    schedule_numbers(schedule, epoch * n, n, numbers);
    odd += is_odd(numbers, n);
  }
  expect_normal(odd, EPOCHS / 2.0, EPOCHS / 4.0, "odd orders");
  fm_schedule_destroy(schedule);
}
END_TEST

/* ---- Positions ----------------------------------------------------------------------------------
 */

/* Loop: sizes. Each image is at each position equally often. The table's sums are fixed, row by row
 * and column by column: (n - 1)^2 degrees of freedom, and a factor of (n - 1) / n. */
START_TEST(positions_are_uniform) {
  static const int sizes[] = {8, 16, 17, 31, 64, 97, 128, 200};
  int n = sizes[_i];
  int64_t epochs = 30 * n;
  int32_t *cells = calloc((size_t)(n * n), sizeof *cells);
  int64_t *numbers = calloc((size_t)n, sizeof *numbers);
  fm_schedule *schedule = shuffle_of(n, 1);
  for (int64_t epoch = 0; epoch < epochs; epoch++) {
    schedule_numbers(schedule, epoch * n, n, numbers);
    for (int i = 0; i < n; i++) cells[i * n + numbers[i]]++;
  }
  double value = chi_square(cells, (size_t)(n * n), (double)epochs / n);
  expect_chi_square(value * (n - 1) / n, (double)(n - 1) * (n - 1), "positions");
  fm_schedule_destroy(schedule);
  free(numbers);
  free(cells);
}
END_TEST

/* One large epoch: as many of each block of images in each block of positions. */
START_TEST(blocks_are_spread) {
  enum { BLOCKS = 64, EACH = 4096, ENTRIES = BLOCKS * EACH };
  static int32_t cells[BLOCKS * BLOCKS];
  static int64_t numbers[ENTRIES];
  fm_schedule *schedule = shuffle_of(ENTRIES, (uint64_t)_i);
  schedule_numbers(schedule, 0, ENTRIES, numbers);
  for (int low = 0; low < 2; low++) { /* by the upper, then by the lower bits */
    memset(cells, 0, sizeof cells);
    for (int64_t i = 0; i < ENTRIES; i++)
      cells[(low ? i % BLOCKS : i / EACH) * BLOCKS +
            (low ? numbers[i] % BLOCKS : numbers[i] / EACH)]++;
    double value = chi_square(cells, BLOCKS * BLOCKS, (double)EACH / BLOCKS);
    expect_chi_square(value * (ENTRIES - 1) / ENTRIES, (BLOCKS - 1.0) * (BLOCKS - 1.0), "blocks");
  }
  fm_schedule_destroy(schedule);
}
END_TEST

/* ---- Pairs
 * --------------------------------------------------------------------------------------- */

/* Loop: distances. The two images at positions 0 and d are any pair of different ones. */
START_TEST(pairs_are_uniform) {
  static const int sizes[] = {5, 12, 33, 64, 100};
  for (int s = 0; s < 5; s++) {
    int n = sizes[s], distance = _i % (n - 1) + 1;
    int64_t epochs = 15 * n * (n - 1);
    int32_t *cells = calloc((size_t)(n * (n - 1)), sizeof *cells);
    fm_schedule *schedule = shuffle_of(n, 3 + (uint64_t)_i);
    for (int64_t epoch = 0; epoch < epochs; epoch++) {
      int64_t a = schedule_at(schedule, epoch * n).number;
      int64_t b = schedule_at(schedule, epoch * n + distance).number;
      cells[a * (n - 1) + b - (b > a)]++;
    }
    size_t pairs = (size_t)(n * (n - 1));
    expect_chi_square(chi_square(cells, pairs, (double)epochs / (double)pairs), (double)pairs - 1,
                      "pairs");
    fm_schedule_destroy(schedule);
    free(cells);
  }
}
END_TEST

/* Loop: distances. Steps from one entry to the one d on, modulo the length, are any but 0. */
START_TEST(steps_are_uniform) {
  enum { ENTRIES = 500009, CELLS = 1000 };
  static const int distances[] = {1, 2, 3, 64, 512, 1024, 708};
  static int32_t cells[CELLS];
  int64_t *numbers = calloc(ENTRIES, sizeof *numbers);
  fm_schedule *schedule = shuffle_of(ENTRIES, 77);
  schedule_numbers(schedule, 0, ENTRIES, numbers);
  memset(cells, 0, sizeof cells);
  for (int64_t i = 0; i < ENTRIES; i++) {
    int64_t step = numbers[(i + distances[_i]) % ENTRIES] - numbers[i];
    cells[(step + ENTRIES) % ENTRIES * CELLS / ENTRIES]++;
  }
  expect_chi_square(chi_square(cells, CELLS, (double)ENTRIES / CELLS), CELLS - 1, "steps");
  fm_schedule_destroy(schedule);
  free(numbers);
}
END_TEST

/* Runs up and down: the ascents of a random order are normal, (n - 1) / 2 and (n + 1) / 12. */
START_TEST(ascents_are_as_many_as_descents) {
  enum { ENTRIES = 300007 };
  static int64_t numbers[ENTRIES];
  fm_schedule *schedule = shuffle_of(ENTRIES, (uint64_t)_i);
  schedule_numbers(schedule, ENTRIES * (int64_t)_i, ENTRIES, numbers);
  int64_t ascents = 0;
  for (int64_t i = 1; i < ENTRIES; i++) ascents += numbers[i] > numbers[i - 1];
  expect_normal((double)ascents, (ENTRIES - 1) / 2.0, (ENTRIES + 1) / 12.0, "ascents");
  fm_schedule_destroy(schedule);
}
END_TEST

/* ---- Epochs, seeds, ranks
 * -------------------------------------------------------------------------- */

/* Entries that two orders share, place by place: Poisson of mean 1 for each pair of orders. */
static int64_t coincidences(const int64_t *a, const int64_t *b, int64_t n) {
  int64_t same = 0;
  for (int64_t i = 0; i < n; i++) same += a[i] == b[i];
  return same;
}

START_TEST(epochs_and_seeds_are_independent) {
  enum { ENTRIES = 3001, ROUNDS = 400 };
  static int64_t epoch[2][ENTRIES], seed[2][ENTRIES];
  int64_t epochs = 0, seeds = 0;
  fm_schedule *one = shuffle_of(ENTRIES, 0), *last = NULL;
  schedule_numbers(one, 0, ENTRIES, epoch[0]);
  for (int i = 1; i <= ROUNDS; i++) {
    schedule_numbers(one, (int64_t)i * ENTRIES, ENTRIES, epoch[i % 2]);
    epochs += coincidences(epoch[0], epoch[1], ENTRIES);
    fm_schedule_destroy(last);
    last = shuffle_of(ENTRIES, (uint64_t)i);
    schedule_numbers(last, 0, ENTRIES, seed[i % 2]);
    if (i > 1) seeds += coincidences(seed[0], seed[1], ENTRIES);
  }
  expect_normal((double)epochs, ROUNDS, ROUNDS, "coincidences of epochs");
  expect_normal((double)seeds, ROUNDS - 1, ROUNDS - 1, "coincidences of seeds");
  fm_schedule_destroy(last);
  fm_schedule_destroy(one);
}
END_TEST

/* What is at a place in one epoch says nothing about the next: all n^2 pairs. */
START_TEST(epochs_follow_each_other_at_random) {
  enum { N = 48, EPOCHS = 60000 };
  static int32_t cells[N * N];
  memset(cells, 0, sizeof cells);
  fm_schedule *schedule = shuffle_of(N, 8);
  for (int64_t epoch = 0; epoch < EPOCHS; epoch += 2)
    cells[schedule_at(schedule, epoch * N + 7).number * N +
          schedule_at(schedule, (epoch + 1) * N + 7).number]++;
  expect_chi_square(chi_square(cells, N * N, EPOCHS / 2.0 / (N * N)), N * N - 1, "pairs of epochs");
  fm_schedule_destroy(schedule);
}
END_TEST

/* Each rank gets each image equally often: a table with fixed sums, (ranks - 1) * (n - 1) degrees
 * of freedom. */
START_TEST(ranks_get_all_images) {
  enum { N = 96, WORLD = 8, EPOCHS = 4000 };
  static int32_t cells[WORLD * N];
  memset(cells, 0, sizeof cells);
  for (int rank = 0; rank < WORLD; rank++) {
    fm_schedule_options options = schedule_options(FM_MIX_REAL, N, 0);
    options.rank = rank;
    options.world = WORLD;
    fm_schedule *schedule = schedule_of(&options);
    static int64_t numbers[N / WORLD * EPOCHS];
    schedule_numbers(schedule, 0, N / WORLD * EPOCHS, numbers);
    for (int i = 0; i < N / WORLD * EPOCHS; i++) cells[rank * N + numbers[i]]++;
    fm_schedule_destroy(schedule);
  }
  double value = chi_square(cells, WORLD * N, (double)EPOCHS / WORLD);
  expect_chi_square(value * (N - 1) / N, (WORLD - 1.0) * (N - 1.0), "ranks");
}
END_TEST

/* ---- Mixes
 * ------------------------------------------------------------------------------------------- */

/* Real entries in windows of a joint epoch: each window hypergeometric, with fixed sum. */
START_TEST(real_and_synthetic_are_mixed) {
  enum { REAL = 3000, SYNTHETIC = 33000, TIMES = 11, WINDOW = 100, ALL = REAL * TIMES + SYNTHETIC };
  fm_schedule_options options = schedule_options(FM_MIX_JOINT, REAL, SYNTHETIC);
  fm_schedule *schedule = schedule_of(&options);
  static int32_t sets[ALL];
  fm_schedule_arrays arrays = {.size = sizeof arrays, .datasets = sets};
  KIT_OK(fm_schedule_fill(schedule, 0, ALL, &arrays, &err));
  double sum = 0, p = 0.5;
  for (int w = 0; w < ALL / WINDOW; w++) {
    double synthetic = 0;
    for (int i = 0; i < WINDOW; i++) synthetic += sets[w * WINDOW + i];
    sum += (synthetic - WINDOW * p) * (synthetic - WINDOW * p) / (WINDOW * p * (1 - p));
  }
  expect_chi_square(sum * (ALL - 1) / ALL, ALL / WINDOW - 1, "windows");
  fm_schedule_destroy(schedule);
}
END_TEST

/* Real with the probability asked for, whatever the entry before was; images evenly. */
START_TEST(random_mix_is_random) {
  enum { REAL = 7, SYNTHETIC = 30, DRAWS = 200000 };
  static int32_t sets[DRAWS], follow[4];
  static int64_t numbers[DRAWS];
  int32_t images[REAL + SYNTHETIC] = {0};
  memset(follow, 0, sizeof follow);
  fm_schedule_options options = schedule_options(FM_MIX_RANDOM, REAL, SYNTHETIC);
  options.real_share = 3;
  options.synthetic_share = 7;
  fm_schedule *schedule = schedule_of(&options);
  fm_schedule_arrays arrays = {.size = sizeof arrays, .numbers = numbers, .datasets = sets};
  KIT_OK(fm_schedule_fill(schedule, 0, DRAWS, &arrays, &err));
  double real = 0;
  for (int i = 0; i < DRAWS; i++) {
    real += sets[i] == FM_DATASET_REAL;
    images[numbers[i]]++;
    if (i % 2) follow[2 * sets[i - 1] + sets[i]]++;
  }
  expect_normal(real, DRAWS * 0.3, DRAWS * 0.3 * 0.7, "real entries");
  double p[2] = {0.3, 0.7}, sum = 0;
  for (int i = 0; i < 4; i++) {
    double expected = DRAWS / 2.0 * p[i / 2] * p[i % 2];
    sum += (follow[i] - expected) * (follow[i] - expected) / expected;
  }
  expect_chi_square(sum, 3, "pairs of sets");
  /* Whether a shuffle's one use of an image falls on an entry of its set: p, independently. */
  for (int i = 0; i < REAL + SYNTHETIC; i++) {
    double uses = (double)DRAWS / (i < REAL ? REAL : SYNTHETIC), q = i < REAL ? 0.3 : 0.7;
    expect_normal(images[i], uses * q, uses * q * (1 - q), "uses of an image");
  }
  fm_schedule_destroy(schedule);
}
END_TEST

/* Images by their weights, whatever was drawn before. */
START_TEST(weighted_draws_follow_the_weights) {
  enum { IMAGES = 20, DRAWS = 400000 };
  double weights[IMAGES], total = 0;
  for (int i = 0; i < IMAGES; i++) total += weights[i] = i == 3 ? 0 : 0.05 + 0.01 * (i * 7 % 20);
  fm_schedule_options options = schedule_options(FM_MIX_WEIGHTED, IMAGES, 0);
  options.weights = weights;
  options.weight_count = IMAGES;
  fm_schedule *schedule = schedule_of(&options);
  static int64_t numbers[DRAWS];
  static int32_t pairs[IMAGES * IMAGES];
  int32_t cells[IMAGES] = {0};
  memset(pairs, 0, sizeof pairs);
  schedule_numbers(schedule, 0, DRAWS, numbers);
  for (int i = 0; i < DRAWS; i++) cells[numbers[i]]++;
  for (int i = 0; i < DRAWS; i += 2) pairs[numbers[i] * IMAGES + numbers[i + 1]]++;
  double one = 0, two = 0;
  for (int i = 0; i < IMAGES * IMAGES; i++) {
    double expected = DRAWS / 2.0 * weights[i / IMAGES] * weights[i % IMAGES] / (total * total);
    if (expected > 0)
      two += (pairs[i] - expected) * (pairs[i] - expected) / expected;
    else
      ck_assert_int_eq(pairs[i], 0);
    expected = DRAWS * weights[i % IMAGES] / total;
    if (i < IMAGES && expected > 0) one += (cells[i] - expected) * (cells[i] - expected) / expected;
  }
  expect_chi_square(one, IMAGES - 2, "draws");
  expect_chi_square(two, (IMAGES - 1) * (IMAGES - 1) - 1, "pairs of draws");
  fm_schedule_destroy(schedule);
}
END_TEST

/* Shares below 1: an image is in so large a part of the epochs. */
START_TEST(shares_are_probabilities) {
  enum { IMAGES = 25, EPOCHS = 20000, EACH = 4 };
  double weights[IMAGES], total = 0;
  for (int i = 0; i < IMAGES; i++) total += weights[i] = 1 + i % 4;
  fm_schedule_options options = schedule_options(FM_MIX_SHARES, 0, IMAGES);
  options.weights = weights;
  options.weight_count = IMAGES;
  options.epoch_length = EACH;
  fm_schedule *schedule = schedule_of(&options);
  static int64_t numbers[EACH * EPOCHS];
  double uses[IMAGES] = {0}, first[IMAGES] = {0};
  schedule_numbers(schedule, 0, EACH * EPOCHS, numbers);
  for (int i = 0; i < EACH * EPOCHS; i++) {
    uses[numbers[i]]++;
    if (i % EACH == 0) first[numbers[i]]++;
  }
  for (int i = 0; i < IMAGES; i++) {
    double p = EACH * weights[i] / total, q = p / EACH;
    expect_normal(uses[i], EPOCHS * p, EPOCHS * p * (1 - p), "epochs with an image");
    expect_normal(first[i], EPOCHS * q, EPOCHS * q * (1 - q), "epochs that begin with it");
  }
  fm_schedule_destroy(schedule);
}
END_TEST

Suite *schedule_random_suite(void) {
  Suite *suite = suite_create("schedule_random");
  TCase *tests = tcase_create("schedule_random");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, all_orders_are_equally_likely, 2, 8);
  tcase_add_loop_test(tests, half_of_the_orders_are_odd, 0, 12);
  tcase_add_loop_test(tests, positions_are_uniform, 0, 8);
  tcase_add_loop_test(tests, blocks_are_spread, 0, 4);
  tcase_add_loop_test(tests, pairs_are_uniform, 0, 6);
  tcase_add_loop_test(tests, steps_are_uniform, 0, 7);
  tcase_add_loop_test(tests, ascents_are_as_many_as_descents, 0, 5);
  tcase_add_test(tests, epochs_and_seeds_are_independent);
  tcase_add_test(tests, epochs_follow_each_other_at_random);
  tcase_add_test(tests, ranks_get_all_images);
  tcase_add_test(tests, real_and_synthetic_are_mixed);
  tcase_add_test(tests, random_mix_is_random);
  tcase_add_test(tests, weighted_draws_follow_the_weights);
  tcase_add_test(tests, shares_are_probabilities);
  suite_add_tcase(suite, tests);
  return suite;
}
