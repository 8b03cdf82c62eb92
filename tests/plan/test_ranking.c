/* plan/test_ranking.c - freemask/ranking.h: the counts of masks in parts are those of a plain sort of all.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"
#include "suites.h"

enum { MOST_PARTS = 4 };

static fm_context *context;

static void set_up(void) { context = kit_plain_context(); }
static void tear_down(void) { fm_context_destroy(context); }

/* ---- Masks ------------------------------------------------------------------------------------ */

typedef struct mask {
  char *id;
  double hardness;
  int part;
  uint32_t expected, got;
} mask;

typedef struct world {
  mask *masks;
  size_t count;
  int parts;
  int32_t n_max;
} world;

static world world_of(size_t count, int parts, int32_t n_max) {
  world w = {calloc(count, sizeof(mask)), count, parts, n_max};
  ck_assert_ptr_nonnull(w.masks);
  return w;
}

static void set(world *w, size_t i, const char *id, double hardness) {
  w->masks[i].id = strdup(id);
  w->masks[i].hardness = hardness;
}

static void free_world(world *w) {
  for (size_t i = 0; i < w->count; i++) free(w->masks[i].id);
  free(w->masks);
}

/* Any order, any part. */
static void shuffle(world *w, uint64_t seed) {
  for (size_t i = w->count; i > 1; i--) {
    size_t j = (size_t)kit_below(&seed, (int64_t)i);
    mask swap = w->masks[j];
    w->masks[j] = w->masks[i - 1];
    w->masks[i - 1] = swap;
  }
  for (size_t i = 0; i < w->count; i++) w->masks[i].part = (int)kit_below(&seed, w->parts);
}

static int by_hardness_and_id(const void *a, const void *b) {
  const mask *x = a, *y = b;
  if (x->hardness != y->hardness) return x->hardness < y->hardness ? -1 : 1;
  return strcmp(x->id, y->id);
}

/* The paper's formula along a plain sort; nearbyint rounds half to even. */
static int64_t sort_and_count(world *w) {
  int64_t images = 0;
  qsort(w->masks, w->count, sizeof *w->masks, by_hardness_and_id);
  for (size_t i = 0; i < w->count; i++) {
    double count = 1 + nearbyint((double)(i + 1) / (double)w->count * w->n_max);
    w->masks[i].expected = (uint32_t)(count < w->n_max ? count : w->n_max);
    images += w->masks[i].expected;
  }
  return images;
}

/* ---- All parts in one process --------------------------------------------------------------------- */

/* Adds the masks of a part, a few at a time. */
static void add_part(const world *w, int part, fm_ranking *ranking, bool ids) {
  const char *names[5];
  double hardness[5];
  int64_t held = 0;
  for (size_t i = 0; i <= w->count; i++) {
    if (held == 5 || i == w->count) {
      KIT_OK(fm_ranking_add(ranking, ids ? names : NULL, hardness, held, &err));
      held = 0;
    }
    if (i == w->count || w->masks[i].part != part) continue;
    names[held] = w->masks[i].id;
    hardness[held++] = w->masks[i].hardness;
  }
}

static void count_part(world *w, const fm_ranking *ranking) {
  for (size_t i = 0; i < w->count; i++) {
    const char *id = w->masks[i].id;
    KIT_OK(fm_ranking_count_images(ranking, fm_ranking_uses_ids(ranking) ? &id : NULL,
                                   &w->masks[i].hardness, 1, &w->masks[i].got, &err));
  }
}

/* Sums the words of all parts, each from a ranking of its own, and advances the first with them; the others
 * are made anew from the sums. Returns the number of passes. */
