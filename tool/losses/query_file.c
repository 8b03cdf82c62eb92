/* losses/query_file.c - the two arrays of a network with queries, from NPZ or two NPY files. */
#include "losses/query_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "losses/output_file.h"
#include "losses/zip_file.h"

/* What trainers call the two: our own words, transformers, detectron2. */
static const char *const class_names[] = {"class_logits.npy", "class_queries_logits.npy",
                                          "pred_logits.npy", NULL};
static const char *const mask_names[] = {"mask_logits.npy", "masks_queries_logits.npy",
                                         "pred_masks.npy", NULL};

typedef fm_status (*decoder)(const fm_context *, const void *, size_t, const fm_read_options *,
                             fm_raster **, fm_error *);

static int read_member(fm_context *context, const zip_file *zip, const char *const *names,
                       decoder decode, fm_raster **out, fault *f) {
  zip_member member;
  bool found = false;
  int code = EXIT_FINE;
  const char *const *name = names;
  for (; *name && !code; name++) {
    code = zip_find(zip, *name, &found, &member, f);
    if (found) break;
  }
  if (code) return code;
  if (!found)
    return fault_set(f, EXIT_DATA, "%s: holds no array %.*s, nor one of the other known names",
                     zip->name, (int)strlen(names[0]) - 4, names[0]);
  char *bytes;
  size_t size;
  fm_error err;
  code = zip_unpack(zip, &member, *name, OUTPUT_MOST_BYTES, &bytes, &size, f);
  if (code) return code;
  text title = {0};
  text_add(&title, "%s: %s", zip->name, *name);
  if (decode(context, bytes, size, NULL, out, &err)) code = fault_library(f, &err, title.data);
  text_free(&title);
  free(bytes);
  return code;
}

int query_file_read_npz(fm_context *context, const char *path, query_arrays *out, fault *f) {
  char *bytes;
  size_t size;
  zip_file zip;
  int code = path_read(path, OUTPUT_MOST_BYTES, &bytes, &size, f);
  if (code) return code;
  code = zip_open(bytes, size, path, &zip, f);
  if (!code) code = read_member(context, &zip, class_names, fm_loss_decode, &out->class_logits, f);
  if (!code) code = read_member(context, &zip, mask_names, fm_output_decode, &out->mask_logits, f);
  free(bytes);
  return code;
}

int query_file_read_pair(fm_context *context, const char *class_path, const char *mask_path,
                         query_arrays *out, fault *f) {
  fm_error err;
  if (fm_loss_read(context, class_path, NULL, &out->class_logits, &err) ||
      fm_output_read(context, mask_path, NULL, &out->mask_logits, &err))
    return fault_library(f, &err, NULL);
  return EXIT_FINE;
}

void query_arrays_free(query_arrays *q) {
  fm_raster_destroy(q->class_logits);
  fm_raster_destroy(q->mask_logits);
  *q = (query_arrays){0};
}
