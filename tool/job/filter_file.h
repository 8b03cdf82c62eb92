/* job/filter_file.h - what `filter` leaves in its folder: filter.json and filter.csv. */
#ifndef FREEMASK_TOOL_FILTER_FILE_H
#define FREEMASK_TOOL_FILTER_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "cmd/args.h"
#include "job/agreement.h"
#include "job/confusion.h"
#include "job/guarantee.h"
#include "job/loss_record.h"
#include "losses/loss_source.h"

/* What the filtered masks are for, which decides the share of real pixels above the thresholds. */
typedef enum filter_use { USE_DETECT = 0, USE_TRAIN } filter_use;

/* What weights are written as: gray values in PNG, 255 for a whole pixel, or NPY. */
typedef enum filter_weight_type { WEIGHTS_U8 = 0, WEIGHTS_F16, WEIGHTS_F32 } filter_weight_type;

/* Names of fm_unseen, fm_filter_policy, filter_use, fm_weight_kind and filter_weight_type; NULL-terminated. */
extern const char *const filter_unseen[];
extern const char *const filter_policies[];
extern const char *const filter_uses[];
extern const char *const filter_weights[];
extern const char *const filter_weight_types[];

typedef struct filter_class {
  char *name;
  int64_t valid, dropped;
  double mean_loss;   /* h_k on the real set */
  double *thresholds; /* [stratum_count]; infinity: all is kept */
  /* Of the statistics, not of the file: */
  int64_t real_pixels;
  int64_t *real_bins; /* [LOSS_BINS] losses of the real set; NULL: there is no histogram of 32 */
} filter_class;

/* filter.json:
 *   {"format": "freemask-filter", "version": 1, "labels": {"name", "fingerprint", "classes"},
 *    "labels_source": the value of --labels, "stats": path, "masks": path, "strata": path or null,
 *    "losses": path or null, "logits": path or null, "queries": path or null, "network": null or
 *    what network_flags_save makes, "names": what folder_names_save makes, "images": path or null, "provider": text or null,
 *    "policy": "paper" or another, "tolerance": x (paper), "real_share": x (others), "real": null or
 *    of paired {"masks", as above "losses" ...}, "unpaired": masks judged without a reference,
 *    "siblings": null or masks judged with other images of the same mask, too,
 *    "weights": null or {"kind", "type", "width" (ramp) or "gamma" (power)},
 *    "guarantee": null or as in guarantee.h; then "tolerance" and "real_share" are 0,
 *    "min_kept": x, "unseen": "drop", "fingerprint": hex,
 *    "made_of": as in made_of.h, "strata_count": 1 or more, "shard": {"index", "count"}, "count": masks, "valid", "dropped",
 * "emptied": masks of which nothing was kept, "classes": [{"index", "name", "mean_loss",
 * "threshold" (null: none; of several strata a list), "valid", "dropped", "losses": null or {"above":
 * [pixels above each stop's threshold], "histogram", "kept_histogram": as json_counts},
 * "shown": as confusion_save_class, "agreement": as agreement_save_class}],
 * "losses_counted": null or {"masks": that were counted, "flag": "tolerance", "real-share" or null, "stops": values
 * of the flag}}. Paths are stored as
 * path_to_store has them, and read as paths from the working folder. */
typedef struct filter_file {
  char *labels_name, *labels_source;        /* of the label space; --labels as given */
  uint64_t labels_fingerprint, fingerprint; /* the latter: of all that determines the results */
  char *stats, *masks;
  char *strata; /* NULL if not given */
  int32_t stratum_count;
  char *folders[LOSS_FOLDERS]; /* as loss_folders; NULL if not given */
  char *provider;              /* NULL if not given */
  json_t *network;             /* of outputs: network_flags_save; else NULL */
  json_t *made_of;             /* made_of.h */
  json_t *names;               /* folder_names_save, of a file that was read; else NULL */
  char *policy, *unseen;
  double tolerance, min_kept;
  double real_share;                /* of policies other than paper; else 0 */
  char *real_masks;                 /* of paired; else NULL */
  char *real_folders[LOSS_FOLDERS]; /* as `folders` */
  int64_t unpaired;
  bool has_siblings;   /* the losses of other images of the same mask were asked for */
  int64_t siblings;    /* masks that have such */
  guarantee guarantee; /* with one, tolerance and real share are 0 */
  char *weights;       /* a name of filter_weights; NULL: none are written */
  char *weight_type;   /* of filter_weight_types; NULL: likewise */
  double weight_shape; /* width of a ramp, gamma of a power; else 0 */
  folder_shard shard;
  int64_t count, valid, dropped, emptied;
  loss_record losses; /* of the synthetic set */
  confusion confused; /* of the masks in `losses` */
  agreement alike;    /* of those that have a reference, likewise */
  filter_class *classes;
  int32_t class_count;
} filter_file;

int filter_file_read(const char *path, filter_file *out, fault *f);
int filter_file_write(fm_context *context, const filter_file *file, const char *path, fault *f);
void filter_file_free(filter_file *file);

/* Takes from the statistics what a class says of them. */
void filter_file_use_stats(filter_file *file, const fm_class_stats *losses);

/* Does the policy compare a loss with its class's mean? */
bool filter_is_paper(const filter_file *file);

/* A row of filter.csv: stem,valid,dropped,kept_share. */
typedef struct filter_row {
  char *stem;
  int64_t valid, dropped;
} filter_row;

/* The value of the member "threshold"; new reference. */
json_t *filter_save_thresholds(const filter_file *file, int32_t class_index);

/* The least and the largest threshold of a class over its strata. */
double filter_lowest(const filter_file *file, int32_t class_index);
double filter_highest(const filter_file *file, int32_t class_index);

double filter_kept_share(int64_t valid, int64_t dropped); /* 0 if nothing was valid */
int filter_rows_read(fm_context *context, const char *path, filter_row **rows, size_t *count,
                     fault *f);
int filter_rows_write(fm_context *context, const filter_row *rows, size_t count, const char *path,
                      fault *f);
void filter_rows_free(filter_row *rows, size_t count);

#endif
