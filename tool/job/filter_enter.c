/* job/filter_enter.c - the output folder of a run of `filter`. */
#define _XOPEN_SOURCE 700 /* lstat */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/disk.h"
#include "base/path.h"
#include "base/pool.h"
#include "job/filter_run.h"
#include "job/inputs.h"

/* Whether a file or folder is there, where a wrong answer would be believed. */
static int is_there(const char *path, bool *out, fault *f) {
  path_kind kind;
  int code = path_look(path, &kind, f);
  if (!code) *out = kind != PATH_ABSENT;
  return code;
}

static int look(const char *output, filter_found *at, fault *f) {
  at->table = path_join(output, "filter.csv");
  at->record = path_join(output, "filter.record");
  at->manifest = path_join(output, "filter.json");
  at->journal = path_join(output, "filter.journal");
  at->masks = path_join(output, "masks");
  at->weights = path_join(output, "weights");
  bool has_table, has_record, has_manifest, has_journal;
  int code = is_there(at->table, &has_table, f);
  if (!code) code = is_there(at->record, &has_record, f);
  if (!code) code = is_there(at->manifest, &has_manifest, f);
  if (!code) code = is_there(at->journal, &has_journal, f);
  if (code) return code;
  at->finished = !has_journal && has_manifest;
  /* A table without a manifest: it was being cleared. */
  at->unfinished = has_journal || (!at->finished && (has_record || has_table));
  return EXIT_FINE;
}

static int check_free(const job_output *output, const filter_found *at, fault *f) {
  if ((at->finished || at->unfinished) && !output->resume && !output->overwrite)
    return fault_set(f, EXIT_USAGE,
                     "%s holds %s run of filter, expected --resume, --overwrite or "
                     "another folder",
                     output->folder, at->finished ? "a finished" : "an unfinished");
  if (!at->finished && !at->unfinished &&
      (outdir_has_files(at->masks) || outdir_has_files(at->weights)))
    return fault_set(f, EXIT_USAGE,
                     "%s contains files that filter did not write, expected a folder "
                     "without masks",
                     output->folder);
  return EXIT_FINE;
}

static int check_inputs(const filter_job *job, fault *f) {
  static const char *const written[] = {
      "masks/", "weights/", "filter.csv", "filter.json", "filter.record", "filter.journal", NULL};
  inputs list = {0};
  inputs_add_labels(&list, job->common.labels);
  inputs_add(&list, job->stats);
  inputs_add(&list, job->criterion.calibration);
  inputs_add_set(&list, &job->set);
  if (job->real.masks) inputs_add_set(&list, &job->real);
  inputs_add(&list, job->references);
  int code = inputs_spare_folder(&list, job->output.folder, written, f);
  inputs_free(&list);
  return code;
}

int filter_run_lock(filter_run *r, fault *f) {
  const filter_job *job = r->job;
  if (job->output.resume && job->output.overwrite)
    return fault_set(f, EXIT_USAGE, "--resume and --overwrite are both given, expected one");
  int code = loss_options_check(&job->set.loss, f);
  if (!code && job->real.masks) code = loss_options_check(&job->real.loss, f);
  if (!code && !job->real.masks && loss_options_which(&job->real.loss) != LOSS_FOLDERS)
    code = fault_set(f, EXIT_USAGE, "losses of the real set are given without --real-masks");
  if (!code) code = check_inputs(job, f);
  if (!code) code = outdir_open(job->output.folder, job->output.held, &r->out, f);
  if (code) return code;
  code = look(job->output.folder, &r->found, f);
  if (!code) code = outdir_check_real(&r->out, "masks", f);
  if (!code) code = outdir_check_real(&r->out, "weights", f);
  return code ? code : check_free(&job->output, &r->found, f);
}

/* ---- Clearing: the mark goes first -------------------------------------------------- */

/* From here on there is no finished run: what is left of it is an unfinished one, or none. */
static int remove_mark(const filter_run *r, fault *f) {
  int code = disk_remove(r->found.manifest, f);
  return code ? code : disk_flush_names(r->out.path, f);
}

/* What an earlier run made. A journal without a first line says that this is not done yet. */
static int clear_results(const filter_run *r, fault *f) {
  const filter_found *at = &r->found;
  int code = disk_remove(at->table, f);
  if (!code) code = disk_remove(at->record, f);
  if (!code) code = outdir_clear_masks(at->masks, f);
  return code ? code : outdir_clear_weights(at->weights, f);
}

/* ---- What is there ------------------------------------------------------------------ */

const char **filter_run_latest(const filter_run *r, const journal_lines *lines) {
  const char **latest = alloc_zeroed(r->masks.count, sizeof *latest);
  for (size_t i = 0; i < lines->count; i++) {
    char *stem = journal_stem(lines->lines[i]);
    const folder_file *file = stem ? folder_find(&r->masks, stem) : NULL;
    if (file) latest[file - r->masks.files] = lines->lines[i];
    free(stem);
  }
  return latest;
}

