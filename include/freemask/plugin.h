/* freemask/plugin.h - the one function of a plug-in: a segmenter in a shared object.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_PLUGIN_H
#define FREEMASK_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/network_loss.h>
#include <freemask/provider.h>
#include <freemask/view.h>

/* A plug-in is a shared object that defines fm_plugin_open and nothing else that anybody
 * looks for. Hosts load it (the tool does for `--provider plugin:FILE.so`); the library
 * itself never loads anything. A plug-in needs this header only: all that passes between
 * the two is here, so it links no libfreemask, and whatever release the host is built
 * from does not matter.
 *
 * What never changes: the function's name and its parameters, and that fm_plugin_setup and
 * fm_plugin begin with `size` and `abi`. Within one FM_PLUGIN_ABI structures only grow at
 * their ends and zero means what it meant before. `size` is always that of the host:
 * fields of fm_plugin_setup and fm_plugin that lie behind it do not exist. Those in this
 * header at ABI 1 always do.
 *
 * No C++ exception, longjmp or exit may leave a plug-in's function, and nothing may be
 * written to standard output. Failures are an fm_status and a sentence in `err`, which is
 * never NULL and need not be initialised: name what was wrong and what was expected. */

/** The number of this interface. */
#define FM_PLUGIN_ABI 1

/** Put before the definition of fm_plugin_open: exports it even where all else is hidden. */
#if defined(_WIN32)
#define FM_PLUGIN_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define FM_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define FM_PLUGIN_EXPORT
#endif

FM_BEGIN_DECLS

/** What a plug-in is told when it is opened. All of it is borrowed for that call. */
typedef struct fm_plugin_setup {
  size_t size;
  int32_t abi;     /**< FM_PLUGIN_ABI of the host */
  int32_t threads; /**< cores that are there, from 1: a hint */

  /* The user's options, key by key. A key that the plug-in does not know is an error
   * (ARGUMENT) whose sentence lists those that it knows. */
  size_t option_count;
  const char *const *keys; /**< UTF-8, no two alike, none empty */
  const char *const *values;

  /* The label space. */
  const char *labels_name;
  int32_t class_count;            /**< K */
  int32_t label_count;            /**< length of `classes` */
  const char *const *class_names; /**< [K] */
  const int32_t *classes;         /**< classes[label]: the class of a value in a mask,
                                       FM_CLASS_IGNORE or FM_CLASS_INVALID; values from
                                       label_count on, and those below 0, are invalid */
  int64_t ignore_label;           /**< ignored, too, even if it is below 0 */

  fm_log_fn log; /**< for lines that the user should see; NULL: nobody listens. Until the plug-in
                      is closed, on any thread */
  void *log_user;
} fm_plugin_setup;

/** A plug-in's answer to one sample. The host sets `size` and zeroes the rest, but for
 *  `loss`. What it points to lives until it is released. */
typedef struct fm_plugin_prediction {
  size_t size;
  fm_plane loss;         /**< of plug-ins without `network`: a packed F32 plane of the mask's size
                              in the host's memory, contents undefined: fill it with losses in
                              nats, finite and not negative; anything where the mask is ignored */
  fm_volume output;      /**< of plug-ins with `network`: the network's output, or with `queries`
                              its mask logits [Q, h, w], in the machine's memory, as
                              fm_network_loss_map takes it */
  fm_plane class_logits; /**< with `queries`: [Q, C + 1] */
  void *user;            /**< the plug-in's own, for its release function */
} fm_plugin_prediction;

/** Answers `count` samples at once, 1 .. batch. Images are U8 RGB, of their mask's size; sizes
 *  may differ between samples. An answer has to depend on its sample alone, not on those it
 *  comes with. On failure nothing is released: the plug-in frees what it made. */
typedef fm_status (*fm_plugin_predict_fn)(const fm_sample *const *samples,
                                          fm_plugin_prediction *const *predictions, size_t count,
                                          void *user, fm_error *err);

/** Takes back one prediction; called once for each of a call that succeeded, on any thread and
 *  also while another predict runs. */
typedef void (*fm_plugin_release_fn)(fm_plugin_prediction *prediction, void *user);

/** Frees everything, after all predictions have been released. */
typedef void (*fm_plugin_close_fn)(void *user);

/** An opened plug-in. The host sets `size` and zeroes the rest; the plug-in fills it. What it
 *  points to lives until it is closed. */
typedef struct fm_plugin {
  size_t size;
  int32_t abi;          /**< FM_PLUGIN_ABI of the plug-in: the first thing to set, also on
                             failure */
  int32_t batch;        /**< the most samples it wants in one call, 1 to 4,096; 0: 1. The host
                             gives so many where there are as many */
  int32_t concurrency;  /**< calls of predict that may run side by side, on whatever threads;
                             0: 1. Several are worth it only if one does not use all cores */
  int32_t queries;      /**< 1: predictions are class logits and mask logits; `network` has kind
                             SCORES */
  const char *name;     /**< "torchscript": for messages and files */
  const char *identity; /**< a text that is another whenever results may be: a hash of the model
                             and of all options that matter (the device does not). The host
                             stores it, so that statistics of one model do not meet losses of
                             another. "" or NULL: unknown */
  const fm_network_loss_options *network; /**< how to make losses of the outputs; NULL: predictions
                                               are loss maps */
  fm_plugin_predict_fn predict;
  fm_plugin_release_fn release; /**< NULL: nothing to release */
  fm_plugin_close_fn close;     /**< NULL: nothing to close */
  void *user;                   /**< handed to these three */
} fm_plugin;

/** The plug-in's one function: opens it. A host may open it several times in one process, each
 *  independent of the others.
 *
 *  On success the host owns `*plugin` and calls `close` once, when no other call is under way.
 *  On failure there is nothing to close. A plug-in that cannot work with setup->abi says so
 *  with MISMATCH; a host refuses a plug-in whose number is not its own. Errors: ARGUMENT (an
 *  option), MISMATCH, IO, MEMORY, FORMAT, UNSUPPORTED or whatever tells best.
 *
 *  Threads: open and close are called on one thread, predict on any, never more than
 *  `concurrency` at once. */
FM_PLUGIN_EXPORT fm_status fm_plugin_open(const fm_plugin_setup *setup, fm_plugin *plugin,
                                          fm_error *err);

FM_END_DECLS

#endif
