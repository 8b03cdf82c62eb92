/* freemask/filter.h - which synthetic pixels not to trust.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_FILTER_H
#define FREEMASK_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/class_stats.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/labels.h>
#include <freemask/view.h>

FM_BEGIN_DECLS

/** The class-aware noise filter (FreeMask, NeurIPS 2023): a synthetic pixel p of
 *  class k is *noisy*, and dropped, iff
 *
 *      loss(p) > (float)(tolerance * h_k)
 *
 *  with h_k the class's mean loss on real images. The product is formed in double
 *  and rounded to float once; the comparison is strict and between floats. A dropped
 *  pixel gets the label space's ignore label. Ignored pixels keep their label.
 *
 *  Thread-safety: immutable; share it freely. */
typedef struct fm_filter fm_filter;

/** What to do with pixels of a class that has no pixel in the real set. */
typedef enum fm_unseen {
  FM_UNSEEN_DROP = 0,       /**< h_k = 0: drop all whose loss is above 0, as the paper does */
  FM_UNSEEN_KEEP = 1,       /**< drop none */
  FM_UNSEEN_GLOBAL_MEAN = 2 /**< h_k = the mean loss over all real pixels of all classes,
                                 sum_k s_k / (sum_k n_k + 1e-5), s_k being class k's sum of losses:
                                 from a table of means, s_k = h_k * (n_k + 1e-5) */
} fm_unseen;

typedef struct fm_filter_options {
  size_t size;
  double tolerance;      /**< alpha, above 0, finite; 0: 1.25 */
  int32_t unseen;        /**< an fm_unseen */
  int32_t reserved;      /**< 0 */
  double min_kept_share; /**< 0 to 1; 0: no floor. Of each class in each image at least this
                              share of the pixels is kept, rounded up: where the threshold
                              keeps fewer, it rises to the loss that keeps enough (pixels of
                              equal loss stay together). Guards rare classes. */
} fm_filter_options;

/** Makes a filter from statistics of the real set, which it copies: later changes of
 *  `stats` do not reach it. `options` may be NULL: the paper. On success the caller
 *  owns `*out`. Errors: ARGUMENT, MEMORY, UNSUPPORTED, EMPTY (no pixel at all). */
FM_API fm_status fm_filter_create(const fm_class_stats *stats, const fm_filter_options *options,
                                  fm_filter **out, fm_error *err);

/** Makes a filter from a table of class-wise mean losses that came from elsewhere:
 *  `mean_loss[K]` in nats, finite and not negative. `pixels[K]`, or NULL, are the
 *  classes' pixels on the real set; with NULL a class is unseen if its mean is 0, and
 *  FM_UNSEEN_GLOBAL_MEAN is refused. `class_count` must be the label space's K.
 *  Errors: ARGUMENT, MEMORY, UNSUPPORTED, EMPTY. */
FM_API fm_status fm_filter_create_from_means(const fm_labels *labels, const double *mean_loss,
                                             const int64_t *pixels, size_t class_count,
                                             const fm_filter_options *options, fm_filter **out,
                                             fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_filter_destroy(fm_filter *filter);

/** The largest loss that is kept in a class, (float)(tolerance * h_k); infinity where
 *  all is kept; NaN if there is no such class. */
FM_API float fm_filter_threshold(const fm_filter *filter, int32_t class_index);

/** Whether a filter can drop anything: writes to `*classes` how many classes have pixels
 *  in `stats`, and to `*reached` how many of them have one whose loss exceeds the
 *  threshold. If none is reached, losses hardly depend on the pixel, as when the plain
 *  cross-entropy of scores or probabilities was taken for that of logits
 *  (freemask/network_loss.h): the filter keeps everything and is worth a warning.
 *  `stats`, of the real or of the synthetic set, need a histogram; losses within one bin
 *  below a threshold count as exceeding it, so a fine one (32) says more. Errors (nothing
 *  written): ARGUMENT, MISMATCH (other number of classes), UNSUPPORTED (no histogram). */
FM_API fm_status fm_filter_reach(const fm_filter *filter, const fm_class_stats *stats,
                                 int32_t *classes, int32_t *reached, fm_error *err);

/** What one application did. Set `size`, and the arrays or NULL; the call overwrites
 *  the numbers and, if given, the K elements of each array. */
typedef struct fm_filter_report {
  size_t size;
  int64_t valid;          /**< pixels that had a class before */
  int64_t dropped;        /**< those of them that were dropped */
  int64_t *class_valid;   /**< caller's array of K, or NULL */
  int64_t *class_dropped; /**< caller's array of K, or NULL */
} fm_filter_report;

/** Filters one synthetic image's mask by its loss map of the same size, into
 *  `filtered`: a mask of the same size and dtype, which is either the very same
 *  memory as `mask` (in place) or does not overlap it. `report` may be NULL.
 *
 *  The losses of ignored pixels are not looked at; the others must be finite and not
 *  negative. Memory: 20 bytes per class and a bit per pixel, each row in whole words of 64
 *  (half a MiB more for a moment when a floor has to be enforced).
 *  Errors (`filtered` and `report` are untouched): ARGUMENT, MEMORY, UNSUPPORTED,
 *  SHAPE, LABEL and LOSS (name the first bad pixel in reading order), LIMIT (the
 *  ignore label does not fit the dtype). */
FM_API fm_status fm_filter_apply(const fm_filter *filter, const fm_plane *mask,
                                 const fm_plane *loss, const fm_plane *filtered,
                                 fm_filter_report *report, fm_error *err);

/** As fm_filter_apply, for trainers that weigh pixels instead of ignoring them:
 *  writes 1 where a pixel is kept, 0 where it is dropped or ignored, to an F32, F16
 *  or U8 plane of the same size. Errors: as fm_filter_apply. */
FM_API fm_status fm_filter_weigh(const fm_filter *filter, const fm_plane *mask,
                                 const fm_plane *loss, const fm_plane *weights,
                                 fm_filter_report *report, fm_error *err);

FM_END_DECLS

#endif
