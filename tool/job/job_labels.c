/* job/job_labels.c - label spaces as tables: presets, files, and drafts of what masks hold. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/path.h"
#include "base/pool.h"
#include "job/draft.h"
#include "job/inputs.h"
#include "job/summary.h"
#include "job/workspace.h"

typedef struct state {
  const labels_job *job;
  workspace ws;
  folder masks;
  bool colors; /* masks are read as colors */
  census *census;
  color_set set;
  draft draft;
} state;

/* ---- Looking at masks ----------------------------------------------------------------- */

/* A worker's own. */
typedef struct own_state {
  census census;
  color_set set;
} own_state;

static int begin(void *shared, void **own, fault *f) {
  (void)shared;
  (void)f;
  *own = alloc_zeroed(1, sizeof(own_state));
  return EXIT_FINE;
}

static int end(void *shared, void *own, bool good, fault *f) {
  state *s = shared;
  own_state *o = own;
  (void)f;
  if (good && s->colors) color_set_merge(&s->set, &o->set);
  if (good && !s->colors) census_merge(s->census, &o->census);
  color_set_free(&o->set);
  free(o);
  return EXIT_FINE;
}

static void count_colors(color_set *set, const fm_plane *plane, size_t index) {
  const uint32_t *at = plane->data;
  for (int64_t y = 0; y < plane->height; y++, at += plane->width)
    for (int64_t x = 0, stop; x < plane->width; x = stop) {
      for (stop = x + 1; stop < plane->width && at[stop] == at[x];) stop++;
      color_set_add(set, at[x], stop - x, (int64_t)index, x, y);
    }
}

static int look_at(void *shared, void *own, size_t index, fault *f) {
  state *s = shared;
  own_state *o = own;
  fm_raster *raster = NULL;
  fm_error err;
  char *path = folder_path(&s->masks, &s->masks.files[index]);
  fm_status status = s->colors ? fm_colors_read(s->ws.context, path, NULL, &raster, &err)
                               : fm_mask_read(s->ws.context, path, NULL, &raster, &err);
  int code = status ? fault_library(f, &err, path) : EXIT_FINE;
  if (!code && s->colors) {
    fm_plane plane = fm_raster_plane(raster);
    count_colors(&o->set, &plane, index);
  } else if (!code) {
    census_add(&o->census, raster, index);
  }
  fm_raster_destroy(raster);
  free(path);
  return code;
}

static int look(state *s, fault *f) {
  pool_job work = {.what = "labels", .count = s->masks.count, .quiet = s->job->common.quiet};
  work.threads = (int)s->job->common.threads;
  work.shared = s;
  work.begin = begin;
  work.work = look_at;
  work.end = end;
  return pool_run(&work, f);
}

/* Values if the masks hold them; else colors, also where the values of palettes mean nothing. */
static int look_at_masks(state *s, fault *f) {
  int code = look(s, f), torn = code ? -1 : census_torn_index(s->census);
  bool colored = code == EXIT_DATA && f->status == FM_ERR_UNSUPPORTED;
  if (!colored && torn < 0) return code;
  s->colors = true;
  if (torn >= 0)
    draft_note(&s->draft,
               "index %d has two colors, #%06x and #%06x: colors were reduced to palettes mask by "
               "mask, so that these rows are about colors, not indices",
               torn, (unsigned)s->census->palette[torn].color[0],
               (unsigned)s->census->palette[torn].color[1]);
  fault first = *f;
  code = look(s, f);
  if (code && colored) *f = first; /* which says why it is no mask of labels */
  return code;
}

static int draft_table(state *s, text *out, fault *f) {
  int code = workspace_masks(&s->ws, s->job->masks, (folder_shard){0, 1}, &s->masks, NULL, NULL, f);
  if (code) return code;
  s->census = alloc_zeroed(1, sizeof *s->census);
  draft_note(
      &s->draft,
      "drafted by freemask labels from %zu masks in %s: give the classes their names and look "
      "at the guesses, then freemask check --labels THIS --masks DIR",
      s->masks.count, s->job->masks);
  code = look_at_masks(s, f);
  if (!code && s->colors) {
    color_set_sort(&s->set);
    draft_colors(&s->draft, &s->set, (int64_t)s->masks.count);
  } else if (!code) {
    draft_values(&s->draft, s->ws.context, s->census);
  }
  if (!code) draft_as_text(&s->draft, out);
  return code;
}

