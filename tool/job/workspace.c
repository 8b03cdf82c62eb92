/* job/workspace.c - context, labels and masks. */
#include "job/workspace.h"

#include <stdlib.h>

#include "job/labels_file.h"

int workspace_open(const char *labels, workspace *out, fault *f) {
  fm_error err;
  *out = (workspace){0};
  if (fm_context_create(NULL, &out->context, &err)) return fault_library(f, &err, NULL);
  int code = labels ? labels_open(out->context, labels, &out->labels, f) : EXIT_FINE;
  if (code) workspace_close(out);
  return code;
}

void workspace_close(workspace *ws) {
  fm_labels_destroy(ws->labels);
  fm_context_destroy(ws->context);
  *ws = (workspace){0};
}

int workspace_masks(const workspace *ws, const char *path, folder_shard shard, folder *out,
                    uint64_t *identity, int64_t *count, fault *f) {
  int code = folder_list(FOLDER_MASKS, path, ws->labels, out, f);
  if (code) return code;
  if (!out->count) {
    code = fault_set(f, EXIT_DATA, "no masks (%s) in %s%s%s", folder_names_types(FOLDER_MASKS),
                     path, out->passed ? ", but " : "", out->passed ? out->passed : "");
    folder_free(out);
    return code;
  }
  if (identity) *identity = folder_identity(out);
  if (count) *count = (int64_t)out->count;
  if (shard.count > 1) folder_keep_shard(out, shard);
  return EXIT_FINE;
}

int workspace_read_mask(const workspace *ws, const folder *masks, size_t index, input_seen *seen,
                        fm_raster **out, char **path, fault *f) {
  fm_error err;
  *path = folder_path(masks, &masks->files[index]);
  if (input_read(ws->context, &input_mask, *path, NULL, out, seen, &err))
    return fault_library(f, &err, *path);
  return EXIT_FINE;
}
