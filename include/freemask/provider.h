/* freemask/provider.h - the host's data loader and segmenter, and the loops over them.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_PROVIDER_H
#define FREEMASK_PROVIDER_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/class_stats.h>
#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/filter.h>
#include <freemask/hardness.h>
#include <freemask/network_loss.h>
#include <freemask/planner.h>
#include <freemask/view.h>

FM_BEGIN_DECLS

/* A host hands its data loader to the library as a source and its segmenter as a provider, both
 * made of callbacks. A loop then gets the samples one after the other, has them predicted in
 * batches, and does its work on each.
 *
 * Callbacks run on the thread that called the library, one at a time for each loop. They may call
 * the library with other handles than those of the running loop. A callback that returns anything
 * but 0 ends the loop with FM_ERR_CALLBACK, and fm_error.host_code is what it returned. The
 * samples and predictions that were handed out before are then released. */

/* ---- Source: the data loader ---------------------------------------------------- */

/** Hands out samples. Thread-safety: one loop at a time. */
typedef struct fm_source fm_source;

/** One image of a set. Before it calls `get` the library sets `size` and zeroes the rest.
 *  Everything is borrowed until the release callback. Sized structure, see freemask/context.h. */
typedef struct fm_sample {
  size_t size;
  const char *id;     /**< required: distinct in its set, UTF-8; for messages and the planner */
  fm_plane mask;      /**< required */
  fm_volume image;    /**< for providers that want it; data NULL: none */
  fm_plane strata;    /**< strata of fm_extra_planes; data NULL: none */
  fm_plane reference; /**< EXPERIMENTAL: reference of fm_extra_planes; data NULL: none */
  void *user;         /**< the source's own */
} fm_sample;

/** Fills sample number `index`, 0 to count - 1. Returns 0, or a value that ends the loop; then
 *  nothing is released. */
typedef int (*fm_source_get_fn)(int64_t index, fm_sample *sample, void *user);

/** Takes back what `get` handed out; called once for every `get` that returned 0. */
typedef void (*fm_source_release_fn)(fm_sample *sample, void *user);

/** Sized structure, see freemask/context.h. */
typedef struct fm_source_options {
  size_t size;
  int64_t count;                /**< the number of samples, 0 or more */
  fm_source_get_fn get;         /**< required */
  fm_source_release_fn release; /**< NULL: nothing to release */
  void *user;                   /**< handed to both; must outlive the source */
} fm_source_options;

/** Makes a source. On success the caller owns `*out`; on failure `*out` keeps its value.
 *  Memory: less than 100 bytes. Errors: ARGUMENT, MEMORY, UNSUPPORTED. */
FM_API fm_status fm_source_create(const fm_context *context, const fm_source_options *options,
                                  fm_source **out, fm_error *err);

/** Destroys; NULL is allowed. */
FM_API void fm_source_destroy(fm_source *source);

/** The number of samples; 0 for NULL. */
FM_API int64_t fm_source_count(const fm_source *source);

/* ---- Provider: the segmenter ---------------------------------------------------- */

/** Predicts the losses of samples. Thread-safety: one loop at a time. */
typedef struct fm_provider fm_provider;

/** What a segmenter makes of one sample: a loss map, or a network's output if the provider has a
 *  `network_loss`. The library sets it up before it calls `predict`. Whatever it points to
 *  afterwards lives until the release callback. Sized structure, see freemask/context.h. */
typedef struct fm_prediction {
  size_t size;
  fm_plane loss;             /**< without `network_loss`: on entry a packed F32 plane of the mask's
                                  size in the library's memory, full of NaN. Fill it with losses in
                                  nats, finite and not negative, anything where the mask is ignored;
                                  or make it a plane of your own. With `network_loss`: leave it */
  fm_network_output *output; /**< with `network_loss`: on entry an empty output in the library's
                                  memory, whose views are to be filled in (they point to your
                                  memory); or make it point to an output of your own. Without:
                                  leave it */
  void *user;                /**< the provider's own; NULL on entry */
} fm_prediction;

/** Predicts `count` samples at once, 1 to `batch`. Returns 0, or a value that ends the loop; then
 *  no prediction is released. */
typedef int (*fm_provider_predict_fn)(const fm_sample *const *samples,
                                      fm_prediction *const *predictions, int64_t count, void *user);

/** Takes back one prediction; called once for each prediction of a `predict` that returned 0. */
typedef void (*fm_provider_release_fn)(fm_prediction *prediction, void *user);

