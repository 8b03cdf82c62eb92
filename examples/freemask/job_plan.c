/* freemask/job_plan.c - how many synthetic images each mask gets. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "jobs.h"
#include "outdir.h"
#include "plan_file.h"
#include "seeds.h"
#include "summary.h"

static int make_planner(const bench *b, const plan_job *job, fm_planner **out, fault *f) {
  fm_planner_options options = {.size = sizeof options, .plan_seed = job->seed};
  int64_t *seeds, n_max = job->n_max ? job->n_max : 20;
  fm_error err;
  int code = seeds_read(job->seeds, n_max, &seeds, &options.seed_count, f);
  if (code) return code;
  options.n_max = (int32_t)n_max;
  options.seeds = seeds;
  if (fm_planner_create(b->context, &options, out, &err)) code = fault_library(f, &err, NULL);
  free(seeds);
  return code;
}

static int add_rows(fm_planner *planner, const plan_job *job, fm_plan **out, fault *f) {
  hardness_row *rows;
  size_t count;
  fm_error err;
  int code = hardness_rows_read(job->hardness, &rows, &count, f);
  if (code) return code;
  for (size_t i = 0; i < count && !code; i++)
    if (fm_planner_add(planner, rows[i].mask, rows[i].hardness, &err))
      code = fault_library(f, &err, job->hardness);
  if (!code && fm_planner_finish(planner, out, &err)) code = fault_library(f, &err, job->hardness);
  hardness_rows_free(rows, count);
  return code;
}

static void summarise(const plan_job *job, const fm_plan *plan) {
  text t = {0};
  if (summary_as_json(&job->common)) {
    text_add(&t, "{\"output\": ");
    text_add_json(&t, job->output);
    text_add(&t,
             ", \"masks\": %" PRId64 ", \"images\": %" PRId64 ", \"times\": %" PRId64
             ", \"fingerprint\": \"%016" PRIx64 "\"}\n",
             fm_plan_masks(plan), fm_plan_images(plan), fm_plan_times(plan),
             fm_plan_fingerprint(plan));
  } else if (summary_as_text(&job->common)) {
    text_add(&t,
             "%" PRId64 " masks get %" PRId64 " synthetic images; repeat the real set %" PRId64
             " times in joint training; written to %s\n",
             fm_plan_masks(plan), fm_plan_images(plan), fm_plan_times(plan), job->output);
  }
  summary_print(&t);
}

int plan_job_run(const plan_job *job, fault *f) {
  bench b;
  fm_planner *planner = NULL;
  fm_plan *plan = NULL;
  int code = bench_open(NULL, &b, f);
  if (code) return code;
  code = make_planner(&b, job, &planner, f);
  if (!code) code = outdir_check_file(job->output, f);
  if (!code) code = outdir_spare(job->output, job->hardness, f);
  if (!code) code = add_rows(planner, job, &plan, f);
  if (!code) code = plan_write(b.context, plan, job->output, f);
  if (!code) summarise(job, plan);
  fm_plan_destroy(plan);
  fm_planner_destroy(planner);
  bench_close(&b);
  return code;
}
