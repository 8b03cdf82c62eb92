/* job/stats_file.h - stats.json and calibration.json: the library's files, and what the tool adds to
 * them. */
#ifndef FREEMASK_TOOL_STATS_FILE_H
#define FREEMASK_TOOL_STATS_FILE_H

#include <jansson.h>

#include "base/fault.h"
#include "cmd/args.h"

/* A set of masks: how many stems, and a hash of them. */
typedef struct stats_set {
  uint64_t identity;
  int64_t count;
} stats_set;

/* What a stats file holds. Zero-initialize before reading. */
typedef struct stats_file {
  fm_labels *labels; /* borrowed if the caller had it, see `owns_labels` */
  bool owns_labels;
  int32_t class_count;
  int32_t strata;    /* 1: none */
  int32_t histogram; /* bins per factor of two, 0: none */
  stats_set *sets;   /* ascending by identity */
  size_t set_count;
  folder_shard shard;          /* {0, 1}: the whole of the sets */
  fm_class_stats *stats;       /* NULL in a calibration's file */
  fm_calibration *calibration; /* NULL in a file of statistics */
  json_t *provider;            /* the model that made the losses, or NULL */
  bool boundary;               /* the strata are by the distance to the boundary (strata.h) */
} stats_file;

/* The file's statistics; of a calibration those that it is like, which hold nothing. */
const fm_class_stats *stats_file_stats(const stats_file *file);

/* What the score of statistics is made of; 0: it is the loss. */
uint64_t stats_ranks(const fm_class_stats *stats);

/* How many images it is made of. */
int64_t stats_file_images(const stats_file *file);

/* The statistics of losses: the file's own, or those that its score is made of. */
const fm_class_stats *stats_file_losses(const stats_file *file);

/* How many strata images need: those of the losses. */
int32_t stats_file_strata(const stats_file *file);

/* The fm_filter_policy that the statistics were made for. */
int stats_file_policy(const stats_file *file);

/* Reads and verifies. With `labels` NULL (merge, report) the label space comes from the file;
 * otherwise the file must have been made with `labels`, which must outlive it. */
int stats_file_read(fm_context *context, fm_labels *labels, const char *path, stats_file *out,
                    fault *f);

/* As stats_file_read, of a calibration; and of either. */
int stats_file_read_calibration(fm_context *context, fm_labels *labels, const char *path,
                                stats_file *out, fault *f);
int stats_file_read_either(fm_context *context, fm_labels *labels, const char *path,
                           stats_file *out, fault *f);

/* EXIT_DATA if it is a shard's: means over a part of the real set are useless. */
int stats_file_whole(const stats_file *file, const char *path, fault *f);

/* Writes, whole or not at all. Equal contents give equal bytes. */
int stats_file_write(fm_context *context, const stats_file *file, const char *path, fault *f);

void stats_file_free(stats_file *file);

#endif
