/* job/run_folder.c - the folder of a run and its manifest. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/disk.h"
#include "base/json_file.h"
#include "base/path.h"
#include "base/text.h"
#include "job/filter_file.h"
#include "job/inputs.h"
#include "job/journal.h"
#include "job/known_set.h"
#include "job/labels_file.h"
#include "job/made_of.h"
#include "job/run_state.h"
#include "job/workspace.h"

const char *const run_outputs[RUN_OUTPUTS] = {"run.json",    "stats.json",   "filter.csv",
                                              "filter.json", "hardness.csv", "plan.csv",
                                              "report.html"};

/* ---- What determines the results ------------------------------------------------------ */

/* The flags about outputs, or null. New reference. */
static json_t *save_network(const run_job *j) {
  return loss_options_have_outputs(&j->real.loss) ? network_flags_save(&j->network) : json_null();
}

/* As --resize takes it. */
static json_t *save_resize(arg_size size) {
  if (size.width == FM_NO_RESIZE) return json_string("none");
  return json_sprintf("%dx%d", size.width ? (int)size.width : 512,
                      size.width ? (int)size.height : 512);
}

/* The names of a set's masks and the kinds of its other inputs. What they hold is in the records. */
static int add_set(const workspace *ws, const char *name, const job_set *set, json_t *made_of,
                   fault *f) {
  folder masks;
  uint64_t identity;
  int64_t count;
  char what[40];
  int code = workspace_masks(ws, set->masks, (folder_shard){0, 1}, &masks, &identity, &count, f);
  if (code) return code;
  folder_free(&masks);
  snprintf(what, sizeof what, "%s masks", name);
  made_of_add_masks(made_of, what, identity, count);
  snprintf(what, sizeof what, "%s losses from", name);
  int which = loss_options_which(&set->loss);
  made_of_add(made_of, what, "%s", which < LOSS_FOLDERS ? loss_folders[which].name : "none");
  return EXIT_FINE;
}

int run_find_made_of(run_state *s, fault *f) {
  const run_job *j = s->job;
  const job_criterion *criterion = &j->criterion;
  workspace ws;
  text plan = {0};
  int code = workspace_open(j->common.labels, &ws, f);
  if (code) return code;
  json_t *made_of = s->made_of = made_of_new();
  made_of_add(made_of, "labels", "%016" PRIx64, fm_labels_fingerprint(ws.labels));
  made_of_add(made_of, "--tolerance", "%.17g",
              criterion->tolerance > 0 ? criterion->tolerance : 1.25);
  made_of_add(made_of, "--policy", "%s", filter_policies[criterion->policy]);
  made_of_add(made_of, "--use", "%s", filter_uses[criterion->use]);
  made_of_add(made_of, "--real-share", "%.17g", criterion->real_share);
  made_of_add(made_of, "--allow-unpaired", "%d", (int)criterion->allow_unpaired);
  made_of_add(made_of, "--siblings", "%d", (int)criterion->siblings);
  made_of_add(made_of, "--unseen", "%s", filter_unseen[criterion->unseen]);
  made_of_add(made_of, "--lose", "%.17g", criterion->lose);
  made_of_add(made_of, "--confidence", "%.17g", criterion->confidence);
  made_of_add(made_of, "--calibration", "%s", criterion->calibration ? "given" : "none");
  made_of_add(made_of, "--weights", "%d", criterion->weights);
  made_of_add(made_of, "--weight-type", "%s", filter_weight_types[criterion->weight_type]);
  made_of_add(made_of, "--weight-width", "%.17g", criterion->weight_width);
  made_of_add(made_of, "--weight-gamma", "%.17g", criterion->weight_gamma);
  made_of_add(made_of, "--min-kept", "%.17g", criterion->min_kept);
  made_of_add_json(made_of, "--resize", save_resize(j->resize));
  made_of_add(made_of, "--references", "%s", j->references ? "given" : "none");
  made_of_add(made_of, "--shape", "%d", (int)j->shape);
  made_of_add(made_of, "--strata-count", "%" PRId64, j->strata_count);
  plan_flags_add_words(&j->plan, &plan);
  made_of_add_hash(made_of, "flags of the plan", plan.data ? plan.data : "", plan.length);
  made_of_add_json(made_of, "flags of outputs", save_network(j));
  made_of_add_json(made_of, "flags of names", folder_names_save());
  code = made_of_add_provider(made_of, j->provider, f);
  if (!code) code = add_set(&ws, "real", &j->real, made_of, f);
  if (!code) code = add_set(&ws, "synthetic", &j->synthetic, made_of, f);
  if (s->shard.count > 1)
    made_of_add(made_of, RUN_OF_SHARD, "%" PRId64 "/%" PRId64, s->shard.index, s->shard.count);
  text_free(&plan);
  workspace_close(&ws);
  return code;
}

