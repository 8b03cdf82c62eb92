/* job/filter_prepare.c - the inputs of a run of `filter`, and what it says that it is made of. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "job/filter_reach.h"
#include "job/filter_run.h"
#include "job/made_of.h"
#include "job/mask_store.h"

/* The manifest's part that is known before the first mask. */
static void describe(filter_run *r, const stats_file *stats) {
  const filter_job *job = r->job;
  const loss_options *loss = &job->set.loss;
  const fm_class_stats *losses = stats_file_losses(stats);
  filter_file *file = &r->file;
  file->labels_name = alloc_text(fm_labels_name(r->ws.labels));
  file->labels_source = alloc_text(job->common.labels);
  file->labels_fingerprint = fm_labels_fingerprint(r->ws.labels);
  file->stats = alloc_text(job->stats);
  file->masks = alloc_text(job->set.masks);
  file->strata = alloc_text(job->set.strata);
  file->stratum_count = fm_filter_stratum_count(r->filter);
  if (r->real.of.real) {
    file->real_masks = alloc_text(job->references ? job->references : job->real.masks);
    for (int i = 0; i < LOSS_FOLDERS; i++)
      file->real_folders[i] = alloc_text(job->real.loss.folders[i]);
    file->unpaired = (int64_t)r->real.missing;
  }
  file->has_siblings = job->criterion.siblings;
  for (size_t i = 0; i < r->masks.count; i++) file->siblings += siblings_count(&r->others, i) > 0;
  for (int i = 0; i < LOSS_FOLDERS; i++) file->folders[i] = alloc_text(loss->folders[i]);
  if (loss_options_have_outputs(loss)) file->network = network_flags_save(&loss->network);
  file->provider = alloc_text(loss->provider);
  fm_filter_options options = {.size = sizeof options};
  (void)fm_filter_get_options(r->filter, &options, NULL);
  file->policy = alloc_text(filter_policies[options.policy]);
  file->unseen = alloc_text(filter_unseen[options.unseen]);
  if (!file->guarantee.calibration && options.policy == FM_FILTER_PAPER)
    file->tolerance = options.tolerance;
  else if (!file->guarantee.calibration)
    file->real_share = options.real_share;
  const int weights = job->criterion.weights;
  if (weights != NO_WEIGHTS) {
    file->weights = alloc_text(filter_weights[weights]);
    file->weight_type = alloc_text(filter_weight_types[job->criterion.weight_type]);
  }
  file->weight_shape = filter_run_weights(r).width + filter_run_weights(r).gamma;
  file->min_kept = job->criterion.min_kept;
  file->shard = job->shard.count ? job->shard : (folder_shard){0, 1};
  file->class_count = stats->class_count;
  file->classes = alloc_zeroed((size_t)stats->class_count, sizeof *file->classes);
  for (int32_t k = 0; k < stats->class_count; k++) {
    file->classes[k].name = alloc_text(fm_labels_class_name(r->ws.labels, k));
    file->classes[k].mean_loss = fm_class_stats_mean(losses, k, FM_ALL_STRATA);
    file->classes[k].thresholds =
        alloc_zeroed((size_t)file->stratum_count, sizeof *file->classes[k].thresholds);
    for (int32_t s = 0; s < file->stratum_count; s++)
      file->classes[k].thresholds[s] = (double)fm_filter_threshold(r->filter, k, s);
  }
  filter_file_use_stats(file, losses);
}

/* Do the thresholds say more than means and tolerance? */
static bool has_thresholds(const filter_file *file) {
  return file->guarantee.calibration || !filter_is_paper(file);
}

static void add_statistics(json_t *made_of, const filter_run *r, const stats_file *stats) {
  text t = {0};
  for (int32_t k = 0; k < stats->class_count; k++)
    text_add(&t, "%" PRId64 " %.17g\n", fm_class_stats_pixel_count(stats->stats, k, FM_ALL_STRATA),
             r->file.classes[k].mean_loss);
  for (int32_t k = 0; k < stats->class_count && r->file.stratum_count > 1; k++)
    for (int32_t s = 0; s < r->file.stratum_count; s++)
      text_add(&t, "%.17g ", fm_class_stats_mean(stats->stats, k, s));
  for (int32_t k = 0; k < stats->class_count && has_thresholds(&r->file); k++)
    for (int32_t s = 0; s < r->file.stratum_count; s++)
      text_add(&t, "%.9g ", r->file.classes[k].thresholds[s]);
  text_add(&t, "%016" PRIx64, stats_ranks(stats->stats));
  made_of_add_hash(made_of, "statistics", t.data, t.length);
  text_free(&t);
}

