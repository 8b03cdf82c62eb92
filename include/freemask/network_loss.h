/* freemask/network_loss.h - loss maps from what a segmentation network puts out.
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

/** What a network's numbers are. They have to be told apart by the host: taken for
 *  one another they still give loss maps, but such that the noise filter drops
 *  nothing. */
typedef enum fm_output_kind {
  FM_OUTPUT_LOSS = 1,   /**< cross-entropy against the mask in nats, [H, W]; needs no
                             fm_network_loss */
  FM_OUTPUT_LOGITS = 2, /**< [C, h, w] before the softmax; log-probabilities are such, too.
                             loss = log(sum_c exp z_c) - z_y */
  FM_OUTPUT_PROBS = 3,  /**< [C, h, w] after the softmax, a sum of 1 per pixel: mmseg before
                             1.0, Segmenter's inference(). loss = -log p_y */
  FM_OUTPUT_SCORES = 4  /**< [C, h, w], not negative, no fixed sum: Mask2Former's and
                             MaskFormer's "sem_seg". loss = -log(s_y / sum_c s_c). The
                             normalisation is this library's choice: plain cross-entropy
                             of scores hardly depends on the pixel */
} fm_output_kind;

/** Turns network outputs into loss maps: resizes them to the mask's size and takes the
 *  cross-entropy against the mask in the same pass; neither the resized output nor a
 *  softmax is ever in memory.
 *
 *  Thread-safety: immutable; share it freely. */
typedef struct fm_network_loss fm_network_loss;

typedef struct fm_network_loss_options {
  size_t size;
  int32_t kind;            /**< LOGITS, PROBS or SCORES. There is no default */
  int32_t align_corners;   /**< how outputs are resized, bilinearly: 0 as PyTorch with
                                align_corners=False (almost all models), 1 with True */
  int32_t channel_count;   /**< channels C of the output; 0: K, or 1 if `binary` */
  int32_t binary;          /**< 1: one channel z (or p) for the classes 0 and 1, or for 1 class
                                (K = 2 or 1): p of the last class is sigmoid(z) (or p), of the
                                other one 1 - p */
  const int32_t *channels; /**< [K]: the channel of each class, which allows void or
                                background channels and other orders. All channels take part
                                in the sums over c. NULL: channel = class, and C must be K */
  double floor;            /**< of PROBS and SCORES: smaller (shares of) probabilities count
                                as this one, so losses stay below -log(floor); above 0, below
                                1; 0: 1e-7, that is at most 16.2 nats */
  int32_t trust_kind;      /**< 1: skip the check that values look like their kind */
  int32_t compose_first;   /**< of queries: 0: mask logits are resized, then go through the
                                sigmoid (Mask2Former, MaskFormer); 1: the sigmoids are resized
                                (older mmseg, which composes at the low resolution) */
} fm_network_loss_options;

/** Makes one for a label space. On success the caller owns `*out`. Errors: ARGUMENT
 *  (a kind is missing; a channel is out of range), SHAPE (C is not K and there is no
 *  channel map), MEMORY, UNSUPPORTED. */
FM_API fm_status fm_network_loss_create(const fm_labels *labels,
                                        const fm_network_loss_options *options,
                                        fm_network_loss **out, fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_network_loss_destroy(fm_network_loss *network_loss);

/** The kind it was made for; 0 for NULL. */
FM_API int32_t fm_network_loss_kind(const fm_network_loss *network_loss);

/* All calls below: `output` is F32, F16 or BF16 in any memory order (CHW, HWC, ...) and
 * any resolution; the mask decides the size of the result.
 *
 * Pixels that the mask ignores get loss 0, and the output is not looked at for their
 * sake. For the others, every value that has a weight in the result must be finite,
 * and not negative for PROBS and SCORES.
 *
 * Exactness: within 5e-6 nats of float64 arithmetic for losses below 20, within 1e-5
 * of the loss above, whatever the kernels. The same call gives the same bits on any
 * thread, and does so in the fused forms; kernels of different level (fm_kernels) may
 * differ in the last bits, and with them what is counted and dropped at a threshold.
 *
 * Memory: less than 1 MiB for up to 14,000 channels or queries, whatever the
 * resolution; beyond, 64 bytes for each.
 *
 * Errors: ARGUMENT (also: the values do not look like the kind; the message says which
 * to pass), MEMORY, UNSUPPORTED (dtype), SHAPE, LABEL (names the pixel) and LOSS (names
 * value, channel, class and pixel of the output). */

/** Writes the loss map of one output to `loss`, an F32 plane of the mask's size. On
 *  errors `loss` is untouched. */
FM_API fm_status fm_network_loss_map(const fm_network_loss *network_loss, const fm_volume *output,
                                     const fm_plane *mask, const fm_plane *loss, fm_error *err);

/** As fm_network_loss_map for networks that put out queries, without composing their
 *  [C, h, w] scores: `class_logits` is [Q, C + 1], a row per query, "no object" last;
 *  `mask_logits` is [Q, h, w]. With a kind of SCORES only: the loss is that of
 *  s_c = sum_q softmax(class_logits[q])_c * sigmoid(mask_logits[q]). */
FM_API fm_status fm_network_loss_queries(const fm_network_loss *network_loss,
                                         const fm_plane *class_logits, const fm_volume *mask_logits,
                                         const fm_plane *mask, const fm_plane *loss, fm_error *err);

/** Filters a mask by a network's output, without a loss map between: the result of
 *  fm_network_loss_map and fm_filter_apply. Memory: one mask more; with a floor
 *  (min_kept_share) one loss map. Errors: those of the two; on errors `filtered` and
 *  `report` are untouched. */
FM_API fm_status fm_network_loss_filter(const fm_network_loss *network_loss,
                                        const fm_volume *output, const fm_filter *filter,
                                        const fm_plane *mask, const fm_plane *filtered,
                                        fm_filter_report *report, fm_error *err);

/** Adds a *real* image to statistics: the result of fm_network_loss_map and
 *  fm_class_stats_add, to the bit. Memory: one more set of words. Errors: those of the
 *  two; on errors nothing has been added. */
FM_API fm_status fm_network_loss_add(const fm_network_loss *network_loss, const fm_volume *output,
                                     const fm_plane *mask, fm_class_stats *stats, fm_error *err);

FM_END_DECLS

#endif
