/* job/bench.h - what every job needs on its table: context and label space. */
#ifndef FREEMASK_TOOL_BENCH_H
#define FREEMASK_TOOL_BENCH_H

#include "base/fault.h"
#include "base/folder.h"

typedef struct bench {
  fm_context *context;
  fm_labels *labels; /* NULL if none was asked for */
} bench;

/* `labels` is the value of --labels, or NULL. */
int bench_open(const char *labels, bench *out, fault *f);
void bench_close(bench *b);

/* The masks of a folder; EXIT_DATA if there are none. With a shard, only its masks stay (which
 * may be none); `identity` and `count` (may be NULL) are those of the whole folder. */
int bench_masks(const bench *b, const char *path, arg_shard shard, folder *out, uint64_t *identity,
                int64_t *count, fault *f);

/* Reads a mask of a folder. `*path` (caller frees, also on failure) gets its path. */
int bench_read_mask(const bench *b, const folder *masks, size_t index, fm_raster **out, char **path,
                    fault *f);

#endif
