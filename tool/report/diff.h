/* report/diff.h - two runs, class by class and mask by mask. */
#ifndef FREEMASK_TOOL_DIFF_H
#define FREEMASK_TOOL_DIFF_H

#include "report/report.h"

/* Of the first run and of the second; NaN: not known. */
typedef struct diff_pair {
  double a, b;
} diff_pair;

typedef struct diff_class {
  int32_t index;
  const char *name;
  diff_pair low, high; /* thresholds over the strata; infinity: everything is kept */
  diff_pair mean;      /* loss on real pixels */
  diff_pair dropped;   /* share of the synthetic pixels */
  diff_pair shift, clean_drop, gain, agreement;
  bool changed; /* a threshold, what was dropped, or the shift */
} diff_class;

typedef struct diff_mask {
  const char *stem;
  diff_pair kept; /* share */
} diff_mask;

enum { DIFF_MASKS = 8 };

/* Borrows both reports. */
typedef struct run_diff {
  const report *a, *b;
  diff_class *classes; /* by the change of what was dropped, the largest first */
  int32_t class_count, changed_count;
  diff_pair kept, shift, clean_drop, agreement, dropped;
  int64_t only_a, only_b, both, changed; /* masks; changed: another number was kept */
  diff_mask masks[DIFF_MASKS];           /* that changed most, first */
  int mask_count;
  json_t *made_of; /* what the filters were made of, where it differs: [{"name", "a", "b"}], as in
                      made_of.h */
  text sentence;
} run_diff;

/* How much it changed; 0 where one of both is not known. */
double diff_change(diff_pair pair);

/* EXIT_DATA if one has no filter, or if they are of different label spaces. */
int diff_find(const report *a, const report *b, run_diff *out, fault *f);
void diff_free(run_diff *d);

/* {"a", "b": folders, "sentence", "made_of", "kept": {"a", "b"}, "dropped", "shift", "clean_drop", "agreement": the
 * same, "masks": {"only_a", "only_b", "both", "changed", "most_changed": [{"stem", "kept"}]}, "images_in_plan": {"a",
 * "b"}, "classes": [{"index", "name", "changed", "threshold", "mean_loss", "dropped", "shift", "clean_drop", "gain",
 * "agreement"}] by index}. */
json_t *diff_as_json(const run_diff *d);
void diff_as_text(const run_diff *d, text *t);

/* The page. */
int diff_page(const run_diff *d, text *t, fault *f);

#endif
