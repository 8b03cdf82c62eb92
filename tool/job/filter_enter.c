/* job/filter_enter.c - the output folder of a run of `filter`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "job/filter_run.h"
#include "job/inputs.h"

static void look(const char *output, filter_found *at) {
  at->table = path_join(output, "filter.csv");
  at->manifest = path_join(output, "filter.json");
  at->journal = path_join(output, "filter.journal");
  at->masks = path_join(output, "masks");
  at->unfinished = path_exists(at->journal);
  at->finished = !at->unfinished && (path_exists(at->table) || path_exists(at->manifest));
}

static int check_free(const job_output *output, const filter_found *at, fault *f) {
  if ((at->finished || at->unfinished) && !output->resume && !output->overwrite)
    return fault_set(f, EXIT_USAGE,
                     "%s holds %s run of filter, expected --resume, --overwrite or "
                     "another folder",
                     output->folder, at->finished ? "a finished" : "an unfinished");
  if (!at->finished && !at->unfinished && outdir_has_files(at->masks))
    return fault_set(f, EXIT_USAGE,
                     "%s contains files that filter did not write, expected a folder "
                     "without masks",
                     output->folder);
  return EXIT_FINE;
}

static int check_inputs(const filter_job *job, fault *f) {
  static const char *const written[] = {"masks/", "filter.csv", "filter.json", "filter.journal",
                                        NULL};
  inputs list = {0};
  inputs_add_labels(&list, job->common.labels);
  inputs_add(&list, job->stats);
  inputs_add_set(&list, &job->set);
  int code = inputs_spare_folder(&list, job->output.folder, written, f);
  inputs_free(&list);
  return code;
}

int filter_run_lock(filter_run *r, fault *f) {
  const filter_job *job = r->job;
  if (job->output.resume && job->output.overwrite)
    return fault_set(f, EXIT_USAGE, "--resume and --overwrite are both given, expected one");
  int code = loss_options_check(&job->set.loss, f);
  if (!code) code = check_inputs(job, f);
  if (!code) code = outdir_open(job->output.folder, job->output.held, &r->out, f);
  if (code) return code;
  look(job->output.folder, &r->found);
  return check_free(&job->output, &r->found, f);
}

/* Has an input of the mask changed since `output` was written? */
static bool is_outdated(const filter_run *r, size_t index, const char *output) {
  char *mask = folder_path(&r->masks, &r->masks.files[index]);
  bool outdated = path_changed_after(mask, output) ||
                  loss_source_changed_after(r->source, index, output) ||
                  strata_changed_after(&r->strata, index, output);
  free(mask);
  return outdated;
}

/* A finished run does not record what each mask added to the totals. */
static int check_outdated(const filter_run *r, fault *f) {
  for (size_t i = 0; i < r->masks.count; i++)
    if (is_outdated(r, i, r->found.manifest))
      return fault_set(f, EXIT_USAGE,
                       "%s was finished before '%s' or its losses changed, expected --overwrite",
                       r->job->output.folder, r->masks.files[i].stem);
  return EXIT_FINE;
}

/* A whole run with the same inputs: its totals become ours. */
static int accept_finished(filter_run *r, fault *f) {
  filter_file earlier;
  int code = filter_file_read(r->found.manifest, &earlier, f);
  if (code) return code;
  if (earlier.fingerprint != r->file.fingerprint) {
    filter_file_free(&earlier);
    return fault_set(f, EXIT_USAGE,
                     "%s was finished with other flags, statistics or inputs, expected the same "
                     "with --resume (or --overwrite)",
                     r->job->output.folder);
  }
  filter_file_free(&r->file);
  r->file = earlier;
  return check_outdated(r, f);
}

/* Removes what an earlier run left. */
static int clear(const filter_found *at, fault *f) {
  const char *const paths[] = {at->journal, at->table, at->manifest};
  outdir_clear_masks(at->masks);
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (unlink(paths[i]) && errno != ENOENT) return fault_system(f, errno, "remove", paths[i]);
  return EXIT_FINE;
}

/* Is the mask there, and whole? Masks are not flushed one by one: those that were written just
 * before the machine stopped may be damaged, which the checksums in a PNG show. */
static bool is_whole(const filter_run *r, const char *path) {
  fm_raster *raster = NULL;
  bool whole = !fm_mask_read(r->ws.context, path, NULL, &raster, NULL);
  fm_raster_destroy(raster);
  return whole;
}

static void add_counts(filter_run *r, size_t index, const journal_entry *entry) {
  r->rows[index].valid = entry->valid;
  r->rows[index].dropped = entry->dropped;
  for (int32_t k = 0; k < r->file.class_count; k++) {
    r->file.classes[k].valid += entry->class_valid[k];
    r->file.classes[k].dropped += entry->class_dropped[k];
  }
}

/* Takes over a line of the journal if its mask exists and was made of the inputs as they are now.
 */
static int take_over(const journal_entry *entry, void *user, fault *f) {
  filter_run *r = user;
  (void)f;
  const folder_file *file = folder_find(&r->masks, entry->stem);
  if (!file) return EXIT_FINE;
  size_t index = (size_t)(file - r->masks.files);
  if (r->done[index] || r->outdated[index]) return EXIT_FINE;
  char *name = filter_run_name(r, index), *path = path_join(r->out.path, name);
  r->outdated[index] = entry->revoked || is_outdated(r, index, path);
  r->done[index] = !r->outdated[index] && is_whole(r, path);
  if (r->done[index]) add_counts(r, index, entry);
  free(path);
  free(name);
  return EXIT_FINE;
}

/* Before masks are made again: a crash between a mask and its line must not leave the old line. */
static int revoke_outdated(filter_run *r, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < r->masks.count && !code; i++)
    if (r->outdated[i]) code = journal_revoke(&r->journal, r->masks.files[i].stem, f);
  return code;
}

/* Opens the journal; what is done already is taken over. */
static int open_journal(filter_run *r, fault *f) {
  const filter_found *at = &r->found;
  char *masks;
  outdir_sweep(at->masks);
  outdir_sweep_top(r->out.path);
  bool fresh = !path_exists(at->journal);
  int code = journal_open(at->journal, r->file.fingerprint, r->file.class_count, take_over, r,
                          &r->journal, f);
  /* It was made even if its first line did not fit the disk; another run's is not ours. */
  if (fresh && (!code || code == EXIT_IO)) outdir_made(&r->out, at->journal);
  if (!code) code = revoke_outdated(r, f);
  if (!code) code = outdir_path(&r->out, "masks/", &masks, f);
  if (!code) free(masks);
  return code;
}

int filter_run_enter(filter_run *r, bool *finished, fault *f) {
  const job_output *output = &r->job->output;
  int code = EXIT_FINE;
  *finished = r->found.finished && output->resume;
  if (*finished) return accept_finished(r, f);
  if (output->overwrite) code = clear(&r->found, f);
  if (!code) code = open_journal(r, f);
  for (size_t i = 0; i < r->masks.count; i++)
    if (!r->done[i]) r->pending[r->pending_count++] = i;
  return code;
}
