/* losses/query_file.h - class logits and mask logits of one image. */
#ifndef FREEMASK_TOOL_QUERY_FILE_H
#define FREEMASK_TOOL_QUERY_FILE_H

#include "base/fault.h"
#include "base/input_file.h"

/* Zero-initialize; free also after a failure. */
typedef struct query_arrays {
  fm_plane class_logits; /* [Q, C + 1] */
  fm_volume mask_logits; /* [Q, h, w] */
  fm_raster *owners[2];
} query_arrays;

/* From an NPZ, or from two NPY files if `mask_path` is not NULL. `seen` as for input_read, of both
 * files. */
int query_file_read(fm_context *context, const char *path, const char *mask_path, input_seen *seen,
                    query_arrays *out, fault *f);

void query_arrays_free(query_arrays *q);

#endif
