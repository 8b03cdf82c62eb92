/* job/job_convert.c - masks in color, or in other numbers, become masks of labels: the whole job. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/disk.h"
#include "base/json_file.h"
#include "base/path.h"
#include "job/convert_run.h"
#include "job/summary.h"

const char *const convert_kinds[] = {"auto", "colors", "labels", "replicator", "panoptic", NULL};

/* ---- Colors without a place --------------------------------------------------------------- */

static void add_nearest(const convert_run *s, uint32_t color, text *t) {
  double distance;
  const color_rule *near =
      s->from == CONVERT_COLORS ? rules_nearest(&s->rules, color, &distance) : NULL;
  if (!near) return;
  int32_t k = fm_labels_class_of(s->ws.labels, near->label);
  text_add(t, ", nearest #%06x (%s) at distance %.1f", (unsigned)color_rgb(near->key),
           k >= 0 ? fm_labels_class_name(s->ws.labels, k) : "ignored", distance);
}

static void add_strange(const convert_run *s, const color_entry *e, text *t) {
  if (s->from == CONVERT_PANOPTIC)
    text_add(t, "segment %" PRIu32, e->color & RULES_RGB);
  else
    text_add(t, "#%06x", (unsigned)color_rgb(e->color));
  text_add(t,
           " in %s at pixel (x %" PRId64 ", y %" PRId64 "), %" PRId64 " pixel%s in %" PRId64
           " mask%s",
           s->masks.files[e->mask].relative, e->x, e->y, e->pixels, e->pixels == 1 ? "" : "s",
           e->masks, e->masks == 1 ? "" : "s");
  add_nearest(s, e->color, t);
}

static const char *source_of(const convert_run *s) {
  return s->from == CONVERT_PANOPTIC     ? s->job->panoptic
         : s->from == CONVERT_REPLICATOR ? "the masks' JSON files"
                                         : s->job->common.labels;
}

static int fail_strange(convert_run *s, fault *f) {
  enum { SHOWN = 4 };
  color_set *set = &s->all.strange;
  text list = {0};
  color_set_sort(set);
  for (size_t i = 0; i < set->count && i < SHOWN; i++) {
    if (i) text_add(&list, "; ");
    add_strange(s, &set->items[i], &list);
  }
  if (set->count > SHOWN) text_add(&list, "; and %zu more", set->count - SHOWN);
  int code = fault_set(f, EXIT_DATA,
                       "%zu color%s of the masks %s not in %s: %s. Add rows for them, or let "
                       "--nearest D take the nearest color, or --unknown ignore (or a label) all "
                       "of them",
                       set->count, set->count == 1 ? "" : "s", set->count == 1 ? "is" : "are",
                       source_of(s), list.data);
  text_free(&list);
  return code;
}

/* ---- The whole ------------------------------------------------------------------------ */

static int convert_all(convert_run *s, fault *f) {
  int code = convert_masks(s, f);
  if (!code && s->all.strange.count) code = fail_strange(s, f);
  if (code == EXIT_STOPPED)
    fault_set(f, code, "interrupted; the same command with --resume continues in %s",
              s->job->output.folder);
  return code;
}

/* The space of train ids: the classes in their own numbers. */
static fm_status make_train_ids(const convert_run *s, fm_labels **out, fm_error *err) {
  static const int64_t ignored[] = {CONVERT_TRAIN_IDS_IGNORED};
  fm_labels_options o = {.size = sizeof o};
  fm_status status = fm_labels_get_options(s->ws.labels, &o, err);
  o.ignored_labels = ignored;
  o.ignored_count = 1;
  o.label_count = o.color_count = 0;
  o.classes = NULL;
  o.colors = NULL;
  return status ? status : fm_labels_create(s->ws.context, &o, out, err);
}

