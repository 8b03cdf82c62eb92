/* plan/test_schedule_mix.c - ratios, phases, weights: how often each image comes.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test_schedule_kit.h"

/* Uses of each image in the epochs [first, first + epochs). */
static void uses_of(const fm_schedule *schedule, int64_t first, int64_t epochs, int64_t images,
                    int64_t *uses) {
  int64_t start = fm_schedule_epoch_start(schedule, first);
  int64_t count = fm_schedule_epoch_start(schedule, first + epochs) - start;
  int64_t *numbers = calloc((size_t)count, sizeof *numbers);
  schedule_numbers(schedule, start, count, numbers);
  memset(uses, 0, (size_t)images * sizeof *uses);
  for (int64_t i = 0; i < count; i++) uses[numbers[i]]++;
  free(numbers);
}

static void expect_uses(const int64_t *uses, int64_t from, int64_t to, int64_t least,
                        int64_t most) {
  for (int64_t i = from; i < to; i++)
    if (uses[i] < least || uses[i] > most)
      ck_abort_msg("image %d: %d times, expected %d to %d", (int)i, (int)uses[i], (int)least,
                   (int)most);
}

static int64_t sum(const int64_t *uses, int64_t from, int64_t to) {
  int64_t total = 0;
  for (int64_t i = from; i < to; i++) total += uses[i];
  return total;
}

START_TEST(joint_repeats_the_real_set) {
  static const struct {
    int64_t real, synthetic, times, expected;
  } cases[] = {{4, 9, 0, 2},     {4, 10, 0, 2}, {4, 14, 0, 4},  {100, 1, 0, 1},
               {20, 219, 0, 11}, {5, 5, 7, 7},  {5, 500, 1, 1}, {1, 1, 0, 1}};
  int64_t uses[600];
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    int64_t real = cases[c].real, all = real + cases[c].synthetic;
    fm_schedule_options options = schedule_options(FM_MIX_JOINT, real, cases[c].synthetic);
    options.real_repeats = cases[c].times;
    fm_schedule *schedule = schedule_of(&options);
    for (int64_t epoch = 0; epoch < 4; epoch++) {
      uses_of(schedule, epoch, 1, all, uses);
      expect_uses(uses, 0, real, cases[c].expected, cases[c].expected);
      expect_uses(uses, real, all, 1, 1);
    }
    fm_schedule_destroy(schedule);
  }
}
END_TEST

/* In order, entry p < times * real is image p mod real, repeat p div real: exactly, also next to
 * whole quotients and up to 2^48, where a division by way of floating point might slip. */
static void expect_quotients(int64_t real, int64_t times) {
  fm_schedule_options options = schedule_options(FM_MIX_JOINT, real, 1);
  options.real_repeats = times;
  options.in_order = 1;
  fm_schedule *schedule = schedule_of(&options);
  for (int64_t k = 0; k < 2000 && k < times; k++) {
    int64_t repeat = k % 2 ? times - 1 - k / 2 : k / 2;
    for (int64_t image = 0; image<real; image += real> 1 ? real - 1 : 1) {
      fm_schedule_entry e = schedule_at(schedule, repeat * real + image);
      if (e.number != image || e.repeat != repeat || e.dataset != FM_DATASET_REAL)
        ck_abort_msg("%lld times %lld: entry of image %lld, repeat %lld is %lld, %lld",
                     (long long)times, (long long)real, (long long)image, (long long)repeat,
                     (long long)e.number, (long long)e.repeat);
    }
  }
  ck_assert_int_eq(schedule_at(schedule, real * times).number, real);
  fm_schedule_destroy(schedule);
}

START_TEST(repeats_are_exact_quotients) {
  for (int64_t real = 1; real <= 300; real++) expect_quotients(real, 60);
  for (int bits = 9; bits <= 40; bits++) {
    int64_t most = bits <= 28 ? INT64_C(1) << 20 : (INT64_C(1) << (48 - bits)) - 1;
    for (int64_t off = -3; off <= 3; off++) expect_quotients((INT64_C(1) << bits) - 4 + off, most);
  }
}
END_TEST

