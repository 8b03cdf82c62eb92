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

/* Callbacks run on the thread that called the library, one at a time for one loop.
 * They may call the library, with other handles than those of the running loop. One
 * that returns anything but 0 ends the loop: FM_ERR_CALLBACK, and its value in
 * fm_error.host_code. Samples and predictions it has filled before are released. */

/* ---- Source: the data loader ---------------------------------------------------- */

/** Hands out samples. Thread-safety: one loop at a time. */
typedef struct fm_source fm_source;

/** One image of a set. The library sets `size` and zeroes the rest before it asks.
 *  Everything is borrowed until the release callback. */
typedef struct fm_sample {
  size_t size;
  const char *id; /**< unique in its set, UTF-8; for messages, reports and the planner */
  fm_plane mask;
  fm_volume image; /**< for providers that want it; data NULL: none */
  void *user;      /**< the source's own */
} fm_sample;

/** Fills `sample` number `index`, 0 .. count - 1. Returns 0, or a value that stops. */
typedef int (*fm_source_get_fn)(int64_t index, fm_sample *sample, void *user);

/** Takes back what get handed out; called once for every get that returned 0. */
typedef void (*fm_source_release_fn)(fm_sample *sample, void *user);

typedef struct fm_source_options {
  size_t size;
  int64_t count; /**< samples */
  fm_source_get_fn get;
  fm_source_release_fn release; /**< NULL: nothing to release */
  void *user;                   /**< must outlive the source */
} fm_source_options;

/** Makes a source. On success the caller owns `*out`. Errors: ARGUMENT, MEMORY,
 *  UNSUPPORTED. */
FM_API fm_status fm_source_create(const fm_context *context, const fm_source_options *options,
                                  fm_source **out, fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_source_destroy(fm_source *source);

/** Samples. */
FM_API int64_t fm_source_count(const fm_source *source);

/* ---- Provider: the segmenter ---------------------------------------------------- */

/** Turns samples into loss maps. Thread-safety: one loop at a time. */
typedef struct fm_provider fm_provider;

/** A provider's answer to one sample. */
typedef struct fm_prediction {
  size_t size;
  fm_plane loss;    /**< on entry a packed F32 plane of the mask's size in the library's memory,
                         contents undefined: fill it, or point it to memory of your own that
                         lives until release */
  void *user;       /**< the provider's own; NULL on entry */
  fm_volume output; /**< of kinds other than FM_OUTPUT_LOSS, which leave `loss` alone: point
                         it to the network's output, which lives until release */
} fm_prediction;

/** Answers `count` samples at once (1 .. batch). Returns 0, or a value that stops. */
typedef int (*fm_provider_predict_fn)(const fm_sample *const *samples,
                                      fm_prediction *const *predictions, size_t count, void *user);

/** Takes back one prediction; called once for each of a batch that returned 0. */
typedef void (*fm_provider_release_fn)(fm_prediction *prediction, void *user);

typedef struct fm_provider_options {
  size_t size;
  int32_t kind;  /**< an fm_output_kind; 0: FM_OUTPUT_LOSS */
  int32_t batch; /**< the most samples per call, 1 to 4,096; 0: 1 */
  fm_provider_predict_fn predict;
  fm_provider_release_fn release;      /**< NULL: nothing to release */
  void *user;                          /**< must outlive the provider */
  const fm_network_loss *network_loss; /**< of kinds other than FM_OUTPUT_LOSS: made for the same
                                      kind; turns outputs into loss maps. Kept alive */
} fm_provider_options;

/** Makes a provider. On success the caller owns `*out`. Errors: ARGUMENT, MEMORY,
 *  UNSUPPORTED. */
FM_API fm_status fm_provider_create(const fm_context *context, const fm_provider_options *options,
                                    fm_provider **out, fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_provider_destroy(fm_provider *provider);

/* ---- The loops ------------------------------------------------------------------ */

/** Called after every sample; a value other than 0 stops the loop. */
typedef int (*fm_progress_fn)(int64_t done, int64_t total, void *user);

/** Which part of a source to walk. Several threads, each with its own source,
 *  provider and statistics, walk the parts 0/n .. n-1/n. */
typedef struct fm_loop_options {
  size_t size;
  int64_t shard_index;     /**< 0 .. shard_count - 1: samples shard_index, + shard_count, ... */
  int64_t shard_count;     /**< 0: 1 */
  fm_progress_fn progress; /**< NULL: none */
  void *progress_user;
} fm_loop_options;

/** Adds all samples of a *real* set to `stats`. `options` may be NULL. On failure
 *  `stats` is as before the call. Memory: `batch` loss maps, one more set of words.
 *  Errors: those of fm_class_stats_add, with the sample's id; CALLBACK; MEMORY;
 *  EMPTY (no sample). */
FM_API fm_status fm_source_collect_stats(fm_source *source, fm_provider *provider,
                                         fm_class_stats *stats, const fm_loop_options *options,
                                         fm_error *err);

/** Receives one filtered mask; all is borrowed for the call. `report` has both class
 *  arrays. Returns 0, or a value that stops. */
typedef int (*fm_filtered_fn)(const fm_sample *sample, const fm_plane *filtered,
                              const fm_filter_report *report, void *user);

/** Filters all samples of a *synthetic* set and hands each result to `filtered`; what
 *  was handed over before a failure stays so. Source masks are not changed. Memory:
 *  `batch` loss maps, one mask. Errors: those of fm_filter_apply, with the sample's id;
 *  CALLBACK; MEMORY; EMPTY. */
FM_API fm_status fm_source_filter(fm_source *source, fm_provider *provider, const fm_filter *filter,
                                  fm_filtered_fn filtered, void *user,
                                  const fm_loop_options *options, fm_error *err);

/** Measures all masks of a *real* set and adds (id, hardness) to the planner, with their
 *  classes where its policy looks at them; what was added before a failure stays so. Errors: those
 * of fm_hardness_measure, with the sample's id; CALLBACK; MEMORY; EMPTY. */
FM_API fm_status fm_source_measure(fm_source *source, const fm_hardness *hardness,
                                   fm_planner *planner, const fm_loop_options *options,
                                   fm_error *err);

FM_END_DECLS

#endif
