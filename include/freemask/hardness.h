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

/** The hardness estimator (FreeMask, NeurIPS 2023): the mean, over a *real* mask's
 *  valid pixels, of their classes' mean losses,
 *
 *      H = sum_k n_k * h_k / (sum_k n_k + 1e-5)
 *
 *  n_k being the pixels of class k after the mask was resized. A mask without a valid
 *  pixel has hardness 0. Sums run over the classes in ascending order, in double: the
 *  same bits everywhere.
 *
 *  Thread-safety: immutable; share it freely. */
typedef struct fm_hardness fm_hardness;

/** Measure the mask as it is. */
enum { FM_NO_RESIZE = -1 };

/** What hardness is, in place of the paper's mean. A mask without a valid pixel has 0. */
typedef enum fm_measure {
  FM_MEASURE_MEAN = 0,        /**< H as above */
  FM_MEASURE_WORST_CLASS = 1, /**< the largest h_k of the classes that have at least `share` of the
                                   valid pixels (of all its classes, if none has that many) */
  FM_MEASURE_TOP_SHARE = 2    /**< the mean over the hardest `share` of the valid pixels: of p * N
                                   pixels, the last one in part */
} fm_measure;

typedef struct fm_hardness_options {
  size_t size;
  int32_t resize_width;  /**< 1 to 65,536; 0: 512; FM_NO_RESIZE: as it is (both, then) */
  int32_t resize_height; /**< likewise */
  int32_t measure;       /**< an fm_measure */
  int32_t reserved;      /**< 0 */
  double share;          /**< 0 to 1. WORST_CLASS: 0: any pixel; TOP_SHARE: 0: 0.1. Otherwise 0 */
} fm_hardness_options;

/** Makes an estimator from statistics of the real set, which it copies. `options`
 *  may be NULL: the paper, 512x512. On success the caller owns `*out`.
 *  Errors: ARGUMENT, MEMORY, UNSUPPORTED, EMPTY (no pixel at all). */
FM_API fm_status fm_hardness_create(const fm_class_stats *stats, const fm_hardness_options *options,
                                    fm_hardness **out, fm_error *err);

/** Makes an estimator from class-wise mean losses that came from elsewhere:
 *  `mean_loss[K]` in nats, finite and not negative; `class_count` must be K.
 *  Errors: ARGUMENT, MEMORY, UNSUPPORTED. */
FM_API fm_status fm_hardness_create_from_means(const fm_labels *labels, const double *mean_loss,
                                               size_t class_count,
                                               const fm_hardness_options *options,
                                               fm_hardness **out, fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_hardness_destroy(fm_hardness *hardness);

/** Measures one mask. No resized mask is made: the pixel (x, y) of the resized one is
 *  the pixel that Pillow's NEAREST takes, of column floor((x + 0.5) * w / W), where, as
 *  there, the position is summed in double: 0.5 * w / W, and w / W for each step. That is
 *  exact for powers of two, as 512; for other W a position on a border may come out to
 *  its left. Rows likewise. `*valid_pixels` (may be NULL) gets the number of valid
 *  pixels after resizing. The whole mask is checked, pixels that the resizing skips
 *  included. Memory: 16 bytes per class, 4 per row and column, and a bit
 *  per column.
 *  Errors: ARGUMENT, MEMORY, UNSUPPORTED, LABEL (names the first bad pixel). */
FM_API fm_status fm_hardness_measure(const fm_hardness *hardness, const fm_plane *mask, double *out,
                                     int64_t *valid_pixels, fm_error *err);

/** As fm_hardness_measure, but by the losses of this very image, at every pixel of the mask
 *  as it is (resize and the table of means are not looked at), `loss` being the loss map of
 *  the real image, of the mask's size:
 *
 *  FM_MEASURE_MEAN         sum of the losses / (valid pixels + 1e-5)
 *  FM_MEASURE_WORST_CLASS  likewise for the pixels of each class, the largest of these
 *  FM_MEASURE_TOP_SHARE    the mean of the largest losses
 *
 *  It finds images that are hard though their classes are not, and noise in their labels.
 *  Memory: 200 bytes per class, and 4 per pixel for TOP_SHARE.
 *  Errors: ARGUMENT, MEMORY, UNSUPPORTED, SHAPE, LABEL and LOSS (name the first bad pixel). */
FM_API fm_status fm_hardness_measure_loss(const fm_hardness *hardness, const fm_plane *mask,
                                          const fm_plane *loss, double *out, int64_t *valid_pixels,
                                          fm_error *err);

FM_END_DECLS

#endif
