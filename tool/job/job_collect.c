/* job/job_collect.c - results of a generator become a synthetic set. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/note.h"
#include "base/path.h"
#include "base/pool.h"
#include "collect/collect.h"
#include "export/export_commit.h"
#include "job/inputs.h"
#include "job/summary.h"
#include "job/workspace.h"

enum { SHOWN = 40 }; /* findings printed as text */

/* The size of a mask before it got its image's; zero: it kept its own. */
typedef struct resized {
  int64_t width, height;
} resized;

typedef struct state {
  const collect_job *job;
  workspace ws;
  job_row *rows;
  size_t count, part; /* of all, and of the shard, which come first */
  outdir out;
  findings *found;   /* of each row: in order, for any number of threads */
  collected *images; /* what became of each */
  resized *resized;  /* of each row */
} state;

static void note(findings *list, finding_kind kind, const job_row *row, const char *format,
                 const char *path) {
  fault why;
  fault_set(&why, EXIT_DATA, format, path);
  findings_add(list, kind, row->name, why.text);
}

/* The row's mask; without a size of its own the row gets the mask's. NULL and no fault: a finding.
 */
static int read_mask(const state *s, job_row *row, fm_raster **out, findings *list, fault *f) {
  fm_error err;
  if (fm_mask_read(s->ws.context, row->mask, NULL, out, &err)) {
    fault why;
    fault_library(&why, &err, row->mask);
    return findings_add_fault(list, FINDING_UNREADABLE, row->name, &why, f);
  }
  fm_plane plane = fm_raster_plane(*out);
  if (!row->width) {
    row->any_size = s->job->sizes == COLLECT_OWN_SIZES;
    row->width = plane.width;
    row->height = plane.height;
  }
  return EXIT_FINE;
}

/* Generators make sizes of their own, multiples of 8 or always 512x512: where none was asked for, the
 * row gets the image's, and its mask with it. Not where the image lies on its side. */
static bool takes_size(job_row *row, const result_file *file, resized *was) {
  const bool wide = file->width > file->height, tall = file->width < file->height;
  if (!row->any_size) return false;
  if ((wide && row->width < row->height) || (tall && row->width > row->height)) return false;
  *was = (resized){row->width, row->height};
  row->width = file->width;
  row->height = file->height;
  return true;
}

static bool right_size(job_row *row, const result_file *file, resized *was, findings *list) {
  if (file->width == row->width && file->height == row->height) return true;
  if (takes_size(row, file, was)) return true;
  fault why;
  fault_set(&why, EXIT_DATA,
            "%s: the image is %" PRId64 "x%" PRId64 ", expected %" PRId64 "x%" PRId64 "%s",
            file->path, file->width, file->height, row->width, row->height,
            row->any_size ? ", which does not lie on its side"
                          : " (export --size, or \"width\" and \"height\" of the job, say it)");
  findings_add(list, FINDING_SIZE, row->name, why.text);
  return false;
}

/* A row's image as the generator left it and as it was collected. */
typedef struct pair {
  result_file result, old;
  char *target; /* where the result goes */
} pair;

static int read_pair(const state *s, const job_row *row, pair *p, findings *list, fault *f) {
  char *below = path_join("images", row->name), *base = path_join(s->job->output, below);
  const char *slash = strrchr(row->output, '/'), *dot = strrchr(row->output, '.');
  const char *type = dot && (!slash || dot > slash) ? dot : "";
  char *stem = alloc_text(row->output);
  stem[strlen(stem) - strlen(type)] = '\0';
  fm_context *context = s->ws.context;
  int code = collect_read(context, stem, type, row->name, true, &p->result, list, f);
  /* What equals a good image is one. */
  if (!code)
    code = collect_read(context, base, type, row->name, !p->result.bytes, &p->old, list, f);
  if (!code && p->result.path) {
    text target = {0};
    text_add(&target, "%s%s", base, strrchr(p->result.path, '.'));
    p->target = target.data;
  }
  free(stem);
  free(base);
  free(below);
  return code;
}

static void free_pair(pair *p) {
  collect_free(&p->result);
  collect_free(&p->old);
  free(p->target);
}

static bool same_bytes(const result_file *a, const result_file *b) {
  return a->length == b->length && !memcmp(a->bytes, b->bytes, a->length);
}

