/* freemask/cuda.h - the same decisions on a CUDA device: a library of its own, libfreemask-cuda.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_CUDA_H
#define FREEMASK_CUDA_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/class_stats.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/filter.h>
#include <freemask/hardness.h>
#include <freemask/labels.h>
#include <freemask/map.h>
#include <freemask/network_loss.h>
#include <freemask/view.h>

/* Everything here is experimental: outside the promises of doc/promises.md until it has been
 * measured on devices.
 *
 * How all calls work that take a `stream`:
 *
 * - They check their arguments, put kernels on the stream (a CUstream or cudaStream_t; NULL: the
 *   default stream) and return. They allocate nothing, wait for nothing and copy nothing to or from the
 *   host, so a graph can capture them. Pixels, counts, words and statuses are in memory that the
 *   device reads: fm_volume with `device` FM_DEVICE_CUDA, and pointers named as such. (The driver may once make
 *   room for the registers that kernels spill, at the first call of a process that is not captured.)
 * - They work on batches: planes are volumes [N, H, W] whose channels are the images, N up to
 *   65,535, each up to 2^30 pixels. Strides are in bytes and any that are multiples of the element's
 *   size, as is `data`.
 * - What a bad pixel is shows later. Each image has an fm_cuda_status in device memory, which the
 *   call overwrites. Copy them to the host whenever it suits (once for each epoch, say) and let
 *   fm_cuda_status_read make the sentence that the CPU's call has. An image with a bad pixel is
 *   given up as a whole, the others are not touched by that: its filtered mask is all ignored, its
 *   weights and losses are 0, its counts 0; nothing of it is added to statistics.
 * - Results are the same bits whatever the device, and the same as the CPU's: labels, weights, counts,
 *   statistics, strata, means over windows, hardness. Losses from outputs are within the bound that
 *   freemask/network_loss.h states of exact arithmetic, and differ from the CPU's within it. Nothing
 *   depends on the order in which threads run.
 * - Errors that the call itself returns: ARGUMENT (also strides, alignment, overlap), SHAPE,
 *   UNSUPPORTED, LIMIT, and IO where the driver refuses (host_code is its CUresult).
 *
 * Thread-safety of such calls: any thread. Calls that write the same memory belong on one stream. */

FM_BEGIN_DECLS

/** The binary interface of libfreemask-cuda. */
#define FM_CUDA_ABI_VERSION 1

/** FM_CUDA_ABI_VERSION of the loaded library. Thread-safety: any thread, any time. */
FM_API int fm_cuda_abi_version(void);

/** A device with this library's kernels on it, in the device's primary context, which is the one that
 *  PyTorch and the CUDA runtime use.
 *
 *  Thread-safety: immutable; any number of threads may use one at the same time. */
typedef struct fm_cuda fm_cuda;

/** Opens device number `device`, from 0. The driver (libcuda.so.1) is looked up at this moment, so the
 *  library loads where there is none. On success the caller owns `*out`; on failure it keeps its value.
 *  May wait for the device. Memory: less than 1 KiB, and the kernels' on the device.
 *  Errors: ARGUMENT (no such device), MEMORY, UNSUPPORTED (the reason: no driver, no device, a driver or
 *  device that is too old for the kernels), IO (the driver refuses). */
FM_API fm_status fm_cuda_create(int32_t device, fm_cuda **out, fm_error *err);

/** Gives the caller's hold up; handles that were made from it keep it. NULL is fine. */
FM_API void fm_cuda_destroy(fm_cuda *cuda);

/** The device's name, as the driver has it; "" for NULL. Lives as long as `cuda`. */
FM_API const char *fm_cuda_name(const fm_cuda *cuda);

/* ---- Statuses --------------------------------------------------------------------- */

/** What a call found in one image. 64 bytes, in device memory. The first two fields are the
 *  library's own. */
typedef struct fm_cuda_status {
  uint64_t first; /**< private */
  int32_t what;   /**< private */
  int32_t code;   /**< an fm_status: FM_OK, FM_ERR_LABEL, FM_ERR_LOSS, FM_ERR_ARGUMENT (a stratum
                            out of range), FM_ERR_LIMIT (a label that does not fit the filtered mask) */
  int64_t x;      /**< the pixel, of the mask; of a bad value of an output, of the output */
  int64_t y;      /**< its row */
  int64_t label;  /**< the pixel's label */
  int32_t class_index; /**< its class, or -1 */
  int32_t other;       /**< the stratum, or the channel */
  double value;        /**< the loss, or the output's value */
  double doubt;        /**< by how much rounding may have moved it */
} fm_cuda_status;