static int32_t rank_all(world *w, int64_t images) {
  fm_ranking *rankings[MOST_PARTS];
  for (int part = 0; part < w->parts; part++)
    KIT_OK(fm_ranking_create(context, w->n_max, &rankings[part], &err));
  ck_assert_int_eq(fm_ranking_mask_count(rankings[0]), 0);
  ck_assert_int_eq(fm_ranking_image_count(rankings[0]), 0);
  while (!fm_ranking_is_done(rankings[0])) {
    int64_t count = fm_ranking_word_count(rankings[0]);
    ck_assert(count > 3 && count <= 3 + (1 << 21));
    int64_t *sum = calloc((size_t)count, sizeof *sum), *words = malloc((size_t)count * 8);
    for (int part = 0; part < w->parts; part++) {
      add_part(w, part, rankings[part], fm_ranking_uses_ids(rankings[part]));
      ck_assert_int_eq(fm_ranking_word_count(rankings[part]), count);
      KIT_OK(fm_ranking_export(rankings[part], words, count, &err));
      for (int64_t i = 0; i < count; i++) sum[i] += words[i];
    }
    for (int part = 0; part < w->parts; part++)
      KIT_OK(fm_ranking_advance(rankings[part], sum, count, &err));
    free(sum);
    free(words);
    ck_assert_int_lt(fm_ranking_pass_count(rankings[0]), 300);
  }
  int32_t passes = fm_ranking_pass_count(rankings[0]);
  for (int part = 0; part < w->parts; part++) {
    ck_assert_int_eq(fm_ranking_pass_count(rankings[part]), passes);
    ck_assert_int_eq(fm_ranking_mask_count(rankings[part]), (int64_t)w->count);
    ck_assert_int_eq(fm_ranking_image_count(rankings[part]), images);
    ck_assert_int_eq(fm_ranking_word_count(rankings[part]), 0);
    count_part(w, rankings[part]);
    for (size_t i = 0; i < w->count; i++)
      ck_assert_msg(w->masks[i].got == w->masks[i].expected, "%s, hardness %.17g: %u, expected %u",
                    w->masks[i].id, w->masks[i].hardness, (unsigned)w->masks[i].got,
                    (unsigned)w->masks[i].expected);
    fm_ranking_destroy(rankings[part]);
  }
  return passes;
}

/* Whatever the parts are, the counts are those of the sort. */
static int32_t check(world *w) {
  int64_t images = sort_and_count(w);
  int32_t passes = 0;
  static const int splits[] = {1, MOST_PARTS};
  for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
    w->parts = splits[i];
    shuffle(w, 77 + i);
    int32_t took = rank_all(w, images);
    ck_assert(!i || took == passes);
    passes = took;
  }
  free_world(w);
  return passes;
}

/* ---- Without ties ---------------------------------------------------------------------------------- */

START_TEST(few_masks) {
  static const int32_t most[] = {1, 2, 5, 20, 41};
  static const size_t counts[] = {1, 2, 3, 7, 20, 45};
  char id[32];
  for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
    world w = world_of(counts[c], 1, most[_i]);
    for (size_t i = 0; i < w.count; i++) {
      snprintf(id, sizeof id, "m%zu", i);
      set(&w, i, id, (double)(i * i % 47) - 20);
    }
    check(&w);
  }
}
END_TEST

START_TEST(hardness_of_all_sizes) {
  world w = world_of(3000, 1, 20);
  uint64_t random = 4;
  char id[32];
  for (size_t i = 0; i < w.count; i++) {
    uint64_t bits = kit_random(&random);
    double hardness;
    memcpy(&hardness, &bits, sizeof hardness);
    if (!isfinite(hardness)) hardness = (double)i;
    snprintf(id, sizeof id, "m%zu", i);
    set(&w, i, id, hardness);
  }
  ck_assert_int_le(check(&w), 2);
}
END_TEST

/* Neighbours differ in their last bit. */
START_TEST(hardness_that_hardly_differs) {
  world w = world_of(4000, 1, 33);
  double hardness = 0.7;
  char id[32];
  for (size_t i = 0; i < w.count; i++, hardness = nextafter(hardness, 1)) {
    snprintf(id, sizeof id, "m%zu", i);
    set(&w, i, id, hardness);
  }
  ck_assert_int_eq(check(&w), 4);
}
END_TEST

START_TEST(as_many_images_as_masks_and_more) {
  static const int32_t most[] = {499, 500, 1 << 20};
  world w = world_of(500, 1, most[_i]);
  char id[32];
  for (size_t i = 0; i < w.count; i++) {
    snprintf(id, sizeof id, "m%zu", i);
    set(&w, i, id, 1.0 / (double)(i + 1));
  }
  check(&w);
}
END_TEST

/* ---- Ties ------------------------------------------------------------------------------------------ */

