/* job/shards.c - results of parts of a set. */
#include "job/shards.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"

static int missing(const shard_part *any, int64_t index, fault *f) {
  return fault_set(f, EXIT_DATA, "shard %" PRId64 "/%" PRId64 " is missing (%s is of the same set)",
                   index, any->shard.count, any->path);
}

int shards_check(const shard_part *parts, size_t count, fault *f) {
  const shard_part *any = &parts[0];
  for (size_t i = 0; i < count; i++) {
    const folder_shard shard = parts[i].shard;
    if (shard.count != any->shard.count)
      return fault_set(f, EXIT_DATA,
                       "%s and %s are shards of one set, but of %" PRId64 " and %" PRId64,
                       any->path, parts[i].path, any->shard.count, shard.count);
    if (i && shard.index == parts[i - 1].shard.index)
      return fault_set(f, EXIT_DATA,
                       "%s and %s hold the same shard %" PRId64 "/%" PRId64 " of the same set",
                       parts[i - 1].path, parts[i].path, shard.index, shard.count);
    if (shard.index != (int64_t)i) return missing(any, (int64_t)i, f);
  }
  return (int64_t)count < any->shard.count ? missing(any, (int64_t)count, f) : EXIT_FINE;
}

int shards_whole(folder_shard shard, const char *path, fault *f) {
  if (shard.count == 1) return EXIT_FINE;
  return fault_set(f, EXIT_DATA,
                   "%s: holds shard %" PRId64 "/%" PRId64
                   " only, expected all of them joined by freemask merge",
                   path, shard.index, shard.count);
}

/* ---- Marks ---------------------------------------------------------------------------- */

static const char begin[] = "# freemask-shard ";
enum { LONGEST = 1 << 16 /* bytes of a mark */ };

void shard_mark_add(text *t, const shard_mark *mark) {
  if (mark->shard.count == 1) return;
  text_add(t, "%s", begin);
  json_add_line(json_pack("{s:{s:I, s:I}, s:{s:o, s:I}, s:O}", "shard", "index",
                          (json_int_t)mark->shard.index, "count", (json_int_t)mark->shard.count,
                          "masks", "identity", json_hex(mark->identity), "count",
                          (json_int_t)mark->count, "made_of", mark->made_of),
                t);
}

static int take_mark(const json_t *root, const char *path, shard_mark *out, fault *f) {
  json_t *shard, *masks, *made_of;
  int code = json_member_object(root, path, "shard", &shard, f);
  if (!code) code = json_member_whole(shard, path, "count", 2, 1000000000, &out->shard.count, f);
  if (!code)
    code = json_member_whole(shard, path, "index", 0, out->shard.count - 1, &out->shard.index, f);
  if (!code) code = json_member_object(root, path, "masks", &masks, f);
  if (!code) code = json_member_hex(masks, path, "identity", &out->identity, f);
  if (!code) code = json_member_whole(masks, path, "count", 0, INT64_C(1) << 40, &out->count, f);
  if (!code) code = json_member_object(root, path, "made_of", &made_of, f);
  if (!code) out->made_of = json_incref(made_of);
  return code;
}

int shard_mark_read(const char *path, shard_mark *out, fault *f) {
  *out = (shard_mark){.shard = {0, 1}};
  FILE *file = fopen(path, "rb");
  if (!file) return fault_system(f, errno, "open", path);
  char *line = alloc_zeroed(LONGEST, 1);
  (void)!fread(line, 1, LONGEST - 1, file);
  const bool failed = ferror(file), marked = !strncmp(line, begin, sizeof begin - 1);
  fclose(file);
  const size_t head = sizeof begin - 1;
  json_t *root =
      marked ? json_loadb(line + head, strcspn(line + head, "\r\n"), JSON_REJECT_DUPLICATES, NULL)
             : NULL;
  free(line);
  if (failed) return fault_system(f, EIO, "read", path);
  if (!marked) return EXIT_FINE;
  int code = root ? take_mark(root, path, out, f)
                  : fault_set(f, EXIT_DATA, "%s, line 1: the mark of a shard makes no sense", path);
  json_decref(root);
  return code;
}

void shard_mark_free(shard_mark *mark) {
  json_decref(mark->made_of);
  *mark = (shard_mark){.shard = {0, 1}};
}