/* What the numbers that were written mean, if no table of the user's says so. */
static int write_labels(convert_run *s, fault *f) {
  char *path;
  fm_error err;
  if (!s->made_labels || s->to) return EXIT_FINE;
  if (s->train_ids && make_train_ids(s, &s->to, &err)) return fault_library(f, &err, NULL);
  int code = outdir_path(&s->out, "labels.csv", &path, f);
  if (code) return code;
  if (fm_labels_write(s->to ? s->to : s->ws.labels, path, &err))
    code = fault_library(f, &err, path);
  if (!code) outdir_made(&s->out, path);
  free(path);
  return code;
}

static json_t *result_as_json(const convert_run *s) {
  const convert_tally *t = &s->all;
  json_t *classes = json_array();
  for (int32_t k = 0; k < fm_labels_class_count(s->ws.labels); k++)
    json_array_append_new(classes, json_pack("{s:i, s:o, s:I}", "index", (int)k, "name",
                                             json_text(fm_labels_class_name(s->ws.labels, k)),
                                             "pixels", (json_int_t)t->classes[k]));
  return json_pack("{s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "output",
                   json_text(s->job->output.folder), "from", convert_kinds[s->from], "masks",
                   (json_int_t)t->written, "there", (json_int_t)t->there, "pixels",
                   (json_int_t)t->pixels, "ignored", (json_int_t)t->ignored, "nearest",
                   (json_int_t)t->nearest, "unknown", (json_int_t)t->unknown, "classes", classes);
}

static double percent(const convert_tally *t, int64_t pixels) {
  return t->pixels ? 100.0 * (double)pixels / (double)t->pixels : 0;
}

static void summarize(const convert_run *s) {
  const convert_tally *t = &s->all;
  int32_t seen = 0, classes = fm_labels_class_count(s->ws.labels);
  text line = {0};
  if (summary_as_json(&s->job->common)) {
    summary_print_json(result_as_json(s));
  } else if (summary_as_text(&s->job->common)) {
    for (int32_t k = 0; k < classes; k++) seen += t->classes[k] > 0;
    text_add(&line, "%" PRId64 " masks converted", t->written);
    if (t->there) text_add(&line, ", %" PRId64 " were there", t->there);
    text_add(&line, "; %d of %d classes seen, %.1f %% ignored", (int)seen, (int)classes,
             percent(t, t->ignored));
    if (t->nearest)
      text_add(&line, "; the nearest color was taken for %" PRId64 " (%.2f %%) of the pixels",
               t->nearest, percent(t, t->nearest));
    if (t->unknown)
      text_add(&line,
               "; label %d was taken for %" PRId64 " (%.2f %%) of the pixels, of unknown colors",
               (int)s->unknown, t->unknown, percent(t, t->unknown));
    text_add(&line, "; written to %s%s\n", s->job->output.folder,
             s->made_labels && !(s->job->to && !s->train_ids) ? ", with labels.csv" : "");
  }
  summary_print(&line);
}

static outdir_end ending(int code) {
  return !code ? OUTDIR_KEEP : code == EXIT_STOPPED ? OUTDIR_KEEP_FILES : OUTDIR_UNDO;
}

int convert_job_run(const convert_job *job, fault *f) {
  convert_run s = {.job = job};
  int code = convert_check(job, f);
  if (!code) code = outdir_open(job->output.folder, job->output.held, &s.out, f);
  if (!code) outdir_sweep(s.out.path);
  if (!code) code = workspace_open(job->common.labels, &s.ws, f);
  if (!code) code = convert_prepare(&s, f);
  if (!code) code = convert_all(&s, f);
  if (!code) code = write_labels(&s, f);
  if (!code) code = disk_flush(s.out.path, f);
  if (!code) summarize(&s);
  outdir_close(&s.out, ending(code));
  color_set_free(&s.all.strange);
  free(s.all.classes);
  panoptic_close(s.panoptic);
  rules_free(&s.rules);
  folder_free(&s.masks);
  fm_labels_destroy(s.to);
  workspace_close(&s.ws);
  return code;
}