/* ---- The folder ----------------------------------------------------------------------- */

static json_t *save_set(const run_state *s, const job_set *set) {
  json_t *object = json_object();
  json_object_set_new(object, "masks", json_stored_path(s->manifest, set->masks));
  loss_folders_save(set->loss.folders, s->manifest, object);
  json_object_set_new(object, "strata", json_stored_path(s->manifest, set->strata));
  return object;
}

static json_t *save_manifest(const run_state *s, bool clearing) {
  const run_job *j = s->job;
  text plan = {0};
  char *labels = labels_to_store(s->manifest, j->common.labels);
  plan_flags_add_words(&j->plan, &plan);
  json_t *root = json_pack(
      "{s:s, s:i, s:o, s:o, s:O, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:s, s:o, s:s, s:s, s:s, s:s, "
      "s:s, s:s, s:s, s:s, s:o}",
      "format", "freemask-run", "version", 1, "labels", json_text(labels), "fingerprint",
      json_hex(made_of_hash(s->made_of)), "made_of", s->made_of, "real", save_set(s, &j->real),
      "synthetic", save_set(s, &j->synthetic), "network", save_network(j), "provider",
      json_text(j->provider), "strata_count", (json_int_t)(j->strata_count ? j->strata_count : 1),
      "plan_flags", json_text(plan.data), "resize", j->shape ? json_null() : save_resize(j->resize),
      "hardness_by", j->shape ? "shape" : "losses", "references",
      json_stored_path(s->manifest, j->references), "stats", "stats.json", "filter", "filter.json",
      "filter_rows", "filter.csv", "masks", "masks", "hardness", "hardness.csv", "plan", "plan.csv",
      "export", "export", "report", "report.html", "names", folder_names_save());
  if (s->shard.count > 1)
    json_object_set_new(root, "shard",
                        json_pack("{s:I, s:I}", "index", (json_int_t)s->shard.index, "count",
                                  (json_int_t)s->shard.count));
  if (clearing) json_object_set_new(root, "clearing", json_true());
  if (json_object_size(s->left_out)) json_object_set(root, "left_out", s->left_out);
  text_free(&plan);
  free(labels);
  return root;
}

static int rewrite_manifest(const run_state *s, bool clearing, fault *f) {
  fm_context *context;
  fm_error err;
  if (fm_context_create(NULL, &context, &err)) return fault_library(f, &err, NULL);
  int code = json_file_write(context, save_manifest(s, clearing), s->manifest, f);
  fm_context_destroy(context);
  return code;
}

static int write_manifest(run_state *s, bool clearing, fault *f) {
  int code = rewrite_manifest(s, clearing, f);
  if (!code) outdir_made(&s->out, s->manifest);
  return code;
}

int run_leave_out(const run_state *s, const char *format, const char *why, fault *f) {
  json_object_set_new(s->left_out, format, json_text(why));
  return rewrite_manifest(s, false, f);
}

/* What is left out shows later. */
static bool same_manifest(const json_t *now, const json_t *before) {
  json_t *rest = json_copy((json_t *)before);
  json_object_del(rest, "left_out");
  bool same = json_equal(now, rest);
  json_decref(rest);
  return same;
}

/* Goes on with an earlier run, which must be of the same; its inputs may lie elsewhere by now. */
static int take_manifest(run_state *s, bool *clearing, fault *f) {
  json_t *root, *made_of = NULL;
  int code = json_file_read(s->manifest, "freemask-run", 1, &root, f);
  if (code) return code;
  code = json_member_object(root, s->manifest, "made_of", &made_of, f);
  if (!code) code = made_of_check(made_of, s->made_of, s->job->output.folder, "started", f);
  *clearing = json_is_true(json_object_get(root, "clearing"));
  json_t *now = save_manifest(s, *clearing);
  if (!code && !same_manifest(now, root)) code = write_manifest(s, *clearing, f);
  json_decref(now);
  json_decref(root);
  return code;
}

/* ---- Clearing ------------------------------------------------------------------------- */

static int remove_below(const run_state *s, const char *name, fault *f) {
  char *path = path_join(s->job->output.folder, name);
  int code = disk_remove(path, f);
  free(path);
  return code;
}

static bool exists_below(const run_state *s, const char *name) {
  char *path = path_join(s->job->output.folder, name);
  bool there = path_exists(path);
  free(path);
  return there;
}