/* After any number of epochs the real images' uses differ by one at most. */
START_TEST(ratio_is_exact_and_even) {
  static const struct {
    int64_t real, synthetic, a, b, expected; /* real entries of an epoch */
  } cases[] = {{5, 12, 1, 3, 4}, {7, 12, 0, 0, 12},  {50, 7, 3, 2, 10},
               {50, 5, 3, 2, 8}, {3, 100, 1, 7, 14}, {2, 3, 1000000, 1, 3000000}};
  int64_t uses[256];
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    int64_t real = cases[c].real, all = real + cases[c].synthetic, n = cases[c].expected;
    fm_schedule_options options = schedule_options(FM_MIX_RATIO, real, cases[c].synthetic);
    options.real_share = cases[c].a;
    options.synthetic_share = cases[c].b;
    options.pretraining_epochs = (int64_t)c % 2;
    fm_schedule *schedule = schedule_of(&options);
    int64_t first = options.pretraining_epochs, most = n > 1000 ? 2 : 60;
    for (int64_t epochs = 1; epochs < most; epochs++) {
      uses_of(schedule, first, epochs, all, uses);
      ck_assert_int_eq(sum(uses, 0, real), epochs * n);
      expect_uses(uses, 0, real, epochs * n / real, (epochs * n + real - 1) / real);
      expect_uses(uses, real, all, epochs, epochs);
    }
    fm_schedule_destroy(schedule);
  }
}
END_TEST

START_TEST(pretraining_comes_first) {
  for (int64_t epochs = 0; epochs < 4; epochs++) {
    fm_schedule_options options = schedule_options(FM_MIX_REAL, 11, 23);
    options.pretraining_epochs = epochs;
    fm_schedule *schedule = schedule_of(&options);
    int64_t uses[34];
    for (int64_t epoch = 0; epoch < 6; epoch++) {
      bool early = epoch < epochs;
      ck_assert_int_eq(fm_schedule_epoch_length(schedule, epoch), early ? 23 : 11);
      uses_of(schedule, epoch, 1, 34, uses);
      expect_uses(uses, 0, 11, !early, !early);
      expect_uses(uses, 11, 34, early, early);
      ck_assert_int_eq(schedule_at(schedule, fm_schedule_epoch_start(schedule, epoch)).epoch,
                       epoch);
    }
    ck_assert_int_eq(fm_schedule_epoch_start(schedule, 6), epochs * 23 + (6 - epochs) * 11);
    fm_schedule_destroy(schedule);
  }
}
END_TEST

/* Among the entries of one shuffle of a set no image of it comes twice. */
START_TEST(random_mix_has_no_early_repeats) {
  enum { REAL = 40, SYNTHETIC = 60 };
  fm_schedule_options options = schedule_options(FM_MIX_RANDOM, REAL, SYNTHETIC);
  options.real_share = 3;
  options.synthetic_share = 2;
  options.epoch_length = 77;
  fm_schedule *schedule = schedule_of(&options);
  ck_assert_int_eq(fm_schedule_epoch_length(schedule, 9), 77);
  for (int64_t block = 0; block < 50; block++) {
    int uses[REAL] = {0};
    for (int64_t i = 0; i < REAL; i++) {
      fm_schedule_entry e = schedule_at(schedule, block * REAL + i);
      if (e.dataset == FM_DATASET_REAL && uses[e.index]++)
        ck_abort_msg("image %d twice", (int)e.index);
    }
  }
  fm_schedule_destroy(schedule);
}
END_TEST

