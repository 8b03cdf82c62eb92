/* job/filter_prepare.c - the inputs of a run of `filter`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "job/filter_reach.h"
#include "job/filter_run.h"
#include "job/made_of.h"
#include "job/mask_store.h"
#include "job/stats_file.h"

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

/* What the score is made of; 0: it is the loss. */
static uint64_t ranks_of(const stats_file *stats) {
  fm_class_stats_layout layout = {.size = sizeof layout};
  (void)fm_class_stats_get_layout(stats->stats, &layout, NULL);
  return layout.ranks_fingerprint;
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
  text_add(&t, "%016" PRIx64, ranks_of(stats));
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

/* Shares of real pixels above the threshold: few to find wrong pixels; more to train, which also
 * suffers from clean pixels that look odd (doc/policies.md). */
static double share_of(const job_criterion *criterion) {
  if (criterion->real_share > 0) return criterion->real_share;
  return criterion->use == USE_TRAIN ? 0.3 : 0.05;
}

static int check_flags(const filter_run *r, int policy, fault *f) {
  const job_criterion *c = &r->job->criterion;
  const char *name = filter_policies[policy], *real = r->job->real.masks,
             *codes = r->job->references;
  if (c->weight_type && c->weights == NO_WEIGHTS)
    return fault_set(f, EXIT_USAGE, "--weight-type goes with --weights step, ramp or power");
  if ((c->weight_width > 0 && c->weights != FM_WEIGHT_RAMP) ||
      (c->weight_gamma > 0 && c->weights != FM_WEIGHT_POWER))
    return fault_set(f, EXIT_USAGE, "--weight-%s goes with --weights %s",
                     c->weight_width > 0 ? "width" : "gamma",
                     c->weight_width > 0 ? "ramp" : "power");
  if (!c->calibration && (c->lose > 0 || c->confidence > 0))
    return fault_set(f, EXIT_USAGE,
                     "--%s goes with --calibration, expected a file of freemask "
                     "calibrate",
                     c->lose > 0 ? "lose" : "confidence");
  if (c->calibration && (c->tolerance > 0 || c->real_share > 0 || c->use || c->unseen))
    return fault_set(f, EXIT_USAGE,
                     "--%s and --calibration are both given, but the thresholds are "
                     "those of the calibration: expected --lose",
                     c->tolerance > 0 ? "tolerance"
                     : c->unseen      ? "unseen"
                     : c->use         ? "use"
                                      : "real-share");
  if (policy == FM_FILTER_PAPER && (c->real_share > 0 || c->use))
    return fault_set(f, EXIT_USAGE,
                     "--%s goes with the policies quantile, strata and paired, but --policy paper "
                     "has a --tolerance",
                     c->use ? "use" : "real-share");
  if (policy != FM_FILTER_PAPER && c->tolerance > 0)
    return fault_set(f, EXIT_USAGE,
                     "--tolerance goes with --policy paper, but --policy %s has a --real-share",
                     name);
  if (policy != FM_FILTER_PAPER && c->unseen == FM_UNSEEN_GLOBAL_MEAN)
    return fault_set(f, EXIT_USAGE,
                     "--unseen global-mean goes with --policy paper, but --policy %s has no means: "
                     "expected drop or keep",
                     name);
  if (real && codes)
    return fault_set(f, EXIT_USAGE, "--real-masks and --references are both given, expected one");
  if (policy == FM_FILTER_PAIRED && !real && !codes)
    return fault_set(f, EXIT_USAGE,
                     "--policy paired compares with the real image of each mask, expected "
                     "--real-masks and --real-losses (or what else their losses come from), or "
                     "--references");
  if (policy != FM_FILTER_PAIRED && (real || codes || c->allow_unpaired || c->siblings))
    return fault_set(f, EXIT_USAGE, "--%s goes with --policy paired, but the policy is %s",
                     real          ? "real-masks"
                     : codes       ? "references"
                     : c->siblings ? "siblings"
                                   : "allow-unpaired",
                     name);
  return EXIT_FINE;
}

/* Which policy, and whether the statistics are for it. */
static int find_policy(const filter_run *r, const stats_file *stats, int *policy, fault *f) {
  const int made_for = stats_file_policy(stats), given = r->job->criterion.policy;
  *policy = given == POLICY_OF_STATS ? made_for : given;
  const bool scored = *policy == FM_FILTER_STRATA || *policy == FM_FILTER_PAIRED;
  if (scored != (made_for != FM_FILTER_PAPER))
    return fault_set(f, EXIT_DATA,
                     "%s: was made for --policy %s, expected the output of freemask stats --policy "
                     "%s",
                     r->job->stats, filter_policies[made_for], filter_policies[*policy]);
  if (*policy == FM_FILTER_QUANTILE && !stats->histogram && !r->job->criterion.calibration)
    return fault_set(
        f, EXIT_DATA,
        "%s: has no histogram, expected the output of freemask stats --policy quantile "
        "(or --histogram 32)",
        r->job->stats);
  return check_flags(r, *policy, f);
}

/* ---- Calibrated thresholds ------------------------------------------------------------------ */

static uint64_t layout_ranks(const stats_file *file) {
  fm_class_stats_layout layout = {.size = sizeof layout};
  (void)fm_class_stats_get_layout(stats_file_stats(file), &layout, NULL);
  return layout.ranks_fingerprint;
}

/* Does the calibration belong to these statistics? */
static int check_calibration(const filter_run *r, const stats_file *stats,
                             const stats_file *calibration, fault *f) {
  const char *path = r->job->criterion.calibration;
  int code = stats_file_whole(calibration, path, f);
  if (code) return code;
  if (layout_ranks(stats) != layout_ranks(calibration) ||
      stats_file_strata(stats) != stats_file_strata(calibration))
    return fault_set(
        f, EXIT_DATA,
        "%s: compares another score than %s, expected the output of freemask calibrate "
        "--stats %s",
        path, r->job->stats, r->job->stats);
  if (!json_equal(stats->provider, calibration->provider) &&
      (stats->provider || calibration->provider))
    return fault_set(f, EXIT_DATA, "%s: its losses come from another provider than those of %s",
                     path, r->job->stats);
  return EXIT_FINE;
}

/* Names alone tell, but they tell the usual mistake. */
static void warn_of_same_images(const filter_run *r, const stats_file *stats,
                                const stats_file *calibration) {
  for (size_t i = 0; i < stats->set_count; i++)
    for (size_t k = 0; k < calibration->set_count; k++)
      if (stats->sets[i].identity == calibration->sets[k].identity) {
        fprintf(stderr,
                "freemask: warning: %s was made of masks with the same names as %s: it promises "
                "nothing if the segmenter was trained on these images\n",
                r->job->criterion.calibration, r->job->stats);
        return;
      }
}

static int make_calibrated(filter_run *r, const stats_file *stats, fm_filter_options *options,
                           fault *f) {
  const job_criterion *criterion = &r->job->criterion;
  fm_promise promise = {.size = sizeof promise, .alpha = criterion->lose};
  if (criterion->confidence > 0) promise.delta = 1 - criterion->confidence;
  stats_file file = {0};
  fm_error err;
  int code =
      stats_file_read_calibration(r->ws.context, r->ws.labels, criterion->calibration, &file, f);
  if (!code) code = check_calibration(r, stats, &file, f);
  if (!code && fm_filter_create_calibrated(file.calibration, &promise, options, &r->filter, &err))
    code = fault_library(f, &err, criterion->calibration);
  if (!code)
    code =
        guarantee_make(file.calibration, &promise, criterion->calibration, &r->file.guarantee, f);
  if (!code) warn_of_same_images(r, stats, &file);
  stats_file_free(&file);
  return code;
}

/* ---- All inputs --------------------------------------------------------------------------- */

static int make_filter(filter_run *r, const stats_file *stats, int policy, fault *f) {
  const job_criterion *criterion = &r->job->criterion;
  fm_filter_options options = {.size = sizeof options, .policy = policy};
  fm_error err;
  if (policy == FM_FILTER_PAPER)
    options.tolerance = criterion->tolerance;
  else
    options.real_share = share_of(criterion);
  options.without_reference = criterion->allow_unpaired ? FM_REFERENCE_OPTIONAL : 0;
  options.min_kept_share = criterion->min_kept;
  if (criterion->calibration) return make_calibrated(r, stats, &options, f);
  options.unseen = criterion->unseen;
  if (fm_filter_create(stats->stats, &options, &r->filter, &err))
    return fault_library(f, &err, r->job->stats);
  return EXIT_FINE;
}

/* Values of the flag to show what they would drop; the run's own is one of them. */
static void list_stops(int policy, double own, loss_stops *out) {
  static const double shares[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5};
  const bool paper = policy == FM_FILTER_PAPER;
  const int count = paper ? 11 : (int)(sizeof shares / sizeof *shares);
  bool placed = false;
  *out = (loss_stops){.flag = paper ? "tolerance" : "real-share"};
  for (int i = 0; i < count; i++) {
    const double at = paper ? (10.0 + i) / 10.0 : shares[i];
    if (!placed && own <= at) {
      out->at[out->count++] = own;
      placed = true;
      if (own == at) continue;
    }
    out->at[out->count++] = at;
  }
  if (!placed) out->at[out->count++] = own;
}

static int add_stop(filter_run *r, const stats_file *stats, int s, fm_filter_options options,
                    fault *f) {
  fm_filter *filter = NULL;
  fm_error err;
  if (options.policy == FM_FILTER_PAPER)
    options.tolerance = r->stops.at[s];
  else
    options.real_share = r->stops.at[s];
  if (fm_filter_create(stats->stats, &options, &filter, &err))
    return fault_library(f, &err, r->job->stats);
  for (int32_t k = 0; k < stats->class_count; k++)
    r->stops.thresholds[k * r->stops.count + s] = fm_filter_threshold(filter, k, 0);
  fm_filter_destroy(filter);
  return EXIT_FINE;
}

/* What other values would drop can be counted where a pixel is compared by its loss alone. */
static int make_stops(filter_run *r, const stats_file *stats, int policy, fault *f) {
  fm_filter_options options = {.size = sizeof options};
  (void)fm_filter_get_options(r->filter, &options, NULL);
  const double own = policy == FM_FILTER_PAPER ? options.tolerance : options.real_share;
  int code = EXIT_FINE;
  r->own_stop = -1;
  if (policy <= FM_FILTER_QUANTILE && fm_filter_stratum_count(r->filter) == 1 &&
      !r->job->criterion.calibration) {
    list_stops(policy, own, &r->stops);
    r->stops.thresholds =
        alloc_zeroed((size_t)stats->class_count * LOSS_STOPS, sizeof *r->stops.thresholds);
    for (int s = 0; s < r->stops.count && !code; s++) {
      code = add_stop(r, stats, s, options, f);
      if (r->stops.at[s] == own && !(options.min_kept_share > 0)) r->own_stop = s;
    }
  }
  loss_table_open(r->ws.labels, &r->stops, &r->losses);
  if (r->own_stop < 0) loss_table_open(r->ws.labels, NULL, &r->kept);
  if (loss_source_show(r->source)) confusion_open(stats->class_count, &r->confused);
  return code;
}

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
  if (!code) code = find_policy(r, stats, &policy, f);
  if (!code)
    code =
        workspace_masks(&r->ws, job->set.masks, job->shard, &r->masks, &r->identity, &r->whole, f);
  if (!code) code = open_strata(r, stats, f);
  if (!code) code = open_source(r, stats, f);
  if (!code && policy == FM_FILTER_PAIRED)
    code = references_open(&r->ws, job, &r->masks, stats, &r->real, f);
  if (!code && job->criterion.siblings) code = siblings_open(&r->real, job, stats, &r->others, f);
  if (!code) code = make_filter(r, stats, policy, f);
  return code ? code : make_stops(r, stats, policy, f);
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
  loss_table_free(&r->losses);
  loss_table_free(&r->kept);
  confusion_free(&r->confused);
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
