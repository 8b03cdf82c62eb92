/* job/job_run.c - check, stats, filter, hardness, plan, export and report in one go. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/json_file.h"
#include "base/path.h"
#include "base/seeds.h"
#include "export/export_stage.h"
#include "job/check.h"
#include "job/filter_file.h"
#include "job/run_state.h"
#include "job/summary.h"
#include "job/workspace.h"

static bool is_shard(const run_state *s) { return s->shard.count > 1; }

static void say(const run_state *s, const char *title) {
  if (summary_as_text(&s->job->common)) {
    printf("\n== %s\n", title);
    fflush(stdout);
  }
}

/* Finds what would stop stats or filter, before anything is computed. */
static int check_set(const run_state *s, const char *what, const check_job *job, fault *f) {
  check_result *r = alloc_zeroed(1, sizeof *r);
  int code = check_job_look(job, r, f);
  size_t fatal = 0;
  int first_code = EXIT_FINE;
  for (size_t i = 0; i < r->findings.count && !code; i++) {
    const finding *item = &r->findings.items[i];
    if (finding_is_fatal(item->kind) && !fatal++)
      first_code = fault_set(f, item->exit_code, "%s", item->sentence);
  }
  if (!code && summary_as_text(&s->job->common)) {
    text t = {0};
    text_add(&t, "%zu %s masks%s%s\n", r->masks, what, r->fits ? ", " : "",
             r->fits ? r->convention.data : "");
    if (!fatal) findings_as_text(&r->findings, 5, &t);
    summary_print(&t);
  }
  if (fatal) code = first_code;
  if (fatal > 1) {
    fault first = *f;
    fault_set(f, first_code, "%s (and %zu more findings, see freemask check)", first.text,
              fatal - 1);
  }
  check_result_free(r);
  free(r);
  return code;
}

/* A set's losses: with files of them, images only illustrate. */
job_set run_set(const run_state *s, const job_set *set) {
  const run_job *j = s->job;
  job_set out = *set;
  out.loss.network = j->network;
  out.loss.kept = s->kept;
  if (loss_options_have_files(&set->loss))
    out.loss.folders[LOSS_IMAGES] = NULL;
  else
    out.loss.provider = j->provider;
  return out;
}

/* What check reads: files only. */
static check_job check_of(const run_state *s, const job_set *set) {
  check_job job = {.common = s->common,
                   .set = *set,
                   .images = set->loss.folders[LOSS_IMAGES],
                   .shard = s->shard};
  job.set.loss.folders[LOSS_IMAGES] = NULL;
  if (loss_options_have_outputs(&set->loss)) job.set.loss.network = s->job->network;
  return job;
}

static export_job lists_of(const run_state *s, const char *format, bool relative) {
  const run_job *j = s->job;
  export_job job = {.common = s->common, .plan = s->plan, .allow_missing = true};
  job.real_masks = j->real.masks;
  job.real_images = j->real.loss.folders[LOSS_IMAGES];
  job.synthetic = s->masks;
  job.images = j->synthetic.loss.folders[LOSS_IMAGES];
  job.output = (job_output){.folder = s->export, .held = &s->lists.lock};
  job.stage = s->stage;
  job.format = export_format_find(format);
  job.relative = relative;
  return job;
}

/* What the lists could not hold at the end is found at the beginning, of shards by the first one. */
static int check_lists(const run_state *s, fault *f) {
  if (s->shard.index) return EXIT_FINE;
  export_job job = lists_of(s, "list", true);
  job.plan = s->job->real.masks; /* for sentences */
  return export_job_check(&job, f);
}

static int check_stage(const run_state *s, fault *f) {
  check_job real = check_of(s, &s->job->real), synthetic = check_of(s, &s->job->synthetic);
  say(s, "check");
  int code = check_lists(s, f);
  if (!code) code = check_set(s, "real", &real, f);
  return code ? code : check_set(s, "synthetic", &synthetic, f);
}

static int stats_stage(const run_state *s, fault *f) {
  stats_job stats = {.common = s->common,
                     .set = run_set(s, &s->job->real),
                     .strata_count = s->job->strata_count,
                     .policy = s->job->criterion.policy,
                     .histogram = 32, /* the report compares distributions */
                     .references = s->job->references,
                     .shard = s->shard,
                     .output = s->stats,
                     .record = s->record,
                     .made_of = s->made_of};
  const bool second = is_shard(s) && s->job->stats && run_has_two_passes(s);
  if (second) stats.ranks = s->job->stats;
  if (is_shard(s) && !second) stats.references = NULL;
  stats.ranks_of_score = second;
  say(s, second ? "stats of the score" : "stats");
  return stats_job_run(&stats, f);
}

