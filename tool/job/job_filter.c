/* job/job_filter.c - the noise filter over a folder, resumable. */
#define _XOPEN_SOURCE 700 /* lstat */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/disk.h"
#include "base/path.h"
#include "base/pool.h"
#include "job/filter_file.h"
#include "job/filter_reach.h"
#include "job/filter_run.h"
#include "job/jobs.h"
#include "job/known_set.h"
#include "job/mask_batch.h"
#include "job/mask_store.h"
#include "job/stats_file.h"
#include "job/summary.h"
#include "job/workspace.h"

/* A worker's arrays, one element for each class. */
typedef struct counts {
  int64_t *valid, *dropped;         /* of the mask at hand */
  int64_t *all_valid, *all_dropped; /* of all its masks */
  reference_cache reference;
  sibling_cache siblings;
  mask_others others; /* of the mask at hand */
  filter_counts sums;
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
  filter_run_counts_open(r, &c->sums);
  *own = c;
  return EXIT_FINE;
}

/* Writes the filtered mask and a line of the journal. */
static int keep(filter_run *r, size_t index, const fm_plane *mask, const fm_raster *raster,
                const counts *c, const fm_filter_report *report, const input_parts *parts,
                const input_seen *weights, fault *f) {
  char *name = filter_run_name(r, index), *path;
  int code = outdir_path(&r->out, name, &path, f);
  free(name);
  if (code) return code;
  struct stat written;
  code = mask_store(r->ws.context, mask, raster, path, f);
  if (!code) outdir_made(&r->out, path);
  if (!code && lstat(path, &written)) code = fault_system(f, errno, "find", path);
  if (!code) {
    journal_entry entry = {
        .stem = r->masks.files[index].stem, .valid = report->valid, .dropped = report->dropped};
    entry.bytes = written.st_size;
    entry.parts = *parts;
    entry.weights = *weights;
    entry.class_valid = c->valid;
    entry.class_dropped = c->dropped;
    code = journal_add(&r->journal, &entry, r->file.class_count, f);
  }
  if (!code) atomic_store(&r->written, true);
  free(path);
  return code;
}

/* As gray values. */
static fm_status write_gray(const filter_run *r, const fm_plane *floats, const char *path,
                            const fm_write_options *options, fm_error *err) {
  const float *weights = floats->data;
  const size_t pixels = (size_t)(floats->width * floats->height);
  uint8_t *bytes = alloc_zeroed(pixels, sizeof *bytes);
  for (size_t i = 0; i < pixels; i++) bytes[i] = (uint8_t)(weights[i] * 255 + 0.5F);
  const fm_plane plane = fm_plane_make(bytes, FM_U8, floats->height, floats->width);
  const fm_status status = fm_mask_write(r->ws.context, path, &plane, options, err);
  free(bytes);
  return status;
}

/* A file of the same name as the mask, which follows. */
static int write_weights(filter_run *r, size_t index, const fm_plane *weights, input_seen *seen,
                         fault *f) {
  char *name = filter_run_weights_name(r, index), *path;
  const fm_write_options options = {.size = sizeof options, .flush = FM_FLUSH_LATER};
  fm_error err;
  int code = outdir_path(&r->out, name, &path, f);
  free(name);
  if (code) return code;
  const fm_status status = r->job->criterion.weight_type == WEIGHTS_U8
                               ? write_gray(r, weights, path, &options, &err)
                               : fm_npy_write(r->ws.context, path, weights, &options, &err);
  if (status) code = fault_library(f, &err, path);
  if (!code) outdir_made(&r->out, path);
  if (!code) code = input_look(path, seen, f);
  free(path);
  return code;
}

/* What the reference or a sibling loses is no fault of the mask's own losses. */
static int blame(filter_run *r, const mask_batch *batch, size_t at, const fm_error *err, fault *f) {
  static const char real[] = "reference: ", sibling[] = "siblings[";
  const size_t index = batch->indices[at];
  char *path = NULL;
  if (err->code == FM_ERR_LOSS && !strncmp(err->message, real, strlen(real)))
    path = references_path(&r->real, index, r->real.codes ? 0 : 1);
  if (err->code == FM_ERR_LOSS && !strncmp(err->message, sibling, strlen(sibling)))
    path =
        siblings_path(&r->others, index, (size_t)strtol(err->message + strlen(sibling), NULL, 10));
  int code = path ? fault_library(f, err, path)
                  : mask_batch_blame(batch, &r->strata, r->source, at, err, f);
  free(path);
  return code;
}

