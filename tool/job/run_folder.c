/* job/run_folder.c - the folder of a run and its manifest. */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/path.h"
#include "base/text.h"
#include "job/inputs.h"
#include "job/labels_file.h"
#include "job/run_state.h"
#include "job/workspace.h"

const char *const run_outputs[RUN_OUTPUTS] = {"run.json",    "stats.json",   "filter.csv",
                                              "filter.json", "hardness.csv", "plan.csv",
                                              "report.html"};

/* ---- What determines the results ------------------------------------------------------ */

static void add_input(text *t, const char *path) {
  char *real = path ? path_real(path) : alloc_text("-");
  text_add(t, "%s\n", real);
  free(real);
}

/* The flags about outputs, or null. New reference. */
static json_t *save_network(const run_job *j) {
  return loss_options_have_outputs(&j->real.loss) ? network_flags_save(&j->network) : json_null();
}

static int add_set(const workspace *ws, const job_set *set, text *t, fault *f) {
  folder masks;
  uint64_t identity;
  int64_t count;
  add_input(t, set->masks);
  for (int i = 0; i < LOSS_FOLDERS; i++) add_input(t, set->loss.folders[i]);
  add_input(t, set->strata);
  int code = workspace_masks(ws, set->masks, (folder_shard){0, 1}, &masks, &identity, &count, f);
  if (code) return code;
  text_add(t, "%016" PRIx64 " %" PRId64 "\n", identity, count);
  folder_free(&masks);
  return EXIT_FINE;
}

