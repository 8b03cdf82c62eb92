/* job/job_export.c - from a plan to what a trainer or a generator reads. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_file.h"
#include "base/path.h"
#include "export/exporter.h"
#include "job/summary.h"

int export_write(export_state *s, const char *name, const text *t, fault *f) {
  char *path = path_join(s->job->output.folder, name);
  int code = inputs_spare_file(&s->inputs, path, f);
  free(path);
  if (!code) code = export_stage_path(s->stage, s->job->format->name, name, &path, f);
  if (code) return code;
  code = text_write(t, s->ws.context, path, f);
  free(path);
  return code;
}

int export_write_fixed(export_state *s, const char *name, const char *content, fault *f) {
  text t = {0};
  text_add_string(&t, content);
  int code = export_write(s, name, &t, f);
  text_free(&t);
  return code;
}

json_t *export_class_names(const export_state *s) {
  json_t *names = json_array();
  for (int32_t k = 0; k < fm_labels_class_count(s->ws.labels); k++)
    json_array_append_new(names, json_text(fm_labels_class_name(s->ws.labels, k)));
  return names;
}

static int write_lists(export_state *s, fault *f) {
  const export_set *const sets[] = {&s->real, &s->synthetic};
  int code = EXIT_FINE;
  for (size_t k = 0; k < 2 && !code; k++) {
    text t = {0}, name = {0};
    for (size_t i = 0; i < sets[k]->count; i++) text_add_line(&t, sets[k]->entries[i].stem);
    text_add(&name, "%s.txt", sets[k]->name);
    code = export_write(s, name.data, &t, f);
    text_free(&t);
    text_free(&name);
  }
  return code;
}

static json_t *result_as_json(const export_state *s) {
  const export_job *job = s->job;
  json_int_t count = (json_int_t)s->synthetic.count;
  json_t *all = json_pack("{s:o, s:s, s:I}", "output", json_text(job->output.folder), "format",
                          job->format->name, "real", (json_int_t)s->real.count);
  json_t *rest = export_has(s, EXPORT_GENERATES)
                     ? json_pack("{s:I, s:I}", "jobs", count, "there", (json_int_t)s->asked - count)
                     : json_pack("{s:I, s:I, s:I}", "synthetic", count, "missing",
                                 (json_int_t)s->missing, "times", (json_int_t)s->times);
  json_object_update(all, rest);
  json_decref(rest);
  return all;
}

static void summarize(const export_state *s) {
  const export_job *job = s->job;
  const char *more = s->summary.data ? s->summary.data : "";
  text t = {0};
  if (summary_as_json(&job->common)) {
    summary_print_json(result_as_json(s));
  } else if (summary_as_text(&job->common) && export_has(s, EXPORT_GENERATES)) {
    text_add(&t, "%zu images to generate, %" PRId64 " of %" PRId64 " are there%s; written to %s\n",
             s->synthetic.count, s->asked - (int64_t)s->synthetic.count, s->asked, more,
             job->output.folder);
  } else if (summary_as_text(&job->common)) {
    text_add(&t, "%zu real images, each %" PRId64 " times, and %zu synthetic ones", s->real.count,
             s->times, s->synthetic.count);
    if (s->missing) text_add(&t, " (%" PRId64 " more are missing)", s->missing);
    text_add(&t, "%s; written to %s\n", more, job->output.folder);
  }
  summary_print(&t);
}

static int missing_flag(const export_job *job, const char *flag, fault *f) {
  return fault_set(f, EXIT_USAGE, "--to %s needs %s", job->format->name, flag);
}

static int check_flags(const export_state *s, fault *f) {
  const export_job *job = s->job;
  const bool generates = export_has(s, EXPORT_GENERATES), files = export_has(s, EXPORT_FILES);
  if (!job->val_masks != !job->val_images)
    return fault_set(f, EXIT_USAGE, "--val-masks and --val-images belong together");
  if (job->val_masks && !export_has(s, EXPORT_VALIDATES))
    return fault_set(f, EXIT_USAGE,
                     "--to %s names no validation images: it does not take --val-masks",
                     job->format->name);
  if (job->train_ids && !job->common.labels)
    return fault_set(f, EXIT_USAGE, "--train-ids needs --labels L");
  if (export_has(s, EXPORT_LABELS) && !job->common.labels)
    return missing_flag(job, "--labels L", f);
  if ((files || generates) && !job->real_masks) return missing_flag(job, "--real-masks DIR", f);
  if (files && !job->real_images) return missing_flag(job, "--real-images DIR", f);
  if (files && !job->synthetic) return missing_flag(job, "--synthetic DIR", f);
  if (files && !job->images) return missing_flag(job, "--images DIR", f);
  if (generates && (job->synthetic || job->train_ids || job->allow_missing))
    return fault_set(f, EXIT_USAGE,
                     "--to %s is for images that are not there yet: it takes --real-masks and "
                     "--images, not --synthetic, --train-ids or --allow-missing",
                     job->format->name);
  return EXIT_FINE;
}

/* Converted masks could be mistaken for images. */
static int check_inputs(export_state *s, fault *f) {
  static const char *const always[] = {"real.txt", "synthetic.txt", "train_ids/", NULL};
  const export_job *job = s->job;
  void (*add_images)(inputs *, const char *) = export_converts(s) ? inputs_add_apart : inputs_add;
  inputs_add_labels(&s->inputs, job->common.labels);
  inputs_add(&s->inputs, job->plan);
  inputs_add_apart(&s->inputs, job->synthetic);
  inputs_add_apart(&s->inputs, job->real_masks);
  add_images(&s->inputs, job->real_images);
  add_images(&s->inputs, job->images);
  inputs_add_apart(&s->inputs, job->val_masks);
  add_images(&s->inputs, job->val_images);
  int code = inputs_spare_folder(&s->inputs, job->output.folder, always, f);
  return code ? code : inputs_spare_folder(&s->inputs, job->output.folder, job->format->files, f);
}

