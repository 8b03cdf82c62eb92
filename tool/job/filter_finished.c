/* job/filter_finished.c - is a finished run of `filter` still what it was made of? */
#define _XOPEN_SOURCE 700 /* lstat */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/path.h"
#include "job/filter_run.h"
#include "job/known_set.h"
#include "job/made_of.h"

static bool same_place(const char *file, const char *a, const char *b) {
  char *left = path_to_store(file, a), *right = path_to_store(file, b);
  bool same = left && right ? !strcmp(left, right) : left == right;
  free(left);
  free(right);
  return same;
}

/* The manifest names the places where the inputs are now. */
static bool is_moved(const filter_run *r, const filter_file *earlier) {
  const filter_file *now = &r->file;
  const char *at = r->found.manifest;
  bool same = same_place(at, earlier->masks, now->masks) &&
              same_place(at, earlier->stats, now->stats) &&
              same_place(at, earlier->strata, now->strata) &&
              same_place(at, earlier->labels_source, now->labels_source) &&
              same_place(at, earlier->real_masks, now->real_masks) &&
              same_place(at, earlier->guarantee.calibration, now->guarantee.calibration);
  for (int i = 0; i < LOSS_FOLDERS; i++)
    same = same && same_place(at, earlier->real_folders[i], now->real_folders[i]);
  for (int i = 0; i < LOSS_FOLDERS; i++)
    same = same && same_place(at, earlier->folders[i], now->folders[i]);
  bool provider = earlier->provider && now->provider ? !strcmp(earlier->provider, now->provider)
                                                     : earlier->provider == now->provider;
  return !same || !provider;
}

static void take_totals(filter_file *file, filter_file *earlier) {
  file->losses = earlier->losses;
  earlier->losses = (loss_record){0};
  file->confused = earlier->confused;
  earlier->confused = (confusion){0};
  file->alike = earlier->alike;
  earlier->alike = (agreement){0};
  file->count = earlier->count;
  file->valid = earlier->valid;
  file->dropped = earlier->dropped;
  file->emptied = earlier->emptied;
  for (int32_t k = 0; k < file->class_count; k++) {
    file->classes[k].valid = earlier->classes[k].valid;
    file->classes[k].dropped = earlier->classes[k].dropped;
  }
}

/* What the record says of each mask, and the mask's file. */
typedef struct finished_run {
  input_parts *before;
  struct stat *written;
  bool whole; /* all that it stands for is there */
} finished_run;

static void read_finished(const filter_run *r, const journal_lines *lines, finished_run *out) {
  const size_t classes = (size_t)r->file.class_count;
  const char **latest = filter_run_latest(r, lines);
  journal_entry entry = {.class_valid = alloc_zeroed(2 * classes, sizeof(int64_t))};
  entry.class_dropped = entry.class_valid + classes;
  out->before = alloc_zeroed(r->masks.count, sizeof *out->before);
  out->written = alloc_zeroed(r->masks.count, sizeof *out->written);
  out->whole = path_exists(r->found.table);
  for (size_t i = 0; i < r->masks.count && out->whole; i++) {
    char *line = alloc_text(latest[i]), *name = filter_run_name(r, i);
    char *path = path_join(r->out.path, name);
    out->whole = line && journal_read_line(line, r->file.class_count, &entry) && !entry.revoked &&
                 !lstat(path, &out->written[i]) && S_ISREG(out->written[i].st_mode) &&
                 out->written[i].st_size == entry.bytes &&
                 filter_run_has_weights(r, i, &entry.weights, false);
    out->before[i] = entry.parts;
    free(path);
    free(name);
    free(line);
  }
  free(entry.class_valid);
  free(latest);
}

/* The masks of a finished run are not made again: it does as it was told, or is refused. */
static int refuse_changed(const filter_run *r, size_t index, int part, fault *f) {
  static const char *const words[PARTS] = {"mask",      NULL,        NULL,       "strata",
                                           "real mask", "real loss", "real loss"};
  const part_places places = filter_run_places(r);
  const char *output = r->job->output.folder, *stem = r->masks.files[index].stem;
  if (part == PART_SIBLINGS) /* of another shard: there is no line of its own here */
    return fault_set(f, EXIT_USAGE,
                     "%s was finished, but a sibling of '%s' has changed since, the mask or the "
                     "losses of another image of the same mask, expected --overwrite",
                     output, stem);
  char *path = input_part_path(&places, index, part);
  int code = fault_set(f, EXIT_USAGE,
                       "%s was finished, but %s has changed since: it is another %s than the one "
                       "that '%s' was made of, expected --overwrite",
                       output, path ? path : "a file",
                       words[part] ? words[part] : loss_source_what(r->source), stem);
  free(path);
  return code;
}

/* The first mask that differs, by something of its own if there is one: that has a name. */
static size_t first_changed(const filter_run *r, const unsigned char *differs) {
  size_t first = r->masks.count;
  for (size_t i = r->masks.count; i-- > 0;)
    if (differs[i] < PARTS &&
        (differs[i] != PART_SIBLINGS || first == r->masks.count || differs[first] == PART_SIBLINGS))
      first = i;
  return first;
}

static int check_inputs_same(const filter_run *r, const finished_run *was, fault *f) {
  known_set set = {.common = &r->job->common,
                   .record = r->found.record,
                   .places = filter_run_places(r),
                   .before = was->before,
                   .after_reading = was->written,
                   .slack = FILTER_RUN_SLACK};
  int code = known_set_look(&set, f);
  const size_t first = code ? r->masks.count : first_changed(r, set.differs);
  if (first < r->masks.count) code = refuse_changed(r, first, set.differs[first], f);
  free(set.differs);
  return code;
}

static int accept(filter_run *r, filter_file *earlier, bool *finished, fault *f) {
  const filter_found *at = &r->found;
  journal_lines lines;
  finished_run was = {0};
  path_kind there = PATH_ABSENT;
  int code = path_look(at->record, &there, f);
  if (code) return code;
  if (there == PATH_ABSENT)
    return fault_set(
        f, EXIT_DATA,
        "%s is not there, which says what the masks were made of; expected --overwrite",
        at->record);
  code = journal_load(at->record, r->job->output.folder, "finished", r->file.made_of, &lines, f);
  if (code) return code;
  read_finished(r, &lines, &was);
  journal_lines_free(&lines);
  *finished = was.whole;
  if (*finished) code = check_inputs_same(r, &was, f);
  free(was.before);
  free(was.written);
  if (code || !*finished) return code;
  take_totals(&r->file, earlier);
  return is_moved(r, earlier) ? filter_file_write(r->ws.context, &r->file, at->manifest, f)
                              : EXIT_FINE;
}

/* Believed only if all that it stands for is there. */
int filter_run_accept_finished(filter_run *r, bool *finished, fault *f) {
  filter_file earlier;
  int code = filter_file_read(r->found.manifest, &earlier, f);
  if (code) return code;
  code = made_of_check(earlier.made_of, r->file.made_of, r->job->output.folder, "finished", f);
  if (!code && earlier.class_count != r->file.class_count)
    code = fault_set(f, EXIT_DATA, "%s: not the classes of --labels", r->found.manifest);
  if (!code) code = accept(r, &earlier, finished, f);
  filter_file_free(&earlier);
  return code;
}