/* Looks at what an earlier run made of each mask. */
typedef struct looking {
  filter_run *r;
  const char **lines;
} looking;

typedef struct looker {
  journal_entry entry;
  reference_cache reference;
  filter_counts sums;
  int64_t counted;
  int64_t *all_valid, *all_dropped;
} looker;

static int begin_looking(void *shared, void **own, fault *f) {
  const looking *all = shared;
  (void)f;
  size_t k = (size_t)all->r->file.class_count;
  looker *l = alloc_zeroed(1, sizeof *l);
  l->entry.class_valid = alloc_zeroed(4 * k, sizeof(int64_t));
  l->entry.class_dropped = l->entry.class_valid + k;
  l->all_valid = l->entry.class_dropped + k;
  l->all_dropped = l->all_valid + k;
  filter_run_counts_open(all->r, &l->sums);
  *own = l;
  return EXIT_FINE;
}

static int end_looking(void *shared, void *own, bool good, fault *f) {
  const looking *all = shared;
  looker *l = own;
  (void)good;
  (void)f;
  for (int32_t k = 0; k < all->r->file.class_count; k++) {
    all->r->file.classes[k].valid += l->all_valid[k];
    all->r->file.classes[k].dropped += l->all_dropped[k];
  }
  filter_run_counts_close(all->r, &l->sums);
  reference_cache_clear(&l->reference);
  all->r->counted += l->counted;
  free(l->entry.class_valid);
  free(l);
  return EXIT_FINE;
}

/* A network is not run once more for the sake of a histogram. */
static int recount(filter_run *r, looker *l, size_t index, const char *path, fault *f) {
  if (loss_provider_is_plugin(r->job->set.loss.provider)) return EXIT_FINE;
  l->counted++;
  return filter_run_recount(r, index, path, &l->reference, &l->sums, f);
}

/* Is the mask whole? Masks are not flushed one by one: those that were written just before the
 * machine stopped may be damaged, which the checksums in a PNG show. */
static bool is_whole(const filter_run *r, const char *path) {
  fm_raster *raster = NULL;
  bool whole = !fm_mask_read(r->ws.context, path, NULL, &raster, NULL);
  fm_raster_destroy(raster);
  return whole;
}

bool filter_run_has_weights(const filter_run *r, size_t index, const input_seen *wanted,
                            bool looked_into) {
  struct stat info;
  input_seen now;
  fault ignored;
  if (!r->file.weights) return true;
  char *name = filter_run_weights_name(r, index), *path = path_join(r->out.path, name);
  bool there = wanted->content && !lstat(path, &info) && S_ISREG(info.st_mode) &&
               info.st_size == wanted->size;
  if (there && looked_into)
    there = !input_look(path, &now, &ignored) && now.content == wanted->content;
  free(path);
  free(name);
  return there;
}

part_places filter_run_places(const filter_run *r) {
  return (part_places){&r->masks, r->source, &r->strata, &r->real, &r->others};
}

/* Is what the line says still so? The file that it is about is `path`. */
static int look_at(const looking *all, looker *l, size_t index, const char *path, fault *f) {
  filter_run *r = all->r;
  const part_places places = filter_run_places(r);
  journal_entry *entry = &l->entry;
  input_parts now;
  struct stat written;
  int differs = PARTS;
  if (entry->revoked || lstat(path, &written) || !S_ISREG(written.st_mode) ||
      written.st_size != entry->bytes)
    return EXIT_FINE;
  int code = input_parts_compare(&places, index, &entry->parts, &written, FILTER_RUN_SLACK, &now,
                                 &differs, f);
  if (code || differs < PARTS) return code;
  r->done[index] = is_whole(r, path) && filter_run_has_weights(r, index, &entry->weights, true);
  if (r->done[index] && memcmp(&now, &entry->parts, sizeof now) != 0) {
    text t = {0};
    entry->parts = now;
    journal_format(entry, r->file.class_count, &t);
    r->renewed[index] = t.data;
  }
  return r->done[index] ? recount(r, l, index, path, f) : EXIT_FINE;
}

static int look_at_one(void *shared, void *own, size_t index, fault *f) {
  const looking *all = shared;
  filter_run *r = all->r;
  looker *l = own;
  if (!all->lines[index]) return EXIT_FINE;
  char *line = alloc_text(all->lines[index]);
  char *name = filter_run_name(r, index), *path = path_join(r->out.path, name);
  int code = EXIT_FINE;
  if (journal_read_line(line, r->file.class_count, &l->entry))
    code = look_at(all, l, index, path, f);
  r->outdated[index] = !r->done[index];
  for (int32_t k = 0; k < r->file.class_count && r->done[index]; k++) {
    l->all_valid[k] += l->entry.class_valid[k];
    l->all_dropped[k] += l->entry.class_dropped[k];
  }
  if (r->done[index]) r->rows[index].valid = l->entry.valid;
  if (r->done[index]) r->rows[index].dropped = l->entry.dropped;
  free(path);
  free(name);
  free(line);
  return code;
}