/* All that determines the results, so that --resume continues the same run: not where inputs are,
 * and not what each mask is made of, which its line in the journal says. */
static int find_made_of(filter_run *r, const stats_file *stats, fault *f) {
  const filter_file *file = &r->file;
  json_t *made_of = r->file.made_of = made_of_new();
  made_of_add(made_of, "labels", "%016" PRIx64, file->labels_fingerprint);
  made_of_add(made_of, "--policy", "%s", file->policy);
  if (file->guarantee.calibration) {
    made_of_add(made_of, "--lose", "%.17g", file->guarantee.lose);
    made_of_add(made_of, "--confidence", "%.17g", file->guarantee.confidence);
  } else if (filter_is_paper(file))
    made_of_add(made_of, "--tolerance", "%.17g", file->tolerance);
  else
    made_of_add(made_of, "--real-share", "%.17g", file->real_share);
  if (file->real_masks)
    made_of_add(
        made_of, "real losses from", "%s",
        r->real.codes ? "--references" : loss_folders[loss_options_which(&r->job->real.loss)].name);
  if (file->real_masks)
    made_of_add(made_of, "masks without a real one", "%" PRId64, file->unpaired);
  made_of_add(made_of, "--siblings", "%d", (int)file->has_siblings);
  made_of_add(made_of, "--weights", "%s", file->weights ? file->weights : "none");
  made_of_add(made_of, "--weight-type", "%s", file->weights ? file->weight_type : "none");
  made_of_add(made_of, "--weight-width or --weight-gamma", "%.17g", file->weight_shape);
  made_of_add(made_of, "--min-kept", "%.17g", file->min_kept);
  made_of_add(made_of, "--unseen", "%s", file->unseen);
  made_of_add(made_of, "--shard", "%" PRId64 "/%" PRId64, file->shard.index, file->shard.count);
  made_of_add(made_of, "strata", "%s", file->strata ? "given" : "none");
  made_of_add(made_of, "losses from", "%s",
              loss_folders[loss_options_which(&r->job->set.loss)].name);
  made_of_add_masks(made_of, "masks", r->identity, r->whole);
  add_statistics(made_of, r, stats);
  if (file->network) made_of_add_json(made_of, "flags of outputs", json_incref(file->network));
  made_of_add_json(made_of, "flags of names", folder_names_save());
  json_t *model = file->provider ? loss_source_model(r->source) : NULL;
  if (model) made_of_add_json(made_of, "model", model);
  int code = made_of_add_provider(made_of, file->provider, f);
  if (!code) r->file.fingerprint = made_of_hash(made_of);
  return code;
}

/* ---- All inputs --------------------------------------------------------------------------- */

static int open_source(filter_run *r, const stats_file *stats, fault *f) {
  loss_options loss = r->job->set.loss;
  loss.quiet = r->job->common.quiet;
  int code = loss_source_open(r->ws.context, r->ws.labels, &loss, &r->masks, false, &r->source, f);
  return code ? code : loss_source_use_model(r->source, stats->provider, r->job->stats, f);
}

static int open_strata(filter_run *r, const stats_file *stats, fault *f) {
  const char *path = r->job->set.strata;
  const int32_t strata = stats_file_strata(stats);
  if (strata > 1 && !path && !stats->boundary)
    return fault_set(f, EXIT_USAGE,
                     "%s has %d strata, expected --strata DIR with those of the masks",
                     r->job->stats, (int)strata);
  if (stats->boundary && path)
    return fault_set(f, EXIT_USAGE,
                     "--strata is given, but the strata of %s are by the distance to the boundary",
                     r->job->stats);
  if (strata == 1 && path)
    return fault_set(f, EXIT_USAGE, "--strata is given, but %s was made without strata",
                     r->job->stats);
  int code = strata_open(r->ws.context, path, &r->masks, false, &r->strata, f);
  r->strata.boundary = stats->boundary;
  return code;
}

