/* dsp/space.h - the label spaces under test, and what is made of them for a kernel level.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_DSP_SPACE_H
#define FM_TESTS_DSP_SPACE_H

#include "draw.h"

enum { SPACE_HARDNESSES = 4, SPACE_STATS = 2, SPACE_FILTERS = 2 };

/* Name and meaning of a space; the labels in it, read through fm_labels_class_of. */
typedef struct space {
  const char *name;
  int32_t class_count;
  double *means;     /* [class_count]: large, small, denormal, 0 */
  float *thresholds; /* [class_count], of the filter */
  int64_t *labels;   /* of classes, then ignored ones */
  size_t class_labels, label_count;
  int64_t bad_label; /* one outside the space below 65536, or -2 */
  fm_labels *meaning;
} space;

/* What a context of one level made of it. */
typedef struct subject {
  const char *level;
  fm_labels *labels;
  fm_filter *filters[SPACE_FILTERS]; /* plain, with a floor */
  fm_hardness *hardness[SPACE_HARDNESSES];
  fm_class_stats *stats[SPACE_STATS]; /* without and with a histogram */
  int64_t *words[SPACE_STATS];        /* room for an export */
  size_t word_count[SPACE_STATS];
} subject;

size_t space_count(void);

/* Space number `i`, over a plain C context, which it keeps alive. */
space space_make(draw_random *random, fm_context *context, size_t i);
void space_free(space *s);
draw_palette space_palette(const space *s);

subject subject_make(fm_context *context, const space *s, size_t i);
void subject_free(subject *s);

#endif
