/* losses/loss_source.h - a loss map for every mask, from the source that the user gave. */
#ifndef FREEMASK_TOOL_LOSS_SOURCE_H
#define FREEMASK_TOOL_LOSS_SOURCE_H

#include <jansson.h>

#include "base/fault.h"
#include "base/folder_pair.h"
#include "base/input_file.h"
#include "cmd/args.h"
#include "cmd/network_flags.h"
#include "losses/plugin_host.h"

/* Ways to name what losses are made of: a folder each. To add one: a number here, a row in
 * loss_source.c with a loss_way in a file of its own, and its flag in the macros below. */
enum { LOSS_MAPS, LOSS_LOGITS, LOSS_QUERIES, LOSS_IMAGES, LOSS_FOLDERS };

typedef struct loss_folder {
  const char *name;             /* the flag, and the member of filter.json and run.json */
  const char *real, *synthetic; /* the flags of `run` */
  const char *help, *real_help, *synthetic_help;
  const char *title;          /* in a report */
  const struct loss_way *way; /* how losses are made; NULL: as the provider does */
  folder_kind partners;       /* what is in it */
  bool outputs;               /* of a network: flags tell what they are */
  bool provided;              /* a provider makes losses of them; alone they only illustrate */
} loss_folder;

extern const loss_folder loss_folders[LOSS_FOLDERS];

/* What the user gave: one folder; with one that is `provided`, a provider. */
typedef struct loss_options {
  const char *folders[LOSS_FOLDERS]; /* NULL: not given */
  network_flags network;             /* of outputs */
  const char *provider;              /* "baseline" or "plugin:FILE.so,key=value,..." */
  bool quiet;                        /* plug-ins are not heard */
  plugin_host **kept; /* NULL; or: of several sources with the same provider and labels the first
                         leaves its plug-in here, open, for those after it; the caller closes it */
} loss_options;

#define ARG_FOLDER_ROW(name, target, help) \
  { name, 0, ARG_TEXT, target, "DIR", help, false, false, 0, 0, NULL }
#define ARG_LOSS_ROW(loss, which) \
  ARG_FOLDER_ROW(loss_folders[which].name, &(loss)->folders[which], loss_folders[which].help)
#define ARG_SET_ROW(loss, which, set) \
  ARG_FOLDER_ROW(loss_folders[which].set, &(loss)->folders[which], loss_folders[which].set##_help)

/* clang-format off */
#define ARG_LOSS_ROWS(loss)          \
  ARG_LOSS_ROW(loss, LOSS_MAPS),     \
  ARG_LOSS_ROW(loss, LOSS_LOGITS),   \
  ARG_LOSS_ROW(loss, LOSS_QUERIES),  \
  ARG_NETWORK_ROWS(&(loss)->network)

#define ARG_PROVIDER_ROWS(loss)                                                                  \
  ARG_LOSS_ROW(loss, LOSS_IMAGES),                                                               \
  {"provider", 0, ARG_TEXT, &(loss)->provider, "P",                                              \
   "makes losses from images: baseline, or plugin:FILE.so,key=value", false, false, 0, 0, NULL}

/* The folders of one of the two sets of `run`; `set` is real or synthetic. */
#define ARG_SET_ROWS(loss, set)          \
  ARG_SET_ROW(loss, LOSS_MAPS, set),     \
  ARG_SET_ROW(loss, LOSS_LOGITS, set),   \
  ARG_SET_ROW(loss, LOSS_QUERIES, set),  \
  ARG_SET_ROW(loss, LOSS_IMAGES, set)
/* clang-format on */

/* Are there files of losses, or of what a network put out? Of outputs? */
bool loss_options_have_files(const loss_options *options);
bool loss_options_have_outputs(const loss_options *options);

/* The folder that losses come from: the first of LOSS_FOLDERS that is given; LOSS_FOLDERS: none. */
int loss_options_which(const loss_options *options);

/* Adds the members of the folders, as the file `path` remembers them (path_to_store; null if not
 * given). And back: copies, as path_from_store has them, which the caller frees. */
void loss_folders_save(const char *const folders[LOSS_FOLDERS], const char *path, json_t *object);
int loss_folders_load(const json_t *object, const char *path, char *folders[LOSS_FOLDERS],
                      fault *f);

/* One source of losses must be given: EXIT_USAGE otherwise. */
int loss_options_check(const loss_options *options, fault *f);

/* Are all masks needed, even for a shard of them? Yes if a model is fitted. */
bool loss_options_need_all(const loss_options *options);

/* Does the text name a plug-in? */
bool loss_provider_is_plugin(const char *provider);

/* Thread-safety: const use may be shared. */
typedef struct loss_source loss_source;

/* Lists the folder and finds the partner of each mask; the first mask without one is EXIT_DATA
 * unless `lenient`. `masks` and the options' texts must outlive the source. */
int loss_source_open(fm_context *context, fm_labels *labels, const loss_options *options,
                     const folder *masks, bool lenient, loss_source **out, fault *f);
void loss_source_close(loss_source *source);

/* From now on loss maps come with what the pixels show, where the source knows more than losses. False:
 * it does not. Before the first loss map. */
bool loss_source_show(loss_source *source);

/* Has the mask a partner? (Always, unless opened leniently.) */
bool loss_source_has(const loss_source *source, size_t mask_index);

/* The folder of the partners, which mask has which, and what they are: "loss map". */
const folder *loss_source_files(const loss_source *source);
const folder_pairs *loss_source_pairs(const loss_source *source);
const char *loss_source_what(const loss_source *source);

/* Does the source need a fitted model before it gives losses? */
bool loss_source_needs_model(const loss_source *source);

/* Fits the model on all masks of the source (`threads` workers). */
int loss_source_fit(loss_source *source, int threads, bool quiet, fault *f);

/* What made the losses, for stats.json: the fitted model or a plug-in's identity (new reference;
 * NULL if there is none). And back: takes the model, or sees that the identity is the same. */
json_t *loss_source_model(const loss_source *source);
int loss_source_use_model(loss_source *source, const json_t *model, const char *stats_path,
                          fault *f);

/* How many masks to ask for at once, at least 1. */
size_t loss_source_batch(const loss_source *source);

/* `seen`, if it is not NULL, gets what the partner was when it was read, and the second one. */
typedef struct loss_request {
  size_t mask_index;
  fm_plane mask;
  input_seen *seen; /* [2] */
} loss_request;

/* A loss map of its mask's size. */
typedef struct loss_map {
  fm_plane plane;
  int32_t *
      shown; /* [height][width], owner: the most likely class of each pixel, -1: not known; or NULL */
  fm_raster *raster; /* owner, or NULL */
  void *memory;      /* owner, or NULL */
} loss_map;

/* The loss maps of `count` masks, 1 to the batch. On failure there is nothing to free; the fault's
 * `status` tells what was wrong where the library said so. */
int loss_source_get(const loss_source *source, const loss_request *requests, size_t count,
                    loss_map *out, fault *f);
void loss_map_free(loss_map *map);

/* EXIT_DATA (status SHAPE) unless a partner is as large as its mask. */
int loss_check_size(const fm_plane *mask, int64_t height, int64_t width, const char *what,
                    const char *path, fault *f);

/* Turns an error of a call that got the mask and its losses into a fault that names the right file.
 */
int loss_source_blame(const loss_source *source, size_t mask_index, const char *mask_path,
                      const fm_error *err, fault *f);

/* The file that the mask's losses come from, and the second one (NULL: it is one). Caller frees. */
char *loss_source_path(const loss_source *source, size_t mask_index);
char *loss_source_second_path(const loss_source *source, size_t mask_index);

#endif