/** What the status says, as a status and a sentence. `status` was copied to the host after the call had
 *  finished; `labels` is the label space of the call. Returns `status->code`. ARGUMENT if one is NULL.
 *  Thread-safety: any thread. */
FM_API fm_status fm_cuda_status_read(const fm_cuda_status *status, const fm_labels *labels,
                                     fm_error *err);

/* ---- Extra planes ----------------------------------------------------------------- */

/** What a call may take besides masks and losses: fm_extra_planes of N images, on the device. A volume whose
 *  `data` is NULL is not there. Sized structure, see freemask/context.h. */
typedef struct fm_cuda_extra {
  size_t size;
  /** [N, H, W], U8; where there are several, of the filter, the statistics or the ranks of their score. */
  fm_volume strata;
  /** FM_SCORE_RANK: [N, h, w], losses, or U8, their codes; of any one size. */
  fm_volume reference;
  /** [N * sibling_count, H, W]: those of image n are the images from n * sibling_count on. Only with a
   *  reference. */
  fm_volume siblings;
  /** [N], in device memory: 0 for an image without a reference, whose planes of `reference` and `siblings`
   *  are then not read; NULL: all have one. ARGUMENT where a filter requires one (fm_reference_use). */
  const uint8_t *has_reference;
  int32_t sibling_count;    /**< of each image */
  int32_t reserved;         /**< 0 */
  uint64_t reference_ranks; /**< as in fm_extra_planes */
} fm_cuda_extra;

/* ---- Filter ----------------------------------------------------------------------- */

/** A filter's thresholds and labels on a device.
 *
 *  Thread-safety: immutable; any number of threads may use one at the same time. */
typedef struct fm_cuda_filter fm_cuda_filter;

/** Copies a filter to the device; `filter` may be destroyed afterwards. On success the caller owns
 *  `*out`; on failure `*out` keeps its value. May wait for the device. Memory: 400 KB and 4 bytes per class
 *  and stratum on the device, less than 1 KiB on the host; with FM_SCORE_RANK 2 bytes more per class, table
 *  (fm_class_stats_rank_tables) and bin and 512 per class, as much on the host during the call.
 *  Errors: ARGUMENT, MEMORY, IO. */
FM_API fm_status fm_cuda_filter_create(fm_cuda *cuda, const fm_filter *filter, fm_cuda_filter **out,
                                       fm_error *err);

/** Destroys; no call on it may be unfinished on a stream. NULL is fine. */
FM_API void fm_cuda_filter_destroy(fm_cuda_filter *filter);

/** Bytes of workspace that `images` masks of such a size take: 0 without a floor
 *  (fm_filter_options.min_kept_share) and FM_SCORE_RANK. A floor takes about 1.1 KB for each image, class and
 *  stratum; the score 14 bytes per pixel, 8 KiB for each image and class and
 *  fm_cuda_window_workspace. The second, of the calls that take an output, has 4 bytes per pixel more for either.
 *  0 for NULL and sizes that are none. Thread-safety: any thread. */
FM_API size_t fm_cuda_filter_workspace(const fm_cuda_filter *filter, int32_t images, int64_t height,
                                       int64_t width);
FM_API size_t fm_cuda_filter_output_workspace(const fm_cuda_filter *filter, int32_t images,
                                              int64_t height, int64_t width);

/** As fm_filter_apply for N images: `mask` and `filtered` of any integer types, `loss` of any of a loss
 *  map's. `extra` may be NULL. `filtered` is the very same memory as
 *  `mask`, or shares no byte with any input. `counts` is NULL or int64 [N][classes][strata][2] in device
 *  memory, valid and dropped pixels, overwritten. `status` is [N], in device memory. `workspace` has at
 *  least fm_cuda_filter_workspace bytes of device memory, aligned to 256, and is free again when the
 *  call has finished on the stream; NULL where that is 0. */
FM_API fm_status fm_cuda_filter_apply(const fm_cuda_filter *filter, const fm_volume *mask,
                                      const fm_volume *loss, const fm_cuda_extra *extra,
                                      const fm_volume *filtered, int64_t *counts,
                                      fm_cuda_status *status, void *workspace,
                                      size_t workspace_size, void *stream, fm_error *err);

/** As fm_filter_weigh for N images, of any kind of weights. `options` may be NULL. */
FM_API fm_status fm_cuda_filter_weigh(const fm_cuda_filter *filter, const fm_volume *mask,
                                      const fm_volume *loss, const fm_cuda_extra *extra,
                                      const fm_weight_options *options, const fm_volume *weights,
                                      int64_t *counts, fm_cuda_status *status, void *workspace,
                                      size_t workspace_size, void *stream, fm_error *err);

