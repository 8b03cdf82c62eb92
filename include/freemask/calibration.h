/* freemask/calibration.h - thresholds that keep a promise about images.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_CALIBRATION_H
#define FREEMASK_CALIBRATION_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/class_stats.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/filter.h>
#include <freemask/view.h>

FM_BEGIN_DECLS

/** "Of a class, lose at most 5 % of the pixels of an image like those that were calibrated with."
 *
 *  A quantile over pixels (FM_FILTER_QUANTILE) does not promise this: the pixels of one image go
 *  together, so of the thresholds that "5 % of the pixels" give many lose more than 5 %
 *  (doc/policies.md). A calibration counts images instead. F_ic(t) is the share of the pixels of class
 *  c in image i whose score is above t, and n_c the number of images with such pixels.
 *
 *  - *In expectation*: t_c is the least t with (sum_i F_ic(t) + 1) / (n_c + 1) <= alpha. Then the share
 *    that a new image loses is at most alpha on average, over calibrations and images (conformal risk
 *    control). Takes 1 / alpha - 1 images with the class.
 *  - *With confidence 1 - delta*: t_c is the least t whose Hoeffding-Bentkus p-value is at most
 *    delta / K, K being the number of classes. Then, but for a share delta of the calibrations, the
 *    expected share that a new image loses is at most alpha in all classes at once.
 *
 *  Both hold if the images that were added and the new ones are exchangeable: drawn alike, and *held
 *  out*, none of them seen by the segmenter in training. Images are what counts, so one video is few
 *  of them. They say nothing of synthetic images whose clean pixels look unlike real ones, and nothing
 *  of how many wrong pixels are found. With a score that is compared with a reference they hold for real
 *  images judged without one.
 *
 *  The state is words whose element-wise sum is the merge, as those of class statistics: any split, in
 *  any order, gives the same words.
 *
 *  Memory: 8 bytes for each class and histogram bin, and 8 for each class.
 *  Thread-safety: one thread at a time; functions with a const handle may run side by side. */
typedef struct fm_calibration fm_calibration;

/** Makes an empty calibration of the score of `stats`, with their label space, ranks and bins, which
 *  they must have. Strata are not divided: with several, `stats` of losses are refused. On success the
 *  caller owns `*out`. Errors: ARGUMENT, MEMORY, UNSUPPORTED (no histogram; several strata), LIMIT.
 *  Thread-safety: reads `stats`. */
FM_API fm_status fm_calibration_create(const fm_class_stats *stats, fm_calibration **out,
                                       fm_error *err);

/** Releases the calibration; NULL is fine. */
FM_API void fm_calibration_destroy(fm_calibration *calibration);

/** Adds one held-out real image. Planes and errors (nothing has been added) as for
 *  fm_class_stats_score_map, and MEMORY. Shares are counted in units of 2^-30 and rounded up.
 *  Memory: 4 bytes per pixel and 8 per class and bin, and what the score takes. */
FM_API fm_status fm_calibration_add(fm_calibration *calibration, const fm_plane *mask,
                                    const fm_plane *loss, const fm_extra_planes *extra,
                                    fm_error *err);

/** Adds all of `from` to `into`. Errors (nothing changed): ARGUMENT, MISMATCH (label spaces, scores,
 *  their ranks or bins differ), LIMIT (2^32 images). */
FM_API fm_status fm_calibration_merge(fm_calibration *into, const fm_calibration *from,
                                      fm_error *err);

/** Empties the calibration. */
FM_API void fm_calibration_clear(fm_calibration *calibration);

/** Number of words: 1 and for each class 1 + bins. Layout: [0] images; of each class the images that
 *  have it, then for each bin the sum over the images of the share of the class's pixels in higher
 *  bins, in units of 2^-30. */
FM_API int64_t fm_calibration_word_count(const fm_calibration *calibration);

/** Writes the words; `count` must be fm_calibration_word_count. Errors: ARGUMENT. */
FM_API fm_status fm_calibration_export(const fm_calibration *calibration, int64_t *words,
                                       int64_t count, fm_error *err);

/** Fills `*out`, whose `size` the caller has set, with what the words belong to: the label space, the
 *  score with its ranks, the bins. Errors: ARGUMENT, UNSUPPORTED (`size`). */
FM_API fm_status fm_calibration_get_layout(const fm_calibration *calibration,
                                           fm_class_stats_layout *out, fm_error *err);

/** *Adds* exported words, or a sum of such. `layout` says what they belong to, as their exporter had it
 *  (fm_calibration_get_layout); it must be that of `calibration`. NULL: nothing is known of them.
 *  Errors (nothing changed): ARGUMENT (count), MISMATCH (names what differs), FORMAT (words that no
 *  export gives), LIMIT. */
FM_API fm_status fm_calibration_import(fm_calibration *calibration, const int64_t *words,
                                       int64_t count, const fm_class_stats_layout *layout,
                                       fm_error *err);

/** Empty statistics of the calibration's label space, score, ranks and bins; live as long as
 *  `calibration`. NULL if that is NULL. */
FM_API const fm_class_stats *fm_calibration_stats(const fm_calibration *calibration);

/** All images, with whatever classes. */
enum { FM_ALL_CLASSES = -1 };

/** Images that have pixels of a class, or all that were added (FM_ALL_CLASSES); 0 if there is no such
 *  class. */
FM_API int64_t fm_calibration_image_count(const fm_calibration *calibration, int32_t class_index);

/** The promise. Sized structure, see freemask/context.h. */
typedef struct fm_promise {
  size_t size;
  double alpha; /**< the share of a class's pixels that may be lost, between 0 and 1; 0: 0.05 */
  double
      delta; /**< between 0 and 1: kept with confidence 1 - delta, in all classes at once; 0: kept in
                     expectation */
} fm_promise;

/** The threshold of a class: infinity, so that everything is kept, if it has too few images for the
 *  promise. `promise` may be NULL. Errors: ARGUMENT. */
FM_API fm_status fm_calibration_threshold(const fm_calibration *calibration, int32_t class_index,
                                          const fm_promise *promise, float *out, fm_error *err);

/** How many images with a class the promise takes at least: of a class that has fewer, all pixels are
 *  kept. `promise` may be NULL. Errors: ARGUMENT. */
FM_API fm_status fm_calibration_images_needed(const fm_calibration *calibration,
                                              const fm_promise *promise, int64_t *out,
                                              fm_error *err);

/** Makes a filter whose thresholds are those of the calibration. `options` say the rest; their policy
 *  is one that compares the calibration's score. `tolerance`, `real_share` and `unseen` are not looked
 *  at: with losses, FM_FILTER_PAPER and FM_FILTER_QUANTILE are the same, a tolerance of its own for each
 *  class.
 *  On success the caller owns `*out`. Errors: as fm_filter_create, and EMPTY (no image).
 *  Thread-safety: reads `calibration`. */
FM_API fm_status fm_filter_create_calibrated(const fm_calibration *calibration,
                                             const fm_promise *promise,
                                             const fm_filter_options *options, fm_filter **out,
                                             fm_error *err);

FM_END_DECLS

#endif
