/* job/workspace.h - what every job needs: context and label space. */
#ifndef FREEMASK_TOOL_WORKSPACE_H
#define FREEMASK_TOOL_WORKSPACE_H

#include "base/fault.h"
#include "base/folder.h"
#include "base/input_file.h"

typedef struct workspace {
  fm_context *context;
  fm_labels *labels; /* NULL if none was asked for */
} workspace;

/* `labels` is the value of --labels, or NULL. */
int workspace_open(const char *labels, workspace *out, fault *f);
void workspace_close(workspace *ws);

/* The masks of a folder; EXIT_DATA if there are none. With a shard, only its masks stay (which
 * may be none); `identity` and `count` (may be NULL) are those of the whole folder. */
int workspace_masks(const workspace *ws, const char *path, folder_shard shard, folder *out,
                    uint64_t *identity, int64_t *count, fault *f);

/* Reads a mask of a folder. `*path` (caller frees, also on failure) gets its path. `seen` as
 * for input_read. */
int workspace_read_mask(const workspace *ws, const folder *masks, size_t index, input_seen *seen,
                        fm_raster **out, char **path, fault *f);

#endif
