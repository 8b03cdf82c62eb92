/* losses/query_file.c - outputs of networks with queries, from files. */
#include "losses/query_file.h"

int query_file_read(fm_context *context, const char *path, const char *mask_path, input_seen *seen,
                    query_arrays *out, fault *f) {
  fm_error err;
  const input_kind *kind = mask_path ? &input_loss : &input_queries;
  fm_status status = input_read(context, kind, path, NULL, &out->owners[0], seen, &err);
  if (!status && mask_path)
    status = input_read(context, &input_output, mask_path, NULL, &out->owners[1],
                        seen ? seen + 1 : NULL, &err);
  if (status) return fault_library(f, &err, NULL);
  out->class_logits = fm_raster_plane(out->owners[0]);
  out->mask_logits = fm_raster_volume(out->owners[mask_path ? 1 : 0]);
  return EXIT_FINE;
}

void query_arrays_free(query_arrays *q) {
  fm_raster_destroy(q->owners[0]);
  fm_raster_destroy(q->owners[1]);
  *q = (query_arrays){0};
}
