/* job/job_export.c - from a plan to what a trainer or a generator reads. */
#include <inttypes.h>
#include <string.h>

#include "export/exporter.h"
#include "job/summary.h"

enum {
  NEEDS_LABELS = 1,
  NEEDS_FILES = 2,     /* masks and images of both sets */
  NEEDS_TRAIN_IDS = 4, /* labels that are the classes */
  GENERATES = 8        /* lists what is not there yet */
};

/* By export_format. */
static const struct {
  const char *name;
  int needs;
  int (*write)(export_state *s, fault *f);
} formats[] = {
    {"list", 0, export_list},
    {"mmseg", NEEDS_LABELS, export_mmseg},
    {"detectron2", NEEDS_LABELS | NEEDS_FILES | NEEDS_TRAIN_IDS, export_detectron2},
    {"hf", NEEDS_LABELS | NEEDS_FILES, export_hf},
    {"webdataset", NEEDS_FILES, export_webdataset},
    {"paddleseg", NEEDS_LABELS | NEEDS_FILES | NEEDS_TRAIN_IDS, export_paddleseg},
    {"freestylenet", NEEDS_LABELS | GENERATES, export_freestylenet},
    {"jsonl", GENERATES, export_jsonl},
};

static bool needs(const export_state *s, int what) {
  return (formats[s->job->format].needs & what) != 0;
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

int export_write_fixed(export_state *s, const char *name, const char *content, fault *f) {
  text t = {0};
  text_add_bytes(&t, content, strlen(content));
  int code = export_write(s, name, &t, f);
  text_free(&t);
  return code;
}

static int write_lists(export_state *s, fault *f) {
  const export_set *const sets[] = {&s->real, &s->synthetic};
  int code = EXIT_FINE;
  for (size_t k = 0; k < 2 && !code; k++) {
    text t = {0}, name = {0};
    for (size_t i = 0; i < sets[k]->count; i++) text_add(&t, "%s\n", sets[k]->entries[i].stem);
    text_add(&name, "%s.txt", sets[k]->name);
    code = export_write(s, name.data, &t, f);
    text_free(&t);
    text_free(&name);
  }
  return code;
}

static void summarise(const export_state *s) {
  const export_job *job = s->job;
  const char *more = s->summary.data ? s->summary.data : "";
  text t = {0};
  if (summary_as_json(&job->common)) {
    text_add(&t, "{\"output\": ");
    text_add_json(&t, job->output);
    text_add(&t, ", \"format\": \"%s\", \"real\": %zu, ", formats[job->format].name, s->real.count);
    if (needs(s, GENERATES))
      text_add(&t, "\"jobs\": %zu, \"there\": %" PRId64 "}\n", s->synthetic.count,
               s->asked - (int64_t)s->synthetic.count);
    else
      text_add(&t, "\"synthetic\": %zu, \"missing\": %" PRId64 ", \"times\": %" PRId64 "}\n",
               s->synthetic.count, s->missing, s->times);
  } else if (summary_as_text(&job->common) && needs(s, GENERATES)) {
    text_add(&t, "%zu images to generate, %" PRId64 " of %" PRId64 " are there%s; written to %s\n",
             s->synthetic.count, s->asked - (int64_t)s->synthetic.count, s->asked, more,
             job->output);
  } else if (summary_as_text(&job->common)) {
    text_add(&t, "%zu real images, each %" PRId64 " times, and %zu synthetic ones", s->real.count,
             s->times, s->synthetic.count);
    if (s->missing) text_add(&t, " (%" PRId64 " more are missing)", s->missing);
    text_add(&t, "%s; written to %s\n", more, job->output);
  }
  summary_print(&t);
}

static int missing_flag(const export_job *job, const char *flag, fault *f) {
  return fault_set(f, EXIT_USAGE, "--to %s needs %s", formats[job->format].name, flag);
}

static int check_flags(const export_state *s, fault *f) {
  const export_job *job = s->job;
  const bool generates = needs(s, GENERATES), files = needs(s, NEEDS_FILES);
  if (job->train_ids && !job->common.labels)
    return fault_set(f, EXIT_USAGE, "--train-ids needs --labels L");
  if (needs(s, NEEDS_LABELS) && !job->common.labels) return missing_flag(job, "--labels L", f);
  if ((files || generates) && !job->real_masks) return missing_flag(job, "--real-masks DIR", f);
  if (files && !job->real_images) return missing_flag(job, "--real-images DIR", f);
  if (files && !job->synthetic) return missing_flag(job, "--synthetic DIR", f);
  if (files && !job->images) return missing_flag(job, "--images DIR", f);
  if (generates && (job->synthetic || job->train_ids || job->allow_missing))
    return fault_set(f, EXIT_USAGE,
                     "--to %s is for images that are not there yet: it takes --real-masks and "
                     "--images, not --synthetic, --train-ids or --allow-missing",
                     formats[job->format].name);
  int code = outdir_apart(job->output, job->synthetic, f);
  if (!code) code = outdir_apart(job->output, job->real_masks, f);
  if (code || !job->train_ids) return code; /* else masks might pass for images */
  code = outdir_apart(job->output, job->real_images, f);
  return code ? code : outdir_apart(job->output, job->images, f);
}

/* Masks as the format can read them. */
static int fit_masks(export_state *s, fault *f) {
  if (s->job->train_ids) return export_train_ids(s, f);
  if (!needs(s, NEEDS_TRAIN_IDS) || export_is_train_ids(s)) return EXIT_FINE;
  return fault_set(f, EXIT_USAGE,
                   "--to %s takes masks whose labels are the classes, 255 ignored, and those of %s "
                   "are not: --train-ids converts them",
                   formats[s->job->format].name, fm_labels_name(s->bench.labels));
}

static int write_all(export_state *s, fault *f) {
  int code = fit_masks(s, f);
  if (!code) code = export_check_names(s, f);
  if (!code && !needs(s, GENERATES)) code = write_lists(s, f);
  return code ? code : formats[s->job->format].write(s, f);
}

int export_job_run(const export_job *job, fault *f) {
  export_state s = {.job = job};
  int code = check_flags(&s, f);
  if (!code) code = bench_open(job->common.labels, &s.bench, f);
  if (!code) code = export_open_sets(&s, needs(&s, GENERATES), f);
  if (!code) code = outdir_open(job->output, &s.out, f);
  if (!code) code = write_all(&s, f);
  if (code && s.out.path) outdir_undo(&s.out);
  if (!code) summarise(&s);
  export_close_sets(&s);
  text_free(&s.summary);
  if (s.out.path) outdir_close(&s.out);
  bench_close(&s.bench);
  return code;
}
