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

/** The class-aware noise filter (FreeMask, NeurIPS 2023). A synthetic pixel p of class k is
 *  *noisy*, and is dropped, if and only if
 *
 *      loss(p) > (float)(tolerance * h_k)
 *
 *  where h_k is the mean loss of class k on real images. The product is formed in double and
 *  rounded to float once; the comparison is strict and is made between floats. A dropped pixel
 *  gets the ignore label of the label space. An ignored pixel keeps its label.
 *
 *  If the statistics have several strata, each class has a threshold per stratum: h_k is
 *  replaced by h_(k,s), the mean loss of the class in stratum s. A stratum in which a class has
 *  no real pixel takes the class's mean over all strata. The strata of a synthetic image are
 *  given with its mask and its loss map (fm_extra_planes).
 *
 *  Other policies have other thresholds, and compare the score that their statistics were made of
 *  (fm_score, fm_filter_policy) instead of the loss: the filter computes it by itself, from the loss
 *  and, for FM_FILTER_PAIRED, from the loss map of the real image of the same mask. What is said of
 *  losses and thresholds then holds for scores.
 *
 *  Thread-safety: immutable; any number of threads may use one filter at the same time. */
typedef struct fm_filter fm_filter;

/** How thresholds follow from the statistics. */
typedef enum fm_filter_policy {
  FM_FILTER_PAPER = 0,    /**< tolerance times the mean, as above */
  FM_FILTER_QUANTILE = 1, /**< the loss that a share `real_share` of the real pixels of the class
                               (and stratum) exceeds. Statistics of losses with a histogram */
  FM_FILTER_STRATA = 2,   /**< the same of FM_SCORE_RANK: pixels and their neighbourhoods are
                               compared with real ones, which strata of the ranks make alike
                               (fm_map_boundary_strata). Statistics of this score with a histogram */
  FM_FILTER_PAIRED = 3 /**< as FM_FILTER_STRATA, but what the real image of the same mask loses at
                               a place is allowed for: its loss map is the reference of each image
                               (fm_extra_planes) */
} fm_filter_policy;

/** The threshold of a class without any real pixel. */
typedef enum fm_unseen {
  FM_UNSEEN_DROP = 0, /**< h_k = 0: a pixel whose loss is above 0 is dropped, as in the paper */
  FM_UNSEEN_KEEP = 1, /**< infinity: no pixel is dropped */
  FM_UNSEEN_GLOBAL_MEAN = 2 /**< h_k = the mean loss over all real pixels of all classes,
                                 sum_k s_k / (sum_k n_k + 1e-5), where s_k is the sum of the losses
                                 of class k. From a table of means, s_k = h_k * (n_k + 1e-5). With
                                 FM_FILTER_PAPER only. */
} fm_unseen;

/** FM_FILTER_PAIRED: an image without a reference. */
typedef enum fm_reference_use {
  FM_REFERENCE_REQUIRED = 0, /**< is refused */
  FM_REFERENCE_OPTIONAL = 1 /**< is judged as by FM_FILTER_STRATA, with the same thresholds: more of
                                  it is dropped */
} fm_reference_use;

/** Sized structure, see freemask/context.h. */
typedef struct fm_filter_options {
  size_t size;
  double tolerance;      /**< alpha, above 0 and finite; 0: 1.25 */
  int32_t unseen;        /**< an fm_unseen */
  int32_t policy;        /**< an fm_filter_policy; others are refused (UNSUPPORTED). The statistics
                              have to be of its score (MISMATCH). */
  double min_kept_share; /**< 0 to 1; 0: no floor. In each image at least this share of the
                              pixels of each class and stratum is kept, rounded up: where the
                              threshold keeps fewer, it rises to the loss that keeps enough
                              (pixels of equal loss are kept together). Protects rare classes. */
  double real_share; /**< FM_FILTER_QUANTILE, _STRATA and _PAIRED: the share of the real pixels of
                              a class above its threshold, between 0 and 1; 0: 0.05, to detect
                              wrong pixels. Larger shares drop more of the pixels that look odd
                              (doc/policies.md). */
  int32_t without_reference; /**< an fm_reference_use */
  int32_t reserved;          /**< 0 */
} fm_filter_options;

