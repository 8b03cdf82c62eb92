/* job/job_plan.c - how many synthetic images each mask gets. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/seeds.h"
#include "job/class_table.h"
#include "job/filter_file.h"
#include "job/inputs.h"
#include "job/jobs.h"
#include "job/plan_file.h"
#include "job/plan_there.h"
#include "job/summary.h"
#include "job/workspace.h"

/* What a policy needs, and what it does not use. */
static int check_masks(const plan_job *job, const plan_policy *policy, fault *f) {
  bool classes = plan_policy_looks_at(policy, PLAN_CLASSES);
  if (job->yield && job->flags.policy)
    return fault_set(f, EXIT_USAGE, "--yield and --policy exclude each other: the former is one");
  if (job->yield && (!job->flags.budget || job->flags.n_min))
    return fault_set(f, EXIT_USAGE, "--yield goes with --budget, %s",
                     job->flags.n_min ? "but not with --n-min" : "which is missing");
  if (job->yield && (!job->masks || !job->common.labels))
    return fault_set(f, EXIT_USAGE,
                     "--yield looks at the classes of the masks: give --masks DIR and --labels L");
  if (job->yield) return EXIT_FINE;
  char names[200];
  if (job->masks && !classes)
    return fault_set(f, EXIT_USAGE, "--masks is for --policy %s, alone or in a blend",
                     plan_kinds_with(PLAN_CLASSES, names, sizeof names));
  if (classes && (!job->masks || !job->common.labels))
    return fault_set(f, EXIT_USAGE,
                     "--policy %s looks at the classes of the masks: give --masks DIR and "
                     "--labels L",
                     job->flags.policy);
  return EXIT_FINE;
}

static int make_planner(const workspace *ws, const plan_flags *flags, const plan_policy *policy,
                        bool yield, fm_planner **out, fault *f) {
  fm_planner_options options = {.size = sizeof options,
                                .plan_seed = flags->seed,
                                .n_min = (int32_t)flags->n_min,
                                .budget = yield ? 0 : flags->budget,
                                .gamma = flags->gamma,
                                .threshold = flags->threshold,
                                .temperature = flags->temperature,
                                .min_class_pixels = flags->min_pixels};
  int64_t *seeds, n_max = flags->n_max ? flags->n_max : 20;
  size_t seed_count;
  fm_error err;
  int code = seeds_read(flags->seeds, n_max, &seeds, &seed_count, f);
  if (code) return code;
  options.n_max = (int32_t)n_max;
  options.seeds = seeds;
  options.seed_count = (int64_t)seed_count;
  plan_policy_apply(policy, &options);
  if (fm_planner_create(ws->context, &options, out, &err)) code = fault_library(f, &err, NULL);
  free(seeds);
  return code;
}

/* ---- By yield ----------------------------------------------------------------------------- */

/* What filtering kept of each class; all of one that it did not meet. */
static int read_kept(const workspace *ws, const char *path, double **kept, fault *f) {
  filter_file file;
  int code = filter_file_read(path, &file, f);
  if (code) return code;
  if (file.labels_fingerprint != fm_labels_fingerprint(ws->labels))
    code = fault_set(f, EXIT_DATA, "%s: was made with label space %s, expected %s", path,
                     file.labels_name, fm_labels_name(ws->labels));
  *kept = alloc_zeroed((size_t)file.class_count, sizeof **kept);
  for (int32_t k = 0; k < file.class_count; k++) {
    const filter_class *c = &file.classes[k];
    (*kept)[k] = c->valid ? filter_kept_share(c->valid, c->dropped) : 1;
  }
  filter_file_free(&file);
  return code;
}

/* Images of an earlier plan, by the planner's indices. */
static uint32_t *count_kept(const fm_planner *planner) {
  const size_t count = (size_t)fm_planner_mask_count(planner);
  uint32_t *kept = alloc_zeroed(count, sizeof *kept);
  fm_planner_row row = {.size = sizeof row};
  for (size_t i = 0; i < count; i++)
    if (!fm_planner_get(planner, (int64_t)i, &row, NULL)) kept[i] = (uint32_t)row.kept_count;
  return kept;
}

static int plan_by_yield(const workspace *ws, fm_planner *planner, const plan_job *job,
                         const class_table *classes, fm_plan **out, fault *f) {
  double *shares = NULL;
  fm_error err;
  int code = read_kept(ws, job->yield, &shares, f);
  const int64_t masks = fm_planner_mask_count(planner);
  uint32_t *kept = count_kept(planner), *counts = alloc_zeroed((size_t)masks, sizeof *counts);
  const fm_yield_table table = {.size = sizeof table,
                                .mask_count = masks,
                                .pixels = classes->pixels,
                                .kept_shares = shares,
                                .class_count = (int32_t)classes->class_count,
                                .n_max = (int32_t)job->flags.n_max,
                                .budget = job->flags.budget,
                                .kept = kept};
  if (!code && (fm_yield_count_images(ws->context, &table, counts, &err) ||
                fm_planner_make_plan_of(planner, counts, masks, out, &err)))
    code = fault_library(f, &err, job->hardness);
  free(counts);
  free(kept);
  free(shares);
  return code;
}

