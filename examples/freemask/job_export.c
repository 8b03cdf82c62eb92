/* freemask/job_export.c - from a plan to what a trainer reads. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "exporter.h"
#include "path.h"
#include "summary.h"

static int list_folder(const export_state *s, folder_kind kind, const char *path, folder *out,
                       fault *f) {
  return path ? folder_list(kind, path, s->bench.labels, out, f) : EXIT_FINE;
}

static int list_folders(export_state *s, fault *f) {
  const export_job *job = s->job;
  int code = list_folder(s, FOLDER_MASKS, job->synthetic, &s->masks, f);
  if (!code) code = list_folder(s, FOLDER_IMAGES, job->images, &s->images, f);
  if (!code) code = list_folder(s, FOLDER_MASKS, job->real_masks, &s->real_masks, f);
  if (!code) code = list_folder(s, FOLDER_IMAGES, job->real_images, &s->real_images, f);
  return code;
}

/* Every mask of the plan must be in the real folders that were given. */
static int check_real(const export_state *s, fault *f) {
  const folder *const folders[] = {&s->real_masks, &s->real_images};
  for (size_t k = 0; k < 2; k++)
    for (size_t i = 0; folders[k]->path && i < s->row_count; i++)
      if (!folder_find(folders[k], s->rows[i].mask))
        return fault_set(f, EXIT_DATA, "%s: no file with the stem '%s', which the plan %s names",
                         folders[k]->path, s->rows[i].mask, s->job->plan);
  return EXIT_FINE;
}

/* Lists a synthetic image if its files are there, as far as folders were given. */
static void add_synthetic(export_state *s, const char *mask, int64_t seed, char **first_missing) {
  text stem = {0};
  text_add(&stem, "%s_seed_%" PRId64, mask, seed);
  bool there = (!s->masks.path || folder_find(&s->masks, stem.data)) &&
               (!s->images.path || folder_find(&s->images, stem.data));
  if (there) {
    s->synthetic[s->synthetic_count++] = stem.data;
    return;
  }
  if (!s->missing++) *first_missing = alloc_text(stem.data);
  text_free(&stem);
}

static int list_synthetic(export_state *s, fault *f) {
  char *first = NULL;
  for (size_t i = 0; i < s->row_count; i++) s->asked += s->rows[i].count;
  s->synthetic = alloc_zeroed((size_t)s->asked, sizeof *s->synthetic);
  for (size_t i = 0; i < s->row_count; i++)
    for (int64_t k = 0; k < s->rows[i].count; k++)
      add_synthetic(s, s->rows[i].mask, s->rows[i].seeds[k], &first);
  int code = EXIT_FINE;
  if (s->missing && !s->job->allow_missing)
    code = fault_set(f, EXIT_DATA,
                     "%s: no file with the stem '%s' (%" PRId64 " of %" PRId64
                     " images of the plan are missing; --allow-missing leaves them out)",
                     s->masks.path ? s->masks.path : s->images.path, first, s->missing, s->asked);
  free(first);
  s->times = (int64_t)rint((double)s->synthetic_count / (double)s->row_count);
  if (s->times < 1) s->times = 1;
  return code;
}

int export_write(export_state *s, const char *name, const text *t, fault *f) {
  char *path;
  int code = outdir_place(&s->out, name, &path, f);
  if (code) return code;
  code = text_write(t, s->bench.context, path, f);
  if (!code) outdir_made(&s->out, path);
  free(path);
  return code;
}

static int write_lists(export_state *s, fault *f) {
  text real = {0}, synthetic = {0};
  for (size_t i = 0; i < s->row_count; i++) text_add(&real, "%s\n", s->rows[i].mask);
  for (size_t i = 0; i < s->synthetic_count; i++) text_add(&synthetic, "%s\n", s->synthetic[i]);
  int code = export_write(s, "real.txt", &real, f);
  if (!code) code = export_write(s, "synthetic.txt", &synthetic, f);
  text_free(&real);
  text_free(&synthetic);
  return code;
}

static void summarise(const export_state *s) {
  static const char *const formats[] = {"list", "mmseg"};
  const export_job *job = s->job;
  text t = {0};
  if (summary_as_json(&job->common)) {
    text_add(&t, "{\"output\": ");
    text_add_json(&t, job->output);
    text_add(&t,
             ", \"format\": \"%s\", \"real\": %zu, \"synthetic\": %zu, \"missing\": %" PRId64
             ", \"times\": %" PRId64 "}\n",
             formats[job->format], s->row_count, s->synthetic_count, s->missing, s->times);
  } else if (summary_as_text(&job->common)) {
    text_add(&t, "%zu real images, each %" PRId64 " times, and %zu synthetic ones", s->row_count,
             s->times, s->synthetic_count);
    if (s->missing) text_add(&t, " (%" PRId64 " more are missing)", s->missing);
    text_add(&t, "; written to %s\n", job->output);
  }
  summary_print(&t);
}

static int by_mask(const void *a, const void *b) {
  return strcmp(((const plan_row *)a)->mask, ((const plan_row *)b)->mask);
}

static int prepare(export_state *s, fault *f) {
  const export_job *job = s->job;
  if (job->format == EXPORT_MMSEG && !job->common.labels)
    return fault_set(f, EXIT_USAGE, "--to mmseg needs --labels L");
  int code = bench_open(job->common.labels, &s->bench, f);
  if (!code) code = outdir_apart(job->output, job->synthetic, f);
  if (!code) code = outdir_apart(job->output, job->real_masks, f);
  if (!code) code = plan_rows_read(job->plan, &s->rows, &s->row_count, f);
  if (code) return code;
  qsort(s->rows, s->row_count, sizeof *s->rows, by_mask);
  code = list_folders(s, f);
  if (!code) code = check_real(s, f);
  return code ? code : list_synthetic(s, f);
}

static void free_state(export_state *s) {
  for (size_t i = 0; i < s->synthetic_count; i++) free(s->synthetic[i]);
  free(s->synthetic);
  plan_rows_free(s->rows, s->row_count);
  folder_free(&s->masks);
  folder_free(&s->images);
  folder_free(&s->real_masks);
  folder_free(&s->real_images);
  if (s->out.path) outdir_close(&s->out);
  bench_close(&s->bench);
}

int export_job_run(const export_job *job, fault *f) {
  export_state s = {.job = job};
  int code = prepare(&s, f);
  if (!code) code = outdir_open(job->output, &s.out, f);
  if (!code) code = write_lists(&s, f);
  if (!code) code = job->format == EXPORT_MMSEG ? export_mmseg(&s, f) : export_list(&s, f);
  if (code && s.out.path) outdir_undo(&s.out);
  if (!code) summarise(&s);
  free_state(&s);
  return code;
}