/** Sized structure, see freemask/context.h. */
typedef struct fm_provider_options {
  size_t size;
  fm_provider_predict_fn predict;      /**< required */
  fm_provider_release_fn release;      /**< NULL: nothing to release */
  void *user;                          /**< handed to both; must outlive the provider */
  const fm_network_loss *network_loss; /**< turns the network's outputs into losses; kept alive.
                                            NULL: the provider makes loss maps */
  int32_t batch;                       /**< the most samples for each call, 1 to 4,096; 0: 1 */
} fm_provider_options;

/** Makes a provider. On success the caller owns `*out`; on failure `*out` keeps its value.
 *  Memory: less than 100 bytes. Errors: ARGUMENT, MEMORY, UNSUPPORTED. */
FM_API fm_status fm_provider_create(const fm_context *context, const fm_provider_options *options,
                                    fm_provider **out, fm_error *err);

/** Destroys; NULL is allowed. */
FM_API void fm_provider_destroy(fm_provider *provider);

/* ---- The loops ------------------------------------------------------------------ */

/** Called after every sample with the number of samples that are done and of all samples of the
 *  loop. Returns 0, or a value that ends the loop. */
typedef int (*fm_progress_fn)(int64_t done, int64_t total, void *user);

/** Which part of a source a loop walks over. Several threads, each with its own source, provider
 *  and statistics, walk over the parts 0 to n - 1 of n. Sized structure, see freemask/context.h. */
typedef struct fm_loop_options {
  size_t size;
  int64_t shard_index;     /**< 0 to shard_count - 1: samples shard_index, + shard_count, ... */
  int64_t shard_count;     /**< 0: 1 */
  fm_progress_fn progress; /**< NULL: none */
  void *progress_user;     /**< handed to it */
  int32_t filtered_dtype;  /**< of fm_source_filter: the filtered masks' fm_dtype; 0: the
                                mask's own */
} fm_loop_options;

/* All loops: `options` may be NULL, the whole source without progress. Memory: what is stated, and
 * 500 bytes for each sample of a batch. Errors of a sample begin with its id. CALLBACK: a callback
 * ended the loop. EMPTY: the source has no sample (a part of it may have none). */

/** Adds all samples of a *real* set to `stats`, by fm_class_stats_add or, if the provider has a
 *  `network_loss`, fm_class_stats_add_output. On failure `stats` is as it was before the call.
 *  Memory: a set of words of the statistics, and a loss map for each sample of a batch or, with
 *  `network_loss`, what fm_class_stats_add_output takes. Errors: those of the call on a sample;
 *  ARGUMENT (also: a sample without an id), CALLBACK, EMPTY, MEMORY, UNSUPPORTED. LOSS is also
 *  what a provider gets that fills nothing. */
FM_API fm_status fm_source_collect_stats(fm_source *source, fm_provider *provider,
                                         fm_class_stats *stats, const fm_loop_options *options,
                                         fm_error *err);

/** Receives one filtered mask. Everything is borrowed for the call; the report has all arrays.
 *  Returns 0, or a value that ends the loop. */
typedef int (*fm_filtered_fn)(const fm_sample *sample, const fm_plane *filtered,
                              const fm_filter_report *report, void *user);

/** Filters all samples of a *synthetic* set, by fm_filter_apply or, if the provider has a
 *  `network_loss`, fm_filter_apply_output, and hands each result to `filtered`. What was handed
 *  over before a failure stays so. The masks of the source are not changed. Memory: a filtered
 *  mask, and a loss map for each sample of a batch or, with `network_loss`, what
 *  fm_filter_apply_output takes. Errors: those of the call on a sample; ARGUMENT, CALLBACK, EMPTY,
 *  MEMORY, UNSUPPORTED. */
FM_API fm_status fm_source_filter(fm_source *source, fm_provider *provider, const fm_filter *filter,
                                  fm_filtered_fn filtered, void *user,
                                  const fm_loop_options *options, fm_error *err);

/** Measures the masks of all samples of a *real* set and adds each id with its hardness to the
 *  planner, with the pixels of its classes if the planner's policy looks at them. What was added
 *  before a failure stays so. Errors: those of fm_hardness_measure and fm_planner_add; ARGUMENT,
 *  CALLBACK, EMPTY, MEMORY, UNSUPPORTED. */
FM_API fm_status fm_source_measure(fm_source *source, const fm_hardness *hardness,
                                   fm_planner *planner, const fm_loop_options *options,
                                   fm_error *err);

FM_END_DECLS

#endif
