/* job/filter_enter.c - the output folder of a run of `filter`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/path.h"
#include "job/filter_run.h"

/* What stands in the folder. */
typedef struct found {
  char *table, *manifest, *journal, *masks; /* paths */
  bool finished, unfinished;
} found;

static void look(const char *output, found *at) {
  at->table = path_join(output, "filter.csv");
  at->manifest = path_join(output, "filter.json");
  at->journal = path_join(output, "filter.journal");
  at->masks = path_join(output, "masks");
  at->unfinished = path_exists(at->journal);
  at->finished = !at->unfinished && (path_exists(at->table) || path_exists(at->manifest));
}

static void free_found(found *at) {
  free(at->table);
  free(at->manifest);
  free(at->journal);
  free(at->masks);
}

/* Has an input of the mask changed since `output` was written? */
static bool is_outdated(const filter_run *r, size_t index, const char *output) {
  char *mask = folder_path(&r->masks, &r->masks.files[index]);
  bool outdated =
      path_changed_after(mask, output) || loss_source_changed_after(r->source, index, output);
  free(mask);
  return outdated;
}

/* A finished run does not tell what each mask added to the totals. */
static int check_outdated(const filter_run *r, const filter_job *job, const found *at, fault *f) {
  for (size_t i = 0; i < r->masks.count; i++)
    if (is_outdated(r, i, at->manifest))
      return fault_set(f, EXIT_USAGE,
                       "%s was finished before '%s' or its losses changed, expected --overwrite",
                       job->output, r->masks.files[i].stem);
  return EXIT_FINE;
}

/* A whole run with the same inputs: its totals become ours. */
static int accept_finished(filter_run *r, const filter_job *job, const found *at, fault *f) {
  filter_file earlier;
  int code = filter_file_read(at->manifest, &earlier, f);
  if (code) return code;
  if (earlier.fingerprint != r->file.fingerprint) {
    filter_file_free(&earlier);
    return fault_set(f, EXIT_USAGE,
                     "%s was finished with other flags, statistics or inputs, expected the same "
                     "with --resume (or --overwrite)",
                     job->output);
  }
  filter_file_free(&r->file);
  r->file = earlier;
  return check_outdated(r, job, at, f);
}

/* Removes what an earlier run left. */
static int clear(const found *at, fault *f) {
  const char *const paths[] = {at->journal, at->table, at->manifest};
  outdir_clear_masks(at->masks);
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    if (unlink(paths[i]) && errno != ENOENT) return fault_system(f, errno, "remove", paths[i]);
  return EXIT_FINE;
}

/* Is the mask there, and whole? Masks are not flushed one by one: those that were written just
 * before the machine stopped may be damaged, which the sums in a PNG tell. */
static bool is_whole(const filter_run *r, const char *path) {
  fm_raster *raster = NULL;
  bool whole = !fm_mask_read(r->bench.context, path, NULL, &raster, NULL);
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

/* Takes over a line of the journal if its mask is in place and made of what is there now. */
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

/* Before masks are made anew: a crash between a mask and its line must not leave the old line. */
static int revoke_outdated(filter_run *r, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < r->masks.count && !code; i++)
    if (r->outdated[i]) code = journal_revoke(&r->journal, r->masks.files[i].stem, f);
  return code;
}

static int check_free(const filter_job *job, const found *at, fault *f) {
  if ((at->finished || at->unfinished) && !job->resume && !job->overwrite)
    return fault_set(f, EXIT_USAGE,
                     "%s holds %s run of filter, expected --resume, --overwrite or "
                     "another folder",
                     job->output, at->finished ? "a finished" : "an unfinished");
  if (!at->finished && !at->unfinished && outdir_has_files(at->masks))
    return fault_set(f, EXIT_USAGE,
                     "%s holds files that are no output of filter, expected a folder "
                     "without masks",
                     job->output);
  return EXIT_FINE;
}

/* Opens the folder and the journal; what is done already is taken over. */
static int open_folder(filter_run *r, const filter_job *job, const found *at, fault *f) {
  char *masks;
  int code = outdir_open(job->output, &r->out, f);
  if (code) return code;
  if (at->unfinished && job->resume) {
    outdir_sweep(at->masks);
    outdir_sweep_prefix(job->output, "filter.");
  }
  bool fresh = !path_exists(at->journal);
  code = journal_open(at->journal, r->file.fingerprint, r->file.class_count, take_over, r,
                      &r->journal, f);
  /* Made even where its first line did not fit the disk; another run's is not ours. */
  if (fresh && (!code || code == EXIT_IO)) outdir_made(&r->out, at->journal);
  if (!code) code = revoke_outdated(r, f);
  if (!code) code = outdir_place(&r->out, "masks/", &masks, f);
  if (!code) free(masks);
  return code;
}

int filter_run_enter(filter_run *r, const filter_job *job, bool *finished, fault *f) {
  found at;
  look(job->output, &at);
  *finished = at.finished && job->resume;
  int code = check_free(job, &at, f);
  if (!code && *finished) code = accept_finished(r, job, &at, f);
  if (!code && !*finished && job->overwrite) code = clear(&at, f);
  if (!code && !*finished) code = open_folder(r, job, &at, f);
  for (size_t i = 0; i < r->masks.count; i++)
    if (!r->done[i]) r->pending[r->pending_count++] = i;
  free_found(&at);
  return code;
}
