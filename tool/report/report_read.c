/* report/report_read.c - reads what a run left in its folder, for the report. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/path.h"
#include "report/report.h"

/* The file's path if it exists, else NULL. Caller frees. */
static char *find(const char *dir, const char *name) {
  char *path = path_join(dir, name);
  if (path_exists(path)) return path;
  free(path);
  return NULL;
}

static int read_filter(report *r, fault *f) {
  char *path = find(r->job->folder, "filter.json"), *rows = find(r->job->folder, "filter.csv");
  int code = EXIT_FINE;
  if (path) {
    code = filter_file_read(path, &r->filter, f);
    r->has_filter = !code;
    if (!code) folder_names_load(r->filter.names);
  }
  if (!code && rows) code = filter_rows_read(r->context, rows, &r->rows, &r->row_count, f);
  free(path);
  free(rows);
  return code;
}

/* The folder's own statistics, or those that the filter used. */
static int read_stats(report *r, fault *f) {
  char *path = find(r->job->folder, "stats.json");
  if (!path && r->has_filter && path_exists(r->filter.stats)) path = alloc_text(r->filter.stats);
  if (!path) return EXIT_FINE;
  int code = stats_file_read(r->context, NULL, path, &r->stats, f);
  r->has_stats = !code;
  r->stats_path = path;
  if (!code && r->has_filter && r->filter.class_count != r->stats.class_count)
    code = fault_set(f, EXIT_DATA, "%s has %d classes, but the filter of %s has %d", path,
                     (int)r->stats.class_count, r->job->folder, (int)r->filter.class_count);
  return code;
}

static int read_tables(report *r, fault *f) {
  char *hardness = find(r->job->folder, "hardness.csv"), *plan = find(r->job->folder, "plan.csv");
  int code = EXIT_FINE;
  if (hardness)
    code = hardness_rows_read(r->context, hardness, NULL, &r->hardness, &r->hardness_count, f);
  if (!code && plan) code = plan_file_read(r->context, plan, &r->plan, f);
  free(hardness);
  free(plan);
  return code;
}

/* The inputs' paths begin at the folder of run.json. */
static void find_inputs(json_t *inputs, const char *path) {
  const char *key;
  json_t *value;
  void *next;
  json_object_foreach_safe(inputs, next, key, value) {
    char *found = path_from_store(path, json_string_value(value));
    if (found) json_object_set_new(inputs, key, json_text(found));
    free(found);
  }
}

static int read_notes(report *r, fault *f) {
  char *run = find(r->job->folder, "run.json"), *score = find(r->job->folder, "score.json");
  int code = EXIT_FINE;
  if (run) code = json_file_read(run, "freemask-run", 1, &r->run, f);
  if (run && !code) {
    folder_names_load(json_object_get(r->run, "names"));
    const char *labels = json_string_value(json_object_get(r->run, "labels"));
    char *found = path_from_store(run, labels);
    if (found) json_object_set_new(r->run, "labels", json_text(found));
    free(found);
    find_inputs(json_object_get(r->run, "real"), run);
    find_inputs(json_object_get(r->run, "synthetic"), run);
  }
  if (!code && score) code = json_file_read(score, "freemask-demo-score", 1, &r->score, f);
  free(run);
  free(score);
  return code;
}

/* What filter and statistics say together. */
static void find_gap(report *r) {
  if (!r->has_filter) return;
  if (r->has_stats) filter_file_use_stats(&r->filter, stats_file_losses(&r->stats));
  gap_find(&r->filter, &r->gap);
}

int report_read(const report_job *job, report *out, fault *f) {
  fm_error err;
  *out = (report){.job = job};
  int code = EXIT_FINE;
  if (fm_context_create(NULL, &out->context, &err)) code = fault_library(f, &err, NULL);
  if (!code) code = read_filter(out, f);
  if (!code) code = read_stats(out, f);
  if (!code) code = read_tables(out, f);
  if (!code) code = read_notes(out, f);
  if (!code && !out->has_filter && !out->has_stats && !out->row_count && !out->hardness_count &&
      !out->plan)
    code = fault_set(f, EXIT_DATA,
                     "%s has nothing to report: no stats.json, filter.json, filter.csv, "
                     "hardness.csv or plan.csv",
                     job->folder);
  if (!code) find_gap(out);
  if (code) report_free(out);
  return code;
}

void report_free(report *r) {
  if (r->has_filter) filter_file_free(&r->filter);
  filter_rows_free(r->rows, r->row_count);
  if (r->has_stats) stats_file_free(&r->stats);
  hardness_rows_free(r->hardness, r->hardness_count);
  fm_plan_destroy(r->plan);
  gap_free(&r->gap);
  json_decref(r->run);
  json_decref(r->score);
  free(r->stats_path);
  fm_context_destroy(r->context);
  *r = (report){0};
}

const char *report_run_text(const report *r, const char *set, const char *key) {
  const json_t *from = set ? json_object_get(r->run, set) : r->run;
  return json_string_value(json_object_get(from, key));
}