/* Loop: how ids are made. All have the same hardness, so their bytes decide alone. */
static void make_id(int kind, size_t i, char *id) {
  uint64_t random = 9 * (i + 1);
  switch (kind) {
    case 0: /* as people count */
      sprintf(id, "ADE_train_%08zu", i);
      break;
    case 1: /* without leading zeros: prefixes of one another */
      sprintf(id, "%zu", i);
      break;
    case 2: /* each the prefix of all longer ones */
      memset(id, 'a', i + 1);
      id[i + 1] = '\0';
      break;
    case 3: /* long and alike, the difference last */
      memset(id, 'x', 4000);
      sprintf(id + 4000, "%zu", i);
      break;
    case 4: /* any byte but NUL, as unsigned */
      id[0] = (char)(1 + i % 255);
      id[1] = (char)(1 + i / 255);
      id[2] = '\0';
      break;
    case 5: /* at random */
      for (int byte = 0; byte < 12; byte++) id[byte] = (char)(1 + kit_below(&random, 255));
      sprintf(id + 12, "%zu", i);
      break;
    default: /* each differs from the next in another position */
      memset(id, 'b', 900);
      id[i] = 'a';
      id[900] = '\0';
  }
}

START_TEST(ids_decide) {
  static char id[5000];
  world w = world_of(_i == 6 ? 200 : 800, 1, 20);
  for (size_t i = 0; i < w.count; i++) {
    make_id(_i, i, id);
    set(&w, i, id, 0.25);
  }
  int32_t passes = check(&w);
  if (_i == 0) ck_assert_int_eq(passes, 6); /* four over the hardness, then bytes, then ids */
}
END_TEST

START_TEST(equal_hardness_here_and_there) {
  world w = world_of(2000, 1, 20);
  uint64_t random = 6;
  char id[32];
  for (size_t i = 0; i < w.count; i++) {
    sprintf(id, "%zu", i * 7919 % 2003);
    set(&w, i, id, (double)kit_below(&random, 1 << 2 * _i) / 8);
  }
  check(&w);
}
END_TEST

/* A cut in each of 1,500 pairs: more groups than a pass over ids takes. */
START_TEST(many_ties) {
  world w = world_of(3000, 1, 2999);
  char id[400];
  memset(id, 'p', 100);
  for (size_t i = 0; i < w.count; i++) {
    sprintf(id + 100, "%zu", i);
    set(&w, i, id, (double)((i + 1) / 2));
  }
  check(&w);
}
END_TEST

START_TEST(zero_has_one_sign) {
  world w = world_of(400, 1, 20);
  char id[32];
  for (size_t i = 0; i < w.count; i++) {
    sprintf(id, "m%03zu", i);
    set(&w, i, id, i % 3 ? 0.0 : -0.0);
  }
  check(&w);
}
END_TEST

/* ---- With a planner ---------------------------------------------------------------------------------- */

static fm_planner *planner_of(const world *w, int part) {
  fm_planner *planner = NULL;
  fm_planner_options options = {.size = sizeof options, .n_max = w->n_max, .plan_seed = 3};
  KIT_OK(fm_planner_create(context, &options, &planner, &err));
  for (size_t i = 0; i < w->count; i++)
    if (part < 0 || w->masks[i].part == part)
      KIT_OK(fm_planner_add(planner, w->masks[i].id, w->masks[i].hardness, NULL, 0, &err));
  return planner;
}

START_TEST(shares_have_the_rows_of_the_whole_plan) {
  world w = world_of(700, 3, 20);
  char id[32];
  for (size_t i = 0; i < w.count; i++) {
    sprintf(id, "img_%zu", i);
    set(&w, i, id, (double)(i * i % 101) / 7);
  }
  int64_t images = sort_and_count(&w), seen = 0;
  shuffle(&w, 5);
  rank_all(&w, images);
  fm_planner *planner = planner_of(&w, -1);
  fm_plan *whole = NULL;
  KIT_OK(fm_planner_make_plan(planner, &whole, &err));
  ck_assert_int_eq(fm_plan_image_count(whole), images);
  fm_planner_destroy(planner);
  for (int part = 0; part < w.parts; part++) {
    uint32_t counts[700];
    int64_t count = 0;
    for (size_t i = 0; i < w.count; i++)
      if (w.masks[i].part == part) counts[count++] = w.masks[i].got;
    planner = planner_of(&w, part);
    fm_plan *share = NULL;
    KIT_OK(fm_planner_make_plan_of(planner, counts, count, &share, &err));
    for (int64_t i = 0; i < fm_plan_mask_count(share); i++, seen++) {
      fm_plan_entry own = {.size = sizeof own}, all = {.size = sizeof all};
      KIT_OK(fm_plan_get(share, i, &own, &err));
      KIT_OK(fm_plan_get(whole, fm_plan_find(whole, own.mask_id), &all, &err));
      ck_assert_int_eq(own.count, all.count);
      ck_assert_mem_eq(own.seeds, all.seeds, (size_t)own.count * sizeof *own.seeds);
    }
    fm_plan_destroy(share);
    fm_planner_destroy(planner);
  }
  ck_assert_int_eq(seen, 700);
  fm_plan_destroy(whole);
  free_world(&w);
}
END_TEST