static int weigh(filter_run *r, mask_batch *batch, size_t at, const fm_plane *mask,
                 const mask_others *others, input_seen *seen, fault *f) {
  fm_error err;
  const fm_weight_options options = filter_run_weights(r);
  if (!r->file.weights) return EXIT_FINE;
  float *memory = alloc_zeroed((size_t)(mask->width * mask->height), sizeof *memory);
  const fm_dtype type = r->job->criterion.weight_type == WEIGHTS_F16 ? FM_F16 : FM_F32;
  fm_plane weights = fm_plane_make(memory, type, mask->height, mask->width);
  int code = EXIT_FINE;
  if (fm_filter_weigh(r->filter, mask, &batch->losses[at].plane,
                      mask_batch_extra(batch, at, others), &options, &weights, NULL, &err))
    code = blame(r, batch, at, &err, f);
  if (!code) code = write_weights(r, batch->indices[at], &weights, seen, f);
  free(memory);
  return code;
}

/* What is known of other images of the mask's scene. */
static int get_others(const filter_run *r, counts *c, size_t index, const fm_plane *mask,
                      input_parts *parts, fault *f) {
  mask_others *others = &c->others;
  *others = (mask_others){.ranks = r->real.codes};
  int code = references_get(&r->real, index, &c->reference, parts->of + PART_REAL_MASK,
                            &others->reference, f);
  if (!code && r->others.source)
    code = siblings_get(&r->others, index, mask, &c->siblings, parts->of + PART_SIBLINGS,
                        &others->siblings, &others->sibling_count, f);
  return code;
}

/* One mask of a batch: in place, unless the ignore label needs a wider type. */
static int filter_one(filter_run *r, counts *c, mask_batch *batch, size_t at, input_parts *parts,
                      fault *f) {
  size_t index = batch->indices[at];
  mask_target target;
  fm_error err;
  fm_filter_report report = {.size = sizeof report};
  const loss_map *loss = &batch->losses[at];
  int32_t *before = NULL;
  input_seen weights = {0};
  int code = get_others(r, c, index, &batch->requests[at].mask, parts, f);
  if (code) return code;
  report.class_valid = c->valid;
  report.class_dropped = c->dropped;
  code = mask_target_open(r->ws.labels, &batch->requests[at].mask, batch->paths[at], &target, f);
  if (!code) code = weigh(r, batch, at, &target.mask, &c->others, &weights, f);
  if (!code) before = filter_run_count(r, &target.mask, loss, &c->others, &c->sums);
  if (!code &&
      fm_filter_apply(r->filter, &target.mask, &loss->plane,
                      mask_batch_extra(batch, at, &c->others), &target.filtered, &report, &err))
    code = blame(r, batch, at, &err, f);
  if (code)
    free(before);
  else
    filter_run_count_filtered(r, before, &target.filtered, loss, &c->sums);
  if (!code)
    code = keep(r, index, &target.filtered, batch->rasters[at], c, &report, parts, &weights, f);
  mask_target_close(&target);
  if (code) return code;
  r->rows[index].valid = report.valid;
  r->rows[index].dropped = report.dropped;
  for (int32_t k = 0; k < r->file.class_count; k++) {
    c->all_valid[k] += c->valid[k];
    c->all_dropped[k] += c->dropped[k];
  }
  return EXIT_FINE;
}

/* What a family's masks of the batch lose is known before its first one, `at`, is filtered. */
static void tell_siblings(const filter_run *r, counts *own, const mask_batch *batch, size_t at,
                          const input_parts *parts) {
  const size_t *of = batch->indices;
  if (at && siblings_are(&r->others, of[at - 1], of[at])) return;
  for (size_t i = at; i < batch->count && (i == at || siblings_are(&r->others, of[at], of[i])); i++)
    siblings_know(&r->others, of[i], &batch->losses[i].plane, parts[i].of + PART_MASK,
                  &own->siblings);
}

/* As many at once as the source takes; with siblings whole families. */
static int filter_some(void *shared, void *worker, size_t first, size_t count, fault *f) {
  filter_run *r = shared;
  counts *own = worker;
  mask_batch batch;
  input_parts *parts = alloc_zeroed(count, sizeof *parts);
  int code =
      mask_batch_open(&r->ws, &r->strata, r->source, &r->pending[first], count, parts, &batch, f);
  bool open = !code;
  for (size_t i = 0; i < count && !code; i++) {
    if (r->others.source) tell_siblings(r, own, &batch, i, parts);
    code = filter_one(r, own, &batch, i, &parts[i], f);
  }
  sibling_cache_clear(&own->siblings); /* which borrows from the batch */
  if (open) mask_batch_close(&batch);
  free(parts);
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
  filter_run_counts_close(r, &c->sums);
  reference_cache_clear(&c->reference);
  free(c->valid);
  free(c);
  return EXIT_FINE;
}

/* Where the family ends that the mask before `end` is of: a worker has all of one. */
static size_t end_of_family(const void *shared, size_t end) {
  const filter_run *r = shared;
  while (end < r->pending_count && siblings_are(&r->others, r->pending[end - 1], r->pending[end]))
    end++;
  return end;
}

