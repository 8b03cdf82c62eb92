/* job/job_run.c - check, stats, filter, hardness, plan, export and report in one go. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/path.h"
#include "base/seeds.h"
#include "job/check.h"
#include "job/run_state.h"
#include "job/summary.h"

static void say(const run_state *s, const char *title) {
  if (summary_as_text(&s->job->common)) {
    printf("\n== %s\n", title);
    fflush(stdout);
  }
}

/* Stops at what stats or filter would stop at, before anything is computed. */
static int check_set(const run_state *s, const char *what, const check_job *job, fault *f) {
  check_result *r = alloc_zeroed(1, sizeof *r);
  int code = check_job_look(job, r, f);
  size_t fatal = 0;
  for (size_t i = 0; i < r->findings.count && !code; i++) {
    const finding *item = &r->findings.items[i];
    if (finding_is_fatal(item->kind) && !fatal++) fault_set(f, EXIT_DATA, "%s", item->sentence);
  }
  if (!code && summary_as_text(&s->job->common)) {
    text t = {0};
    text_add(&t, "%zu %s masks%s%s\n", r->masks, what, r->fits ? ", " : "",
             r->fits ? r->convention.data : "");
    if (!fatal) findings_as_text(&r->findings, 5, &t);
    summary_print(&t);
  }
  if (fatal) code = EXIT_DATA;
  if (fatal > 1) {
    fault first = *f;
    fault_set(f, EXIT_DATA, "%s (and %zu more findings, see freemask check)", first.text,
              fatal - 1);
  }
  check_result_free(r);
  free(r);
  return code;
}

static bool has_files(const loss_options *o) { return o->losses || o->logits || o->queries; }

/* A set's losses: with files of them, images only illustrate. */
static loss_options losses_of(const run_job *j, const loss_options *set) {
  loss_options o = *set;
  o.network = j->network;
  if (has_files(set))
    o.images = NULL;
  else
    o.provider = j->provider;
  return o;
}

/* What check reads: files only. */
static loss_options files_of(const run_job *j, const loss_options *set) {
  loss_options o = {.losses = set->losses, .logits = set->logits, .queries = set->queries};
  if (set->logits || set->queries) o.network = j->network;
  return o;
}

static int check_stage(const run_state *s, fault *f) {
  const run_job *j = s->job;
  check_job real = {s->common, j->real_masks, j->real.images, files_of(j, &j->real)};
  check_job synthetic = {s->common, j->synthetic_masks, j->synthetic.images,
                         files_of(j, &j->synthetic)};
  say(s, "check");
  int code = check_set(s, "real", &real, f);
  return code ? code : check_set(s, "synthetic", &synthetic, f);
}

static int stats_stage(const run_state *s, fault *f) {
  const run_job *j = s->job;
  stats_job stats = {.common = s->common, .masks = j->real_masks, .shard = {0, 1}};
  stats.loss = losses_of(j, &j->real);
  stats.loss.kept = s->kept;
  stats.output = s->stats;
  say(s, "stats");
  return stats_job_run(&stats, f);
}

static int filter_stage(const run_state *s, fault *f) {
  const run_job *j = s->job;
  filter_job filter = {.common = s->common, .masks = j->synthetic_masks, .shard = {0, 1}};
  filter.stats = s->stats;
  filter.loss = losses_of(j, &j->synthetic);
  filter.loss.kept = s->kept;
  filter.tolerance = j->tolerance;
  filter.unseen = j->unseen;
  filter.min_kept = j->min_kept;
  filter.resume = j->resume;
  filter.overwrite = j->overwrite;
  filter.output = j->output;
  say(s, "filter");
  return filter_job_run(&filter, f);
}

static int hardness_stage(const run_state *s, fault *f) {
  hardness_job hardness = {.common = s->common, .stats = s->stats, .masks = s->job->real_masks};
  hardness.resize = s->job->resize;
  hardness.output = s->hardness;
  say(s, "hardness");
  return hardness_job_run(&hardness, f);
}

static int plan_stage(const run_state *s, fault *f) {
  plan_job plan = {.common = s->common, .hardness = s->hardness, .flags = s->job->plan};
  plan_policy policy;
  int code = plan_flags_read(&plan.flags, &policy, f);
  if (code) return code;
  if (plan_policy_needs_classes(&policy)) plan.masks = s->job->real_masks;
  plan.output = s->plan;
  say(s, "plan");
  return plan_job_run(&plan, f);
}

/* The lists, and the configuration where the label space allows: mmseg cannot express each. */
static int export_stage(const run_state *s, fault *f) {
  const run_job *j = s->job;
  char *masks = path_join(j->output, "masks");
  export_job job = {.common = s->common, .plan = s->plan, .allow_missing = true};
  job.real_masks = j->real_masks;
  job.real_images = j->real.images;
  job.synthetic = masks;
  job.images = j->synthetic.images;
  job.output = s->lists;
  say(s, "export");
  fault reason;
  job.format = EXPORT_MMSEG;
  job.common.silent = true;
  int code = export_job_run(&job, &reason);
  if (code && summary_as_text(&s->common)) printf("no mmseg configuration: %s\n", reason.text);
  job.format = EXPORT_LIST;
  job.relative = true; /* the same lists, wherever the folder is */
  job.common.silent = s->common.silent;
  code = export_job_run(&job, f);
  free(masks);
  return code;
}