static const char *stats_of_all(const run_state *s) {
  return s->job->stats ? s->job->stats : s->stats;
}

static int filter_stage(const run_state *s, fault *f) {
  filter_job filter = {.common = s->common,
                       .stats = stats_of_all(s),
                       .set = run_set(s, &s->job->synthetic),
                       .criterion = s->job->criterion,
                       .shard = s->shard,
                       .output = {.folder = s->job->output.folder,
                                  .resume = s->job->output.resume || s->job->output.overwrite,
                                  .held = s->lock}};
  if (s->job->references)
    filter.references = s->job->references;
  else if (s->job->criterion.policy == FM_FILTER_PAIRED)
    filter.real = run_set(s, &s->job->real);
  say(s, "filter");
  return filter_job_run(&filter, f);
}

static int hardness_stage(const run_state *s, fault *f) {
  const hardness_job hardness = {.common = s->common,
                                 .stats = s->job->shape ? NULL : stats_of_all(s),
                                 .shape = s->job->shape,
                                 .set = {.masks = s->job->real.masks},
                                 .resize = s->job->resize,
                                 .shard = s->shard,
                                 .output = s->hardness};
  say(s, "hardness");
  return hardness_job_run(&hardness, f);
}

/* The synthetic images that are there, by name: those of the plan. Before anything is computed, so
 * that a set of other names costs nothing. */
static int match_stage(run_state *s, fault *f) {
  workspace ws;
  int code = workspace_open(s->common.labels, &ws, f);
  if (code) return code;
  code = workspace_masks(&ws, s->job->real.masks, (folder_shard){0, 1}, &s->real, NULL, NULL, f);
  if (!code)
    code = workspace_masks(&ws, s->job->synthetic.masks, (folder_shard){0, 1}, &s->synthetic, NULL,
                           NULL, f);
  if (!code) code = synthetic_match(&s->real, &s->synthetic, &s->there, f);
  if (!code) synthetic_tell_guess(&s->there);
  if (!code) code = synthetic_check(&s->there, f);
  if (!code && s->job->criterion.siblings) code = synthetic_check_siblings(&s->there, f);
  workspace_close(&ws);
  return code;
}

static int plan_stage(const run_state *s, fault *f) {
  plan_job plan = {.common = s->common,
                   .hardness = s->hardness,
                   .flags = s->job->plan,
                   .there = &s->there,
                   .output = s->plan};
  plan_policy policy;
  int code = plan_flags_read(&plan.flags, &policy, f);
  if (code) return code;
  if (plan_policy_looks_at(&policy, PLAN_CLASSES)) plan.masks = s->job->real.masks;
  say(s, "plan");
  return plan_job_run(&plan, f);
}

/* mmseg cannot express every label space: that it does not is said, here, in run.json and in the
 * report, and all else is an error. */
static int export_mmseg_if_possible(const run_state *s, fault *f) {
  export_job job = lists_of(s, "mmseg", false);
  fault reason;
  job.common.silent = true;
  int code = export_job_run(&job, &reason);
  if (code && code != EXIT_USAGE && code != EXIT_DATA) {
    *f = reason;
    return code;
  }
  if (!code) return EXIT_FINE;
  if (summary_as_text(&s->common))
    printf("no mmseg configuration: %s\n", reason.text);
  else
    fprintf(stderr, "freemask: warning: no mmseg configuration: %s\n", reason.text);
  return run_leave_out(s, "mmseg", reason.text, f);
}

/* The lists, the same wherever the folder is, and the configuration. Both appear at once. */
static int lists_stage(const run_state *s, fault *f) {
  export_job job = lists_of(s, "list", true);
  say(s, "export");
  int code = export_mmseg_if_possible(s, f);
  if (!code) code = export_job_run(&job, f);
  return code ? code : export_stage_commit(s->stage, f);
}

static int report_stage(const run_state *s, fault *f) {
  const report_job report = {.common = s->common,
                             .folder = s->job->output.folder,
                             .provider = s->job->provider,
                             .kept = s->kept,
                             .held = s->lock};
  say(s, "report");
  return report_job_run(&report, f);
}

/* Runs a stage unless its file exists; files are whole or do not exist. */
static int stage(run_state *s, const char *output, int (*run)(const run_state *s, fault *f),
                 fault *f) {
  path_kind there = PATH_ABSENT;
  if (interrupt_seen()) return fault_stopped(f);
  int code = output ? path_look(output, &there, f) : EXIT_FINE;
  if (code || there != PATH_ABSENT) return code;
  code = run(s, f);
  if (!code && output) outdir_made(&s->out, output);
  return code;
}

