/* losses/query_file.c - outputs of networks with queries, from files. */
#include "losses/query_file.h"

int query_file_read(fm_context *context, const char *path, const char *mask_path, query_arrays *out,
                    fault *f) {
  fm_error err;
  fm_status status = mask_path ? fm_loss_read(context, path, NULL, &out->owners[0], &err)
                               : fm_queries_read(context, path, NULL, &out->owners[0], &err);
  if (!status && mask_path)
    status = fm_output_read(context, mask_path, NULL, &out->owners[1], &err);
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
