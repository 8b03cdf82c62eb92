/* job/job_filter.c - the noise filter over a folder, resumable. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/disk.h"
#include "base/path.h"
#include "base/pool.h"
#include "job/filter_file.h"
#include "job/filter_reach.h"
#include "job/filter_run.h"
#include "job/jobs.h"
#include "job/mask_batch.h"
#include "job/mask_store.h"
#include "job/stats_file.h"
#include "job/summary.h"
#include "job/workspace.h"

/* A worker's arrays, one element for each class. */
typedef struct counts {
  int64_t *valid, *dropped;         /* of the mask at hand */
  int64_t *all_valid, *all_dropped; /* of all its masks */
} counts;

static int begin(void *shared, void **own, fault *f) {
  const filter_run *r = shared;
  (void)f;
  size_t k = (size_t)r->file.class_count;
  counts *c = alloc_zeroed(1, sizeof *c);
  c->valid = alloc_zeroed(4 * k, sizeof *c->valid);
  c->dropped = c->valid + k;
  c->all_valid = c->dropped + k;
  c->all_dropped = c->all_valid + k;
  *own = c;
  return EXIT_FINE;
}

/* Writes the filtered mask and a line of the journal. */
static int keep(filter_run *r, size_t index, const fm_plane *mask, const fm_raster *raster,
                const counts *c, const fm_filter_report *report, fault *f) {
  char *name = filter_run_name(r, index), *path;
  int code = outdir_path(&r->out, name, &path, f);
  free(name);
  if (code) return code;
  code = mask_store(r->ws.context, mask, raster, path, f);
  if (!code) {
    outdir_made(&r->out, path);
    journal_entry entry = {
        r->masks.files[index].stem, report->valid, report->dropped, c->valid, c->dropped, false};
    code = journal_add(&r->journal, &entry, r->file.class_count, f);
  }
  free(path);
  return code;
}

/* One mask of a batch: in place, unless the ignore label needs a wider type. */
static int filter_one(filter_run *r, counts *c, mask_batch *batch, size_t at, fault *f) {
  size_t index = batch->indices[at];
  fm_plane mask = batch->requests[at].mask, filtered;
  fm_error err;
  fm_filter_report report = {.size = sizeof report};
  report.class_valid = c->valid;
  report.class_dropped = c->dropped;
  void *memory = mask_target(&mask, fm_labels_ignore_label(r->ws.labels), &filtered);
  int code = EXIT_FINE;
  if (fm_filter_apply(r->filter, &mask, &batch->losses[at].plane, mask_batch_extra(batch, at),
                      &filtered, &report, &err))
    code = mask_batch_blame(batch, &r->strata, r->source, at, &err, f);
  if (!code) code = keep(r, index, &filtered, batch->rasters[at], c, &report, f);
  free(memory);
  if (code) return code;
  r->rows[index].valid = report.valid;
  r->rows[index].dropped = report.dropped;
  for (int32_t k = 0; k < r->file.class_count; k++) {
    c->all_valid[k] += c->valid[k];
    c->all_dropped[k] += c->dropped[k];
  }
  return EXIT_FINE;
}

static int filter_some(void *shared, void *own, size_t first, size_t count, fault *f) {
  filter_run *r = shared;
  mask_batch batch;
  int code = mask_batch_open(&r->ws, &r->strata, r->source, &r->pending[first], count, &batch, f);
  if (code) return code;
  for (size_t i = 0; i < count && !code; i++) code = filter_one(r, own, &batch, i, f);
  mask_batch_close(&batch);
  return code;
}

static int end(void *shared, void *own, bool good, fault *f) {
  filter_run *r = shared;
  counts *c = own;
  (void)good;
  (void)f;
  for (int32_t k = 0; k < r->file.class_count; k++) {
    r->file.classes[k].valid += c->all_valid[k];
    r->file.classes[k].dropped += c->all_dropped[k];
  }
  free(c->valid);
  free(c);
  return EXIT_FINE;
}

static int filter_all(filter_run *r, fault *f) {
  const job_common *common = &r->job->common;
  pool_job work = {.what = "filter", .count = r->pending_count, .quiet = common->quiet};
  work.threads = (int)common->threads;
  work.shared = r;
  work.begin = begin;
  work.group = loss_source_batch(r->source);
  work.work_group = filter_some;
  work.end = end;
  return pool_run(&work, f);
}

static void add_up(filter_run *r) {
  r->file.count = (int64_t)r->masks.count;
  for (size_t i = 0; i < r->masks.count; i++) {
    const filter_row *row = &r->rows[i];
    r->file.valid += row->valid;
    r->file.dropped += row->dropped;
    r->file.emptied += row->valid && row->valid == row->dropped;
  }
}

/* Flushes the masks, writes the tables and then removes the journal: its absence means that the run
 * is complete. */
static int finish(filter_run *r, fault *f) {
  const filter_found *at = &r->found;
  int code = disk_flush(r->out.path, f);
  if (code) return code;
  add_up(r);
  code = filter_rows_write(r->ws.context, r->rows, r->masks.count, at->table, f);
  if (!code) outdir_made(&r->out, at->table);
  if (!code) code = filter_file_write(r->ws.context, &r->file, at->manifest, f);
  if (!code) outdir_made(&r->out, at->manifest);
  if (!code && unlink(at->journal)) code = fault_system(f, errno, "remove", at->journal);
  return code;
}

/* Warns once: about the real set before the work, or else about what was filtered. */
static void warn_before(filter_run *r, bool *warned) {
  *warned = r->expected.length > 0;
  filter_reach_print(&r->expected);
}

static void warn_after(const filter_run *r) {
  text t = {0};
  filter_reach_warn(&r->file, &t);
  filter_reach_print(&t);
}

/* After Ctrl-C what is finished stays; after an error only with --resume. */
static outdir_end end_of(const filter_job *job, int code) {
  if (!code) return OUTDIR_KEEP;
  return code == EXIT_STOPPED || job->output.resume ? OUTDIR_KEEP_FILES : OUTDIR_UNDO;
}

int filter_job_run(const filter_job *job, fault *f) {
  filter_run r = {.job = job, .journal = {.handle = -1}};
  const char *output = job->output.folder;
  bool finished = false, warned = false;
  int code = filter_run_lock(&r, f);
  if (!code) code = filter_run_prepare(&r, f);
  if (!code) code = filter_run_enter(&r, &finished, f);
  if (!code) warn_before(&r, &warned);
  if (!code && !finished) code = filter_all(&r, f);
  if (!code && !finished) code = finish(&r, f);
  if (code == EXIT_STOPPED)
    fault_set(f, code, "interrupted; the same command with --resume continues in %s", output);
  if (!code && finished && summary_as_text(&job->common))
    printf("%s is finished already\n", output);
  if (!code) summary_filter(&job->common, &r.file, output);
  if (!code && !warned) warn_after(&r);
  filter_run_free(&r, end_of(job, code));
  return code;
}