/* A shard does what its own images are enough for. */
static int shard_stages(run_state *s, fault *f) {
  if (!s->to_filter) return run_check_stayed(s, f);
  int code = stage(s, NULL, filter_stage, f);
  s->filtered = !code;
  if (!code) code = stage(s, s->hardness, hardness_stage, f);
  return code ? code : run_check_stayed(s, f);
}

static int measure_stages(run_state *s, fault *f) {
  path_kind there = PATH_ABSENT;
  if (s->measured) return EXIT_FINE;
  int code = path_look(s->stats, &there, f);
  const bool checked = there != PATH_ABSENT; /* by the first pass of a shard */
  if (!code && !checked) code = stage(s, NULL, check_stage, f);
  if (!code && !checked) outdir_made(&s->out, s->record);
  return code ? code : stage(s, checked ? NULL : s->stats, stats_stage, f);
}

static int all_stages(run_state *s, fault *f) {
  int code = match_stage(s, f);
  if (!code) code = run_take_stats(s, f);
  if (!code) code = measure_stages(s, f);
  if (!code && is_shard(s)) return shard_stages(s, f);
  if (!code) code = stage(s, NULL, filter_stage, f);
  s->filtered = !code;
  if (!code) code = stage(s, s->hardness, hardness_stage, f);
  if (!code) code = stage(s, s->plan, plan_stage, f);
  if (!code) code = run_check_stayed(s, f);
  if (!code) code = stage(s, NULL, lists_stage, f);
  return code ? code : stage(s, NULL, report_stage, f);
}

/* The same source for both sets: losses of two networks cannot be compared. */
static int check_sources(const run_state *s, fault *f) {
  const job_set real = run_set(s, &s->job->real), synthetic = run_set(s, &s->job->synthetic);
  for (int i = 0; i < LOSS_FOLDERS; i++) {
    if (loss_folders[i].provided || !real.loss.folders[i] == !synthetic.loss.folders[i]) continue;
    return fault_set(
        f, EXIT_USAGE,
        "losses are given for only one of the sets, expected --%s and --%s, or images and "
        "--provider baseline for both",
        loss_folders[i].real, loss_folders[i].synthetic);
  }
  if (loss_options_have_files(&real.loss) && s->job->provider)
    return fault_set(f, EXIT_USAGE, "--provider and losses are both given, expected one source");
  int code = loss_options_check(&real.loss, f);
  return code ? code : loss_options_check(&synthetic.loss, f);
}

static int check_flags(const run_state *s, fault *f) {
  const run_job *j = s->job;
  plan_policy policy;
  int64_t *seeds;
  size_t count;
  if (j->output.resume && j->output.overwrite)
    return fault_set(f, EXIT_USAGE, "--resume and --overwrite are both given, expected one");
  int code = check_sources(s, f);
  if (!code && j->stats && !is_shard(s))
    code = fault_set(f, EXIT_USAGE,
                     "--stats goes with --shard: otherwise run makes the statistics itself");
  if (!code && !j->real.strata != !j->synthetic.strata)
    code = fault_set(f, EXIT_USAGE,
                     "strata are given for only one of the sets, expected --real-strata and "
                     "--synthetic-strata");
  if (!code && !j->real.strata != !j->strata_count)
    code = fault_set(f, EXIT_USAGE, "--real-strata and --synthetic-strata go with --strata-count");
  if (!code && j->criterion.policy == FM_FILTER_STRATA && j->real.strata)
    code = fault_set(f, EXIT_USAGE,
                     "--real-strata is given, but --policy strata makes strata of its own");
  if (!code && j->references && j->criterion.policy != FM_FILTER_PAIRED)
    code = fault_set(f, EXIT_USAGE, "--references goes with --policy paired, but the policy is %s",
                     filter_policies[j->criterion.policy]);
  if (!code && j->criterion.siblings && j->criterion.policy != FM_FILTER_PAIRED)
    code = fault_set(f, EXIT_USAGE, "--siblings goes with --policy paired, but the policy is %s",
                     filter_policies[j->criterion.policy]);
  if (!code && j->shape && is_shard(s))
    code = fault_set(f, EXIT_USAGE,
                     "--shape and --shard exclude each other: a shape is compared with those of "
                     "the whole set");
  if (!code && j->shape && j->resize.width)
    code = fault_set(f, EXIT_USAGE,
                     "--shape and --resize exclude each other: shapes are measured as they are");
  if (!code) code = plan_flags_read(&j->plan, &policy, f);
  if (!code && j->plan.seeds) {
    code = seeds_read(j->plan.seeds, j->plan.n_max ? j->plan.n_max : 1, &seeds, &count, f);
    if (!code) free(seeds);
  }
  if (!code) code = synthetic_check_pattern(folder_names_now.synthetic, f);
  return code;
}

