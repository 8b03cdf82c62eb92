/* dsp/space.c - presets of every size, and spaces with as many labels as there can be.
 * SPDX-License-Identifier: MIT */
#include "space.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_IGNORED = 3 };

/* Of a preset, or of `classes` labels with holes in between, or with another at the end. */
typedef struct recipe {
  const char *name;
  int32_t classes; /* 0: a preset */
  int32_t step;    /* from a class's label to the next one's */
  int32_t ignored_count;
  int64_t ignored[MOST_IGNORED];
} recipe;

static const recipe recipes[] = {
    {"loveda", 0, 0, 0, {0}},         /* few: 16 labels, looked up in one table */
    {"cityscapes", 0, 0, 0, {0}},     /* in two tables */
    {"pascal-context", 0, 0, 0, {0}}, /* in four */
    {"ade20k", 0, 0, 0, {0}},         /* more */
    {"cityscapes-ids", 0, 0, 0, {0}}, /* several ignored labels */
    {"labels with holes", 9, 23, 1, {3}},
    {"labels that fold alike", 4, 64, 1, {255}},
    {"255 labels", 255, 1, 1, {255}},
    {"256 labels", 256, 1, 1, {256}},
    {"256 labels and -1", 256, 1, 1, {-1}},
    {"19 labels, -100 and others", 19, 1, 3, {-100, 30, -1}},
    {"65535 labels", 65535, 1, 1, {65535}},
};

size_t space_count(void) { return sizeof recipes / sizeof *recipes; }

static void must(fm_status status, const fm_error *err) {
  if (!status) return;
  printf("Bail out! %s\n", err->message);
  exit(1);
}

static void *memory_for(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory) return memory;
  printf("Bail out! no memory for %zu elements\n", count);
  exit(1);
}

static fm_labels *make_labels(fm_context *context, const recipe *r) {
  fm_error err;
  fm_labels *labels = NULL;
  if (!r->classes) {
    must(fm_labels_create_from_preset(context, r->name, &labels, &err), &err);
    return labels;
  }
  size_t count = (size_t)(r->classes - 1) * (size_t)r->step + 1;
  int32_t *classes = memory_for(count, sizeof *classes);
  for (size_t i = 0; i < count; i++)
    classes[i] = i % (size_t)r->step ? FM_CLASS_INVALID : (int32_t)(i / (size_t)r->step);
  fm_labels_options o = {.size = sizeof o,
                         .name = r->name,
                         .class_count = r->classes,
                         .label_count = (int32_t)count,
                         .ignored_labels = r->ignored,
                         .ignored_count = r->ignored_count,
                         .classes = classes};
  must(fm_labels_create(context, &o, &labels, &err), &err);
  free(classes);
  return labels;
}

/* ---- Spaces --------------------------------------------------------------------- */

static double draw_mean(draw_random *random) {
  double usual = (double)draw_below(random, 1 << 20) * 0x1p-18;
  switch (draw_below(random, 12)) {
    case 0:
      return 0;
    case 1:
      return 1e-41; /* a denormal threshold */
    case 2:
      return 9000;
    case 3:
      return 1e38;
    case 4:
      return 3e-5;
    default:
      return usual;
  }
}

static void find_labels(space *s) {
  s->labels = memory_for((1 << 16) + (1 << 15), sizeof *s->labels);
  s->bad_label = -2;
  for (int64_t label = 0; label < 1 << 16; label++) {
    int32_t k = fm_labels_class_of(s->meaning, label);
    if (k >= 0) s->labels[s->class_labels++] = label;
    if (k == FM_CLASS_INVALID && (s->bad_label < 0 || label <= UINT8_MAX)) s->bad_label = label;
  }
  s->label_count = s->class_labels;
  for (int64_t label = (1 << 16) - 1; label >= -(1 << 15); label--)
    if (fm_labels_class_of(s->meaning, label) == FM_CLASS_IGNORE)
      s->labels[s->label_count++] = label;
}

space space_make(draw_random *random, fm_context *context, size_t i) {
  space s = {.name = recipes[i].name, .meaning = make_labels(context, &recipes[i])};
  s.class_count = fm_labels_class_count(s.meaning);
  s.means = memory_for((size_t)s.class_count, sizeof *s.means);
  s.thresholds = memory_for((size_t)s.class_count, sizeof *s.thresholds);
  for (int32_t k = 0; k < s.class_count; k++) {
    s.means[k] = draw_mean(random);
    /* The paper's tolerance; 1e38 becomes infinity in a float only beyond 3.4e38. */
    s.thresholds[k] = (float)(1.25 * s.means[k]);
  }
  find_labels(&s);
  return s;
}

void space_free(space *s) {
  fm_labels_destroy(s->meaning);
  free(s->means);
  free(s->thresholds);
  free(s->labels);
}

draw_palette space_palette(const space *s) {
  return (draw_palette){s->labels, s->class_labels, s->label_count, s->thresholds,
                        (size_t)s->class_count};
}

/* ---- Subjects ------------------------------------------------------------------- */

static fm_mean_table table_of(const space *of) {
  return (fm_mean_table){
      .size = sizeof(fm_mean_table), .class_count = of->class_count, .mean_loss = of->means};
}

static void make_hardness(subject *s, const space *of) {
  static const int32_t sides[SPACE_HARDNESSES][2] = {
      {FM_NO_RESIZE, FM_NO_RESIZE}, {0, 0}, {37, 301}, {400, 8}};
  fm_error err;
  fm_mean_table table = table_of(of);
  for (size_t i = 0; i < SPACE_HARDNESSES; i++) {
    fm_hardness_options o = {
        .size = sizeof o, .resize_width = sides[i][0], .resize_height = sides[i][1]};
    must(fm_hardness_create_from_means(s->labels, &table, &o, &s->hardness[i], &err), &err);
  }
}

subject subject_make(fm_context *context, const space *of, size_t i) {
  fm_error err;
  subject s = {.level = fm_context_kernels(context), .labels = make_labels(context, &recipes[i])};
  fm_mean_table table = table_of(of);
  for (size_t f = 0; f < SPACE_FILTERS; f++) {
    fm_filter_options o = {.size = sizeof o, .min_kept_share = f ? 0.4 : 0};
    must(fm_filter_create_from_means(s.labels, &table, &o, &s.filters[f], &err), &err);
  }
  for (size_t h = 0; h < SPACE_STATS; h++) {
    fm_class_stats_options o = {.size = sizeof o, .histogram = h ? 4 : 0};
    must(fm_class_stats_create(s.labels, &o, &s.stats[h], &err), &err);
    s.word_count[h] = (size_t)fm_class_stats_word_count(s.stats[h]);
    s.words[h] = memory_for(s.word_count[h], sizeof **s.words);
  }
  make_hardness(&s, of);
  return s;
}

void subject_free(subject *s) {
  for (size_t f = 0; f < SPACE_FILTERS; f++) fm_filter_destroy(s->filters[f]);
  for (size_t h = 0; h < SPACE_HARDNESSES; h++) fm_hardness_destroy(s->hardness[h]);
  for (size_t i = 0; i < SPACE_STATS; i++) {
    fm_class_stats_destroy(s->stats[i]);
    free(s->words[i]);
  }
  fm_labels_destroy(s->labels);
}
