/* dsp/test_kernels.c - every level of kernels answers like plain C, bit for bit: worlds of random
 * sizes, label spaces, dtypes, layouts and losses, good and bad, in memory between guard pages.
 * SPDX-License-Identifier: MIT */
#include <float.h>
#include <run_suites.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "unit/kit.h"

enum { WORLDS = 1500, MOST_LABELS = 700, MOST_WORDS = 700 * 12 + 1 };

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

/* ---- Worlds --------------------------------------------------------------------- */

/* Label spaces that differ in what kernels do: labels that fit 16, 32, 64 entries, none of
 * these, all bytes, more than bytes; ignored labels, one or several; gaps. */
typedef struct space {
  int32_t classes[MOST_LABELS];
  int32_t label_count, class_count;
  int64_t ignore_label;
} space;

static void make_space(space *s, uint64_t *random) {
  static const int32_t counts[] = {2, 11, 16, 19, 34, 64, 65, 151, 255, 256, 300, MOST_LABELS};
  s->label_count = counts[kit_below(random, sizeof counts / sizeof *counts)];
  s->class_count = 0;
  bool gaps = kit_below(random, 2);
  for (int32_t i = 0; i < s->label_count; i++) {
    bool out = gaps && i > 1 && kit_below(random, 8) == 0;
    s->classes[i] =
        out ? (kit_below(random, 2) ? FM_CLASS_IGNORE : FM_CLASS_INVALID) : s->class_count++;
  }
  s->ignore_label = s->label_count < 256 ? 255 : s->label_count;
  if (kit_below(random, 3) == 0 && s->label_count < MOST_LABELS) s->ignore_label = s->label_count;
}

static bool is_class(const space *s, int64_t label) {
  return label >= 0 && label < s->label_count && s->classes[label] >= 0;
}

static int64_t any_label(const space *s, uint64_t *random) {
  for (;;) {
    int64_t label = kit_below(random, s->label_count + 1);
    if (label == s->label_count) return s->ignore_label;
    if (s->classes[label] != FM_CLASS_INVALID) return label;
  }
}

typedef struct world {
  space space;
  kit_plane mask, loss;
  int64_t height, width;
  double means[MOST_LABELS];
  bool at_end;
  bool odd; /* losses out of the kernels' window */
} world;

static fm_dtype mask_dtype(const space *s, uint64_t *random) {
  static const fm_dtype wide[] = {FM_U16, FM_I16, FM_I32, FM_I64};
  bool byte = s->ignore_label < 256 && s->label_count <= 256;
  return byte && kit_below(random, 3) ? FM_U8 : wide[kit_below(random, 4)];
}

/* Runs of a length that the world likes: 1 is noise, long ones are scenes. */
static void fill_mask(world *w, uint64_t *random) {
  static const int64_t lengths[] = {1, 3, 20, 90, 1000};
  int64_t length = lengths[kit_below(random, 5)], left = 0, label = 0;
  for (int64_t y = 0; y < w->height; y++)
    for (int64_t x = 0; x < w->width; x++, left--) {
      if (left <= 0) {
        label = any_label(&w->space, random);
        left = 1 + kit_below(random, 2 * length);
      }
      kit_put_int(&w->mask.view, y, x, label);
    }
}

static void fill_loss(world *w, uint64_t *random) {
  static const uint32_t bad[] = {0x7fc00000, 0x7f800000, 0xff800000, 0xbf800000, 0x80000001};
  for (int64_t y = 0; y < w->height; y++)
    for (int64_t x = 0; x < w->width; x++) {
      float loss =
          w->odd && !kit_below(random, 20) ? kit_wild_loss(random) : kit_plain_loss(random);
      if (!kit_below(random, 30)) loss = kit_below(random, 2) ? 0.0F : -0.0F;
      /* Whatever lies under an ignored pixel is not looked at. */
      if (!is_class(&w->space, kit_get_int(&w->mask.view, y, x)) && !kit_below(random, 2))
        loss = kit_float(bad[kit_below(random, 5)]);
      if (w->loss.view.dtype != FM_F32 && loss > 65504 && loss <= FLT_MAX) loss = 65504;
      kit_put_real(&w->loss.view, y, x, loss);
    }
}

/* One pixel that every call has to refuse. */
static void spoil(world *w, uint64_t *random) {
  int64_t y = kit_below(random, w->height), x = kit_below(random, w->width);
  if (kit_below(random, 2)) {
    int64_t label = w->space.label_count + 1 + kit_below(random, 3);
    if (w->mask.view.dtype != FM_U8 && label != w->space.ignore_label)
      kit_put_int(&w->mask.view, y, x, label);
  } else {
    kit_put_real(&w->loss.view, y, x, kit_float(kit_below(random, 2) ? 0x7fc00000 : 0xbf800000));
  }
}

static void make_world(world *w, uint64_t *random) {
  static const fm_dtype loss_dtypes[] = {FM_F32, FM_F32, FM_F16, FM_BF16};
  static const int64_t widths[] = {1, 63, 64, 65, 200, 513, 2047, 2049, 4200};
  make_space(&w->space, random);
  w->height = 1 + kit_below(random, 5);
  w->width = kit_below(random, 2) ? widths[kit_below(random, 9)] : 1 + kit_below(random, 300);
  kit_layout layout =
      kit_below(random, 2) ? KIT_PACKED : (kit_layout)kit_below(random, KIT_LAYOUTS);
  w->mask = kit_plane_new(mask_dtype(&w->space, random), w->height, w->width, layout);
  if (kit_below(random, 2)) layout = (kit_layout)kit_below(random, KIT_LAYOUTS);
  w->loss = kit_plane_new(loss_dtypes[kit_below(random, 4)], w->height, w->width, layout);
  w->odd = kit_below(random, 2);
  w->at_end = kit_below(random, 2);
  for (int32_t k = 0; k < w->space.class_count; k++)
    w->means[k] = kit_below(random, 8) ? (double)kit_plain_loss(random) : kit_wild_loss(random);
  w->means[0] = 1; /* not all 0 */
  fill_mask(w, random);
  fill_loss(w, random);
  if (kit_below(random, 5) == 0) spoil(w, random);
}

