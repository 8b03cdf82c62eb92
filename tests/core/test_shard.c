/* core/test_shard.c - freemask/shard.h.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "kit.h"
#include "suites.h"

/* From the Python in doc/random.md. */
static const struct {
  const char *id;
  int64_t count, shard;
} known[] = {
    {"", INT64_C(1), INT64_C(0)},
    {"", INT64_C(2), INT64_C(1)},
    {"", INT64_C(7), INT64_C(6)},
    {"", INT64_C(1000), INT64_C(957)},
    {"", INT64_C(9223372036854775807), INT64_C(8832978290816513100)},
    {"a", INT64_C(1), INT64_C(0)},
    {"a", INT64_C(2), INT64_C(0)},
    {"a", INT64_C(7), INT64_C(0)},
    {"a", INT64_C(1000), INT64_C(10)},
    {"a", INT64_C(9223372036854775807), INT64_C(99183506424991867)},
    {"scene_0001", INT64_C(1), INT64_C(0)},
    {"scene_0001", INT64_C(2), INT64_C(0)},
    {"scene_0001", INT64_C(7), INT64_C(0)},
    {"scene_0001", INT64_C(1000), INT64_C(94)},
    {"scene_0001", INT64_C(9223372036854775807), INT64_C(874870740407765406)},
    {"Zürich/a", INT64_C(1), INT64_C(0)},
    {"Zürich/a", INT64_C(2), INT64_C(0)},
    {"Zürich/a", INT64_C(7), INT64_C(2)},
    {"Zürich/a", INT64_C(1000), INT64_C(379)},
    {"Zürich/a", INT64_C(9223372036854775807), INT64_C(3501459303376198068)},
};

START_TEST(is_as_documented) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    ck_assert_int_eq(fm_shard_of(known[i].id, known[i].count), known[i].shard);
}
END_TEST

/* Shard i of n is made of shards k * i to k * i + k - 1 of k * n. */
START_TEST(finer_shards_are_parts) {
  char id[32];
  for (int i = 0; i < 1000; i++) {
    snprintf(id, sizeof id, "scene_%d", i);
    ck_assert_int_eq(fm_shard_of(id, 35) / 5, fm_shard_of(id, 7));
  }
}
END_TEST

/* Of 100,000 images a tenth each, within five standard deviations (95 each). */
START_TEST(shards_are_alike) {
  int64_t counts[10] = {0};
  char id[32];
  for (int i = 0; i < 100000; i++) {
    snprintf(id, sizeof id, "leftImg8bit/%06d", i);
    counts[fm_shard_of(id, 10)]++;
  }
  for (int i = 0; i < 10; i++) ck_assert_int_le(llabs((long long)counts[i] - 10000), 475);
}
END_TEST

START_TEST(nonsense_is_no_shard) {
  ck_assert_int_eq(fm_shard_of(NULL, 3), -1);
  ck_assert_int_eq(fm_shard_of("a", 0), -1);
  ck_assert_int_eq(fm_shard_of("a", INT64_MIN), -1);
}
END_TEST

Suite *shard_suite(void) {
  Suite *suite = suite_create("shard");
  TCase *tests = tcase_create("shard");
  tcase_add_test(tests, is_as_documented);
  tcase_add_test(tests, finer_shards_are_parts);
  tcase_add_test(tests, shards_are_alike);
  tcase_add_test(tests, nonsense_is_no_shard);
  suite_add_tcase(suite, tests);
  return suite;
}
