/* losses/query_file.h - class logits and mask logits of one image. */
#ifndef FREEMASK_TOOL_QUERY_FILE_H
#define FREEMASK_TOOL_QUERY_FILE_H

#include "base/fault.h"

/* Zero-initialise; free also after a failure. */
typedef struct query_arrays {
  fm_raster *class_logits; /* a plane [Q, C + 1] */
  fm_raster *mask_logits;  /* a volume [Q, h, w] */
} query_arrays;

/* What np.savez or np.savez_compressed wrote; the arrays are called class_logits and mask_logits,
 * or as transformers or detectron2 call them. */
int query_file_read_npz(fm_context *context, const char *path, query_arrays *out, fault *f);

int query_file_read_pair(fm_context *context, const char *class_path, const char *mask_path,
                         query_arrays *out, fault *f);

void query_arrays_free(query_arrays *q);

#endif
