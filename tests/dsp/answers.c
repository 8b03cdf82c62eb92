/* dsp/answers.c - everything that the library makes of an image.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "worlds.h"

static void must(fm_status status) {
  if (!status) return;
  fprintf(stderr, "%s\n", fm_status_name(status));
  abort();
}

/* A view of memory between guard pages instead of the plane's own. */
static fm_plane guarded(const kit_plane *plane, bool at_end, guard *g) {
  unsigned char *first = plane->memory + plane->margin;
  *g = guard_copy(first, plane->size - 2 * plane->margin, at_end);
  fm_plane view = plane->view;
  view.data = g->data + ((unsigned char *)plane->view.data - first);
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
  memcpy(a->out[output].memory + a->out[output].margin, g.data, g.size);
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

void ask(const world *w, fm_context *context, kit_layout layout, int64_t side, answer *a) {
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
  must(fm_labels_create(context, &options, &labels, NULL));
  must(fm_filter_create_from_means(labels, w->means, NULL, classes, NULL, &filter, NULL));
  must(fm_hardness_create_from_means(labels, w->means, classes, &resize, &hardness, NULL));
  fm_class_stats_options bins = {.size = sizeof bins, .histogram = w->bins};
  must(fm_class_stats_create(labels, &bins, &stats, NULL));
  fm_plane mask = guarded(&w->mask, w->at_end, &guards[0]);
  fm_plane loss = guarded(&w->loss, w->at_end, &guards[1]);
  for (int i = 0; i < OUTPUTS; i++) apply(w, filter, i, &mask, &loss, a);
  a->status[5] = fm_class_stats_add(stats, &mask, &loss, &a->err[5]);
  a->status[6] = fm_labels_count(labels, &mask, a->pixels, &a->ignored, &a->err[6]);
  a->status[7] =
      fm_hardness_measure(hardness, &mask, &a->hardness, &a->hardness_pixels, &a->err[7]);
  must(fm_class_stats_export(stats, a->words, fm_class_stats_word_count(stats), NULL));
  guard_free(&guards[0]);
  guard_free(&guards[1]);
  fm_class_stats_destroy(stats);
  fm_hardness_destroy(hardness);
  fm_filter_destroy(filter);
  fm_labels_destroy(labels);
}

void free_answer(answer *a) {
  for (int i = 0; i < OUTPUTS; i++) kit_plane_free(&a->out[i]);
}

/* FNV-1a. */
static uint64_t add(uint64_t hash, const void *data, size_t size) {
  const unsigned char *bytes = data;
  for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
  return hash;
}

uint64_t digest(const world *w, const answer *a) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (int i = 0; i < OUTPUTS + 3; i++) {
    int32_t status = a->status[i];
    hash = add(hash, &status, sizeof status);
    if (status) hash = add(hash, a->err[i].message, strlen(a->err[i].message));
  }
  for (int i = 0; i < OUTPUTS; i++) hash = add(hash, a->out[i].memory, a->out[i].size);
  hash = add(hash, a->valid, sizeof a->valid);
  hash = add(hash, a->dropped, sizeof a->dropped);
  hash = add(hash, a->pixels, sizeof a->pixels);
  hash = add(hash, &a->ignored, sizeof a->ignored);
  hash = add(hash, a->words, sizeof a->words);
  hash = add(hash, &a->hardness, sizeof a->hardness);
  hash = add(hash, &a->hardness_pixels, sizeof a->hardness_pixels);
  return add(hash, &w->width, sizeof w->width);
}
