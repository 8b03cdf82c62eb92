/* job/merge.h - what merge joins besides statistics. */
#ifndef FREEMASK_TOOL_MERGE_H
#define FREEMASK_TOOL_MERGE_H

#include "job/jobs.h"

/* Is the file a table of hardness, by how it begins? */
int merge_is_hardness(const char *path, bool *is, fault *f);

/* Shards of a table of hardness: the whole set's, byte for byte. */
int merge_hardness(const merge_job *job, fault *f);

/* Output folders of filter: one that holds what filter without --shard writes. */
int merge_filter(const merge_job *job, fault *f);

#endif
