/* freemask/plugin.h - the one function of a plug-in: a segmenter in a shared object.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_PLUGIN_H
#define FREEMASK_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/labels.h>
#include <freemask/network_loss.h>
#include <freemask/provider.h>
#include <freemask/view.h>

/* A plug-in is a shared object that defines fm_plugin_open; nothing else in it is looked for. This
 * header is the contract between plug-ins and the hosts that load them, of which the `freemask`
 * tool is one (`--provider plugin:FILE.so`). The library itself never loads anything and has no
 * such function. A plug-in needs only this header: everything that passes between the two is
 * defined here, so it does not link libfreemask, and the release that the host was built from
 * does not matter.
 *
 * What never changes: the function's name and parameters, and that fm_plugin_setup and fm_plugin
 * begin with `size` and `abi`. Within one FM_PLUGIN_ABI, structures only grow at their ends, and
 * zero in a new field means what happened before. `size` is always the host's: fields of
 * fm_plugin_setup and fm_plugin beyond it do not exist. Those in this header with ABI 1 always do.
 *
 * No C++ exception, longjmp or exit may leave a plug-in's function, and nothing may be written to
 * standard output. The tool makes harmless what it can: around each call it restores standard
 * input, output and error (what is printed goes to standard error), the working directory, umask,
 * its handlers of signals, the signal mask, the locale of its threads, rounding and the treatment
 * of tiny numbers; exit and quick_exit end it with a sentence and code 3. It cannot help where a
 * plug-in calls _exit or abort, jumps out of a call, or closes descriptors that are not its own.
 * Threads of the tool have at least 1 MiB of stack. A function that fails returns an fm_status and
 * writes a sentence to `err->message`: what was wrong and what was expected. `err` is never NULL
 * and comes without contents. */

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

/** What a plug-in is told when it is opened. Everything is borrowed for that call. */
typedef struct fm_plugin_setup {
  size_t size;
  int32_t abi;     /**< FM_PLUGIN_ABI of the host */
  int32_t threads; /**< processor cores that may be used, 1 or more: a hint */

  /* The user's options, by key. A key that the plug-in does not know is an error (ARGUMENT) whose
   * sentence lists the keys that it knows. */
  int64_t option_count;
  const char *const *keys;   /**< [option_count]: UTF-8, distinct, not empty */
  const char *const *values; /**< [option_count]: UTF-8 */

  const fm_labels_options *labels; /**< the label space, as fm_labels_get_options describes it:
                                        everything in it is there */

  fm_log_fn log; /**< for lines that the user should see, on any thread until the plug-in is closed;
                      NULL: lines are dropped */
  void *log_user;
} fm_plugin_setup;

/** Predicts `count` samples at once, 1 to `batch`, as fm_prediction says: loss maps, or outputs if
 *  the plug-in has a `network`, in this machine's memory. Images are U8 RGB and have the size of
 *  their mask; sizes may differ between samples. A prediction must depend on its sample alone, not
 *  on the others of the call. On failure nothing is released: the plug-in frees what it made. */
typedef fm_status (*fm_plugin_predict_fn)(const fm_sample *const *samples,
                                          fm_prediction *const *predictions, int64_t count,
                                          void *user, fm_error *err);

/** Takes back one prediction; called once for each prediction of a call that succeeded, on any
 *  thread, also while another `predict` runs. */
typedef void (*fm_plugin_release_fn)(fm_prediction *prediction, void *user);

/** Frees everything, after all predictions were released. */
typedef void (*fm_plugin_close_fn)(void *user);

/** An open plug-in. The host sets `size` and zeroes the rest; the plug-in fills it. What it points
 *  to lives until it is closed. */
typedef struct fm_plugin {
  size_t size;
  int32_t abi;          /**< FM_PLUGIN_ABI of the plug-in: the first thing to set, also on
                             failure */
  int32_t batch;        /**< the most samples for each call, 1 to 4,096; 0: 1. The host passes as
                             many where it has them */
  int32_t concurrency;  /**< calls of `predict` that may run at the same time, on any threads;
                             0: 1. More are worth it only if one does not use all cores */
  int32_t reserved;     /**< 0 */
  const char *name;     /**< "torchscript": for messages and files */
  const char *identity; /**< a text that changes whenever results may: a hash of the model and of
                             all options that matter (the device does not). The host stores it, so
                             that statistics of one model are not used for losses of another. "" or
                             NULL: unknown */
  const fm_network_loss_options *network; /**< how outputs become losses; NULL: the plug-in predicts
                                               loss maps */
  fm_plugin_predict_fn predict;           /**< required */
  fm_plugin_release_fn release;           /**< NULL: nothing to release */
  fm_plugin_close_fn close;               /**< NULL: nothing to close */
  void *user;                             /**< handed to these three */
} fm_plugin;

/** The plug-in's one function: opens it. A host may open it several times in one process; these
 *  are independent of one another.
 *
 *  On success the host owns `*plugin` and calls `close` once, when no other call is in progress.
 *  On failure there is nothing to close. A plug-in that cannot work with setup->abi fails with
 *  MISMATCH; a host refuses a plug-in whose number is not its own. Errors: ARGUMENT (an option),
 *  MISMATCH, IO, MEMORY, FORMAT, UNSUPPORTED or whichever status fits best.
 *
 *  Thread-safety: open and close are called on one thread, `predict` on any, in at most
 *  `concurrency` calls at a time. */
FM_PLUGIN_EXPORT fm_status fm_plugin_open(const fm_plugin_setup *setup, fm_plugin *plugin,
                                          fm_error *err);

FM_END_DECLS

#endif
