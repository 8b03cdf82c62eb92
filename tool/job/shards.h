/* job/shards.h - results of parts of a set: what they say of themselves, and whether all are there. */
#ifndef FREEMASK_TOOL_SHARDS_H
#define FREEMASK_TOOL_SHARDS_H

#include <jansson.h>

#include "base/fault.h"
#include "base/folder.h"
#include "base/text.h"

/* The result of a shard. */
typedef struct shard_part {
  const char *path;
  folder_shard shard;
} shard_part;

/* EXIT_DATA, naming the files, unless the parts, sorted by count and index, are all shards of one set,
 * each once. */
int shards_check(const shard_part *parts, size_t count, fault *f);

/* EXIT_DATA if the result is a shard's, which the caller has no use for. */
int shards_whole(folder_shard shard, const char *path, fault *f);

/* The first line of a shard's table:
 *   # freemask-shard {"shard": {"index", "count"}, "masks": {"identity", "count"} of the whole set,
 *   "made_of": as in made_of.h, without the shard}
 * Tables of a whole set have no such line. */
typedef struct shard_mark {
  folder_shard shard; /* {0, 1}: there is no mark */
  uint64_t identity;
  int64_t count;
  json_t *made_of; /* NULL without a mark */
} shard_mark;

void shard_mark_add(text *t, const shard_mark *mark);

/* Reads a file's first line. EXIT_DATA if it begins as a mark and makes no sense. */
int shard_mark_read(const char *path, shard_mark *out, fault *f);
void shard_mark_free(shard_mark *mark);

#endif
