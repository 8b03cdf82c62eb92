/* freemask/network_loss.h - losses from what a segmentation network puts out.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_NETWORK_LOSS_H
#define FREEMASK_NETWORK_LOSS_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/class_stats.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/filter.h>
#include <freemask/labels.h>
#include <freemask/view.h>

FM_BEGIN_DECLS

/** What a network's values are. Only the host knows: values of one kind that are taken for another
 *  still make loss maps, but the noise filter then drops nothing. */
typedef enum fm_output_kind {
  FM_OUTPUT_LOGITS = 1, /**< [C, h, w] before the softmax; log-probabilities are logits, too.
                             loss = log(sum_c exp z_c) - z_y */
  FM_OUTPUT_PROBS = 2,  /**< [C, h, w] after the softmax, with a sum of 1 at each pixel:
                             MMSegmentation before 1.0, Segmenter's inference().
                             loss = -log p_y */
  FM_OUTPUT_SCORES = 3  /**< [C, h, w], not negative, with any sum: "sem_seg" of Mask2Former and
                             MaskFormer; also the kind of queries. loss = -log(s_y / sum_c s_c). The
                             normalization is this library's choice: the plain cross-entropy of
                             scores hardly depends on the pixel */
} fm_output_kind;

/** What a network puts out for one image: the values of its channels, or, if `class_logits` is
 *  set, queries (Mask2Former, MaskFormer). With queries the scores are
 *
 *      s_c = sum_q softmax(class_logits[q])_c * sigmoid(values[q])
 *
 *  which the library never composes. Values are F32, F16 or BF16, in any memory order (CHW, HWC,
 *  ...) and of any height and width: the mask has the size of the result. Sized structure, see
 *  freemask/context.h. */
typedef struct fm_network_output {
  size_t size;
  fm_volume values;      /**< [C, h, w]; of queries the mask logits [Q, h, w], before the sigmoid */
  fm_plane class_logits; /**< of queries: [Q, C + 1], before the softmax, one row for each query,
                              "no object" last. data NULL: the values are not queries */
} fm_network_output;

/** Turns network outputs into losses: resizes an output to the mask's size and takes the
 *  cross-entropy against the mask in the same pass. Neither the resized output nor a softmax is
 *  ever in memory.
 *
 *  Thread-safety: immutable; any number of threads may use one at the same time. */
typedef struct fm_network_loss fm_network_loss;

/** Sized structure, see freemask/context.h. An option that has no meaning with the others is
 *  refused. */
typedef struct fm_network_loss_options {
  size_t size;
  int32_t kind;            /**< required: an fm_output_kind */
  int32_t align_corners;   /**< how outputs are resized, bilinearly: 0 as PyTorch does with
                                align_corners=False (almost all models), 1 as with True */
  int32_t channel_count;   /**< channels C of the output, 1 to 65,536; of queries the columns of the
                                class logits without "no object"; 0: K, or 1 if `binary` */
  int32_t binary;          /**< 1, of LOGITS and PROBS: one channel z (or p) for two classes (or one
                                class, K = 1). The last class has sigmoid(z) (or p), the other one
                                1 - sigmoid(z) (or 1 - p) */
  const int32_t *channels; /**< [K]: the channel of each class, for void or background channels and
                                for other orders. All channels take part in the sums over c.
                                NULL: the channel is the class, and C must be K. Not with
                                `binary` */
  double floor;            /**< of PROBS and SCORES: the smallest probability (or share of the
                                scores) that counts, so that no loss exceeds -log(floor); 1e-307 or
                                more, and below 1; 0: 1e-7, so losses are at most 16.2 nats */
  int32_t trust_kind;      /**< 1: no check whether values look like their kind */
  int32_t compose_first;   /**< of queries, hence of SCORES without `binary`: 0: mask logits are
                                resized, then go through the sigmoid (Mask2Former, MaskFormer);
                                1: sigmoids are resized (older MMSegmentation, which composes at
                                the low resolution). With 1, outputs that are not queries are
                                refused */
} fm_network_loss_options;

/** Makes an fm_network_loss for a label space, which it keeps alive. Copies `options` and
 *  `channels`. On success the caller owns `*out`; on failure `*out` keeps its value.
 *  Memory: less than 200 bytes, and 4 for each class if there are `channels`.
 *  Errors: ARGUMENT (no kind, a value out of range, an option without a meaning), SHAPE (C is not
 *  K and there are no `channels`), MEMORY, UNSUPPORTED (an option of a newer release). */
FM_API fm_status fm_network_loss_create(const fm_labels *labels,
                                        const fm_network_loss_options *options,
                                        fm_network_loss **out, fm_error *err);

/** Destroys; NULL is allowed. */
FM_API void fm_network_loss_destroy(fm_network_loss *network_loss);

/** Writes the options in use, with defaults filled in, to `*out`, whose `size` the caller sets.
 *  `channels` is NULL if there is none, else it lives as long as the handle. A `floor` that has no
 *  meaning is 0: creating another handle from `*out` gives the same. Errors (`*out` is
 *  untouched): ARGUMENT, UNSUPPORTED. */