/** Makes a filter from statistics of the real set. `options` may be NULL (the paper's). The
 *  filter copies what it needs: later changes of `stats` do not affect it.
 *
 *  On success the caller owns `*out`; on failure `*out` keeps its value. Memory: 4 bytes per class
 *  and stratum; ranks are shared with `stats`.
 *  Errors: ARGUMENT, MEMORY, UNSUPPORTED (policy; statistics without a histogram), MISMATCH (the
 *  statistics are of another score than the policy's), EMPTY (the statistics hold no pixel). Thread
 *  safety: reads `stats`. */
FM_API fm_status fm_filter_create(const fm_class_stats *stats, const fm_filter_options *options,
                                  fm_filter **out, fm_error *err);

/** As fm_filter_create, from mean losses that were computed elsewhere. Without `table->pixels` a
 *  class is unseen if its mean is 0, and FM_UNSEEN_GLOBAL_MEAN is refused. The table is copied.
 *  Errors: ARGUMENT, MEMORY, UNSUPPORTED, EMPTY (all `pixels` are 0). */
FM_API fm_status fm_filter_create_from_means(const fm_labels *labels, const fm_mean_table *table,
                                             const fm_filter_options *options, fm_filter **out,
                                             fm_error *err);

/** Destroys a filter. NULL is allowed. */
FM_API void fm_filter_destroy(fm_filter *filter);

/* ---- What a filter is ----------------------------------------------------------- */

/** The label space. Borrowed: it lives as long as the filter. NULL if `filter` is NULL. */
FM_API const fm_labels *fm_filter_labels(const fm_filter *filter);

/** The statistics of losses that the filter's score is made of (fm_class_stats_ranks); live as long as the
 *  filter. NULL if it compares losses, and for NULL. */
FM_API const fm_class_stats *fm_filter_ranks(const fm_filter *filter);

/** Writes the options in use, with defaults filled in, to `*out`, whose `size` the caller sets.
 *  Errors (`*out` is untouched): ARGUMENT, UNSUPPORTED. */
FM_API fm_status fm_filter_get_options(const fm_filter *filter, fm_filter_options *out,
                                       fm_error *err);

/** The number of strata, 1 or more; 0 if `filter` is NULL. */
FM_API int32_t fm_filter_stratum_count(const fm_filter *filter);

/** The largest loss that is kept in a class and stratum, before any floor; infinity where
 *  everything is kept; NaN if there is no such class or stratum. A filter with one stratum has
 *  stratum 0. */
FM_API float fm_filter_threshold(const fm_filter *filter, int32_t class_index, int32_t stratum);

/** Writes all thresholds, [class][stratum]: `count` is classes times strata.
 *  Errors (`out` is untouched): ARGUMENT. */
FM_API fm_status fm_filter_thresholds(const fm_filter *filter, float *out, int64_t count,
                                      fm_error *err);

/** Tells whether a filter can drop anything. `*class_count` receives the number of classes that
 *  have pixels in `stats`, and `*reached_count` how many of them have, in some stratum, a pixel
 *  whose loss exceeds the threshold. If no class is reached, the losses hardly depend on the
 *  pixel, as happens when the cross-entropy of scores or probabilities is taken for that of logits
 *  (freemask/network_loss.h): the filter keeps everything, which is worth a warning.
 *
 *  `stats` are of the real or of the synthetic set, with the filter's label space, strata and
 *  score, and have a histogram. Losses within one bin below a threshold count as exceeding it, so
 *  a fine histogram (32) says more. Allocates nothing.
 *  Errors (nothing is written): ARGUMENT, MISMATCH (label space, strata or score), UNSUPPORTED
 *  (no histogram). */
FM_API fm_status fm_filter_reach(const fm_filter *filter, const fm_class_stats *stats,
                                 int32_t *class_count, int32_t *reached_count, fm_error *err);

/* ---- Applying a filter ---------------------------------------------------------- */

/** What one call did. The caller sets `size`, and each array or NULL. The call overwrites the
 *  numbers and all elements of the arrays; it does not touch the pointers. Sized structure, see
 *  freemask/context.h. */
typedef struct fm_filter_report {
  size_t size;
  int64_t valid;            /**< pixels that had a class */
  int64_t dropped;          /**< the dropped ones among them */
  int64_t *class_valid;     /**< [classes], or NULL: `valid` by class */
  int64_t *class_dropped;   /**< [classes], or NULL: `dropped` by class */
  int64_t *stratum_valid;   /**< [classes][strata], or NULL: `valid` by class and stratum */
  int64_t *stratum_dropped; /**< [classes][strata], or NULL: `dropped` by class and stratum */
} fm_filter_report;