/* There is no result: was a good image collected before? */
static int keep_there(job_row *row, const pair *p, resized *was, collected *what, findings *list) {
  if (p->old.bytes) {
    if (right_size(row, &p->old, was, list)) *what = COLLECTED_THERE;
  } else if (!list->count) {
    note(list, FINDING_MISSING, row, "%s: the generator left no such image", row->output);
  }
  return EXIT_FINE;
}

/* The image was collected and is still with the generator: finishes a move that was cut off. */
static int drop_result(const state *s, const pair *p, fault *f) {
  if (s->job->by != COLLECT_MOVE) return EXIT_FINE;
  char *from = path_real(p->result.path), *to = path_real(p->old.path);
  int code = strcmp(from, to) ? collect_drop(&p->result, f) : EXIT_FINE;
  free(from);
  free(to);
  return code;
}

/* The mask first: if the image is there, the pair is complete. */
static int bring(state *s, job_row *row, const fm_raster *mask, const pair *p, collected *what,
                 findings *list, fault *f) {
  collected mask_is = COLLECTED_NOT;
  char *below = path_join("masks", row->synthetic_mask), *path = NULL;
  int code = outdir_path(&s->out, below, &path, f);
  if (!code) code = collect_mask(s->ws.context, path, mask, row, &mask_is, list, f);
  free(path);
  free(below);
  if (code || !mask_is || !p->target || p->old.path) return code;
  below = path_join("images", row->name);
  code = outdir_path(&s->out, below, &path, f); /* makes the folder */
  if (!code) code = collect_bring(s->ws.context, s->job->by, &p->result, p->target, f);
  if (!code) *what = COLLECTED_NEW;
  if (!code) free(path);
  free(below);
  return code;
}

static int judge(state *s, size_t index, const fm_raster *mask, const pair *p, fault *f) {
  job_row *row = &s->rows[index];
  collected *what = &s->images[index];
  resized *was = &s->resized[index];
  findings *list = &s->found[index];
  int code = EXIT_FINE;
  if (!p->result.bytes) {
    code = keep_there(row, p, was, what, list);
  } else if (!right_size(row, &p->result, was, list)) {
    return EXIT_FINE;
  } else if (p->old.path && (!p->old.bytes || !same_bytes(&p->result, &p->old))) {
    note(list, FINDING_DIFFERS, row, "%s: a different image is already here; it is left as it is",
         p->old.path);
    return EXIT_FINE;
  } else if (p->old.path) {
    *what = COLLECTED_THERE;
  }
  bool usable = p->result.bytes || *what;
  if (!code && usable) code = bring(s, row, mask, p, what, list, f);
  if (!code && *what == COLLECTED_THERE && p->result.bytes && !list->count)
    code = drop_result(s, p, f);
  return code;
}

static int collect_one(void *shared, void *own, size_t index, fault *f) {
  state *s = shared;
  job_row *row = &s->rows[index];
  findings *list = &s->found[index];
  pair p = {0};
  (void)own;
  fm_raster *mask = NULL;
  int code = read_mask(s, row, &mask, list, f);
  if (code || !mask) return code;
  code = read_pair(s, row, &p, list, f);
  if (!code) code = judge(s, index, mask, &p, f);
  free_pair(&p);
  fm_raster_destroy(mask);
  return code;
}

/* ---- The whole ---------------------------------------------------------------------------- */

static size_t count_of(const state *s, collected what) {
  size_t count = 0;
  for (size_t i = 0; i < s->part; i++) count += s->images[i] == what;
  return count;
}

/* How many masks were resized, and one of them. */
static size_t note_sizes(const state *s) {
  size_t count = 0, first = 0;
  for (size_t i = 0; i < s->part; i++)
    if (s->images[i] && s->resized[i].width && !count++) first = i;
  if (count)
    note_say("%zu of %zu images have sizes of their own, such as %s with %" PRId64 "x%" PRId64
             " where its mask has %" PRId64 "x%" PRId64
             ": their masks are resized to them, by nearest neighbor (--sizes asked refuses them)",
             count, s->part, s->rows[first].name, s->rows[first].width, s->rows[first].height,
             s->resized[first].width, s->resized[first].height);
  return count;
}