static int read_inputs(filter_run *r, stats_file *stats, fault *f) {
  const filter_job *job = r->job;
  int policy = FM_FILTER_PAPER;
  int code = workspace_open(job->common.labels, &r->ws, f);
  if (!code) code = mask_check_labels(r->ws.labels, f);
  if (!code) code = stats_file_read(r->ws.context, r->ws.labels, job->stats, stats, f);
  if (!code) code = stats_file_whole(stats, job->stats, f);
  if (!code) code = filter_run_policy(r, stats, &policy, f);
  if (!code)
    code =
        workspace_masks(&r->ws, job->set.masks, job->shard, &r->masks, &r->identity, &r->whole, f);
  if (!code) code = open_strata(r, stats, f);
  if (!code) code = open_source(r, stats, f);
  if (!code && policy == FM_FILTER_PAIRED)
    code = references_open(&r->ws, job, &r->masks, stats, &r->real, f);
  if (!code && job->criterion.siblings) code = siblings_open(&r->real, job, stats, &r->others, f);
  if (!code) code = filter_run_make_filter(r, stats, policy, f);
  return code ? code : filter_run_make_stops(r, stats, policy, f);
}

int filter_run_prepare(filter_run *r, fault *f) {
  stats_file stats = {0};
  int code = read_inputs(r, &stats, f);
  if (!code) {
    describe(r, &stats);
    code = find_made_of(r, &stats, f);
    r->rows = alloc_zeroed(r->masks.count, sizeof *r->rows);
    r->done = alloc_zeroed(r->masks.count, sizeof *r->done);
    r->outdated = alloc_zeroed(r->masks.count, sizeof *r->outdated);
    r->renewed = alloc_zeroed(r->masks.count, sizeof *r->renewed);
    r->pending = alloc_zeroed(r->masks.count, sizeof *r->pending);
    for (size_t i = 0; i < r->masks.count; i++) r->rows[i].stem = r->masks.files[i].stem;
    if (!code) code = filter_reach_expect(&r->file, r->filter, &stats, &r->expected, f);
  }
  stats_file_free(&stats);
  return code;
}

static char *name_in(const filter_run *r, size_t index, const char *below, const char *ending) {
  text name = {0};
  char *stem = path_stem(r->masks.files[index].relative, "");
  text_add(&name, "%s/%s.%s", below, stem, ending);
  free(stem);
  return name.data;
}

char *filter_run_name(const filter_run *r, size_t index) {
  return name_in(r, index, "masks", "png");
}

char *filter_run_weights_name(const filter_run *r, size_t index) {
  return name_in(r, index, "weights", r->job->criterion.weight_type ? "npy" : "png");
}

fm_weight_options filter_run_weights(const filter_run *r) {
  const job_criterion *criterion = &r->job->criterion;
  fm_weight_options options = {.size = sizeof options, .kind = criterion->weights};
  if (options.kind == FM_WEIGHT_RAMP)
    options.width = criterion->weight_width > 0 ? criterion->weight_width : 0.5;
  if (options.kind == FM_WEIGHT_POWER)
    options.gamma = criterion->weight_gamma > 0 ? criterion->weight_gamma : 1;
  return options;
}

void filter_run_free(filter_run *r, outdir_end end) {
  journal_close(&r->journal);
  outdir_close(&r->out, end);
  for (size_t i = 0; r->renewed && i < r->masks.count; i++) free(r->renewed[i]);
  free(r->renewed);
  free(r->found.table);
  free(r->found.record);
  free(r->found.manifest);
  free(r->found.journal);
  free(r->found.masks);
  free(r->found.weights);
  free(r->rows);
  free(r->done);
  free(r->outdated);
  free(r->pending);
  text_free(&r->expected);
  loss_table_free(&r->counts.losses);
  loss_table_free(&r->counts.kept);
  confusion_free(&r->counts.confused);
  agreement_free(&r->counts.alike);
  agreement_ranks_free(&r->ranks);
  loss_stops_free(&r->stops);
  filter_file_free(&r->file);
  fm_filter_destroy(r->filter);
  loss_source_close(r->source);
  siblings_close(&r->others);
  references_close(&r->real);
  strata_close(&r->strata);
  folder_free(&r->masks);
  workspace_close(&r->ws);
}