/* `classes` is empty unless the policy uses them. */
static int add_rows(fm_planner *planner, const plan_job *job, const hardness_row *rows,
                    size_t count, const class_table *classes, fault *f) {
  fm_error err;
  fm_status status = FM_OK;
  for (size_t i = 0; i < count && !status; i++) {
    if (classes->pixels && !job->yield)
      status = fm_planner_add(planner, rows[i].mask, rows[i].hardness,
                              classes->pixels + i * classes->class_count,
                              (int32_t)classes->class_count, &err);
    else
      status = fm_planner_add(planner, rows[i].mask, rows[i].hardness, NULL, 0, &err);
  }
  return status ? fault_library(f, &err, job->hardness) : EXIT_FINE;
}

static int keep_rows(const workspace *ws, fm_planner *planner, const plan_job *job, fault *f) {
  fm_plan *old = NULL;
  fm_error err;
  int code = job->grow ? plan_file_read(ws->context, job->grow, &old, f) : EXIT_FINE;
  for (int64_t i = 0; i < fm_plan_mask_count(old) && !code; i++) {
    fm_plan_entry row = plan_entry(old, (size_t)i);
    if (fm_planner_keep(planner, row.mask_id, row.seeds, row.count, &err))
      code = fault_library(f, &err, job->grow);
  }
  fm_plan_destroy(old);
  return code;
}

static int make_plan(const workspace *ws, fm_planner *planner, const plan_job *job, fm_plan **out,
                     fault *f) {
  hardness_row *rows;
  size_t count;
  class_table classes = {0};
  fm_error err;
  int code = hardness_rows_read(ws->context, job->hardness, NULL, &rows, &count, f);
  if (code) return code;
  if (job->masks)
    code = class_table_make(ws, job->masks, rows, count, (int)job->common.threads,
                            job->common.quiet, &classes, f);
  if (!code) code = add_rows(planner, job, rows, count, &classes, f);
  if (!code) code = keep_rows(ws, planner, job, f);
  if (!code && job->yield) code = plan_by_yield(ws, planner, job, &classes, out, f);
  if (!code && !job->yield && fm_planner_make_plan(planner, out, &err))
    code = fault_library(f, &err, job->hardness);
  class_table_free(&classes);
  hardness_rows_free(rows, count);
  return code;
}

static void summarize(const plan_job *job, const fm_plan *plan) {
  text t = {0};
  if (summary_as_json(&job->common)) {
    summary_print_json(json_pack("{s:o, s:I, s:I, s:I, s:o}", "output", json_text(job->output),
                                 "masks", (json_int_t)fm_plan_mask_count(plan), "images",
                                 (json_int_t)fm_plan_image_count(plan), "times",
                                 (json_int_t)fm_plan_real_repeats(plan), "fingerprint",
                                 json_hex(fm_plan_fingerprint(plan))));
  } else if (summary_as_text(&job->common)) {
    text_add(&t,
             "%" PRId64 " masks get %" PRId64 " synthetic images; repeat the real set %" PRId64
             " times in joint training; written to %s\n",
             fm_plan_mask_count(plan), fm_plan_image_count(plan), fm_plan_real_repeats(plan),
             job->output);
  }
  summary_print(&t);
}

static int check_output(const plan_job *job, fault *f) {
  inputs list = {0};
  inputs_add_labels(&list, job->common.labels);
  inputs_add(&list, job->hardness);
  inputs_add(&list, job->masks);
  inputs_add(&list, job->grow);
  inputs_add(&list, job->yield);
  int code = inputs_check_file(&list, job->output, f);
  inputs_free(&list);
  return code;
}

static int plan_with(const workspace *ws, const plan_job *job, const plan_flags *flags,
                     const plan_policy *policy, fault *f) {
  fm_planner *planner = NULL;
  fm_plan *plan = NULL;
  int code = make_planner(ws, flags, policy, job->yield != NULL, &planner, f);
  if (!code) code = check_output(job, f);
  if (!code) code = make_plan(ws, planner, job, &plan, f);
  if (!code && job->there) code = plan_there_keep(ws->context, job->there, &job->flags, &plan, f);
  if (!code) code = plan_file_write(plan, job->output, f);
  if (!code) summarize(job, plan);
  fm_plan_destroy(plan);
  fm_planner_destroy(planner);
  return code;
}

int plan_job_run(const plan_job *job, fault *f) {
  workspace ws;
  plan_policy policy;
  plan_flags flags = job->flags;
  char *seeds = NULL;
  int code = plan_flags_read(&job->flags, &policy, f);
  if (!code) code = check_masks(job, &policy, f);
  if (!code && job->there) code = plan_there_flags(job->there, &job->flags, &flags, &seeds, f);
  if (!code) code = workspace_open(job->masks ? job->common.labels : NULL, &ws, f);
  if (!code) {
    code = plan_with(&ws, job, &flags, &policy, f);
    workspace_close(&ws);
  }
  free(seeds);
  return code;
}