static int filter_all(filter_run *r, fault *f) {
  const job_common *common = &r->job->common;
  pool_job work = {.what = "filter", .count = r->pending_count, .quiet = common->quiet};
  work.threads = (int)common->threads;
  work.shared = r;
  work.begin = begin;
  work.group = loss_source_batch(r->source);
  if (r->others.source) work.end_group = end_of_family;
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
  filter_counts *sums = &r->counts;
  loss_record_make(&sums->losses, r->own_stop < 0 ? &sums->kept : NULL, r->own_stop,
                   r->counted + (int64_t)r->pending_count, &r->file.losses);
  r->file.confused = sums->confused; /* handed over */
  r->file.alike = sums->alike;
  sums->confused = (confusion){0};
  sums->alike = (agreement){0};
}

/* The last line of each mask, in the order of the masks, without what differs from run to run. */
static void collect_lines(const filter_run *r, const journal_lines *lines, input_parts *seen,
                          text *t) {
  const size_t classes = (size_t)r->file.class_count;
  const char **latest = filter_run_latest(r, lines);
  journal_entry entry = {.class_valid = alloc_zeroed(2 * classes, sizeof(int64_t))};
  entry.class_dropped = entry.class_valid + classes;
  for (size_t i = 0; i < r->masks.count; i++) {
    char *line = alloc_text(latest[i]);
    if (line && journal_read_line(line, r->file.class_count, &entry)) {
      seen[i] = entry.parts;
      for (int part = 0; part < PARTS; part++) entry.parts.of[part].identity = 0;
      journal_format(&entry, r->file.class_count, t);
    }
    free(line);
  }
  free(entry.class_valid);
  free(latest);
}

static int write_record(filter_run *r, fault *f) {
  journal_lines lines;
  text t = {0};
  int code = journal_lines_of(&r->journal, &lines, f);
  if (code) return code;
  input_parts *seen = alloc_zeroed(r->masks.count, sizeof *seen);
  collect_lines(r, &lines, seen, &t);
  journal_lines_free(&lines);
  code = journal_save(r->found.record, r->file.made_of, &t, r->ws.context, f);
  if (!code) outdir_made(&r->out, r->found.record);
  if (!code) known_set_keep(r->found.record, seen, r->masks.count);
  text_free(&t);
  free(seen);
  return code;
}

/* Flushes the masks, writes the record and the tables, the manifest last, and then removes the
 * journal: its absence means that the run is complete. */
static int finish(filter_run *r, fault *f) {
  const filter_found *at = &r->found;
  int code = disk_flush(r->out.path, f);
  if (code) return code;
  add_up(r);
  code = write_record(r, f);
  if (!code) code = filter_rows_write(r->ws.context, r->rows, r->masks.count, at->table, f);
  if (!code) outdir_made(&r->out, at->table);
  if (!code) code = filter_file_write(r->ws.context, &r->file, at->manifest, f);
  if (!code) outdir_made(&r->out, at->manifest);
  return code ? code : disk_remove(at->journal, f);
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

/* What is finished stays for --resume, unless the data is wrong: that is mended first. */
static outdir_end end_of(const filter_run *r, int code) {
  const job_output *output = &r->job->output;
  if (!code) return OUTDIR_KEEP;
  bool worth_it = code == EXIT_STOPPED || (code == EXIT_IO && atomic_load(&r->written));
  return worth_it || output->resume || output->overwrite ? OUTDIR_KEEP_FILES : OUTDIR_UNDO;
}

static void say_that_it_stays(const filter_run *r, fault *f) {
  fault why = *f;
  const char *output = r->job->output.folder;
  if (why.exit_code == EXIT_STOPPED)
    fault_set(f, EXIT_STOPPED, "interrupted; the same command with --resume continues in %s",
              output);
  else if (path_exists(r->found.journal) && !r->job->output.held)
    fault_set(f, why.exit_code, "%s (what is finished stays in %s; --resume goes on)", why.text,
              output);
}

int filter_job_run(const filter_job *job, fault *f) {
  plugin_host *plugin = NULL; /* one for all sets of losses, unless the caller keeps one */
  filter_job own = *job;
  if (!job->set.loss.kept) own.set.loss.kept = own.real.loss.kept = &plugin;
  filter_run r = {.job = &own, .journal = {.handle = -1}};
  const char *output = job->output.folder;
  bool finished = false, warned = false;
  int code = filter_run_lock(&r, f);
  if (!code) code = filter_run_prepare(&r, f);
  bool prepared = !code;
  if (!code) code = filter_run_enter(&r, &finished, f);
  if (!code) warn_before(&r, &warned);
  if (!code && !finished) code = filter_all(&r, f);
  if (!code && !finished) code = finish(&r, f);
  outdir_end last = end_of(&r, code);
  if (code && prepared && last == OUTDIR_KEEP_FILES) say_that_it_stays(&r, f);
  if (!code && finished && summary_as_text(&job->common))
    printf("%s is finished already\n", output);
  if (!code) summary_filter(&job->common, &r.file, output);
  if (!code && !warned) warn_after(&r);
  filter_run_free(&r, last);
  plugin_host_close(plugin);
  return code;
}
