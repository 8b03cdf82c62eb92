/* freemask/class_stats.h - the class-wise mean loss over the real set, exactly.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_CLASS_STATS_H
#define FREEMASK_CLASS_STATS_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/labels.h>
#include <freemask/view.h>

FM_BEGIN_DECLS

/** Per class and stratum: the number of pixels, the exact sum of their losses and,
 *  if asked for, a histogram of the losses.
 *
 *  The state is a flat array of int64 words whose element-wise *sum is the merge*,
 *  so MPI_SUM, all_reduce(SUM) or a shell loop can bring shards together. No loss
 *  is ever rounded: the sum of any set of F32 losses is held to its last bit, hence
 *  any split over threads, shards and machines, in any order, gives the same words.
 *
 *  *Strata* divide the pixels of a class further (near a boundary or not, say), so
 *  that like is compared with like. The paper has one stratum, and so have all
 *  calls here that do not mention them.
 *
 *  Memory: 96 bytes, plus 8 per histogram bin, for each class and stratum, twice; 35 KB besides.
 *  Thread-safety: one thread at a time; functions with a const handle may run side
 *  by side. For speed, one per thread, merged at the end. */
typedef struct fm_class_stats fm_class_stats;

typedef struct fm_class_stats_options {
  size_t size;
  int32_t strata;    /**< 1 to 255; 0: 1 */
  int32_t histogram; /**< bins per factor of two of the loss: 1, 2, 4, 8, 16 or 32; 0: none.
                          Bins span [2^-24, 2^8) nats, one more below and one above. */
} fm_class_stats_options;

/** All strata together, where a stratum is asked for. */
enum { FM_ALL_STRATA = -1 };

/** Makes empty statistics over a label space. `options` may be NULL. On success the
 *  caller owns `*out`. Errors: ARGUMENT, MEMORY, UNSUPPORTED, LIMIT. */
FM_API fm_status fm_class_stats_create(const fm_labels *labels,
                                       const fm_class_stats_options *options, fm_class_stats **out,
                                       fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_class_stats_destroy(fm_class_stats *stats);

/** Adds one *real* image: a mask and the loss map of the same size.
 *
 *  Ignored pixels are decided by the label alone; their losses are not looked at.
 *  The others must be finite and not negative. -0 counts as 0. Allocates nothing.
 *  Errors (nothing has been added): ARGUMENT, UNSUPPORTED (dtype), SHAPE, LABEL and
 *  LOSS (name the first bad pixel in reading order), LIMIT (2^62 pixels). */
FM_API fm_status fm_class_stats_add(fm_class_stats *stats, const fm_plane *mask,
                                    const fm_plane *loss, fm_error *err);

/** As fm_class_stats_add, with a U8 plane of the same size that holds each pixel's
 *  stratum, 0 .. strata - 1. Errors: as above; ARGUMENT for a stratum out of range. */
FM_API fm_status fm_class_stats_add_stratified(fm_class_stats *stats, const fm_plane *mask,
                                               const fm_plane *loss, const fm_plane *strata,
                                               fm_error *err);

/** Adds all of `from` to `into`. Errors (nothing changed): ARGUMENT, LIMIT, MISMATCH
 *  (label spaces, strata or histograms differ). */
FM_API fm_status fm_class_stats_merge(fm_class_stats *into, const fm_class_stats *from,
                                      fm_error *err);

/** Empties the statistics. */
FM_API void fm_class_stats_clear(fm_class_stats *stats);

/* ---- The words ------------------------------------------------------------------ */

/** Words of the state: 1 + classes * strata * (12 + bins). The same for all
 *  statistics made with the same label space and options. Layout:
 *
 *      words[0]                                images added
 *      then, for each class, for each stratum:
 *        [0]                                   pixels
 *        [1 .. 11]                             digits d_0 .. d_10 of the sum,
 *                                              sum = 2^-149 * sum_i d_i * 2^(32 i)
 *        [12 ..]                               the histogram's bins, if there are any
 *
 *  Exported digits are 0 .. 2^32 - 1. Up to 2^30 exports may be added word by word
 *  before the result is imported. */
FM_API size_t fm_class_stats_word_count(const fm_class_stats *stats);

/** Writes the words. `count` must be fm_class_stats_word_count. Errors: ARGUMENT. */
FM_API fm_status fm_class_stats_export(const fm_class_stats *stats, int64_t *words, size_t count,
                                       fm_error *err);

/** *Adds* exported words, or a sum of such, to the statistics; on empty ones this is
 *  loading. Errors (nothing changed): ARGUMENT (count), FORMAT (words that no export
 *  gives: negative, or sums without pixels), LIMIT. */
FM_API fm_status fm_class_stats_import(fm_class_stats *stats, const int64_t *words, size_t count,
                                       fm_error *err);

/* ---- Reading -------------------------------------------------------------------- */

/** Images added. */
FM_API int64_t fm_class_stats_image_count(const fm_class_stats *stats);

/** Pixels of a class; 0 if there is no such class or stratum. */
FM_API int64_t fm_class_stats_pixel_count(const fm_class_stats *stats, int32_t class_index,
                                          int32_t stratum);

/** The class-wise mean loss in nats, h_k = sum of losses / (pixels + 1e-5) (FreeMask,
 *  NeurIPS 2023, released code). The sum is rounded to double once. 0 for a class
 *  without pixels and where there is no such class or stratum. */
FM_API double fm_class_stats_mean(const fm_class_stats *stats, int32_t class_index,
                                  int32_t stratum);

/** The loss below which a share `q` (0 to 1) of the class's pixels lies, linear inside
 *  a histogram bin (error at most one bin). Losses beyond the bins count as 0 below
 *  and 2^8 above. Errors: ARGUMENT, UNSUPPORTED (made without a histogram), EMPTY. */
FM_API fm_status fm_class_stats_quantile(const fm_class_stats *stats, int32_t class_index,
                                         int32_t stratum, double q, double *out, fm_error *err);

/* ---- Means from elsewhere --------------------------------------------------------- */

/** Class-wise mean losses that were computed outside of the library, for
 *  fm_filter_create_from_means and fm_hardness_create_from_means. Both arrays are
 *  [class_count][strata] and are only read during the call. Sized structure, see
 *  freemask/context.h. */
typedef struct fm_mean_table {
  size_t size;
  int32_t class_count;     /**< the label space's number of classes */
  int32_t strata;          /**< 1 to 255; 0: 1 */
  const double *mean_loss; /**< nats, finite and not negative; 0 where `pixels` is 0 */
  const int64_t *pixels;   /**< real pixels, 0 or more each, at most 2^62 together; NULL: unknown,
                                which several strata do not allow */
} fm_mean_table;

FM_END_DECLS

#endif