int run_find_fingerprint(run_state *s, fault *f) {
  const run_job *j = s->job;
  const job_criterion *criterion = &j->criterion;
  workspace ws;
  text t = {0};
  int code = workspace_open(j->common.labels, &ws, f);
  if (code) return code;
  text_add(&t, "%016" PRIx64 " %s %.17g %d %.17g %dx%d ", fm_labels_fingerprint(ws.labels),
           j->provider ? j->provider : "-", criterion->tolerance, criterion->unseen,
           criterion->min_kept, (int)j->resize.width, (int)j->resize.height);
  text_add(&t, "%" PRId64 " ", j->strata_count);
  plan_flags_add_words(&j->plan, &t);
  text_add(&t, "\n");
  json_add_line(save_network(j), &t);
  code = add_set(&ws, &j->real, &t, f);
  if (!code) code = add_set(&ws, &j->synthetic, &t, f);
  s->fingerprint = text_hash(t.data, t.length);
  text_free(&t);
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

/* As --resize takes it. */
static json_t *save_resize(arg_size size) {
  if (size.width == FM_NO_RESIZE) return json_string("none");
  return json_sprintf("%dx%d", size.width ? (int)size.width : 512,
                      size.width ? (int)size.height : 512);
}

static int write_manifest(run_state *s, fault *f) {
  const run_job *j = s->job;
  fm_context *context;
  fm_error err;
  text plan = {0};
  if (fm_context_create(NULL, &context, &err)) return fault_library(f, &err, NULL);
  char *labels = labels_to_store(s->manifest, j->common.labels);
  plan_flags_add_words(&j->plan, &plan);
  json_t *root = json_pack(
      "{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s, "
      "s:s}",
      "format", "freemask-run", "version", 1, "labels", json_text(labels), "fingerprint",
      json_hex(s->fingerprint), "real", save_set(s, &j->real), "synthetic",
      save_set(s, &j->synthetic), "network", save_network(j), "provider", json_text(j->provider),
      "strata_count", (json_int_t)(j->strata_count ? j->strata_count : 1), "plan_flags",
      json_text(plan.data), "resize", save_resize(j->resize), "stats", "stats.json", "filter",
      "filter.json", "filter_rows", "filter.csv", "masks", "masks", "hardness", "hardness.csv",
      "plan", "plan.csv", "export", "export", "report", "report.html");
  int code = json_file_write(context, root, s->manifest, f);
  if (!code) outdir_made(&s->out, s->manifest);
  text_free(&plan);
  free(labels);
  fm_context_destroy(context);
  return code;
}

/* An earlier run's manifest must be of the same run. */
static int check_manifest(const run_state *s, fault *f) {
  json_t *root;
  uint64_t earlier = 0;
  int code = json_file_read(s->manifest, "freemask-run", 1, &root, f);
  if (code) return code;
  code = json_member_hex(root, s->manifest, "fingerprint", &earlier, f);
  json_decref(root);
  if (!code && earlier != s->fingerprint)
    code = fault_set(f, EXIT_USAGE,
                     "%s was started with other flags or inputs, expected the same with "
                     "--resume (or --overwrite)",
                     s->job->output.folder);
  return code;
}

static void remove_below(const char *output, const char *name) {
  char *path = path_join(output, name);
  unlink(path);
  free(path);
}

/* Masks are removed only where a table or journal shows that `filter` made them. */
static void clear(const run_state *s) {
  const char *output = s->job->output.folder;
  char *table = path_join(output, "filter.csv"), *journal = path_join(output, "filter.journal");
  char *masks = path_join(output, "masks");
  if (path_exists(table) || path_exists(journal)) outdir_clear_masks(masks);
  remove_below(output, "filter.journal");
  for (size_t i = 0; i < RUN_OUTPUTS; i++) remove_below(output, run_outputs[i]);
  free(masks);
  free(journal);
  free(table);
}

/* ---- What is there already ------------------------------------------------------------ */

/* Has a file of the folder (NULL: none) changed since `output` was written? */
static int look_for_change(const workspace *ws, folder_kind kind, const char *path,
                           const char *output, bool *changed, fault *f) {
  folder files;
  if (!path || *changed) return EXIT_FINE;
  int code = folder_list(kind, path, ws->labels, &files, f);
  if (code) return code;
  for (size_t i = 0; i < files.count && !*changed; i++) {
    char *file = folder_path(&files, &files.files[i]);
    *changed = path_changed_after(file, output);
    free(file);
  }
  folder_free(&files);
  return EXIT_FINE;
}

/* Removes what was made of the real set if that has changed. If the statistics come out the same,
 * the filter continues; otherwise it refuses. Images that only illustrate do not count. */
static int drop_outdated(const run_state *s, fault *f) {
  const job_set *real = &s->job->real;
  const bool files = loss_options_have_files(&real->loss);
  workspace ws;
  bool changed = false;
  if (!path_exists(s->stats)) return EXIT_FINE;
  int code = workspace_open(s->job->common.labels, &ws, f);
  if (code) return code;
  code = look_for_change(&ws, FOLDER_MASKS, real->masks, s->stats, &changed, f);
  for (int i = 0; i < LOSS_FOLDERS && !code; i++)
    if (!files || !loss_folders[i].provided)
      code = look_for_change(&ws, loss_folders[i].partners, real->loss.folders[i], s->stats,
                             &changed, f);
  if (!code) code = look_for_change(&ws, FOLDER_STRATA, real->strata, s->stats, &changed, f);
  workspace_close(&ws);
  if (code || !changed) return code;
  unlink(s->stats);
  unlink(s->hardness);
  unlink(s->plan);
  return EXIT_FINE;
}

static int check_inputs(const run_job *j, fault *f) {
  static const char *const folders[] = {"masks/", "export/", "filter.journal"};
  const char *written[RUN_OUTPUTS + 4] = {folders[0], folders[1], folders[2]};
  const job_set *const sets[] = {&j->real, &j->synthetic};
  inputs list = {0};
  for (size_t i = 0; i < RUN_OUTPUTS; i++) written[3 + i] = run_outputs[i];
  inputs_add_labels(&list, j->common.labels);
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
  int code = EXIT_FINE;
  if (output->overwrite) return EXIT_FINE;
  if (path_exists(s->manifest))
    return output->resume
               ? EXIT_FINE
               : fault_set(f, EXIT_USAGE,
                           "%s holds a run, expected --resume, --overwrite or another folder",
                           output->folder);
  for (size_t i = 1; i < RUN_OUTPUTS && !code; i++) {
    char *path = path_join(output->folder, run_outputs[i]);
    if (path_exists(path))
      code = fault_set(f, EXIT_USAGE, "%s already exists, expected an empty folder", path);
    free(path);
  }
  return code;
}

int run_lock(run_state *s, fault *f) {
  const job_output *output = &s->job->output;
  int code = check_inputs(s->job, f);
  if (!code) code = outdir_open(output->folder, output->held, &s->out, f);
  if (!code) code = check_free(s, f);
  if (!code) code = outdir_open(s->export, NULL, &s->lists, f);
  s->lock = output->held ? output->held : &s->out.lock;
  return code;
}

int run_enter(run_state *s, fault *f) {
  const job_output *output = &s->job->output;
  bool resumed = output->resume && path_exists(s->manifest);
  int code = resumed ? check_manifest(s, f) : EXIT_FINE;
  if (!code && resumed) code = drop_outdated(s, f);
  if (code) return code;
  if (output->overwrite) clear(s);
  outdir_sweep_top(output->folder);
  return resumed ? EXIT_FINE : write_manifest(s, f);
}
