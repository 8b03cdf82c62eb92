/* job/job_plan.c - how many synthetic images each mask gets. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json_file.h"
#include "base/seeds.h"
#include "job/class_table.h"
#include "job/inputs.h"
#include "job/jobs.h"
#include "job/plan_file.h"
#include "job/plan_there.h"
#include "job/summary.h"
#include "job/workspace.h"

/* What a policy needs, and what it does not use. */
static int check_masks(const plan_job *job, const plan_policy *policy, fault *f) {
  bool classes = plan_policy_looks_at(policy, PLAN_CLASSES);
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
                        fm_planner **out, fault *f) {
  fm_planner_options options = {.size = sizeof options,
                                .plan_seed = flags->seed,
                                .n_min = (int32_t)flags->n_min,
                                .budget = flags->budget,
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

/* `classes` is empty unless the policy uses them. */
static int add_rows(fm_planner *planner, const plan_job *job, const hardness_row *rows,
                    size_t count, const class_table *classes, fault *f) {
  fm_error err;
  fm_status status = FM_OK;
  for (size_t i = 0; i < count && !status; i++) {
    if (classes->pixels)
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
  int code = hardness_rows_read(ws->context, job->hardness, &rows, &count, f);
  if (code) return code;
  if (job->masks)
    code = class_table_make(ws, job->masks, rows, count, (int)job->common.threads,
                            job->common.quiet, &classes, f);
  if (!code) code = add_rows(planner, job, rows, count, &classes, f);
  if (!code) code = keep_rows(ws, planner, job, f);
  if (!code && fm_planner_make_plan(planner, out, &err))
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
  int code = inputs_check_file(&list, job->output, f);
  inputs_free(&list);
  return code;
}

static int plan_with(const workspace *ws, const plan_job *job, const plan_flags *flags,
                     const plan_policy *policy, fault *f) {
  fm_planner *planner = NULL;
  fm_plan *plan = NULL;
  int code = make_planner(ws, flags, policy, &planner, f);
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
