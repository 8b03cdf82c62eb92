/* fuzz/fuzz_json.c - any bytes as run.json or references.json, and their members by each of the calls that read members.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "base/json_file.h"
#include "fuzz_tool.h"

static void read_member(const json_t *root, const char *path, const char *key) {
  json_t *inside;
  char *words = NULL;
  int64_t whole;
  uint64_t hex;
  double real;
  fault f = {0};
  if (fuzz_succeeded(json_member_whole(root, path, key, -3, 1 << 20, &whole, &f), &f))
    fuzz_expect(whole >= -3 && whole <= 1 << 20, "a number beyond its range");
  if (fuzz_succeeded(json_member_real(root, path, key, &real, &f), &f))
    fuzz_expect(isfinite(real), "not finite");
  if (fuzz_succeeded(json_member_text(root, path, key, &words, &f), &f)) free(words);
  if (fuzz_succeeded(json_member_text_or_null(root, path, key, &words, &f), &f)) free(words);
  (void)fuzz_succeeded(json_member_hex(root, path, key, &hex, &f), &f);
  if (fuzz_succeeded(json_member_array(root, path, key, &inside, &f), &f))
    fuzz_expect(json_is_array(inside), "no array");
  if (fuzz_succeeded(json_member_object(root, path, key, &inside, &f), &f))
    fuzz_expect(json_is_object(inside), "no object");
}

static void read_references(const char *path) {
  json_t *root;
  fault f = {0};
  if (!fuzz_succeeded(json_file_read(path, "freemask-references", 1, &root, &f), &f)) return;
  read_member(root, path, "ranks");
  json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *path = fuzz_path(data, size);
  json_t *root;
  fault f = {0};
  read_references(path);
  if (!fuzz_succeeded(json_file_read(path, "freemask-run", 1, &root, &f), &f)) return 0;
  for (const char *const *key =
           (const char *const[]){"fingerprint", "labels", "real", "plan_flags", "resize", NULL};
       *key; key++)
    read_member(root, path, *key);
  json_decref(root);
  return 0;
}