static int report_stage(const run_state *s, fault *f) {
  say(s, "report");
  return report_job_run(s->job->output, s->job->provider, s->kept, &s->common, f);
}

/* Runs a stage unless its file is there; files are whole or not there at all. */
static int stage(run_state *s, const char *output, int (*run)(const run_state *s, fault *f),
                 fault *f) {
  if (interrupt_seen()) return fault_stopped(f);
  if (output && path_exists(output)) return EXIT_FINE;
  int code = run(s, f);
  if (!code && output) outdir_made(&s->out, output);
  return code;
}

static int all_stages(run_state *s, fault *f) {
  int code = path_exists(s->stats) ? EXIT_FINE : stage(s, NULL, check_stage, f);
  if (!code) code = stage(s, s->stats, stats_stage, f);
  if (!code) code = stage(s, NULL, filter_stage, f);
  if (!code) code = stage(s, s->hardness, hardness_stage, f);
  if (!code) code = stage(s, s->plan, plan_stage, f);
  if (!code) code = stage(s, NULL, export_stage, f);
  return code ? code : stage(s, NULL, report_stage, f);
}

static int check_flags(const run_job *j, fault *f) {
  loss_options real = losses_of(j, &j->real);
  loss_options synthetic = losses_of(j, &j->synthetic);
  plan_policy policy;
  int64_t *seeds;
  size_t count;
  if (j->resume && j->overwrite)
    return fault_set(f, EXIT_USAGE, "--resume and --overwrite are both given, expected one");
  if (!real.losses != !synthetic.losses || !real.logits != !synthetic.logits ||
      !real.queries != !synthetic.queries)
    return fault_set(f, EXIT_USAGE,
                     "losses for only one of the sets, expected --real-%s and --synthetic-%s, or "
                     "images and --provider baseline for both",
                     real.queries || synthetic.queries ? "queries"
                     : real.logits || synthetic.logits ? "logits"
                                                       : "losses",
                     real.queries || synthetic.queries ? "queries"
                     : real.logits || synthetic.logits ? "logits"
                                                       : "losses");
  if (has_files(&real) && j->provider)
    return fault_set(f, EXIT_USAGE, "--provider and losses are both given, expected one source");
  int code = loss_options_check(&real, f);
  if (!code) code = loss_options_check(&synthetic, f);
  if (!code) code = plan_flags_read(&j->plan, &policy, f);
  if (!code)
    code = seeds_read(j->plan.seeds, j->plan.n_max ? j->plan.n_max : 20, &seeds, &count, f);
  if (code) return code;
  free(seeds);
  code = outdir_apart(j->output, j->real_masks, f);
  return code ? code : outdir_apart(j->output, j->synthetic_masks, f);
}

static void summarise(const run_state *s) {
  text t = {0};
  const char *output = s->job->output;
  if (summary_as_json(&s->job->common)) {
    text_add(&t, "{");
    text_add(&t, "\"output\": ");
    text_add_json(&t, output);
    for (size_t i = 0; i < RUN_OUTPUTS; i++) {
      char *path = path_join(output, run_outputs[i]);
      text_add(&t, ", \"%s\": ", run_outputs[i]);
      text_add_json(&t, path);
      free(path);
    }
    text_add(&t, "}\n");
  } else if (summary_as_text(&s->job->common)) {
    text_add(&t, "\nEverything is in %s; open %s/report.html in a browser.\n", output, output);
  }
  summary_print(&t);
}

int run_job_run(const run_job *job, fault *f) {
  plugin_host *kept = NULL;
  run_state s = {.job = job, .common = job->common, .kept = &kept};
  s.common.silent = job->common.silent || job->common.json;
  s.stats = path_join(job->output, "stats.json");
  s.hardness = path_join(job->output, "hardness.csv");
  s.plan = path_join(job->output, "plan.csv");
  s.lists = path_join(job->output, "export");
  s.manifest = path_join(job->output, "run.json");
  int code = check_flags(job, f);
  if (!code) code = run_find_fingerprint(&s, f);
  if (!code) code = run_enter(&s, f);
  if (!code) code = all_stages(&s, f);
  plugin_host_close(kept);
  if (!code) summarise(&s);
  if (code == EXIT_STOPPED)
    fault_set(f, code, "interrupted; the same command with --resume continues in %s", job->output);
  if (s.out.path) {
    if (code && code != EXIT_STOPPED && !job->resume) outdir_undo(&s.out);
    outdir_close(&s.out);
  }
  free(s.stats);
  free(s.hardness);
  free(s.plan);
  free(s.lists);
  free(s.manifest);
  return code;
}
