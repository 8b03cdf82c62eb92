/* job/filter_prepare.c - the inputs of a run of `filter`. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "job/filter_reach.h"
#include "job/filter_run.h"
#include "job/stats_file.h"

static const char *const unseen_names[] = {"drop", "keep", "global-mean"};

/* The manifest's part that is known before the first mask. */
static void describe(filter_run *r, const filter_job *job, const stats_file *stats) {
  filter_file *file = &r->file;
  file->labels_name = alloc_text(fm_labels_name(r->bench.labels));
  file->labels_source = alloc_text(job->common.labels);
  file->labels_fingerprint = fm_labels_fingerprint(r->bench.labels);
  file->stats = alloc_text(job->stats);
  file->masks = alloc_text(job->masks);
  file->losses = alloc_text(job->loss.losses);
  file->logits = alloc_text(job->loss.logits);
  file->queries = alloc_text(job->loss.queries);
  if (job->loss.logits || job->loss.queries) file->network = network_flags_save(&job->loss.network);
  file->images = alloc_text(job->loss.images);
  file->provider = alloc_text(job->loss.provider);
  file->policy = alloc_text("paper");
  file->unseen = alloc_text(unseen_names[job->unseen]);
  file->tolerance = job->tolerance > 0 ? job->tolerance : 1.25;
  file->min_kept = job->min_kept;
  file->shard = job->shard.count ? job->shard : (arg_shard){0, 1};
  file->class_count = stats->class_count;
  file->classes = alloc_zeroed((size_t)stats->class_count, sizeof *file->classes);
  for (int32_t k = 0; k < stats->class_count; k++) {
    file->classes[k].name = alloc_text(fm_labels_class_name(r->bench.labels, k));
    file->classes[k].mean_loss = fm_class_stats_mean(stats->stats, k, FM_ALL_STRATA);
    file->classes[k].threshold = (double)fm_filter_threshold(r->filter, k);
  }
}

static void add_json(text *t, const json_t *object) {
  char *words = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
  text_add(t, "%s", words ? words : "");
  free(words);
}

static void add_real_path(text *t, const char *path) {
  char *real = path ? path_real(path) : alloc_text("-");
  text_add(t, "%s\n", real);
  free(real);
}

/* One number for all that determines the results, so that --resume continues the same run. */
static uint64_t fingerprint(const filter_run *r, const filter_job *job, const stats_file *stats) {
  text t = {0};
  text_add(&t, "%016" PRIx64 " %.17g %.17g %s %" PRId64 "/%" PRId64 " %016" PRIx64 " %" PRId64 "\n",
           r->file.labels_fingerprint, r->file.tolerance, r->file.min_kept, r->file.unseen,
           r->file.shard.index, r->file.shard.count, r->identity, r->whole);
  for (int32_t k = 0; k < stats->class_count; k++)
    text_add(&t, "%" PRId64 " %.17g\n", fm_class_stats_pixel_count(stats->stats, k, FM_ALL_STRATA),
             r->file.classes[k].mean_loss);
  add_real_path(&t, job->masks);
  add_real_path(&t, job->loss.losses);
  add_real_path(&t, job->loss.images);
  if (r->file.network) {
    add_real_path(&t, job->loss.logits);
    add_real_path(&t, job->loss.queries);
    add_json(&t, r->file.network);
  }
  if (job->loss.provider) {
    json_t *model = loss_source_model(r->source);
    if (model) add_json(&t, model);
    json_decref(model);
  }
  uint64_t hash = text_hash(t.data, t.length);
  text_free(&t);
  return hash;
}

static int make_filter(filter_run *r, const filter_job *job, const stats_file *stats, fault *f) {
  fm_filter_options options = {.size = sizeof options, .tolerance = job->tolerance};
  fm_error err;
  options.unseen = job->unseen;
  options.min_kept_share = job->min_kept;
  if (fm_filter_create(stats->stats, &options, &r->filter, &err))
    return fault_library(f, &err, job->stats);
  return EXIT_FINE;
}

static int open_source(filter_run *r, const filter_job *job, const stats_file *stats, fault *f) {
  loss_options loss = job->loss;
  loss.quiet = job->common.quiet;
  int code =
      loss_source_open(r->bench.context, r->bench.labels, &loss, &r->masks, false, &r->source, f);
  return code ? code : loss_source_use_model(r->source, stats->provider, job->stats, f);
}

/* Neither masks nor losses nor images get company. */
static int check_apart(const filter_job *job, fault *f) {
  const char *const inputs[] = {job->loss.losses, job->loss.logits, job->loss.queries,
                                job->loss.images};
  int code = outdir_apart(job->output, job->masks, f);
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs && !code; i++)
    if (inputs[i] && path_same_or_inside(job->output, inputs[i]))
      code = fault_set(f, EXIT_USAGE, "-o %s lies in the input folder %s, expected a folder apart",
                       job->output, inputs[i]);
  return code;
}

static int read_inputs(filter_run *r, const filter_job *job, stats_file *stats, fault *f) {
  int code = bench_open(job->common.labels, &r->bench, f);
  if (!code) code = stats_file_read(r->bench.context, r->bench.labels, job->stats, stats, f);
  if (!code) code = stats_file_whole(stats, job->stats, f);
  if (!code)
    code = bench_masks(&r->bench, job->masks, job->shard, &r->masks, &r->identity, &r->whole, f);
  if (!code) code = check_apart(job, f);
  if (!code) code = open_source(r, job, stats, f);
  return code ? code : make_filter(r, job, stats, f);
}

int filter_run_prepare(filter_run *r, const filter_job *job, fault *f) {
  stats_file stats = {0};
  if (job->resume && job->overwrite)
    return fault_set(f, EXIT_USAGE, "--resume and --overwrite are both given, expected one");
  int code = loss_options_check(&job->loss, f);
  if (!code) code = read_inputs(r, job, &stats, f);
  if (!code) {
    describe(r, job, &stats);
    r->file.fingerprint = fingerprint(r, job, &stats);
    r->rows = alloc_zeroed(r->masks.count, sizeof *r->rows);
    r->done = alloc_zeroed(r->masks.count, sizeof *r->done);
    r->outdated = alloc_zeroed(r->masks.count, sizeof *r->outdated);
    r->pending = alloc_zeroed(r->masks.count, sizeof *r->pending);
    for (size_t i = 0; i < r->masks.count; i++) r->rows[i].stem = r->masks.files[i].stem;
    code = filter_reach_expect(&r->file, r->filter, &stats, &r->expected, f);
  }
  stats_file_free(&stats);
  return code;
}

char *filter_run_name(const filter_run *r, size_t index) {
  text name = {0};
  char *stem = path_stem(r->masks.files[index].relative, "");
  text_add(&name, "masks/%s.png", stem);
  free(stem);
  return name.data;
}

void filter_run_free(filter_run *r) {
  journal_close(&r->journal);
  if (r->out.path) outdir_close(&r->out);
  free(r->rows);
  free(r->done);
  free(r->outdated);
  free(r->pending);
  text_free(&r->expected);
  filter_file_free(&r->file);
  fm_filter_destroy(r->filter);
  loss_source_close(r->source);
  folder_free(&r->masks);
  bench_close(&r->bench);
}