/* The filter's masks are its own to remove: an empty journal tells it to. */
static int clear_filter(const run_state *s, fault *f) {
  bool there = exists_below(s, "filter.json") || exists_below(s, "filter.csv") ||
               exists_below(s, "filter.record") || exists_below(s, "filter.journal");
  if (!there) return EXIT_FINE;
  char *path = path_join(s->job->output.folder, "filter.journal");
  int code = remove_below(s, "filter.json", f);
  if (!code) code = disk_flush_names(s->job->output.folder, f);
  if (!code) code = journal_clear(path, f);
  free(path);
  return code;
}

/* What depends on other files goes before them. */
static int remove_results(const run_state *s, fault *f) {
  static const char *const names[] = {"report.html", "plan.csv", "hardness.csv", "stats.json",
                                      "stats.record"};
  int code = EXIT_FINE;
  for (size_t i = 0; i < sizeof names / sizeof *names && !code; i++)
    code = remove_below(s, names[i], f);
  return code ? code : disk_flush_names(s->job->output.folder, f);
}

/* From its first step on there is no earlier run, but this one, which has not begun. */
static int clear(run_state *s, fault *f) {
  int code = write_manifest(s, true, f);
  if (!code) code = clear_filter(s, f);
  if (!code) code = remove_results(s, f);
  return code ? code : write_manifest(s, false, f);
}

/* ---- What is there already ------------------------------------------------------------ */

/* The real set, and what it was when the statistics were made of it. */
typedef struct real_set {
  workspace ws;
  folder masks;
  strata_folder strata;
  loss_source *source;
  input_parts *before;
} real_set;

static int open_real(const run_state *s, real_set *real, fault *f) {
  const job_set set = run_set(s, &s->job->real);
  int code = workspace_open(s->job->common.labels, &real->ws, f);
  if (!code) code = workspace_masks(&real->ws, set.masks, s->shard, &real->masks, NULL, NULL, f);
  if (!code)
    code = strata_open(real->ws.context, set.strata, &real->masks, false, &real->strata, f);
  if (!code)
    code = loss_source_open(real->ws.context, real->ws.labels, &set.loss, &real->masks, false,
                            &real->source, f);
  if (!code) real->before = alloc_zeroed(real->masks.count, sizeof *real->before);
  return code;
}

static void close_real(real_set *real) {
  free(real->before);
  loss_source_close(real->source);
  strata_close(&real->strata);
  folder_free(&real->masks);
  workspace_close(&real->ws);
}

/* A mask without a line was made of nothing, which no mask is. */
static int read_record(const run_state *s, real_set *real, fault *f) {
  journal_lines lines;
  journal_entry entry = {.class_valid = (int64_t[1]){0}, .class_dropped = (int64_t[1]){0}};
  int code = journal_load(s->record, s->job->output.folder, "started", s->made_of, &lines, f);
  if (code) return code;
  for (size_t i = 0; i < lines.count; i++) {
    const folder_file *file =
        journal_read_line(lines.lines[i], 0, &entry) ? folder_find(&real->masks, entry.stem) : NULL;
    if (file) real->before[file - real->masks.files] = entry.parts;
  }
  journal_lines_free(&lines);
  return EXIT_FINE;
}

/* `*changed` gets the path of the first file of the real set that is not what it was, or NULL.
 * `before`: of a file that was written before they were read; NULL: what is the same file holds the
 * same. */
static int look_at_real(const run_state *s, const struct stat *before, char **changed, fault *f) {
  real_set real = {0};
  known_set set = {.common = &s->job->common, .record = s->record, .before_reading = before};
  *changed = NULL;
  int code = open_real(s, &real, f);
  if (!code) code = read_record(s, &real, f);
  if (!code) {
    set.places = (part_places){&real.masks, real.source, &real.strata, NULL, NULL};
    set.before = real.before;
    code = known_set_look(&set, f);
  }
  for (size_t i = 0; i < real.masks.count && !code && !*changed; i++) {
    if (set.differs[i] == PARTS) continue;
    *changed = input_part_path(&set.places, i, set.differs[i]);
    if (!*changed) *changed = input_part_path(&set.places, i, PART_MASK); /* one is gone, or new */
  }
  free(set.differs);
  close_real(&real);
  return code;
}

/* Removes what was made of the real set if that has changed. If the statistics come out the same,
 * the filter continues; otherwise it refuses. Images that only illustrate do not count. */
static int drop_outdated(const run_state *s, fault *f) {
  struct stat before;
  char *changed = NULL;
  if (!path_exists(s->stats)) return EXIT_FINE;
  if (stat(s->manifest, &before)) return fault_system(f, errno, "find", s->manifest);
  int code = EXIT_FINE;
  if (path_exists(s->record))
    code = look_at_real(s, &before, &changed, f);
  else
    changed = alloc_text(s->record);
  if (!code && changed && s->job->stats && run_has_two_passes(s)) {
    code = fault_set(f, EXIT_DATA,
                     "%s has changed since the statistics of this shard were made, and with them "
                     "those of all shards: begin with this command without --stats",
                     changed);
  } else if (!code && changed) {
    fault note;
    fault_set(&note, EXIT_FINE, "%s has changed: the statistics are made again", changed);
    fprintf(stderr, "freemask: warning: %s\n", note.text);
    code = remove_results(s, f);
  }
  free(changed);
  return code;
}