static int look_at_all(filter_run *r, const char **lines, fault *f) {
  const job_common *common = &r->job->common;
  looking all = {r, lines};
  pool_job work = {.what = "look", .count = r->masks.count, .quiet = common->quiet};
  work.threads = (int)common->threads;
  work.shared = &all;
  work.begin = begin_looking;
  work.work = look_at_one;
  work.end = end_looking;
  return pool_run(&work, f);
}

/* ---- An unfinished one -------------------------------------------------------------- */

/* Before masks are made again: a crash between a mask and its line must not leave the old line. */
static int revoke_outdated(filter_run *r, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < r->masks.count && !code; i++)
    if (r->outdated[i]) code = journal_revoke(&r->journal, r->masks.files[i].stem, f);
  return code;
}

static int take_over(filter_run *r, const journal_lines *lines, fault *f) {
  const char **latest = filter_run_latest(r, lines);
  text t = {0};
  int code = look_at_all(r, latest, f);
  for (size_t i = 0; i < r->masks.count; i++)
    if (r->renewed[i]) text_add_string(&t, r->renewed[i]);
  if (!code) code = journal_add_lines(&r->journal, &t, f);
  text_free(&t);
  free(latest);
  return code ? code : revoke_outdated(r, f);
}

/* The record of a run that is finished no more becomes its journal again. */
static int reopen(filter_run *r, fault *f) {
  const filter_found *at = &r->found;
  bool begun = false, recorded = false;
  int code = remove_mark(r, f);
  if (!code) code = is_there(at->journal, &begun, f);
  if (!code) code = is_there(at->record, &recorded, f);
  if (code || begun || !recorded) return code;
  if (rename(at->record, at->journal)) return fault_system(f, errno, "rename", at->record);
  return disk_flush_names(r->out.path, f);
}

/* Opens the journal; what is done already is taken over. */
static int open_journal(filter_run *r, fault *f) {
  const filter_found *at = &r->found;
  char *masks;
  journal_lines lines;
  bool before = false, fresh;
  int code = is_there(at->journal, &before, f);
  if (code) return code;
  outdir_sweep(at->masks);
  outdir_sweep(at->weights);
  outdir_sweep_top(r->out.path);
  code = reopen(r, f);
  if (!code)
    code = journal_open(at->journal, r->job->output.folder, r->file.made_of, &r->journal, &lines,
                        &fresh, f);
  /* It was made even if its first line did not fit the disk; another run's is not ours. */
  if (!before && (!code || code == EXIT_IO)) outdir_made(&r->out, at->journal);
  if (code) return code;
  if (fresh) code = clear_results(r, f);
  if (!code && fresh) code = journal_begin(&r->journal, r->file.made_of, f);
  if (!code && !fresh) code = take_over(r, &lines, f);
  journal_lines_free(&lines);
  if (!code) code = outdir_path(&r->out, "masks/", &masks, f);
  if (!code) free(masks);
  return code;
}

/* An empty journal comes before all else goes. */
static int begin_anew(const filter_run *r, fault *f) {
  int code = remove_mark(r, f);
  return code ? code : journal_clear(r->found.journal, f);
}

/* Images of one mask follow each other, so that each is read once for the others. */
typedef struct in_family {
  size_t real, index;
} in_family;

static int by_family(const void *a, const void *b) {
  const in_family *left = a, *right = b;
  if (left->real != right->real) return left->real < right->real ? -1 : 1;
  return (left->index > right->index) - (left->index < right->index);
}

static void sort_pending(filter_run *r) {
  in_family *list = alloc_zeroed(r->pending_count, sizeof *list);
  for (size_t i = 0; i < r->pending_count; i++)
    list[i] = (in_family){families_real(&r->real.of, r->pending[i]), r->pending[i]};
  if (r->pending_count) qsort(list, r->pending_count, sizeof *list, by_family);
  for (size_t i = 0; i < r->pending_count; i++) r->pending[i] = list[i].index;
  free(list);
}

int filter_run_enter(filter_run *r, bool *finished, fault *f) {
  const job_output *output = &r->job->output;
  int code = EXIT_FINE;
  *finished = false;
  if (r->found.finished && output->resume) code = filter_run_accept_finished(r, finished, f);
  if (code || *finished) return code;
  if (output->overwrite && (r->found.finished || r->found.unfinished)) code = begin_anew(r, f);
  if (!code) code = open_journal(r, f);
  for (size_t i = 0; i < r->masks.count; i++)
    if (!r->done[i]) r->pending[r->pending_count++] = i;
  if (r->others.source) sort_pending(r);
  return code;
}