/* ---- Presets and files ---------------------------------------------------------------- */

static int keep(const void *data, size_t size, void *user) {
  text_add_bytes(user, data, size);
  return 0;
}

static int print_space(const state *s, text *out, fault *f) {
  fm_error err;
  if (fm_labels_encode(s->ws.labels, keep, out, &err)) return fault_library(f, &err, NULL);
  return EXIT_FINE;
}

static void list_presets(const state *s, text *out) {
  text_add(out, "%-18s %7s %7s  %s\n", "name", "classes", "written", "colors");
  for (int32_t i = 0; fm_labels_preset_name(i); i++) {
    fm_labels *labels;
    fm_error err;
    if (fm_labels_create_from_preset(s->ws.context, fm_labels_preset_name(i), &labels, &err))
      continue;
    text_add(out, "%-18s %7d %7" PRId64 "  %s\n", fm_labels_preset_name(i),
             (int)fm_labels_class_count(labels), fm_labels_ignore_label(labels),
             fm_labels_color_of(labels, fm_labels_label_of(labels, 0)) >= 0 ? "yes" : "no");
    fm_labels_destroy(labels);
  }
}

/* ---- The whole ------------------------------------------------------------------------ */

static int check_flags(const labels_job *job, fault *f) {
  int ways = (job->common.labels != NULL) + (job->masks != NULL) + job->list;
  if (ways == 1) return EXIT_FINE;
  return fault_set(f, EXIT_USAGE,
                   "expected one of a label space (freemask labels ade20k, or a file), --masks DIR "
                   "and --list, %s",
                   ways ? "there are several" : "there is none");
}

static int check_output(const labels_job *job, fault *f) {
  inputs list = {0};
  if (!job->output) return EXIT_FINE;
  inputs_add_labels(&list, job->common.labels);
  inputs_add(&list, job->masks);
  int code = inputs_check_file(&list, job->output, f);
  inputs_free(&list);
  return code || job->overwrite ? code
                                : path_expect_free(job->output, "another name or --overwrite", f);
}

static text sentence_of(const state *s, const text *table) {
  const labels_job *job = s->job;
  text t = {0};
  if (job->common.json) {
    json_t *all = job->masks ? draft_as_json(&s->draft) : json_object();
    json_object_set_new(all, "output", json_text(job->output));
    json_object_set_new(all, "table", json_text(table->data));
    json_add_line(all, &t);
  } else if (!job->output) {
    text_add_bytes(&t, table->data, table->length);
  } else if (!job->common.quiet) {
    for (size_t i = 1; i < s->draft.note_count; i++) text_add(&t, "%s\n", s->draft.notes[i]);
    text_add(&t, "written to %s\n", job->output);
  }
  return t;
}

/* Nothing takes memory behind the file: the same command once more would find it there. */
static int deliver(const state *s, const text *table, fault *f) {
  text said = sentence_of(s, table);
  int code = s->job->output ? text_write(table, s->ws.context, s->job->output, f) : EXIT_FINE;
  if (code)
    text_free(&said);
  else
    summary_print(&said);
  return code;
}

int labels_job_run(const labels_job *job, fault *f) {
  state s = {.job = job};
  text t = {0};
  int code = check_flags(job, f);
  if (!code) code = check_output(job, f);
  if (!code) code = workspace_open(job->common.labels, &s.ws, f);
  if (!code && job->list) list_presets(&s, &t);
  if (!code && job->masks) code = draft_table(&s, &t, f);
  if (!code && job->common.labels) code = print_space(&s, &t, f);
  if (!code) code = deliver(&s, &t, f);
  text_free(&t);
  draft_free(&s.draft);
  color_set_free(&s.set);
  free(s.census);
  folder_free(&s.masks);
  workspace_close(&s.ws);
  return code;
}
