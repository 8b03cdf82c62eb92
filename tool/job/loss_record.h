/* job/loss_record.h - what filter.json says about the losses of the synthetic set. */
#ifndef FREEMASK_TOOL_LOSS_RECORD_H
#define FREEMASK_TOOL_LOSS_RECORD_H

#include <jansson.h>

#include "job/loss_table.h"

/* Of the masks that were counted: with --resume those of an interrupted command are not. Sums of two
 * records with the same stops and thresholds are the record of both. */
typedef struct loss_record {
  int32_t class_count; /* 0: there is none */
  int64_t masks;
  char flag[16]; /* as in loss_stops; empty: no stops */
  int stop_count;
  double stops[LOSS_STOPS];
  int64_t *all, *kept; /* [class][LOSS_BINS] */
  int64_t *above;      /* [class][stop_count] */
} loss_record;

/* `kept` NULL: what is up to the stop `own` is kept. */
void loss_record_make(const loss_table *all, const loss_table *kept, int own, int64_t masks,
                      loss_record *out);
void loss_record_free(loss_record *record);

/* Adds another record; masks of one that has other stops, or none, count as not counted. */
void loss_record_add(loss_record *record, const loss_record *other);

/* The record's members: "losses_counted" of the file's root, or null, and of a class. */
json_t *loss_record_save(const loss_record *record);
json_t *loss_record_save_class(const loss_record *record, int32_t k);

/* And back. A file without them has no record; EXIT_DATA where they make no sense. */
int loss_record_load(const json_t *root, const char *path, int32_t class_count, loss_record *out,
                     fault *f);
int loss_record_load_class(const json_t *item, const char *path, int32_t k, int64_t valid,
                           loss_record *out, fault *f);

#endif
