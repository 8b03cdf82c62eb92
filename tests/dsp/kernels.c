/* dsp/kernels.c - every kernel level of this CPU against plain C, bit for bit, and plain C
 * against the truth, on images at random: `kernels [IMAGES [SEED [LEVEL]]]`. With a LEVEL,
 * that one has to be the best here. Tells which levels were run; in CI none that the CPU has may
 * be missing. No test framework, so that it runs under emulation.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "levels.h"
#include "map.h"
#include "network.h"
#include "space.h"
#include "truth.h"

enum { DEFAULT_IMAGES = 250 };

/* What was looked at, and the image at which it was first wrong. */
enum { FILTERED, IN_PLACE, WEIGHTS, FLOOR, STATISTICS, HISTOGRAM, HARDNESS, ASPECTS };
static const char *const aspect_names[ASPECTS] = {"filtered mask", "filtered in place", "weights",
                                                  "floor",         "statistics",        "histogram",
                                                  "hardness"};
typedef struct verdict {
  int wrong[ASPECTS]; /* image number from 1; 0: none */
} verdict;

static void judge(verdict *v, int aspect, int image, bool right) {
  if (!right && !v->wrong[aspect]) v->wrong[aspect] = image;
}

/* One image, the planes for results, and whether the image is as it should be. */
typedef struct trial {
  int number;
  bool good;
  draw_image image;
  draw_plane filtered, weights;
  int64_t *counts; /* [2 * classes] of a report */
  int32_t class_count;
} trial;

/* ---- Results -------------------------------------------------------------------- */

/* Everything that one call can leave behind. */
typedef struct result {
  fm_status status;
  fm_error err;
  unsigned char *bytes; /* of the output, gaps included, then of the report */
  size_t size;
  int64_t numbers[2]; /* valid, dropped */
  double value;
} result;

static void *copy_of(const void *bytes, size_t size) {
  void *copy = malloc(size ? size : 1);
  if (!copy) {
    printf("Bail out! no memory for %zu bytes\n", size);
    exit(1);
  }
  return memcpy(copy, bytes, size);
}

static result take(fm_status status, const fm_error *err, const void *bytes, size_t size) {
  result r = {.status = status, .bytes = copy_of(bytes, size), .size = size};
  if (status) r.err = *err;
  return r;
}

static bool same(const result *a, const result *b) {
  return a->status == b->status && a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0 &&
         strcmp(a->err.message, b->err.message) == 0 &&
         memcmp(a->numbers, b->numbers, sizeof a->numbers) == 0 &&
         memcmp(&a->value, &b->value, sizeof a->value) == 0;
}

/* ---- Calls ---------------------------------------------------------------------- */

typedef fm_status (*apply_fn)(const fm_filter *filter, const fm_plane *mask, const fm_plane *loss,
                              const fm_extra_planes *extra, const fm_plane *out,
                              fm_filter_report *report, fm_error *err);

static fm_status weigh(const fm_filter *filter, const fm_plane *mask, const fm_plane *loss,
                       const fm_extra_planes *extra, const fm_plane *out, fm_filter_report *report,
                       fm_error *err) {
  return fm_filter_weigh(filter, mask, loss, extra, NULL, out, report, err);
}

/* Applies into `out` (which may be the mask's block) and puts its bytes back. */
static result apply(apply_fn function, const fm_filter *filter, trial *t, draw_plane *out,
                    fm_filter_report *report) {
  fm_error err = {.code = 0};
  unsigned char *before = copy_of(out->block.data, out->block.size);
  memset(t->counts, 0x5a, 2 * (size_t)t->class_count * sizeof *t->counts);
  *report = (fm_filter_report){.size = sizeof *report,
                               .class_valid = t->counts,
                               .class_dropped = t->counts + t->class_count};
  fm_status status = function(filter, &t->image.mask.plane, &t->image.loss.plane, NULL, &out->plane,
                              t->number % 4 ? report : NULL, &err);
  result r = take(status, &err, out->block.data, out->block.size);
  r.numbers[0] = report->valid;
  r.numbers[1] = report->dropped;
  memcpy(out->block.data, before, out->block.size);
  free(before);
  return r;
}

static result add(subject *s, size_t which, const trial *t) {
  fm_error err = {.code = 0};
  fm_class_stats_clear(s->stats[which]);
  fm_status status =
      fm_class_stats_add(s->stats[which], &t->image.mask.plane, &t->image.loss.plane, NULL, &err);
  (void)fm_class_stats_export(s->stats[which], s->words[which], (int64_t)s->word_count[which],
                              NULL);
  return take(status, &err, s->words[which], s->word_count[which] * sizeof **s->words);
}