/* ---- Statistics ------------------------------------------------------------------- */

/** The layout and labels of statistics on a device.
 *
 *  Thread-safety: immutable; any number of threads may use one at the same time. */
typedef struct fm_cuda_stats fm_cuda_stats;

/** Makes what is needed to add to statistics like `like` on the device. `like` is only read during the
 *  call. Ownership, waiting, memory and errors as fm_cuda_filter_create. */
FM_API fm_status fm_cuda_stats_create(fm_cuda *cuda, const fm_class_stats *like,
                                      fm_cuda_stats **out, fm_error *err);

/** Destroys; no call on it may be unfinished on a stream. NULL is fine. */
FM_API void fm_cuda_stats_destroy(fm_cuda_stats *stats);

/** Bytes of workspace that adding `images` masks of such a size takes: their words, and with FM_SCORE_RANK what
 *  fm_cuda_filter_workspace says of it. The second is of the call that takes an output. 0 for NULL and
 *  sizes that are none. Thread-safety: any thread. */
FM_API size_t fm_cuda_stats_workspace(const fm_cuda_stats *stats, int32_t images, int64_t height,
                                      int64_t width);
FM_API size_t fm_cuda_stats_output_workspace(const fm_cuda_stats *stats, int32_t images,
                                             int64_t height, int64_t width);

/** Adds N *real* images to statistics in device memory. `words` is int64
 *  [fm_class_stats_word_count], as fm_class_stats_export writes them, zeros at first; after each call
 *  they are what the export of the CPU's statistics of the same images is. An all_reduce(SUM) of them
 *  is a merge; fm_class_stats_import takes them. `workspace` has at least fm_cuda_stats_workspace bytes of
 *  device memory, aligned to 256, and is free again when the call has finished on the stream. */
FM_API fm_status fm_cuda_stats_add(const fm_cuda_stats *stats, const fm_volume *mask,
                                   const fm_volume *loss, const fm_cuda_extra *extra,
                                   int64_t *words, fm_cuda_status *status, void *workspace,
                                   size_t workspace_size, void *stream, fm_error *err);

/* ---- Maps ------------------------------------------------------------------------- */

/** Bytes of workspace of the calls below for masks of such a size: 2 and 6 per pixel. 0 for sizes that are
 *  none. Thread-safety: any thread. */
FM_API size_t fm_cuda_boundary_workspace(int32_t images, int64_t height, int64_t width);
FM_API size_t fm_cuda_window_workspace(int32_t images, int64_t height, int64_t width);

/** As fm_map_boundary_strata for N images; `strata` is U8 and overlaps no input. `options` may be NULL;
 *  at most 32 edges (else UNSUPPORTED). Labels can be of any meaning, so no image has a status. */
FM_API fm_status fm_cuda_boundary_strata(const fm_cuda *cuda, const fm_volume *mask,
                                         const fm_boundary_options *options,
                                         const fm_volume *strata, void *workspace,
                                         size_t workspace_size, void *stream, fm_error *err);

/** As fm_map_window_mean for N images; `means` is F32 and overlaps no input. A value that is not finite
 *  is an image's status. */
FM_API fm_status fm_cuda_window_mean(const fm_cuda *cuda, const fm_volume *mask,
                                     const fm_volume *values, int32_t radius,
                                     const fm_volume *means, fm_cuda_status *status,
                                     void *workspace, size_t workspace_size, void *stream,
                                     fm_error *err);

/* ---- Hardness --------------------------------------------------------------------- */

/** A hardness estimator on a device.
 *
 *  Thread-safety: immutable; any number of threads may use one at the same time. */
typedef struct fm_cuda_hardness fm_cuda_hardness;

/** Copies an estimator to the device. Ownership, waiting, memory and errors as fm_cuda_filter_create;
 *  UNSUPPORTED for measures other than FM_MEASURE_MEAN. */
FM_API fm_status fm_cuda_hardness_create(fm_cuda *cuda, const fm_hardness *hardness,
                                         fm_cuda_hardness **out, fm_error *err);

/** Destroys; no call on it may be unfinished on a stream. NULL is fine. */
FM_API void fm_cuda_hardness_destroy(fm_cuda_hardness *hardness);

/** Bytes of workspace for masks of such a size. 0 for sizes that are none. Thread-safety: any thread. */
FM_API size_t fm_cuda_hardness_workspace(const fm_cuda_hardness *hardness, int64_t height,
                                         int64_t width);

/** As fm_hardness_measure for N masks of one size. `class_pixels` is int64 [N][classes] in device
 *  memory, the pixels of each class after resizing, and `out` double [N], in device memory. Of a mask with
 *  a bad pixel both are 0. */