static void free_world(world *w) {
  kit_plane_free(&w->mask);
  kit_plane_free(&w->loss);
}

/* ---- What a level makes of a world ---------------------------------------------- */

enum { OUTPUTS = 5 }; /* filtered, in place, weights as F32, F16, U8 */

typedef struct answer {
  fm_status status[OUTPUTS + 3];
  fm_error err[OUTPUTS + 3];
  kit_plane out[OUTPUTS];
  int64_t valid[MOST_LABELS], dropped[MOST_LABELS], pixels[MOST_LABELS], ignored;
  int64_t words[MOST_WORDS];
  double hardness;
  int64_t hardness_pixels;
} answer;

/* A view of memory between guard pages instead of the plane's own. */
static fm_plane guarded(const kit_plane *plane, bool at_end, guard *g) {
  *g = guard_copy(plane->memory, plane->size, at_end);
  fm_plane view = plane->view;
  view.data = g->data + ((unsigned char *)plane->view.data - plane->memory);
  return view;
}

/* Applies to memory between guards, and keeps what that holds afterwards. */
static void apply(const world *w, const fm_filter *filter, int output, const fm_plane *mask,
                  const fm_plane *loss, answer *a) {
  guard g;
  fm_plane out = guarded(&a->out[output], w->at_end, &g);
  fm_filter_report report = {
      .size = sizeof report, .class_valid = a->valid, .class_dropped = a->dropped};
  fm_filter_report *wanted = output == 2 ? NULL : &report;
  if (output == 0)
    a->status[0] = fm_filter_apply(filter, mask, loss, &out, wanted, &a->err[0]);
  else if (output == 1)
    a->status[1] = fm_filter_apply(filter, &out, loss, &out, wanted, &a->err[1]);
  else
    a->status[output] = fm_filter_weights(filter, mask, loss, &out, wanted, &a->err[output]);
  memcpy(a->out[output].memory, g.data, g.size);
  guard_free(&g);
}

static void make_outputs(const world *w, kit_layout layout, answer *a) {
  static const fm_dtype dtypes[] = {FM_F32, FM_F16, FM_U8};
  for (int i = 0; i < OUTPUTS; i++) {
    int32_t dtype = i < 2 ? w->mask.view.dtype : (int32_t)dtypes[i - 2];
    if (i == 1) {
      a->out[i] = w->mask;
      a->out[i].memory = malloc(w->mask.size);
      memcpy(a->out[i].memory, w->mask.memory, w->mask.size);
      a->out[i].view.data =
          a->out[i].memory + ((unsigned char *)w->mask.view.data - w->mask.memory);
    } else {
      a->out[i] = kit_plane_new((fm_dtype)dtype, w->height, w->width, layout);
    }
  }
}

static void ask(const world *w, fm_context *context, kit_layout layout, int64_t side, answer *a) {
  fm_labels_options options = {.size = sizeof options,
                               .class_count = w->space.class_count,
                               .label_count = w->space.label_count,
                               .ignore_label = w->space.ignore_label,
                               .classes = w->space.classes};
  fm_hardness_options resize = {
      .size = sizeof resize, .resize_width = (int32_t)side, .resize_height = (int32_t)side};
  fm_labels *labels;
  fm_filter *filter;
  fm_hardness *hardness;
  fm_class_stats *stats;
  size_t classes = (size_t)w->space.class_count;
  guard guards[2];
  memset(a, 0, sizeof *a);
  make_outputs(w, layout, a);
  KIT_OK(fm_labels_create(context, &options, &labels, &err));
  KIT_OK(fm_filter_create_from_means(labels, w->means, NULL, classes, NULL, &filter, &err));
  KIT_OK(fm_hardness_create_from_means(labels, w->means, classes, &resize, &hardness, &err));
  KIT_OK(fm_class_stats_create(labels, NULL, &stats, &err));
  fm_plane mask = guarded(&w->mask, w->at_end, &guards[0]);
  fm_plane loss = guarded(&w->loss, w->at_end, &guards[1]);
  for (int i = 0; i < OUTPUTS; i++) apply(w, filter, i, &mask, &loss, a);
  a->status[5] = fm_class_stats_add(stats, &mask, &loss, &a->err[5]);
  a->status[6] = fm_labels_count(labels, &mask, a->pixels, &a->ignored, &a->err[6]);
  a->status[7] =
      fm_hardness_measure(hardness, &mask, &a->hardness, &a->hardness_pixels, &a->err[7]);
  KIT_OK(fm_class_stats_export(stats, a->words, fm_class_stats_word_count(stats), &err));
  guard_free(&guards[0]);
  guard_free(&guards[1]);
  fm_class_stats_destroy(stats);
  fm_hardness_destroy(hardness);
  fm_filter_destroy(filter);
  fm_labels_destroy(labels);
}

static void free_answer(answer *a) {
  for (int i = 0; i < OUTPUTS; i++) kit_plane_free(&a->out[i]);
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
