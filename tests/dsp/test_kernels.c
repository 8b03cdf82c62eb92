/* dsp/test_kernels.c - every level of kernels answers like plain C, bit for bit.
 * SPDX-License-Identifier: MIT */
#include <run_suites.h>
#include <stdio.h>
#include <string.h>

#include "unit/kit.h"
#include "worlds.h"

enum { WORLDS = 1500 };

static const struct {
  fm_kernels kernels;
  const char *name;
} levels[] = {{FM_KERNELS_SSE41, "sse4.1"},
              {FM_KERNELS_AVX2, "avx2"},
              {FM_KERNELS_AVX512, "avx512"},
              {FM_KERNELS_NEON, "neon"}};
enum { LEVELS = sizeof levels / sizeof *levels };

static fm_status open_level(fm_kernels kernels, fm_context **context) {
  fm_context_options options = {.size = sizeof options, .kernels = kernels};
  return fm_context_create(&options, context, NULL);
}

static void compare(const world *w, int number, const char *level, const answer *c,
                    const answer *v) {
  for (int i = 0; i < OUTPUTS + 3; i++) {
    ck_assert_msg(c->status[i] == v->status[i], "%s, world %d, call %d: %d, in C %d (%s)", level,
                  number, i, v->status[i], c->status[i], c->status[i] ? c->err[i].message : "");
    if (c->status[i]) ck_assert_str_eq(c->err[i].message, v->err[i].message);
  }
  for (int i = 0; i < OUTPUTS; i++)
    ck_assert_msg(!memcmp(c->out[i].memory, v->out[i].memory, c->out[i].size),
                  "%s, world %d (%dx%d): output %d differs", level, number, (int)w->height,
                  (int)w->width, i);
  ck_assert_msg(!memcmp(c->valid, v->valid, sizeof c->valid), "%s, world %d: valid", level, number);
  ck_assert_msg(!memcmp(c->dropped, v->dropped, sizeof c->dropped), "%s, world %d: dropped", level,
                number);
  ck_assert_msg(!memcmp(c->words, v->words, sizeof c->words), "%s, world %d: words", level, number);
  ck_assert_msg(!memcmp(c->pixels, v->pixels, sizeof c->pixels) && c->ignored == v->ignored,
                "%s, world %d: pixels", level, number);
  ck_assert_msg(!memcmp(&c->hardness, &v->hardness, sizeof c->hardness) &&
                    c->hardness_pixels == v->hardness_pixels,
                "%s, world %d: hardness", level, number);
}

/* ---- Tests ---------------------------------------------------------------------- */

START_TEST(answers_like_plain_c) {
  fm_context *c, *vectors;
  ck_assert_int_eq(open_level(FM_KERNELS_C, &c), FM_OK);
  if (open_level(levels[_i].kernels, &vectors)) {
    printf("# %s: not on this machine\n", levels[_i].name);
    fm_context_destroy(c);
    return;
  }
  ck_assert_str_eq(fm_context_kernels(vectors), levels[_i].name);
  uint64_t random = 20260101;
  int refused = 0;
  static world w;
  static answer plain, fast;
  for (int number = 0; number < WORLDS; number++) {
    make_world(&w, &random);
    kit_layout layout =
        kit_below(&random, 2) ? KIT_PACKED : (kit_layout)kit_below(&random, KIT_LAYOUTS);
    static const int64_t sides[] = {512, FM_NO_RESIZE, 7, 100};
    int64_t side = sides[kit_below(&random, 4)];
    ask(&w, c, layout, side, &plain);
    ask(&w, vectors, layout, side, &fast);
    compare(&w, number, levels[_i].name, &plain, &fast);
    refused += plain.status[0] != FM_OK;
    free_answer(&plain);
    free_answer(&fast);
    free_world(&w);
  }
  /* The worlds are such that both happen. */
  ck_assert_int_gt(refused, WORLDS / 50);
  ck_assert_int_lt(refused, WORLDS / 2);
  fm_context_destroy(vectors);
  fm_context_destroy(c);
}
END_TEST

START_TEST(a_level_that_is_not_there_is_refused_by_name) {
  fm_context *context = KIT_SENTINEL;
  fm_context_options options = {.size = sizeof options, .kernels = levels[_i].kernels};
  fm_error err = kit_error();
  fm_status status = fm_context_create(&options, &context, &err);
  if (status) {
    kit_expect(__func__, status, FM_ERR_UNSUPPORTED, &err, levels[_i].name);
    ck_assert_ptr_eq(context, KIT_SENTINEL);
    return;
  }
  ck_assert_str_eq(fm_context_kernels(context), levels[_i].name);
  fm_context_destroy(context);
}
END_TEST

/* The best level of a machine is one that can be asked for. */
START_TEST(the_best_level_is_one_of_them) {
  fm_context *context;
  KIT_OK(fm_context_create(NULL, &context, &err));
  const char *best = fm_context_kernels(context);
  bool known = strcmp(best, "c") == 0;
  for (int i = 0; i < LEVELS; i++) known = known || strcmp(best, levels[i].name) == 0;
  ck_assert_msg(known, "%s", best);
  printf("# best: %s\n", best);
  fm_context_destroy(context);
}
END_TEST

static Suite *kernels_suite(void) {
  Suite *suite = suite_create("kernels");
  TCase *tests = tcase_create("levels");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, answers_like_plain_c, 0, LEVELS);
  tcase_add_loop_test(tests, a_level_that_is_not_there_is_refused_by_name, 0, LEVELS);
  tcase_add_test(tests, the_best_level_is_one_of_them);
  suite_add_tcase(suite, tests);
  return suite;
}

int main(int argc, char **argv) {
  const named_suite all[] = {{"kernels", kernels_suite}};
  return run_suites(all, 1, argc, argv);
}
