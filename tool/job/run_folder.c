/* job/run_folder.c - the folder of a run and its manifest. */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/path.h"
#include "base/text.h"
#include "job/bench.h"
#include "job/labels_file.h"
#include "job/run_state.h"

const char *const run_outputs[RUN_OUTPUTS] = {"run.json",    "stats.json",   "filter.csv",
                                              "filter.json", "hardness.csv", "plan.csv",
                                              "report.html"};

/* ---- What determines the results ------------------------------------------------------ */

static void add_input(text *t, const char *path) {
  char *real = path ? path_real(path) : alloc_text("-");
  text_add(t, "%s\n", real);
  free(real);
}

/* The flags about outputs, or null. */
static void add_network(text *t, const run_job *j) {
  json_t *flags = j->real.logits || j->real.queries ? network_flags_save(&j->network) : NULL;
  char *words = flags ? json_dumps(flags, JSON_SORT_KEYS) : NULL;
  text_add(t, "%s", words ? words : "null");
  free(words);
  json_decref(flags);
}

static int add_set(const bench *b, const char *path, text *t, fault *f) {
  folder masks;
  uint64_t identity;
  int64_t count;
  int code = bench_masks(b, path, (arg_shard){0, 1}, &masks, &identity, &count, f);
  if (code) return code;
  text_add(t, "%016" PRIx64 " %" PRId64 "\n", identity, count);
  folder_free(&masks);
  return EXIT_FINE;
}

int run_find_fingerprint(run_state *s, fault *f) {
  const run_job *j = s->job;
  const loss_options *real = &j->real, *synthetic = &j->synthetic;
  const char *const paths[] = {j->real_masks,     real->losses,      real->logits,
                               real->queries,     real->images,      j->synthetic_masks,
                               synthetic->losses, synthetic->logits, synthetic->queries,
                               synthetic->images};
  bench b;
  text t = {0};
  int code = bench_open(j->common.labels, &b, f);
  if (code) return code;
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) add_input(&t, paths[i]);
  text_add(&t, "%016" PRIx64 " %s %.17g %d %.17g %dx%d ", fm_labels_fingerprint(b.labels),
           j->provider ? j->provider : "-", j->tolerance, j->unseen, j->min_kept,
           (int)j->resize.width, (int)j->resize.height);
  plan_flags_add_words(&j->plan, &t);
  text_add(&t, "\n");
  add_network(&t, j);
  code = add_set(&b, j->real_masks, &t, f);
  if (!code) code = add_set(&b, j->synthetic_masks, &t, f);
  s->fingerprint = text_hash(t.data, t.length);
  text_free(&t);
  bench_close(&b);
  return code;
}

/* ---- The folder ----------------------------------------------------------------------- */

static void add_text(text *t, const char *key, const char *value) {
  text_add(t, "\"%s\": ", key);
  if (value)
    text_add_json(t, value);
  else
    text_add(t, "null");
}

/* As a file of the run's folder remembers it. */
static void add_path(text *t, const char *key, const char *path, const run_state *s) {
  char *stored = path_to_store(s->manifest, path);
  add_text(t, key, stored);
  free(stored);
}

static void add_inputs(text *t, const char *key, const char *masks, const loss_options *set,
                       const run_state *s) {
  text_add(t, " \"%s\": {", key);
  add_path(t, "masks", masks, s);
  text_add(t, ", ");
  add_path(t, "losses", set->losses, s);
  text_add(t, ", ");
  add_path(t, "logits", set->logits, s);
  text_add(t, ", ");
  add_path(t, "queries", set->queries, s);
  text_add(t, ", ");
  add_path(t, "images", set->images, s);
  text_add(t, "},\n");
}

/* As --resize takes it. */
static void add_resize(text *t, arg_size size) {
  if (size.width == FM_NO_RESIZE)
    text_add(t, "\"resize\": \"none\",\n");
  else
    text_add(t, "\"resize\": \"%dx%d\",\n", size.width ? (int)size.width : 512,
             size.width ? (int)size.height : 512);
}