static result measure(const subject *s, size_t which, const trial *t) {
  fm_error err = {.code = 0};
  double value = -1;
  int64_t valid = -1;
  fm_status status =
      fm_hardness_measure(s->hardness[which], &t->image.mask.plane, &value, &valid, &err);
  result r = take(status, &err, "", 0);
  r.value = value;
  r.numbers[0] = valid;
  return r;
}

/* ---- A trial -------------------------------------------------------------------- */

/* Plain C's results: five that write or add, then hardnesses. */
enum { RESULTS = HARDNESS + SPACE_HARDNESSES };

static void run_all(subject *s, trial *t, result results[RESULTS], fm_filter_report *report,
                    int64_t *counts) {
  fm_filter_report other;
  results[FILTERED] = apply(fm_filter_apply, s->filters[0], t, &t->filtered, report);
  if (counts) memcpy(counts, t->counts, 2 * (size_t)t->class_count * sizeof *counts);
  results[IN_PLACE] = apply(fm_filter_apply, s->filters[0], t, &t->image.mask, &other);
  results[WEIGHTS] = apply(weigh, s->filters[0], t, &t->weights, &other);
  results[FLOOR] = apply(fm_filter_apply, s->filters[1], t, &t->filtered, &other);
  results[STATISTICS] = add(s, 0, t);
  results[HISTOGRAM] = add(s, 1, t);
  for (size_t h = 0; h < SPACE_HARDNESSES; h++) results[HARDNESS + h] = measure(s, h, t);
}

static int aspect_of(int i) { return i < HARDNESS ? i : HARDNESS; }

/* A plane as a result left it. */
static bool check_output(const space *of, const trial *t, const result *r, const draw_plane *out,
                         bool (*check)(const space *, const draw_image *, const fm_plane *)) {
  if (r->status) return r->status == FM_ERR_LIMIT; /* an ignore label that the dtype cannot hold */
  fm_plane plane = out->plane;
  plane.data = r->bytes + ((unsigned char *)out->plane.data - out->block.data);
  return check(of, &t->image, &plane);
}

static void check_truth(const space *of, const subject *c, const trial *t, const result *results,
                        fm_filter_report *report, int64_t *counts, verdict *v) {
  static const int64_t sides[SPACE_HARDNESSES][2] = {{0, 0}, {512, 512}, {37, 301}, {400, 8}};
  bool reported = t->number % 4 && !results[FILTERED].status;
  report->class_valid = counts;
  report->class_dropped = counts + t->class_count;
  judge(v, FILTERED, t->number,
        check_output(of, t, &results[FILTERED], &t->filtered, truth_filtered) &&
            (!reported || truth_report(of, &t->image, report)));
  judge(v, IN_PLACE, t->number,
        check_output(of, t, &results[IN_PLACE], &t->image.mask, truth_filtered));
  judge(v, WEIGHTS, t->number, check_output(of, t, &results[WEIGHTS], &t->weights, truth_weights));
  for (size_t i = 0; i < SPACE_STATS; i++)
    judge(v, i ? HISTOGRAM : STATISTICS, t->number, truth_stats(of, &t->image, c->stats[i]));
  size_t h = (size_t)t->number % SPACE_HARDNESSES; /* one of them: it takes long */
  const fm_plane *mask = &t->image.mask.plane;
  judge(v, HARDNESS, t->number,
        truth_hardness(of, &t->image, sides[h][0] ? sides[h][0] : mask->width,
                       sides[h][1] ? sides[h][1] : mask->height, results[HARDNESS + h].value,
                       results[HARDNESS + h].numbers[0]));
}

/* Plain C is subject 0. */
static void run_trial(const space *of, subject *subjects, size_t count, trial *t, verdict *v) {
  result expected[RESULTS], found[RESULTS];
  fm_filter_report report;
  int64_t *counts = copy_of(t->counts, 2 * (size_t)t->class_count * sizeof *counts);
  run_all(&subjects[0], t, expected, &report, counts);
  if (t->good) check_truth(of, &subjects[0], t, expected, &report, counts, &v[0]);
  for (int i = 0; i < RESULTS; i++)
    if (!t->good && i != HARDNESS && i < HARDNESS)
      judge(&v[0], aspect_of(i), t->number, expected[i].status != FM_OK);
  for (size_t level = 1; level < count; level++) {
    run_all(&subjects[level], t, found, &report, NULL);
    for (int i = 0; i < RESULTS; i++) {
      judge(&v[level], aspect_of(i), t->number, same(&found[i], &expected[i]));
      free(found[i].bytes);
    }
  }
  for (int i = 0; i < RESULTS; i++) free(expected[i].bytes);
  free(counts);
}

/* ---- A space -------------------------------------------------------------------- */

