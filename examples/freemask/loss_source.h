/* freemask/loss_source.h - a loss map for every mask: from files or from the baseline. */
#ifndef FREEMASK_TOOL_LOSS_SOURCE_H
#define FREEMASK_TOOL_LOSS_SOURCE_H

#include <jansson.h>

#include "args.h"
#include "fault.h"
#include "folder.h"

/* What the user asked for: `losses`, or `images` and `provider`. */
typedef struct loss_options {
  const char *losses;
  const char *images;
  const char *provider; /* "baseline" */
} loss_options;

#define ARG_LOSS_ROWS(loss)                                                                       \
  {"losses", 0,                                                                                   \
   ARG_TEXT, &(loss)->losses,                                                                     \
   "DIR",    "loss maps: <stem>.npy, [H, W] in nats",                                             \
   false,    false,                                                                               \
   0,        0,                                                                                   \
   NULL},                                                                                         \
      {"images", 0, ARG_TEXT, &(loss)->images, "DIR", "images, for --provider", false, false,     \
       0,        0, NULL},                                                                        \
  {                                                                                               \
    "provider", 0, ARG_TEXT, &(loss)->provider, "P", "makes losses from images: baseline", false, \
        false, 0, 0, NULL                                                                         \
  }

/* Exactly one way must be given: EXIT_USAGE otherwise. */
int loss_options_check(const loss_options *options, fault *f);

/* Thread-safety: const use may be shared. */
typedef struct loss_source loss_source;

/* Lists the folder and finds the partner of each mask; the first mask without one is EXIT_DATA.
 * `masks` must outlive the source. */
int loss_source_open(fm_context *context, const fm_labels *labels, const loss_options *options,
                     const folder *masks, loss_source **out, fault *f);
void loss_source_close(loss_source *source);

/* Does the source need a fitted model (a provider) before losses can be got? */
bool loss_source_needs_model(const loss_source *source);

/* Fits the model on all masks of the source (`threads` workers). */
int loss_source_fit(loss_source *source, int threads, bool quiet, fault *f);

/* The model, for stats.json (new reference; NULL if there is none), and back. */
json_t *loss_source_model(const loss_source *source);
int loss_source_use_model(loss_source *source, const json_t *model, const char *stats_path,
                          fault *f);

/* The loss map of one mask, of the mask's size. */
typedef struct loss_map {
  fm_plane plane;
  fm_raster *raster; /* owner, or NULL */
  void *memory;      /* owner, or NULL */
} loss_map;

int loss_source_get(const loss_source *source, size_t mask_index, const fm_plane *mask,
                    loss_map *out, fault *f);
void loss_map_free(loss_map *map);

/* Turns an error of a call that got the mask and its losses into a fault that names the file
 * to blame. */
int loss_source_blame(const loss_source *source, size_t mask_index, const char *mask_path,
                      const fm_error *err, fault *f);

/* The file that the mask's losses come from. Caller frees. */
char *loss_source_path(const loss_source *source, size_t mask_index);

#endif