static int write_manifest(run_state *s, fault *f) {
  const run_job *j = s->job;
  fm_context *context;
  fm_error err;
  text t = {0}, plan = {0};
  if (fm_context_create(NULL, &context, &err)) return fault_library(f, &err, NULL);
  text_add(&t, "{\"format\": \"freemask-run\", \"version\": 1, ");
  char *labels = labels_to_store(s->manifest, j->common.labels);
  add_text(&t, "labels", labels);
  free(labels);
  text_add(&t, ", \"fingerprint\": \"%016" PRIx64 "\",\n", s->fingerprint);
  add_inputs(&t, "real", j->real_masks, &j->real, s);
  add_inputs(&t, "synthetic", j->synthetic_masks, &j->synthetic, s);
  text_add(&t, " \"network\": ");
  add_network(&t, j);
  text_add(&t, ", ");
  add_text(&t, "provider", j->provider);
  plan_flags_add_words(&j->plan, &plan);
  text_add(&t, ", ");
  add_text(&t, "plan_flags", plan.data);
  text_free(&plan);
  text_add(&t, ",\n ");
  add_resize(&t, j->resize);
  text_add(&t,
           " \"stats\": \"stats.json\", \"filter\": \"filter.json\", \"filter_rows\": "
           "\"filter.csv\", \"masks\": \"masks\",\n \"hardness\": \"hardness.csv\", \"plan\": "
           "\"plan.csv\", \"export\": \"export\", \"report\": \"report.html\"}\n");
  int code = text_write(&t, context, s->manifest, f);
  if (!code) outdir_made(&s->out, s->manifest);
  text_free(&t);
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
                     "%s was begun with other flags or inputs, expected the same with "
                     "--resume (or --overwrite)",
                     s->job->output);
  return code;
}

static void remove_below(const char *output, const char *name) {
  char *path = path_join(output, name);
  unlink(path);
  free(path);
}

/* Masks go only where a table or journal says that `filter` made them. */
static void clear(const run_state *s) {
  const char *output = s->job->output;
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
static int look_for_change(const bench *b, folder_kind kind, const char *path, const char *output,
                           bool *changed, fault *f) {
  folder files;
  if (!path || *changed) return EXIT_FINE;
  int code = folder_list(kind, path, b->labels, &files, f);
  if (code) return code;
  for (size_t i = 0; i < files.count && !*changed; i++) {
    char *file = folder_path(&files, &files.files[i]);
    *changed = path_changed_after(file, output);
    free(file);
  }
  folder_free(&files);
  return EXIT_FINE;
}

/* What was made of the real set goes if that has changed. If statistics come out as they were, the
 * filter goes on; otherwise it refuses. */
static int drop_outdated(const run_state *s, fault *f) {
  const loss_options *real = &s->job->real;
  const bool by_provider = !real->losses && !real->logits && !real->queries;
  bench b;
  bool changed = false;
  if (!path_exists(s->stats)) return EXIT_FINE;
  int code = bench_open(s->job->common.labels, &b, f);
  if (code) return code;
  code = look_for_change(&b, FOLDER_MASKS, s->job->real_masks, s->stats, &changed, f);
  if (!code) code = look_for_change(&b, FOLDER_LOSSES, real->losses, s->stats, &changed, f);
  if (!code) code = look_for_change(&b, FOLDER_LOSSES, real->logits, s->stats, &changed, f);
  if (!code) code = look_for_change(&b, FOLDER_QUERIES, real->queries, s->stats, &changed, f);
  if (!code && by_provider)
    code = look_for_change(&b, FOLDER_IMAGES, real->images, s->stats, &changed, f);
  bench_close(&b);
  if (code || !changed) return code;
  unlink(s->stats);
  unlink(s->hardness);
  unlink(s->plan);
  return EXIT_FINE;
}

int run_enter(run_state *s, fault *f) {
  const run_job *j = s->job;
  bool there = path_exists(s->manifest);
  if (there && !j->resume && !j->overwrite)
    return fault_set(f, EXIT_USAGE,
                     "%s holds a run, expected --resume, --overwrite or another folder", j->output);
  int code = there && j->resume ? check_manifest(s, f) : EXIT_FINE;
  if (!code && there && j->resume) code = drop_outdated(s, f);
  if (code) return code;
  if (!there && !j->overwrite) {
    for (size_t i = 1; i < RUN_OUTPUTS && !code; i++) {
      char *path = path_join(j->output, run_outputs[i]);
      if (path_exists(path))
        code = fault_set(f, EXIT_USAGE, "%s is there already, expected an empty folder", path);
      free(path);
    }
  }
  if (code) return code;
  if (j->overwrite) clear(s);
  bool fresh = !there || j->overwrite;
  code = outdir_open(j->output, &s->out, f);
  if (!code) outdir_sweep_prefix(j->output, fresh ? "run.json" : "");
  if (!code && fresh) code = write_manifest(s, f);
  return code;
}