/* Puts a bad label or a bad loss somewhere; false if that pixel is ignored anyway. */
static bool spoil(draw_random *random, const space *of, draw_image *image) {
  /* From -1e-5 on, a loss below 0 is no rounding. */
  static const float losses[] = {-1, -1.1e-5F, NAN, INFINITY, -INFINITY};
  fm_plane *mask = &image->mask.plane;
  int64_t y = draw_below(random, (uint32_t)mask->height);
  int64_t x = draw_below(random, (uint32_t)mask->width);
  int64_t most = mask->dtype == FM_I8                       ? INT8_MAX
                 : fm_dtype_size((fm_dtype)mask->dtype) > 2 ? UINT16_MAX
                                                            : UINT8_MAX;
  bool fits = of->bad_label >= 0 && of->bad_label <= most;
  if (fits && draw_chance(random, 50)) {
    draw_set_label(mask, y, x, of->bad_label);
    return true;
  }
  draw_set_loss(&image->loss.plane, y, x, losses[draw_below(random, 5)]);
  double loss = draw_loss_at(&image->loss.plane, y, x);
  bool counts = fm_labels_class_of(of->meaning, draw_label_at(mask, y, x)) >= 0;
  return counts && !(loss >= 0 && isfinite(loss));
}

static trial draw_trial(draw_random *random, const space *of, int number) {
  static const fm_dtype weights[] = {FM_U8, FM_F32, FM_F16};
  draw_palette palette = space_palette(of);
  trial t = {.number = number, .image = draw_image_make(random, &palette)};
  const fm_plane *mask = &t.image.mask.plane;
  t.good = !draw_chance(random, 12) || !spoil(random, of, &t.image);
  t.filtered = draw_plane_make(random, (fm_dtype)mask->dtype, mask->height, mask->width);
  t.weights = draw_plane_make(random, weights[draw_below(random, 3)], mask->height, mask->width);
  t.class_count = of->class_count;
  t.counts = calloc(2 * (size_t)t.class_count, sizeof *t.counts);
  if (!t.counts) exit(1);
  return t;
}

static void free_trial(trial *t) {
  free(t->counts);
  draw_plane_free(&t->weights);
  draw_plane_free(&t->filtered);
  draw_image_free(&t->image);
}

static bool report_space(const space *of, const subject *subjects, size_t count, int images,
                         const verdict *v, int *line) {
  bool good = true;
  for (size_t level = 0; level < count; level++)
    for (int aspect = 0; aspect < ASPECTS; aspect++) {
      int wrong = v[level].wrong[aspect];
      printf("%s %d - %s: %s, %s, %d images", wrong ? "not ok" : "ok", ++*line, of->name,
             subjects[level].level, aspect_names[aspect], images);
      if (wrong) printf(": first wrong in image %d", wrong);
      printf("\n");
      good = good && !wrong;
    }
  return good;
}

static bool run_space(fm_context *const *contexts, size_t count, size_t which, int images,
                      uint64_t seed, int *line) {
  draw_random random = {seed + which};
  subject subjects[LEVELS_MOST];
  verdict verdicts[LEVELS_MOST] = {{{0}}};
  space of = space_make(&random, contexts[0], which);
  for (size_t i = 0; i < count; i++) subjects[i] = subject_make(contexts[i], &of, which);
  if (of.class_count > 1000) images = images / 25 + 1; /* their statistics take 6 MB each */
  for (int number = 1; number <= images; number++) {
    trial t = draw_trial(&random, &of, number);
    run_trial(&of, subjects, count, &t, verdicts);
    free_trial(&t);
  }
  bool good = report_space(&of, subjects, count, images, verdicts, line);
  for (size_t i = 0; i < count; i++) subject_free(&subjects[i]);
  space_free(&of);
  return good;
}

/* ---- Main ----------------------------------------------------------------------- */

int main(int argc, char **argv) {
  int images = argc > 1 ? atoi(argv[1]) : DEFAULT_IMAGES, line = 0;
  uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 20240607;
  levels all = levels_make();
  if (!all.count) return 1;
  const char *best = fm_context_kernels(all.contexts[all.count - 1]);
  bool good = levels_report(&all, images > 0, &line);
  if (argc > 3) {
    bool is_best = strcmp(best, argv[3]) == 0;
    printf("%s %d - %s is the best level\n", is_best ? "ok" : "not ok", ++line, argv[3]);
    good = good && is_best;
  }
  for (size_t i = 0; i < space_count(); i++)
    good = run_space(all.contexts, all.count, i, images, seed, &line) && good;
  good = map_run(all.contexts, all.count, images, seed, &line) && good;
  good = network_run(all.contexts, all.count, images, seed, &line) && good;
  levels_free(&all);
  printf("1..%d\n", line);
  return good ? 0 : 1;
}