/* Each image comes floor or ceil of its share; where all shares are below 1: once at most. */
START_TEST(shares_are_kept) {
  enum { IMAGES = 50 };
  double weights[IMAGES], total = 0;
  for (int i = 0; i < IMAGES; i++) total += weights[i] = i * 31 % IMAGES % 9; /* zeros, too */
  for (int64_t length = 1; length < 400; length += 13) {
    fm_schedule_options options = schedule_options(FM_MIX_SHARES, 20, 30);
    options.weights = weights;
    options.weight_count = IMAGES;
    options.epoch_length = length;
    options.in_order = (int32_t)(length % 2);
    fm_schedule *schedule = schedule_of(&options);
    int64_t uses[IMAGES];
    for (int64_t epoch = 0; epoch < 5; epoch++) {
      uses_of(schedule, epoch, 1, IMAGES, uses);
      ck_assert_int_eq(sum(uses, 0, IMAGES), length);
      for (int i = 0; i < IMAGES; i++) {
        double share = (double)length * weights[i] / total;
        if ((double)uses[i] < floor(share) || (double)uses[i] > ceil(share))
          ck_abort_msg("image %d: %d of %g", i, (int)uses[i], share);
      }
    }
    fm_schedule_destroy(schedule);
  }
}
END_TEST

/* More weights than PyTorch's multinomial takes (2^24): each once, as all weights are equal. */
START_TEST(shares_beyond_2_to_24) {
  enum { IMAGES = (1 << 24) + 5 };
  double *weights = malloc(IMAGES * sizeof *weights);
  unsigned char *seen = calloc(IMAGES, 1);
  int64_t *numbers = malloc(IMAGES * sizeof *numbers);
  for (int i = 0; i < IMAGES; i++) weights[i] = 0.3;
  fm_schedule_options options = schedule_options(FM_MIX_SHARES, 5, IMAGES - 5);
  options.weights = weights;
  options.weight_count = IMAGES;
  options.in_order = 1;
  fm_schedule *schedule = schedule_of(&options);
  schedule_numbers(schedule, 0, IMAGES, numbers);
  int doubled = 0;
  for (int i = 0; i < IMAGES; i++) doubled += seen[numbers[i]]++ != 0;
  ck_assert_int_eq(doubled, 0);
  fm_schedule_destroy(schedule);
  free(numbers);
  free(seen);
  free(weights);
}
END_TEST

/* One image outweighs all others by far, which lie close together on the line of weights: each of
 * them comes exactly once, whether entries are asked for together or one by one. */
START_TEST(light_images_are_found) {
  enum { IMAGES = 1001, HEAVY = 100000, ENTRIES = HEAVY + IMAGES - 1 };
  static const int places[] = {0, 400, IMAGES - 1};
  static int64_t numbers[ENTRIES];
  double weights[IMAGES];
  int heavy = places[_i % 3];
  for (int i = 0; i < IMAGES; i++) weights[i] = i == heavy ? HEAVY : 1;
  fm_schedule_options options = schedule_options(FM_MIX_SHARES, 1, IMAGES - 1);
  options.weights = weights;
  options.weight_count = IMAGES;
  options.epoch_length = ENTRIES;
  options.in_order = _i / 3;
  fm_schedule *schedule = schedule_of(&options);
  schedule_numbers(schedule, 0, ENTRIES, numbers);
  int64_t uses[IMAGES] = {0}, different = 0;
  for (int64_t i = 0; i < ENTRIES; i++) {
    uses[numbers[i]]++;
    different += schedule_at(schedule, i).number != numbers[i];
  }
  ck_assert_int_eq(different, 0);
  for (int i = 0; i < IMAGES; i++) ck_assert_int_eq(uses[i], i == heavy ? HEAVY : 1);
  fm_schedule_destroy(schedule);
}
END_TEST

TCase *schedule_mix_case(void) {
  TCase *tests = tcase_create("mix");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, joint_repeats_the_real_set);
  tcase_add_test(tests, repeats_are_exact_quotients);
  tcase_add_test(tests, ratio_is_exact_and_even);
  tcase_add_test(tests, pretraining_comes_first);
  tcase_add_test(tests, random_mix_has_no_early_repeats);
  tcase_add_test(tests, shares_are_kept);
  tcase_add_test(tests, shares_beyond_2_to_24);
  tcase_add_loop_test(tests, light_images_are_found, 0, 6);
  return tests;
}
