/* freemask/query_file.h - class logits and mask logits of one image. */
#ifndef FREEMASK_TOOL_QUERY_FILE_H
#define FREEMASK_TOOL_QUERY_FILE_H

#include "fault.h"
#include "npy_array.h"

/* Zero-initialise; free also after a failure. */
typedef struct query_arrays {
  npy_array class_logits, mask_logits;
} query_arrays;

/* What np.savez or np.savez_compressed wrote; the arrays are called class_logits and mask_logits,
 * or as transformers or detectron2 call them. */
int query_file_read_npz(const char *path, query_arrays *out, fault *f);

int query_file_read_pair(const char *class_path, const char *mask_path, query_arrays *out,
                         fault *f);

void query_arrays_free(query_arrays *q);

#endif
