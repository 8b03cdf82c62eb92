/* freemask/query_file.c - the two arrays of a network with queries, from NPZ or two NPY files. */
#include "query_file.h"

#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "text.h"
#include "zip_file.h"

/* What trainers call the two: our own words, transformers, detectron2. */
static const char *const class_names[] = {"class_logits.npy", "class_queries_logits.npy",
                                          "pred_logits.npy", NULL};
static const char *const mask_names[] = {"mask_logits.npy", "masks_queries_logits.npy",
                                         "pred_masks.npy", NULL};

static int read_member(const zip_file *zip, const char *const *names, npy_array *out, fault *f) {
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
  code = zip_unpack(zip, &member, *name, NPY_MOST_BYTES, &bytes, &size, f);
  if (code) return code;
  text title = {0};
  text_add(&title, "%s: %s", zip->name, *name);
  code = npy_array_take(bytes, size, title.data, out, f);
  text_free(&title);
  return code;
}

int query_file_read_npz(const char *path, query_arrays *out, fault *f) {
  char *bytes;
  size_t size;
  zip_file zip;
  int code = path_read(path, NPY_MOST_BYTES, &bytes, &size, f);
  if (code) return code;
  code = zip_open(bytes, size, path, &zip, f);
  if (!code) code = read_member(&zip, class_names, &out->class_logits, f);
  if (!code) code = read_member(&zip, mask_names, &out->mask_logits, f);
  free(bytes);
  return code;
}

int query_file_read_pair(const char *class_path, const char *mask_path, query_arrays *out,
                         fault *f) {
  int code = npy_array_read(class_path, &out->class_logits, f);
  return code ? code : npy_array_read(mask_path, &out->mask_logits, f);
}

void query_arrays_free(query_arrays *q) {
  npy_array_free(&q->class_logits);
  npy_array_free(&q->mask_logits);
}