FM_API fm_status fm_network_loss_get_options(const fm_network_loss *network_loss,
                                             fm_network_loss_options *out, fm_error *err);

/** The label space. Borrowed: it lives as long as `network_loss`. NULL for NULL. */
FM_API const fm_labels *fm_network_loss_labels(const fm_network_loss *network_loss);

/* ---- Losses --------------------------------------------------------------------- */

/* All calls below:
 *
 * Pixels that the mask ignores have loss 0, and the output is not read for their sake. For the
 * others, every value that has a weight in the result must be finite, and not negative for PROBS
 * and SCORES.
 *
 * Exactness: within 5e-6 nats of exact arithmetic for losses below 20, within 1e-5 of the loss
 * above, for all finite values, however large, and whatever the kernels. What float64 cannot compute
 * so is refused: logits above 5e8 of either sign that cancel each other where they are resized, and
 * losses beyond the largest float. The same output and mask give the same bits on any thread, and in
 * each of these calls. Kernels of different levels (fm_kernels) may differ in the last bits, and
 * with them in what is counted and dropped at a threshold.
 *
 * A plane that is written must not overlap a plane or the output that is read, except where a
 * call allows the very same memory (freemask/view.h).
 *
 * Memory: less than 1 MiB for up to 14,000 channels or 3,000 queries, however high and wide output
 * and mask are; 32 bytes more for each channel above, 124 for each query above.
 *
 * Errors: ARGUMENT (also: values that do not look like their kind; the message says which kind to
 * pass; an output of queries where `kind` is not SCORES), MEMORY, UNSUPPORTED (an element type),
 * SHAPE (sizes that have to agree), LABEL (names the first pixel in reading order that has no
 * class) and LOSS (names value, channel, class and pixel of the output; also what "Exactness" refuses,
 * with the pixel of the mask). On errors everything that the call was to change is
 * untouched. */

/** Writes the losses of one output to `loss`, an F32 plane of the mask's size. */
FM_API fm_status fm_network_loss_map(const fm_network_loss *network_loss,
                                     const fm_network_output *output, const fm_plane *mask,
                                     const fm_plane *loss, fm_error *err);

/** Writes which class each pixel most likely shows to `classes`, an I32 plane of the mask's size: of the
 *  label space's classes the one with the largest resized logit, probability or score, the first of
 *  several; -1 where the mask ignores the pixel, or where no value is a number. Channels that no class
 *  has are not looked at. Where a loss is below log 2, it is the mask's own class. Of queries, the sum of
 *  a class may lack 1e-9 times its largest part for each query.
 *
 *  Time: proportional to pixels times classes; of queries, pixels times queries, and classes times those
 *  queries that have a part. Mask what is not asked for. Memory, in addition: 48 KiB; of queries 4 bytes
 *  for each query and class. Values that are not finite are no error here. */
FM_API fm_status fm_network_class_map(const fm_network_loss *network_loss,
                                      const fm_network_output *output, const fm_plane *mask,
                                      const fm_plane *classes, fm_error *err);

/* The calls below do the same as fm_network_loss_map and the call that takes the loss map, to the
 * bit, without a loss map in memory. Their errors are those of the two, and MISMATCH if the label
 * spaces differ. `extra` (NULL: none) is as in the call that takes the loss map. */

/** Adds a *real* image to statistics: fm_network_loss_map, then fm_class_stats_add. Memory: as
 *  much as `stats` takes, in addition. */
FM_API fm_status fm_class_stats_add_output(fm_class_stats *stats,
                                           const fm_network_loss *network_loss,
                                           const fm_network_output *output, const fm_plane *mask,
                                           const fm_extra_planes *extra, fm_error *err);

/** Filters a *synthetic* image's mask: fm_network_loss_map, then fm_filter_apply. `filtered` may
 *  be the very same memory as `mask`. Memory, in addition: a packed plane of the type of `filtered`
 *  and 52 bytes for each class and stratum; if the filter has a floor (min_kept_share), also a loss
 *  map and what fm_filter_apply takes. */
FM_API fm_status fm_filter_apply_output(const fm_filter *filter,
                                        const fm_network_loss *network_loss,
                                        const fm_network_output *output, const fm_plane *mask,
                                        const fm_extra_planes *extra, const fm_plane *filtered,
                                        fm_filter_report *report, fm_error *err);

/** Weighs the pixels of a *synthetic* image: fm_network_loss_map, then fm_filter_weigh. Memory: as
 *  fm_filter_apply_output, with `weights` for `filtered`. */
FM_API fm_status fm_filter_weigh_output(const fm_filter *filter,
                                        const fm_network_loss *network_loss,
                                        const fm_network_output *output, const fm_plane *mask,
                                        const fm_extra_planes *extra,
                                        const fm_weight_options *options, const fm_plane *weights,
                                        fm_filter_report *report, fm_error *err);

FM_END_DECLS

#endif