/** Filters the mask of one synthetic image by its loss map, which has the same size.
 *
 *  `extra` may be NULL. Its strata are required if the filter, or the ranks of its score, have
 *  several strata, and refused otherwise. Its reference is required by FM_FILTER_PAIRED (see
 *  fm_reference_use), which may have siblings beside it; other policies refuse both.
 *
 *  `filtered` is a mask of the same size, of any integer type in which the ignore label and all
 *  labels of this mask fit: a U8 mask can be filtered into I16 or I64 for an ignore label of -1
 *  or -100. It is either the very same memory as `mask` (same data, strides and dtype: in
 *  place) or shares no byte with `mask`, `loss` and `extra`; anything else is refused.
 *
 *  `report` may be NULL. The losses and strata of ignored pixels are not looked at. The losses of
 *  other pixels are finite and not negative; above -1e-5 they count as 0.
 *
 *  Memory: 8 KiB, 20 bytes per class and stratum, and a bit per pixel, each row rounded up to 64
 *  (no bits above 2^31 pixels); with a floor 2 KiB more per class and stratum, at most half a MiB; with
 *  FM_SCORE_RANK 12 bytes per pixel more, and what fm_map_window_mean takes.
 *  Errors (`filtered` and `report` are untouched): ARGUMENT (also a stratum out of range), MEMORY,
 *  UNSUPPORTED, SHAPE, LABEL and LOSS (the message names the first bad pixel in reading order),
 *  LIMIT (the ignore label or, with pixel and value, a label of the mask does not fit `filtered`).
 *  Thread-safety: any thread; calls that run at the same time need distinct outputs. */
FM_API fm_status fm_filter_apply(const fm_filter *filter, const fm_plane *mask,
                                 const fm_plane *loss, const fm_extra_planes *extra,
                                 const fm_plane *filtered, fm_filter_report *report, fm_error *err);

/** How a loss (or what else the filter compares) becomes the part of a pixel that is kept. s is the
 *  loss, t the threshold of its class and stratum, after the floor; the weight is
 *  dropped + (1 - dropped) * part. Where everything is kept (t infinite) it is 1. */
typedef enum fm_weight_kind {
  FM_WEIGHT_STEP = 0, /**< 1 up to the threshold, 0 above it */
  FM_WEIGHT_RAMP = 1, /**< 1 up to (1 - width) * t, 0 from (1 + width) * t on, between them
                           ((1 + width) * t - s) / ((1 + width) * t - (1 - width) * t): half at t */
  FM_WEIGHT_POWER = 2 /**< 1 up to t, (t / s)^gamma above it */
} fm_weight_kind;

/** Sized structure, see freemask/context.h. */
typedef struct fm_weight_options {
  size_t size;
  int32_t kind;     /**< an fm_weight_kind; others are refused (UNSUPPORTED) */
  int32_t reserved; /**< 0 */
  double dropped;   /**< the weight where nothing is kept, 0 to 1; for U8 weights 0 or 1 */
  double width;     /**< RAMP: up to 1; 0: 0.5. Others: 0 */
  double gamma;     /**< POWER: up to 64, rounded to a multiple of 2^-16; 0: 1. Others: 0 */
} fm_weight_options;

/** As fm_filter_apply, for trainers that weight the loss of a pixel instead of ignoring it: writes
 *  the weight of each pixel, and 0 where it is ignored: with FM_WEIGHT_STEP 1 where it is kept and
 *  `dropped` where it is dropped.
 *
 *  `options` may be NULL (dropped pixels get 0). `weights` is a U8 (FM_WEIGHT_STEP only), F16,
 *  BF16, F32 or F64 plane of the mask's size that shares no byte with any input. Weights are formed in
 *  double, a power as doc/random.md says, the same bits on every machine, and rounded to the plane's
 *  type once, to nearest, ties to even. The report counts pixels above the threshold as dropped. `mask`
 *  is not changed.
 *  Memory, errors (`weights` and `report` are untouched), thread safety: as fm_filter_apply. */
FM_API fm_status fm_filter_weigh(const fm_filter *filter, const fm_plane *mask,
                                 const fm_plane *loss, const fm_extra_planes *extra,
                                 const fm_weight_options *options, const fm_plane *weights,
                                 fm_filter_report *report, fm_error *err);

FM_END_DECLS

#endif
