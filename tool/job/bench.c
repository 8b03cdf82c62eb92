/* job/bench.c - context, labels and masks. */
#include "job/bench.h"

#include <stdlib.h>

#include "job/labels_file.h"

int bench_open(const char *labels, bench *out, fault *f) {
  fm_error err;
  *out = (bench){0};
  if (fm_context_create(NULL, &out->context, &err)) return fault_library(f, &err, NULL);
  int code = labels ? labels_open(out->context, labels, &out->labels, f) : EXIT_FINE;
  if (code) bench_close(out);
  return code;
}

void bench_close(bench *b) {
  fm_labels_destroy(b->labels);
  fm_context_destroy(b->context);
  *b = (bench){0};
}

int bench_masks(const bench *b, const char *path, arg_shard shard, folder *out, uint64_t *identity,
                int64_t *count, fault *f) {
  int code = folder_list(FOLDER_MASKS, path, b->labels, out, f);
  if (code) return code;
  if (!out->count) {
    folder_free(out);
    return fault_set(f, EXIT_DATA, "no masks (.png or .npy) in %s", path);
  }
  if (identity) *identity = folder_identity(out);
  if (count) *count = (int64_t)out->count;
  if (shard.count > 1) folder_keep_shard(out, shard);
  return EXIT_FINE;
}

int bench_read_mask(const bench *b, const folder *masks, size_t index, fm_raster **out, char **path,
                    fault *f) {
  fm_error err;
  *path = folder_path(masks, &masks->files[index]);
  if (fm_mask_read(b->context, *path, NULL, out, &err)) return fault_library(f, &err, *path);
  return EXIT_FINE;
}