/* Masks as the format can read them. */
static int fit_masks(export_state *s, fault *f) {
  if (export_converts(s)) return export_train_ids(s, f);
  text why = {0};
  int code = EXIT_FINE;
  if (export_has(s, EXPORT_PLAIN) && !export_reads(s->ws.labels, 0, 255, &why))
    code = fault_set(f, EXIT_USAGE,
                     "--to %s takes masks whose labels are the classes, 255 ignored, but in label "
                     "space %s %s: --train-ids converts the masks",
                     s->job->format->name, fm_labels_name(s->ws.labels), why.data);
  text_free(&why);
  return code;
}

static int write_all(export_state *s, fault *f) {
  int code = export_check_names(s, f);
  if (!code) code = fit_masks(s, f);
  if (!code && export_converts(s)) code = export_check_names(s, f); /* those of converted masks */
  if (!code && !export_has(s, EXPORT_GENERATES)) code = write_lists(s, f);
  return code ? code : s->job->format->write(s, f);
}

/* Names that are known before anything is read. */
static int check_free(const export_state *s, fault *f) {
  static const char *const lists[] = {"real.txt", "synthetic.txt", NULL};
  int code = export_stage_check_free(s->stage, s->job->format->files, f);
  if (!code && !export_has(s, EXPORT_GENERATES)) code = export_stage_check_free(s->stage, lists, f);
  return code;
}

static int stage_files(export_state *s, fault *f) {
  int code = check_free(s, f);
  export_stage_begin(s->stage, s->job->format->name);
  if (!code) code = workspace_open(s->job->common.labels, &s->ws, f);
  if (!code) code = export_open_sets(s, f);
  if (!code) code = write_all(s, f);
  if (code) export_stage_drop(s->stage, s->job->format->name);
  return code;
}

static void close_state(export_state *s) {
  export_close_sets(s);
  text_free(&s->summary);
  inputs_free(&s->inputs);
  workspace_close(&s->ws);
}

int export_job_run(const export_job *job, fault *f) {
  export_stage own = {0};
  export_state s = {.job = job, .stage = job->stage ? job->stage : &own};
  int code = check_flags(&s, f);
  if (!code) code = check_inputs(&s, f);
  if (!code) code = outdir_open(job->output.folder, job->output.held, &s.out, f);
  if (!code && !job->stage) code = export_stage_open(s.out.path, &own, f);
  if (!code) outdir_sweep_top(s.out.path);
  if (!code) code = stage_files(&s, f);
  if (!code && !job->stage) code = export_stage_commit(&own, f);
  if (!code) summarize(&s);
  export_stage_close(&own);
  outdir_close(&s.out, code ? OUTDIR_UNDO : OUTDIR_KEEP);
  close_state(&s);
  return code;
}

int export_job_check(const export_job *job, fault *f) {
  export_state s = {.job = job, .stage = job->stage};
  int code = check_free(&s, f);
  if (!code) code = workspace_open(job->common.labels, &s.ws, f);
  if (!code) code = export_open_real(&s, f);
  if (!code) code = export_check_names(&s, f);
  close_state(&s);
  return code;
}