/* ---- Errors ----------------------------------------------------------------------------------------- */

static fm_ranking *ranking_of(int32_t n_max) {
  fm_ranking *ranking = NULL;
  KIT_OK(fm_ranking_create(context, n_max, &ranking, &err));
  return ranking;
}

/* The words of this pass; to be freed. */
static int64_t *words_of(const fm_ranking *ranking) {
  int64_t count = fm_ranking_word_count(ranking);
  int64_t *words = malloc((size_t)count * sizeof *words);
  KIT_OK(fm_ranking_export(ranking, words, count, &err));
  return words;
}

static void advance(fm_ranking *ranking) {
  int64_t *words = words_of(ranking);
  KIT_OK(fm_ranking_advance(ranking, words, fm_ranking_word_count(ranking), &err));
  free(words);
}

START_TEST(bad_arguments_are_refused) {
  fm_ranking *ranking = KIT_SENTINEL;
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_ranking_create(NULL, 0, &ranking, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "n_max is -1", fm_ranking_create(context, -1, &ranking, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "1048577", fm_ranking_create(context, (1 << 20) + 1, &ranking, &err));
  ck_assert_ptr_eq(ranking, KIT_SENTINEL);
  ranking = ranking_of(0);
  const char *ids[] = {"a", "b", "c"};
  double good[] = {1, 2, 3}, bad[] = {1, 2, INFINITY};
  uint32_t counts[3] = {7, 7, 7};
  int64_t count = fm_ranking_word_count(ranking), *before = words_of(ranking);
  KIT_FAILS(FM_ERR_ARGUMENT, "mask c: hardness is inf", fm_ranking_add(ranking, ids, bad, 3, &err));
  bad[2] = -INFINITY;
  KIT_FAILS(FM_ERR_ARGUMENT, "hardness[2] is -inf", fm_ranking_add(ranking, NULL, bad, 3, &err));
  bad[2] = NAN;
  KIT_FAILS(FM_ERR_ARGUMENT, "hardness[2]", fm_ranking_add(ranking, NULL, bad, 3, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "count is -1", fm_ranking_add(ranking, ids, good, -1, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "hardness is NULL", fm_ranking_add(ranking, ids, NULL, 3, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_ranking_add(NULL, ids, good, 3, &err));
  int64_t *after = words_of(ranking);
  ck_assert_mem_eq(before, after, (size_t)count * sizeof *after);
  KIT_OK(fm_ranking_add(ranking, NULL, NULL, 0, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "not done",
            fm_ranking_count_images(ranking, ids, good, 3, counts, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "65539", fm_ranking_export(ranking, after, count - 1, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "65539", fm_ranking_advance(ranking, after, count + 1, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_ranking_export(ranking, NULL, count, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "NULL", fm_ranking_advance(ranking, NULL, count, &err));
  ck_assert_uint_eq(counts[0], 7);
  free(before);
  free(after);
  fm_ranking_destroy(ranking);
  fm_ranking_destroy(NULL);
  ck_assert_int_eq(fm_ranking_is_done(NULL) + fm_ranking_uses_ids(NULL), 0);
  ck_assert_int_eq(fm_ranking_word_count(NULL) + fm_ranking_mask_count(NULL), 0);
  ck_assert_int_eq(fm_ranking_image_count(NULL) + fm_ranking_pass_count(NULL), 0);
}
END_TEST

START_TEST(a_ranking_that_is_done) {
  fm_ranking *ranking = ranking_of(5);
  const double one = 3;
  uint32_t count = 0;
  int64_t word = 0;
  KIT_OK(fm_ranking_add(ranking, NULL, &one, 1, &err));
  advance(ranking);
  ck_assert_int_eq(fm_ranking_is_done(ranking), 1);
  ck_assert_int_eq(fm_ranking_image_count(ranking), 5);
  KIT_FAILS(FM_ERR_ARGUMENT, "done", fm_ranking_add(ranking, NULL, &one, 1, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "done", fm_ranking_export(ranking, &word, 0, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "done", fm_ranking_advance(ranking, &word, 0, &err));
  KIT_OK(fm_ranking_count_images(ranking, NULL, &one, 1, &count, &err));
  ck_assert_uint_eq(count, 5);
  fm_ranking_destroy(ranking);
}
END_TEST

START_TEST(words_that_are_no_sum) {
  fm_ranking *ranking = ranking_of(0), *other = ranking_of(19);
  int64_t count = fm_ranking_word_count(ranking), *words = words_of(ranking);
  KIT_FAILS(FM_ERR_EMPTY, "no part has a mask", fm_ranking_advance(ranking, words, count, &err));
  words[0] = 0;
  KIT_FAILS(FM_ERR_FORMAT, "begin with 0", fm_ranking_advance(ranking, words, count, &err));
  free(words);
  double hardness[] = {1, 2, 3};
  KIT_OK(fm_ranking_add(ranking, NULL, hardness, 3, &err));
  words = words_of(ranking);
  words[500]--;
  KIT_FAILS(FM_ERR_FORMAT, "-1 masks", fm_ranking_advance(ranking, words, count, &err));
  words[500] += 2;
  KIT_FAILS(FM_ERR_MISMATCH, "more", fm_ranking_advance(ranking, words, count, &err));
  words[500] = INT64_MAX;
  KIT_FAILS(FM_ERR_MISMATCH, "more", fm_ranking_advance(ranking, words, count, &err));
  words[500] = 0;
  words[2] = (INT64_C(1) << 42) + 1;
  KIT_FAILS(FM_ERR_LIMIT, "2^42", fm_ranking_advance(ranking, words, count, &err));
  free(words);
  words = words_of(other); /* another n_max */
  KIT_FAILS(FM_ERR_MISMATCH, "n_max", fm_ranking_advance(ranking, words, count, &err));
  free(words);
  ck_assert_int_eq(fm_ranking_pass_count(ranking), 0);
  advance(ranking);
  ck_assert_int_eq(fm_ranking_pass_count(ranking), 1);
  fm_ranking_destroy(other);
  fm_ranking_destroy(ranking);
}
END_TEST

/* Passes over other masks: fewer, as many, and as many that are alike so far. */
START_TEST(masks_that_changed) {
  double hardness[100], changed[100];
  for (int i = 0; i < 100; i++) hardness[i] = changed[i] = 1 + i * 1e-9;
  fm_ranking *ranking = ranking_of(0);
  KIT_OK(fm_ranking_add(ranking, NULL, hardness, 100, &err));
  advance(ranking);
  KIT_OK(fm_ranking_add(ranking, NULL, hardness, 99, &err));
  int64_t count = fm_ranking_word_count(ranking), *words = words_of(ranking);
  KIT_FAILS(FM_ERR_MISMATCH, "99 masks, but the passes before had 100",
            fm_ranking_advance(ranking, words, count, &err));
  free(words);
  changed[0] = 7;
  KIT_OK(fm_ranking_add(ranking, NULL, changed, 1, &err));
  words = words_of(ranking);
  KIT_FAILS(FM_ERR_MISMATCH, "of 100 that are alike so far there are fewer",
            fm_ranking_advance(ranking, words, count, &err));
  free(words);
  fm_ranking_destroy(ranking);
}
END_TEST

START_TEST(ids_that_changed) {
  const char *ids[] = {"aa", "ab", "ba", "bb"}, *changed[] = {"aa", "ac", "ba", "bb"};
  const double hardness[] = {1, 1, 1, 1};
  fm_ranking *ranking = ranking_of(4);
  for (int pass = 0; pass < 4; pass++) {
    ck_assert_int_eq(fm_ranking_uses_ids(ranking), 0);
    KIT_OK(fm_ranking_add(ranking, NULL, hardness, 4, &err));
    advance(ranking);
  }
  ck_assert_int_eq(fm_ranking_uses_ids(ranking), 1);
  KIT_FAILS(FM_ERR_ARGUMENT, "mask_ids is NULL", fm_ranking_add(ranking, NULL, hardness, 4, &err));
  const char *none[] = {"aa", ""}, *null[] = {NULL};
  KIT_FAILS(FM_ERR_ARGUMENT, "mask_ids[1] has 0 bytes",
            fm_ranking_add(ranking, none, hardness, 2, &err));
  KIT_FAILS(FM_ERR_ARGUMENT, "mask_ids[0]", fm_ranking_add(ranking, null, hardness, 1, &err));
  KIT_OK(fm_ranking_add(ranking, ids, hardness, 4, &err));
  advance(ranking);
  KIT_OK(fm_ranking_add(ranking, changed, hardness, 4, &err));
  int64_t count = fm_ranking_word_count(ranking), *words = words_of(ranking);
  KIT_FAILS(FM_ERR_MISMATCH, "of 4 that are alike so far there are fewer",
            fm_ranking_advance(ranking, words, count, &err));
  free(words);
  fm_ranking_destroy(ranking);
}
END_TEST

/* Loop: where the id that occurs twice differs from others. */
START_TEST(an_id_that_occurs_twice) {
  static const char *const ids[][4] = {{"a", "a", "a", "a"}, {"a", "b", "b", "b"}};
  const double hardness[] = {1, 1, 1, 1};
  fm_ranking *ranking = ranking_of(4);
  for (int pass = 0; pass < 5 + _i; pass++) {
    KIT_OK(fm_ranking_add(ranking, ids[_i], hardness, 4, &err));
    if (pass < 4 + _i) advance(ranking);
  }
  int64_t count = fm_ranking_word_count(ranking), *words = words_of(ranking);
  KIT_FAILS(FM_ERR_DUPLICATE, _i ? "mask b occurs twice" : "mask a occurs twice",
            fm_ranking_advance(ranking, words, count, &err));
  free(words);
  fm_ranking_destroy(ranking);
}
END_TEST

/* One that was lost is made again of the sums alone. */
START_TEST(sums_bring_a_new_ranking_along) {
  fm_ranking *ranking = ranking_of(6), *late = ranking_of(6);
  const char *ids[50];
  char names[50][8];
  double hardness[50];
  uint32_t counts[50], later[50];
  for (int i = 0; i < 50; i++) {
    sprintf(names[i], "%d", i);
    ids[i] = names[i];
    hardness[i] = i / 20;
  }
  while (!fm_ranking_is_done(ranking)) {
    KIT_OK(fm_ranking_add(ranking, ids, hardness, 50, &err));
    int64_t count = fm_ranking_word_count(ranking), *words = words_of(ranking);
    KIT_OK(fm_ranking_advance(ranking, words, count, &err));
    KIT_OK(fm_ranking_advance(late, words, count, &err));
    free(words);
  }
  ck_assert_int_eq(fm_ranking_uses_ids(ranking), 1);
  ck_assert_int_eq(fm_ranking_is_done(late), 1);
  KIT_OK(fm_ranking_count_images(ranking, ids, hardness, 50, counts, &err));
  KIT_OK(fm_ranking_count_images(late, ids, hardness, 50, later, &err));
  ck_assert_mem_eq(counts, later, sizeof counts);
  KIT_FAILS(FM_ERR_ARGUMENT, "mask_ids is NULL",
            fm_ranking_count_images(ranking, NULL, hardness, 50, counts, &err));
  fm_ranking_destroy(ranking);
  fm_ranking_destroy(late);
}
END_TEST

Suite *ranking_suite(void) {
  Suite *suite = suite_create("ranking");
  TCase *tests = tcase_create("ranking");
  tcase_set_timeout(tests, 120);
  tcase_add_checked_fixture(tests, set_up, tear_down);
  tcase_add_loop_test(tests, few_masks, 0, 5);
  tcase_add_test(tests, hardness_of_all_sizes);
  tcase_add_test(tests, hardness_that_hardly_differs);
  tcase_add_loop_test(tests, as_many_images_as_masks_and_more, 0, 3);
  tcase_add_loop_test(tests, ids_decide, 0, 7);
  tcase_add_loop_test(tests, equal_hardness_here_and_there, 1, 6);
  tcase_add_test(tests, many_ties);
  tcase_add_test(tests, zero_has_one_sign);
  tcase_add_test(tests, shares_have_the_rows_of_the_whole_plan);
  tcase_add_test(tests, bad_arguments_are_refused);
  tcase_add_test(tests, a_ranking_that_is_done);
  tcase_add_test(tests, words_that_are_no_sum);
  tcase_add_test(tests, masks_that_changed);
  tcase_add_test(tests, ids_that_changed);
  tcase_add_loop_test(tests, an_id_that_occurs_twice, 0, 2);
  tcase_add_test(tests, sums_bring_a_new_ranking_along);
  suite_add_tcase(suite, tests);
  return suite;
}
