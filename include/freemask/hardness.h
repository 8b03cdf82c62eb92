/* freemask/hardness.h - how hard a mask is to learn.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_HARDNESS_H
#define FREEMASK_HARDNESS_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/class_stats.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/labels.h>
#include <freemask/view.h>

FM_BEGIN_DECLS

/** The hardness estimator (FreeMask, NeurIPS 2023): the mean, over the valid pixels of a *real*
 *  mask, of the mean losses of their classes,
 *
 *      H = sum_k n_k * h_k / (sum_k n_k + 1e-5)
 *
 *  where n_k is the number of pixels of class k after the mask was resized, and h_k the mean
 *  loss of the class on real images (over all strata). A mask without valid pixels has hardness 0.
 *  Sums run over the classes in ascending order, in double: the same bits on every machine.
 *
 *  Thread-safety: immutable; any number of threads may use one estimator at the same time. */
typedef struct fm_hardness fm_hardness;

/** Measure the mask as it is. */
enum { FM_NO_RESIZE = -1 };

/** What hardness means. With every measure, a mask without valid pixels has hardness 0. */
typedef enum fm_measure {
  FM_MEASURE_MEAN = 0,        /**< H as above, the paper's */
  FM_MEASURE_WORST_CLASS = 1, /**< the largest h_k among the classes that have at least `share` of
                                   the valid pixels, or among all classes of the mask if none has
                                   as many */
  FM_MEASURE_TOP_SHARE = 2    /**< the mean h_k over the hardest `share` of the N valid pixels:
                                   share * N pixels, the last of them in part */
} fm_measure;

/** Sized structure, see freemask/context.h. */
typedef struct fm_hardness_options {
  size_t size;
  int32_t resize_width;  /**< 1 to 65,536; 0: 512; FM_NO_RESIZE (then both): as the mask is */
  int32_t resize_height; /**< likewise */
  int32_t measure;       /**< an fm_measure */
  int32_t reserved;      /**< 0 */
  double share;          /**< 0 to 1. FM_MEASURE_WORST_CLASS: 0 means any number of pixels.
                              FM_MEASURE_TOP_SHARE: 0 means 0.1. FM_MEASURE_MEAN: must be 0 */
} fm_hardness_options;

/** Makes an estimator from statistics of the real set. `options` may be NULL (the paper's: the
 *  mean, at 512x512). The estimator copies what it needs: later changes of `stats` do not affect
 *  it.
 *
 *  On success the caller owns `*out`; on failure `*out` keeps its value. Memory: 16 bytes per
 *  class.
 *  Errors: ARGUMENT, MEMORY, UNSUPPORTED, EMPTY (the statistics hold no pixel). Thread-safety:
 *  reads `stats`. */
FM_API fm_status fm_hardness_create(const fm_class_stats *stats, const fm_hardness_options *options,
                                    fm_hardness **out, fm_error *err);

/** As fm_hardness_create, from mean losses that were computed elsewhere. The table is copied.
 *  Errors: ARGUMENT, MEMORY, UNSUPPORTED, EMPTY (all `pixels` are 0). */
FM_API fm_status fm_hardness_create_from_means(const fm_labels *labels, const fm_mean_table *table,
                                               const fm_hardness_options *options,
                                               fm_hardness **out, fm_error *err);

/** Destroys an estimator. NULL is allowed. */
FM_API void fm_hardness_destroy(fm_hardness *hardness);

/* ---- What an estimator is ------------------------------------------------------- */

/** The label space. Borrowed: it lives as long as the estimator. NULL if `hardness` is NULL. */
FM_API const fm_labels *fm_hardness_labels(const fm_hardness *hardness);

/** Writes the options in use, with defaults filled in, to `*out`, whose `size` the caller sets.
 *  Errors (`*out` is untouched): ARGUMENT, UNSUPPORTED. */
FM_API fm_status fm_hardness_get_options(const fm_hardness *hardness, fm_hardness_options *out,
                                         fm_error *err);

/** Writes the mean loss of each class, h_k, in nats. `class_count` is the label space's.
 *  Errors (`out` is untouched): ARGUMENT. */
FM_API fm_status fm_hardness_means(const fm_hardness *hardness, double *out, int32_t class_count,
                                   fm_error *err);

