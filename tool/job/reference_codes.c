/* job/reference_codes.c - real losses in a byte a pixel, in a folder. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include "job/reference_codes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/json_file.h"
#include "base/path.h"
#include "base/text.h"
#include "job/stats_file.h"

static const char FORMAT[] = "freemask-references";
enum { VERSION = 1, LOCK_TRIES = 1200 /* a minute */ };

static char *manifest_of(const char *path) { return path_join(path, "references.json"); }

static int read_ranks(const char *path, uint64_t *ranks, fault *f) {
  json_t *root = NULL;
  char *manifest = manifest_of(path);
  int code = json_file_read(manifest, FORMAT, VERSION, &root, f);
  if (!code) code = json_member_hex(root, manifest, "ranks", ranks, f);
  json_decref(root);
  free(manifest);
  return code;
}

/* Other shards have the lock for moments; who has it for longer is none. */
static int open_soon(const char *path, bool shard, outdir *out, fault *f) {
  static const struct timespec moment = {0, 50 * 1000 * 1000};
  int code = outdir_open(path, NULL, out, f);
  for (int i = 0; shard && code == EXIT_USAGE && i < LOCK_TRIES && !interrupt_seen(); i++) {
    nanosleep(&moment, NULL);
    code = outdir_open(path, NULL, out, f);
  }
  return code;
}

/* `there`: the ranks that the folder's codes are of; it stays 0 if the folder is empty. */
static int check_content(const char *path, uint64_t ranks, uint64_t *there, fault *f) {
  bool empty;
  int code = outdir_is_empty(path, &empty, f);
  if (code || empty) return code;
  code = read_ranks(path, there, f);
  if (code && fault_is_machine(f)) return code; /* it cannot be known what the folder holds */
  if (code || *there != ranks)
    code = fault_set(f, EXIT_USAGE,
                     "%s holds something else than references of these statistics, expected an "
                     "empty or a new folder for --references",
                     path);
  return code;
}

int reference_codes_open(fm_context *context, const char *path, const fm_class_stats *stats,
                         folder_shard shard, outdir *out, fault *f) {
  const uint64_t ranks = stats_ranks(stats);
  const bool sharded = shard.count > 1;
  uint64_t there = 0;
  int code = open_soon(path, sharded, out, f);
  if (code) return code;
  char *manifest = manifest_of(path);
  code = outdir_check_file(manifest, f);
  if (!code) code = check_content(path, ranks, &there, f);
  if (!code && !there) {
    json_t *root = json_pack("{s:s, s:i, s:o}", "format", FORMAT, "version", VERSION, "ranks",
                             json_hex(ranks));
    code = json_file_write(context, root, manifest, f);
    if (!code && !sharded) outdir_made(out, manifest);
  }
  free(manifest);
  if (!code && sharded) folder_lock_release(&out->lock);
  /* Not before: the folder may be somebody else's; nor while others wait, for there may be millions of files. */
  if (!code && there) outdir_sweep_shard(path, shard);
  return code;
}

int reference_codes_write(fm_context *context, outdir *out, const fm_class_stats *stats,
                          const char *stem, const fm_plane *mask, const fm_plane *loss,
                          fm_error *err, fault *f) {
  const size_t pixels = (size_t)(mask->height * mask->width);
  const fm_write_options options = {.size = sizeof options, .flush = FM_FLUSH_LATER};
  text name = {0};
  char *path = NULL;
  uint8_t *codes = alloc_zeroed(pixels, sizeof *codes);
  fm_plane plane = fm_plane_make(codes, FM_U8, mask->height, mask->width);
  text_add(&name, "%s.png", stem);
  int code = EXIT_FINE;
  if (fm_class_stats_code_map(stats, mask, loss, &plane, err)) code = fault_library(f, err, stem);
  if (!code) code = outdir_path(out, name.data, &path, f);
  if (!code && fm_mask_write(context, path, &plane, &options, err))
    code = fault_library(f, err, path);
  else if (!code)
    outdir_made(out, path);
  free(path);
  free(codes);
  text_free(&name);
  return code;
}

int reference_codes_check(const char *path, const fm_class_stats *stats, const char *stats_path,
                          fault *f) {
  uint64_t ranks = 0;
  int code = read_ranks(path, &ranks, f);
  if (!code && ranks != stats_ranks(stats))
    code =
        fault_set(f, EXIT_DATA,
                  "%s: its references were made with other statistics than %s, expected those of "
                  "one run of freemask stats --policy paired --references DIR",
                  path, stats_path);
  return code;
}