FM_API fm_status fm_cuda_hardness_measure(const fm_cuda_hardness *hardness, const fm_volume *mask,
                                          int64_t *class_pixels, double *out,
                                          fm_cuda_status *status, void *workspace,
                                          size_t workspace_size, void *stream, fm_error *err);

/* ---- Losses from outputs ---------------------------------------------------------- */

/** What a network puts out for N images, in device memory. Values are F32, F16 or BF16, in any memory
 *  order. Sized structure, see freemask/context.h. */
typedef struct fm_cuda_output {
  size_t size;
  fm_volume values;    /**< [C, h, w], of the first image; of queries their mask logits [Q, h, w] */
  int64_t image_count; /**< N, the mask's */
  int64_t image_stride;   /**< bytes from one image to the next; 0, with all strides: packed */
  fm_volume class_logits; /**< of queries: [N, Q, C + 1], "no object" last, as in fm_network_output;
                               data NULL: the values are not queries */
  void *workspace; /**< of queries: device memory of at least fm_cuda_queries_workspace bytes,
                               aligned to 256, free again when the call has finished on the stream */
  size_t workspace_size;
} fm_cuda_output;

/** An fm_network_loss on a device.
 *
 *  Thread-safety: immutable; any number of threads may use one at the same time. */
typedef struct fm_cuda_loss fm_cuda_loss;

/** Copies an fm_network_loss to the device. Ownership, waiting, memory and errors as
 *  fm_cuda_filter_create. Whether values look like their kind is not examined on the device: give the
 *  CPU's call one image first. */
FM_API fm_status fm_cuda_loss_create(fm_cuda *cuda, const fm_network_loss *network_loss,
                                     fm_cuda_loss **out, fm_error *err);

/** Destroys; no call on it may be unfinished on a stream. NULL is fine. */
FM_API void fm_cuda_loss_destroy(fm_cuda_loss *loss);

/** Bytes of workspace that outputs of `queries` queries take. 0 for numbers that are none, and for a
 *  `network_loss` that is not of FM_OUTPUT_SCORES. Thread-safety: any thread. */
FM_API size_t fm_cuda_queries_workspace(const fm_cuda_loss *network_loss, int32_t images,
                                        int64_t queries);

/** As fm_network_loss_map for N images: `loss` is F32 and overlaps no input. */
FM_API fm_status fm_cuda_loss_map(const fm_cuda_loss *network_loss, const fm_cuda_output *output,
                                  const fm_volume *mask, const fm_volume *loss,
                                  fm_cuda_status *status, void *stream, fm_error *err);

/** As fm_network_class_map for N images: `classes` is I32 and overlaps no input, the same numbers. UNSUPPORTED
 *  for outputs of queries. Of a mask with a label outside the label space all are -1. */
FM_API fm_status fm_cuda_class_map(const fm_cuda_loss *network_loss, const fm_cuda_output *output,
                                   const fm_volume *mask, const fm_volume *classes,
                                   fm_cuda_status *status, void *stream, fm_error *err);

/* The calls below do the same as fm_cuda_loss_map and the call that takes the loss map, to the bit,
 * without a loss map of the caller's: where one is looked at several times, for a floor or FM_SCORE_RANK, it is in the
 * workspace, of which fm_cuda_filter_output_workspace and fm_cuda_stats_output_workspace tell the size. MISMATCH if the
 * label spaces differ. */

FM_API fm_status fm_cuda_filter_apply_output(
    const fm_cuda_filter *filter, const fm_cuda_loss *network_loss, const fm_cuda_output *output,
    const fm_volume *mask, const fm_cuda_extra *extra, const fm_volume *filtered, int64_t *counts,
    fm_cuda_status *status, void *workspace, size_t workspace_size, void *stream, fm_error *err);

FM_API fm_status fm_cuda_filter_weigh_output(
    const fm_cuda_filter *filter, const fm_cuda_loss *network_loss, const fm_cuda_output *output,
    const fm_volume *mask, const fm_cuda_extra *extra, const fm_weight_options *options,
    const fm_volume *weights, int64_t *counts, fm_cuda_status *status, void *workspace,
    size_t workspace_size, void *stream, fm_error *err);

FM_API fm_status fm_cuda_stats_add_output(const fm_cuda_stats *stats,
                                          const fm_cuda_loss *network_loss,
                                          const fm_cuda_output *output, const fm_volume *mask,
                                          const fm_cuda_extra *extra, int64_t *words,
                                          fm_cuda_status *status, void *workspace,
                                          size_t workspace_size, void *stream, fm_error *err);

FM_END_DECLS

#endif