/* What there is. */
static void summarize_json(const run_state *s) {
  json_t *all = json_pack("{s:o}", "output", json_text(s->job->output.folder));
  if (is_shard(s))
    json_object_set_new(all, "shard",
                        json_pack("{s:I, s:I}", "index", (json_int_t)s->shard.index, "count",
                                  (json_int_t)s->shard.count));
  for (size_t i = 0; i < RUN_OUTPUTS; i++) {
    char *path = path_join(s->job->output.folder, run_outputs[i]);
    if (path_exists(path)) json_object_set_new(all, run_outputs[i], json_text(path));
    free(path);
  }
  summary_print_json(all);
}

/* What comes next. */
static void summarize_shard(const run_state *s, text *t) {
  if (s->to_filter)
    text_add(t,
             "\nShard %" PRId64 "/%" PRId64
             " is done. Next: freemask merge of the folders of all "
             "%" PRId64
             " shards, then this command without --shard and --stats, with --resume and "
             "the merged folder.\n",
             s->shard.index, s->shard.count, s->shard.count);
  else
    text_add(t,
             "\nShard %" PRId64 "/%" PRId64
             " has its statistics%s. Next: freemask merge of %s and "
             "those of the other shards, then this command with --resume and --stats, the merged "
             "file.\n",
             s->shard.index, s->shard.count,
             !run_has_two_passes(s) ? ""
             : s->job->stats        ? " of the score, the second pass"
                                    : " of losses, the first pass of two",
             s->stats);
}

static void summarize(const run_state *s) {
  text t = {0};
  const char *output = s->job->output.folder;
  if (summary_as_json(&s->job->common)) {
    summarize_json(s);
  } else if (summary_as_text(&s->job->common) && is_shard(s)) {
    summarize_shard(s, &t);
  } else if (summary_as_text(&s->job->common)) {
    text_add(&t, "\nEverything is in %s; open %s/report.html in a browser.\n", output, output);
  }
  summary_print(&t);
}

/* What is finished stays, unless an error came before anything worth it: then nothing does. */
static outdir_end end_of(const run_state *s, int code) {
  const job_output *output = &s->job->output;
  if (!code) return OUTDIR_KEEP;
  bool begun = s->filtered || (code == EXIT_IO && path_exists(s->stats));
  return code == EXIT_STOPPED || output->resume || output->overwrite || begun ? OUTDIR_KEEP_FILES
                                                                              : OUTDIR_UNDO;
}

static void say_that_it_stays(const run_state *s, fault *f) {
  fault why = *f;
  if (why.exit_code == EXIT_STOPPED)
    fault_set(f, EXIT_STOPPED, "interrupted; the same command with --resume continues in %s",
              s->job->output.folder);
  else if (path_exists(s->manifest))
    fault_set(f, why.exit_code, "%s (what is finished stays in %s; --resume goes on)", why.text,
              s->job->output.folder);
}

int run_job_run(const run_job *job, fault *f) {
  const char *output = job->output.folder;
  plugin_host *kept = NULL;
  export_stage lists = {0};
  run_state s = {.job = job, .common = job->common, .kept = &kept, .stage = &lists};
  s.left_out = json_object();
  s.shard = job->shard.count ? job->shard : (folder_shard){0, 1};
  s.common.silent = job->common.silent || job->common.json;
  s.stats = path_join(output, "stats.json");
  s.record = path_join(output, "stats.record");
  s.hardness = path_join(output, "hardness.csv");
  s.plan = path_join(output, "plan.csv");
  s.masks = path_join(output, "masks");
  s.export = path_join(output, "export");
  s.manifest = path_join(output, "run.json");
  int code = check_flags(&s, f);
  if (!code) code = run_lock(&s, f);
  if (!code) code = export_stage_open(s.export, &lists, f);
  if (!code) code = run_find_made_of(&s, f);
  if (!code) code = run_enter(&s, f);
  bool entered = !code;
  if (!code) code = all_stages(&s, f);
  plugin_host_close(kept);
  if (!code) summarize(&s);
  outdir_end end = end_of(&s, code);
  if (entered && end == OUTDIR_KEEP_FILES) say_that_it_stays(&s, f);
  export_stage_close(&lists);
  outdir_close(&s.lists, is_shard(&s) && end == OUTDIR_KEEP ? OUTDIR_KEEP_FILES : end);
  outdir_close(&s.out, end);
  synthetic_free(&s.there);
  folder_free(&s.real);
  folder_free(&s.synthetic);
  json_decref(s.made_of);
  json_decref(s.left_out);
  free(s.stats);
  free(s.record);
  free(s.hardness);
  free(s.plan);
  free(s.export);
  free(s.masks);
  free(s.manifest);
  return code;
}