int run_check_stayed(const run_state *s, fault *f) {
  char *changed;
  int code = look_at_real(s, NULL, &changed, f);
  if (!code && changed)
    code = fault_set(f, EXIT_IO, "%s has changed while run was at work, expected inputs that stay",
                     changed);
  free(changed);
  return code;
}

/* References have a folder of their own: where `run` writes something else, too, they would mix. */
static int check_references(const run_job *j, fault *f) {
  static const char *const taken[] = {"", "masks", "weights", "export"};
  int code = EXIT_FINE;
  if (!j->references) return EXIT_FINE;
  char *codes = path_real(j->references);
  for (size_t i = 0; i < sizeof taken / sizeof *taken && !code; i++) {
    char *path = i ? path_join(j->output.folder, taken[i]) : alloc_text(j->output.folder);
    char *real = path_real(path);
    const size_t length = strlen(real);
    const bool same =
        !strncmp(codes, real, length) && (!codes[length] || (i && codes[length] == '/'));
    if (same)
      code = fault_set(f, EXIT_USAGE,
                       "--references %s is where run writes something else, expected a folder of "
                       "their own",
                       j->references);
    free(real);
    free(path);
  }
  free(codes);
  return code;
}

static int check_inputs(const run_job *j, fault *f) {
  static const char *const more[] = {"masks/",         "weights/",      "export/",
                                     "filter.journal", "filter.record", "stats.record"};
  enum { MORE = sizeof more / sizeof *more };
  const char *written[RUN_OUTPUTS + MORE + 1] = {0};
  const job_set *const sets[] = {&j->real, &j->synthetic};
  inputs list = {0};
  for (size_t i = 0; i < MORE; i++) written[i] = more[i];
  for (size_t i = 0; i < RUN_OUTPUTS; i++) written[MORE + i] = run_outputs[i];
  inputs_add_labels(&list, j->common.labels);
  inputs_add(&list, j->criterion.calibration);
  inputs_add(&list, j->stats);
  for (size_t i = 0; i < 2; i++) {
    job_set set = *sets[i];
    set.loss.provider = j->provider;
    inputs_add_set(&list, &set);
  }
  int code = inputs_spare_folder(&list, j->output.folder, written, f);
  inputs_free(&list);
  return code;
}

static int check_free(const run_state *s, fault *f) {
  const job_output *output = &s->job->output;
  if (output->overwrite) return EXIT_FINE;
  path_kind there;
  int code = path_look(s->manifest, &there, f);
  if (code) return code;
  if (there != PATH_ABSENT)
    return output->resume
               ? EXIT_FINE
               : fault_set(f, EXIT_USAGE,
                           "%s holds a run, expected --resume, --overwrite or another folder",
                           output->folder);
  for (size_t i = 1; i < RUN_OUTPUTS && !code; i++) {
    char *path = path_join(output->folder, run_outputs[i]);
    code = path_look(path, &there, f);
    if (!code && there != PATH_ABSENT)
      code = fault_set(f, EXIT_USAGE, "%s already exists, expected an empty folder", path);
    free(path);
  }
  return code;
}

int run_lock(run_state *s, fault *f) {
  const job_output *output = &s->job->output;
  int code = check_inputs(s->job, f);
  if (!code) code = check_references(s->job, f);
  if (!code) code = outdir_open(output->folder, output->held, &s->out, f);
  if (!code) code = outdir_check_real(&s->out, "masks", f);
  if (!code) code = outdir_check_real(&s->out, "export", f);
  if (!code) code = check_free(s, f);
  if (!code) code = outdir_open(s->export, NULL, &s->lists, f);
  s->lock = output->held ? output->held : &s->out.lock;
  return code;
}

int run_enter(run_state *s, fault *f) {
  const job_output *output = &s->job->output;
  bool resumed = output->resume && path_exists(s->manifest), clearing = output->overwrite;
  int code = resumed ? take_manifest(s, &clearing, f) : EXIT_FINE;
  if (!code && clearing) code = clear(s, f);
  if (!code && resumed && !clearing) code = drop_outdated(s, f);
  if (code) return code;
  outdir_sweep_top(output->folder);
  return resumed || clearing ? EXIT_FINE : write_manifest(s, false, f);
}