/* ---- Measuring ------------------------------------------------------------------ */

/** Measures one mask by its classes. `*valid_pixels` (may be NULL) receives the number of valid
 *  pixels after resizing. The whole mask is checked, also the pixels that resizing skips.
 *
 *  No resized mask is made: pixel (x, y) of the resized mask is the one that Pillow's NEAREST
 *  takes, from column floor((x + 0.5) * w / W), where w is the width of the mask and W that of
 *  the resized one. As in Pillow, the position is summed in double: 0.5 * w / W, then w / W for
 *  each step. That is exact for powers of two such as 512; for other W a position on a border may
 *  fall to its left. The same holds for rows.
 *
 *  Memory: 16 KiB, 16 bytes per class, 4 per row and column, and a bit per column.
 *  Errors (nothing is written): ARGUMENT, MEMORY, UNSUPPORTED, LABEL (the message names the first
 *  bad pixel in reading order). Thread-safety: any thread. */
FM_API fm_status fm_hardness_measure(const fm_hardness *hardness, const fm_plane *mask, double *out,
                                     int64_t *valid_pixels, fm_error *err);

/** Measures one mask by the losses of this very image, at every pixel of the mask as it is. `loss`
 *  is the loss map of the real image and has the mask's size. The options `resize_width` and
 *  `resize_height` and the means of the classes are not used:
 *
 *  | measure                | hardness                                                       |
 *  |------------------------|----------------------------------------------------------------|
 *  | FM_MEASURE_MEAN        | sum of the losses / (valid pixels + 1e-5)                      |
 *  | FM_MEASURE_WORST_CLASS | that of the pixels of each class; the largest of these, by share |
 *  | FM_MEASURE_TOP_SHARE   | the mean of the largest `share` of the losses                  |
 *
 *  It finds images that are hard although their classes are not, and noise in their labels. The
 *  sums of FM_MEASURE_TOP_SHARE are made in double, in reading order; the others are exact.
 *
 *  Memory: 35 KB and 200 bytes per class; FM_MEASURE_TOP_SHARE: 2 KiB more.
 *  Errors (nothing is written): ARGUMENT, MEMORY, UNSUPPORTED, SHAPE, LABEL and LOSS (the message
 *  names the first bad pixel in reading order). Thread-safety: any thread. */
FM_API fm_status fm_hardness_measure_loss(const fm_hardness *hardness, const fm_plane *mask,
                                          const fm_plane *loss, double *out, int64_t *valid_pixels,
                                          fm_error *err);

/* ---- Without any loss ---------------------------------------------------------------- */

/** How ragged the classes of a mask are, before there is a segmenter to ask: complexity[k] becomes
 *
 *      e_k / (4 * sqrt(n_k))  in units of 2^-20, rounded to nearest, halves up
 *
 *  where n_k are the pixels of class k in the mask and e_k the sides that they share with pixels of
 *  other classes; ignored pixels and the image's border do not count. A square has 1, whatever its size; m equal
 *  squares have sqrt(m); a class that is absent, or alone, has 0. `class_count` is that of `labels`.
 *
 *  Memory: 16 bytes per class, and 16 for each stretch of a row that has one class. Thread-safety: any
 *  thread. Errors (`complexity` is untouched): ARGUMENT, MEMORY, UNSUPPORTED, LABEL (the message names
 *  the first bad pixel). */
FM_API fm_status fm_shape_measure(const fm_labels *labels, const fm_plane *mask,
                                  int64_t *complexity, int32_t class_count, fm_error *err);

/** Hardness by shape, class-balanced: sum_k complexity[k] / totals[k], k ascending, in double. `totals`
 *  are the sums of the masks' complexities of each class, whole numbers, so that neither order nor shards
 *  matter; classes whose total is 0 do not count. A class adds 1 over all masks, so rare ones count as
 *  much as common ones. 0 for NULL. It is not the paper's hardness, and no teacher agrees or
 *  disagrees with it: for the day before there is one. Thread-safety: any thread. */
FM_API double fm_shape_hardness(const int64_t *complexity, const int64_t *totals,
                                int32_t class_count);

FM_END_DECLS

#endif