static void print_result(const state *s, const findings *list) {
  size_t own = note_sizes(s);
  size_t fresh = count_of(s, COLLECTED_NEW), there = count_of(s, COLLECTED_THERE);
  const job_common *common = &s->job->common;
  text t = {0};
  if (summary_as_json(common)) {
    summary_print_json(json_pack("{s:o, s:I, s:I, s:I, s:I, s:o}", "output",
                                 json_text(s->job->output), "jobs", (json_int_t)s->part,
                                 "collected", (json_int_t)fresh, "there", (json_int_t)there,
                                 "resized", (json_int_t)own, "findings", findings_as_json(list)));
  } else if (summary_as_text(common) || list->count) {
    findings_as_text(list, SHOWN, &t);
    text_add(&t, "%zu of %zu images collected", fresh, s->part);
    if (there) text_add(&t, ", %zu were there", there);
    text_add(&t, "; %s/images and %s/masks\n", s->job->output, s->job->output);
  }
  summary_print(&t);
}

static int collect_all(state *s, fault *f) {
  s->found = alloc_zeroed(s->part, sizeof *s->found);
  s->images = alloc_zeroed(s->part, sizeof *s->images);
  s->resized = alloc_zeroed(s->part, sizeof *s->resized);
  pool_job work = {.what = "collect", .count = s->part, .quiet = s->job->common.quiet};
  work.threads = (int)s->job->common.threads;
  work.shared = s;
  work.work = collect_one;
  int code = pool_run(&work, f);
  findings all = {0};
  for (size_t i = 0; i < s->part; i++) findings_move(&all, &s->found[i]);
  if (!code) print_result(s, &all);
  if (!code && all.count) code = EXIT_FINDINGS;
  findings_free(&all);
  free(s->found);
  free(s->images);
  free(s->resized);
  return code;
}

static void sweep(const state *s) {
  static const char *const folders[] = {"images", "masks"};
  for (size_t i = 0; i < 2; i++) {
    char *path = path_join(s->job->output, folders[i]);
    outdir_sweep(path);
    free(path);
  }
}

/* Files that exist are never replaced, so only the file of jobs needs the guard. */
static int check_inputs(const char *jobs, const collect_job *job, fault *f) {
  static const char *const written[] = {NULL};
  inputs list = {0};
  inputs_add(&list, jobs);
  int code = inputs_spare_folder(&list, job->output, written, f);
  inputs_free(&list);
  return code;
}

/* An export that replaces jobs by others may have been killed at the wrong moment. */
static int check_whole(const char *jobs, fault *f) {
  char *above = alloc_text(jobs), *slash = strrchr(above, '/');
  if (slash) *slash = '\0';
  const char *jobs_folder = slash ? above : ".";
  bool cut_off;
  int code = export_commit_was_cut_off(jobs_folder, &cut_off, f);
  if (!code && cut_off)
    code = fault_set(f, EXIT_USAGE,
                     "%s: an export into this folder was cut off; the same freemask export again "
                     "finishes it",
                     jobs_folder);
  free(above);
  return code;
}

/* By the names that images get. */
static void keep_shard(state *s) {
  const folder_shard shard = s->job->shard;
  size_t kept = 0;
  for (size_t i = 0; i < s->count; i++) {
    if (!folder_in_shard(s->rows[i].name, shard)) continue;
    job_row row = s->rows[kept];
    s->rows[kept++] = s->rows[i];
    s->rows[i] = row;
  }
  s->part = kept;
}

int collect_job_run(const collect_job *job, fault *f) {
  state s = {.job = job};
  char *path =
      path_is_folder(job->jobs) ? path_join(job->jobs, "jobs.jsonl") : alloc_text(job->jobs);
  int code = check_inputs(path, job, f);
  if (!code) code = check_whole(path, f);
  if (!code) code = outdir_open(job->output, NULL, &s.out, f);
  if (!code) code = workspace_open(NULL, &s.ws, f);
  if (!code) code = job_rows_read(path, &s.rows, &s.count, f);
  if (!code) keep_shard(&s);
  if (!code) {
    sweep(&s);
    code = collect_all(&s, f);
    if (code == EXIT_STOPPED)
      fault_set(f, code, "interrupted; the same command continues in %s", job->output);
  }
  outdir_close(&s.out, code > EXIT_FINDINGS ? OUTDIR_KEEP_FILES : OUTDIR_KEEP);
  if (s.rows) job_rows_free(s.rows, s.count);
  workspace_close(&s.ws);
  free(path);
  return code;
}
