/* job/job_convert.c - masks in color, or in other numbers, become masks of labels. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/color_set.h"
#include "base/disk.h"
#include "base/json_file.h"
#include "base/note.h"
#include "base/path.h"
#include "base/pixel.h"
#include "base/pool.h"
#include "convert/convert.h"
#include "job/inputs.h"
#include "job/labels_file.h"
#include "job/outdir.h"
#include "job/summary.h"
#include "job/workspace.h"

const char *const convert_kinds[] = {"auto", "colors", "labels", "replicator", "panoptic", NULL};

enum { TRAIN_IDS_IGNORED = 255 };

/* What became of masks and pixels. */
typedef struct tally {
  int64_t written, there;           /* masks */
  int64_t pixels, nearest, unknown; /* the last two: by --nearest, by --unknown */
  int64_t *classes;                 /* pixels of each */
  int64_t ignored;
  color_set strange; /* colors that have no place */
} tally;

typedef struct state {
  const convert_job *job;
  workspace ws;
  convert_from from;
  bool made_labels; /* the space comes from files */
  fm_labels *to;    /* NULL: none, or train ids */
  bool train_ids;
  int32_t unknown;    /* a label; -1: none was given */
  color_rules rules;  /* of the space */
  panoptic *panoptic; /* NULL: other masks */
  folder masks;
  fm_dtype middle, result; /* of labels in the space, and as they are written */
  outdir out;
  tally all;
} state;

/* ---- One mask -------------------------------------------------------------------------- */

/* A mask while it is converted. */
typedef struct mask {
  size_t index;
  char *path;
  fm_raster *raster;
  color_rules own; /* of this mask alone */
  bool numbers;    /* it holds numbers, which rules turn into labels */
  void *memory[2];
  fm_plane labels; /* in the space, then as they are written */
  int64_t strange;
} mask;

static int find_rules(const state *s, mask *m, fault *f) {
  m->own.bits = s->from == CONVERT_PANOPTIC ? RULES_RGB : RULES_RGBA;
  if (s->from == CONVERT_PANOPTIC) return panoptic_rules(s->panoptic, m->path, &m->own, f);
  if (s->from != CONVERT_REPLICATOR) return EXIT_FINE;
  char *partner = replicator_partner(m->path);
  int code = replicator_read(partner, s->ws.labels, s->unknown, &m->own, &m->numbers, f);
  free(partner);
  return code;
}

static int read_mask(const state *s, mask *m, fault *f) {
  fm_error err;
  bool colors = s->from != CONVERT_LABELS && !m->numbers;
  fm_status status = colors ? fm_colors_read(s->ws.context, m->path, NULL, &m->raster, &err)
                            : fm_mask_read(s->ws.context, m->path, NULL, &m->raster, &err);
  return status ? fault_library(f, &err, m->path) : EXIT_FINE;
}

/* The label of `length` pixels of one color from (x, y) on; -1: it has no place. */
static int32_t find_label(const state *s, tally *t, mask *m, uint32_t color, int64_t length,
                          int64_t x, int64_t y) {
  const bool shared = s->from == CONVERT_COLORS;
  int32_t label = rules_find(shared ? &s->rules : &m->own, color);
  if (label >= 0) return label;
  double distance;
  const color_rule *near = s->job->nearest > 0 && !m->numbers
                               ? rules_nearest(shared ? &s->rules : &m->own, color, &distance)
                               : NULL;
  if (near && distance <= s->job->nearest) {
    t->nearest += length;
    return near->label;
  }
  if (s->unknown >= 0) {
    t->unknown += length;
    return s->unknown;
  }
  color_set_add(&t->strange, m->numbers ? color : color & m->own.bits, length, (int64_t)m->index, x,
                y);
  m->strange += length;
  return -1;
}

static uint32_t color_at(const fm_plane *from, const char *row, int64_t x) {
  return (uint32_t)pixel_label(row + x * from->col_stride, from->dtype);
}

static void fill(const fm_plane *to, int64_t y, int64_t x, int64_t end, int32_t label) {
  if (to->dtype == FM_U8) {
    memset((uint8_t *)to->data + y * to->width + x, label < 0 ? 0 : label, (size_t)(end - x));
    return;
  }
  uint16_t *at = (uint16_t *)to->data + y * to->width;
  for (; x < end; x++) at[x] = (uint16_t)(label < 0 ? 0 : label);
}

static fm_plane new_plane(const fm_plane *like, fm_dtype dtype, void **memory) {
  *memory = alloc_zeroed((size_t)(like->height * like->width), fm_dtype_size(dtype));
  return fm_plane_make(*memory, dtype, like->height, like->width);
}

/* Runs of one color share one look-up. */
static void take_colors(const state *s, tally *t, mask *m) {
  const fm_plane plane = fm_raster_plane(m->raster), from = pixel_strides(&plane);
  m->labels = new_plane(&from, s->middle, &m->memory[0]);
  for (int64_t y = 0; y < from.height; y++) {
    const char *row = (const char *)from.data + y * from.row_stride;
    for (int64_t x = 0, end; x < from.width; x = end) {
      const uint32_t color = color_at(&from, row, x);
      for (end = x + 1; end < from.width && color_at(&from, row, end) == color;) end++;
      fill(&m->labels, y, x, end, find_label(s, t, m, color, end - x, x, y));
    }
  }
}

/* Into the other space, if there is one; counts classes on the way. */
static int finish_labels(const state *s, tally *t, mask *m, int64_t *classes, fault *f) {
  fm_error err;
  int64_t ignored;
  fm_status status = fm_labels_count(s->ws.labels, &m->labels, classes, &ignored, &err);
  if (!status && (s->to || s->train_ids)) {
    fm_plane result = new_plane(&m->labels, s->result, &m->memory[1]);
    status = s->to
                 ? fm_labels_convert(s->ws.labels, &m->labels, s->to, &result, &err)
                 : fm_labels_to_classes(s->ws.labels, &m->labels, TRAIN_IDS_IGNORED, &result, &err);
    m->labels = result;
  }
  if (status) return fault_library(f, &err, m->path);
  for (int32_t k = 0; k < fm_labels_class_count(s->ws.labels); k++) t->classes[k] += classes[k];
  t->ignored += ignored;
  t->pixels += m->labels.height * m->labels.width;
  return EXIT_FINE;
}

/* "sub/a.png" for sub/a.tif. Caller frees. */
static char *output_name(const state *s, size_t index) {
  const char *relative = s->masks.files[index].relative, *dot = strrchr(relative, '.');
  text t = {0};
  text_add_bytes(&t, relative, dot ? (size_t)(dot - relative) : strlen(relative));
  text_add(&t, ".png");
  return t.data;
}

/* A file that is damaged, as after a crash of the machine, is made again. */
static int compare(const state *s, tally *t, const mask *m, const char *path, bool *there,
                   fault *f) {
  fm_raster *old = NULL;
  fm_error err;
  path_kind kind = PATH_ABSENT;
  int code = s->job->output.resume ? path_look(path, &kind, f) : EXIT_FINE;
  if (code) return code;
  *there = kind != PATH_ABSENT;
  if (*there && fm_mask_read(s->ws.context, path, NULL, &old, &err)) {
    *there = false;
    fault_library(f, &err, path);
    if (fault_is_machine(f)) return f->exit_code;
  }
  if (!*there) return EXIT_FINE;
  const fm_plane plane = fm_raster_plane(old);
  bool same = pixel_same(&plane, &m->labels);
  fm_raster_destroy(old);
  t->there += same;
  if (same) return EXIT_FINE;
  return fault_set(f, EXIT_DATA,
                   "%s holds other labels than %s is converted to now: the masks or the table have "
                   "changed; --overwrite replaces it",
                   path, m->path);
}

static int write_mask(state *s, tally *t, const mask *m, fault *f) {
  char *name = output_name(s, m->index), *path = NULL;
  bool there = false;
  int code = outdir_path(&s->out, name, &path, f);
  if (!code) code = compare(s, t, m, path, &there, f);
  if (!code && !there) {
    fm_write_options options = {.size = sizeof options, .flush = FM_FLUSH_LATER};
    fm_error err;
    if (fm_mask_write(s->ws.context, path, &m->labels, &options, &err))
      code = fault_library(f, &err, path);
    if (!code) outdir_made(&s->out, path);
    t->written += !code;
  }
  free(path);
  free(name);
  return code;
}

static int convert_one(void *shared, void *own, size_t index, fault *f) {
  state *s = shared;
  tally *t = own;
  mask m = {.index = index, .path = folder_path(&s->masks, &s->masks.files[index])};
  int64_t *classes = alloc_zeroed((size_t)fm_labels_class_count(s->ws.labels), sizeof *classes);
  int code = find_rules(s, &m, f);
  if (!code) code = read_mask(s, &m, f);
  if (!code && s->from == CONVERT_LABELS) m.labels = fm_raster_plane(m.raster);
  if (!code && s->from != CONVERT_LABELS) take_colors(s, t, &m);
  if (!code && !m.strange) code = finish_labels(s, t, &m, classes, f);
  if (!code && !m.strange) code = write_mask(s, t, &m, f);
  free(classes);
  for (int i = 0; i < 2; i++) free(m.memory[i]);
  rules_free(&m.own);
  fm_raster_destroy(m.raster);
  free(m.path);
  return code;
}

static int begin(void *shared, void **own, fault *f) {
  const state *s = shared;
  tally *t = alloc_zeroed(1, sizeof *t);
  (void)f;
  t->classes = alloc_zeroed((size_t)fm_labels_class_count(s->ws.labels), sizeof *t->classes);
  *own = t;
  return EXIT_FINE;
}

static int end(void *shared, void *own, bool good, fault *f) {
  state *s = shared;
  tally *t = own, *all = &s->all;
  (void)f;
  (void)good;
  all->written += t->written;
  all->there += t->there;
  all->pixels += t->pixels;
  all->nearest += t->nearest;
  all->unknown += t->unknown;
  all->ignored += t->ignored;
  for (int32_t k = 0; k < fm_labels_class_count(s->ws.labels); k++)
    all->classes[k] += t->classes[k];
  color_set_merge(&all->strange, &t->strange);
  color_set_free(&t->strange);
  free(t->classes);
  free(t);
  return EXIT_FINE;
}

/* ---- Colors without a place --------------------------------------------------------------- */

static void add_nearest(const state *s, uint32_t color, text *t) {
  double distance;
  const color_rule *near =
      s->from == CONVERT_COLORS ? rules_nearest(&s->rules, color, &distance) : NULL;
  if (!near) return;
  int32_t k = fm_labels_class_of(s->ws.labels, near->label);
  text_add(t, ", nearest #%06x (%s) at distance %.1f", (unsigned)color_rgb(near->key),
           k >= 0 ? fm_labels_class_name(s->ws.labels, k) : "ignored", distance);
}

static void add_strange(const state *s, const color_entry *e, text *t) {
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

static const char *source_of(const state *s) {
  return s->from == CONVERT_PANOPTIC     ? s->job->panoptic
         : s->from == CONVERT_REPLICATOR ? "the masks' JSON files"
                                         : s->job->common.labels;
}

static int fail_strange(state *s, fault *f) {
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

/* ---- Before the first mask ------------------------------------------------------------- */

static int check_flags(const convert_job *job, fault *f) {
  if (job->output.resume && job->output.overwrite)
    return fault_set(f, EXIT_USAGE, "--resume and --overwrite are both given, expected one");
  if (job->from == CONVERT_PANOPTIC && !job->panoptic)
    return fault_set(f, EXIT_USAGE, "--from panoptic needs --panoptic P.json");
  if (job->panoptic && job->from != CONVERT_AUTO && job->from != CONVERT_PANOPTIC)
    return fault_set(f, EXIT_USAGE, "--panoptic is for --from panoptic");
  if (job->from == CONVERT_LABELS && (job->nearest > 0 || job->unknown || job->voc_colors))
    return fault_set(
        f, EXIT_USAGE,
        "--nearest, --unknown and --voc-colors are about colors, not for --from labels");
  return EXIT_FINE;
}

static int check_inputs(const convert_job *job, fault *f) {
  static const char *const written[] = {"labels.csv", NULL};
  inputs list = {0};
  inputs_add_labels(&list, job->common.labels);
  if (job->to && strcmp(job->to, CONVERT_TRAIN_IDS) != 0) inputs_add_labels(&list, job->to);
  inputs_add(&list, job->panoptic);
  inputs_add_apart(&list, job->masks);
  int code = inputs_spare_folder(&list, job->output.folder, written, f);
  inputs_free(&list);
  return code;
}

static bool has_colors(const fm_labels *labels) {
  for (int64_t label = 0; labels && label < 65536; label++)
    if (fm_labels_color_of(labels, label) >= 0) return true;
  return false;
}

/* Masks of Replicator have a file next to each; others that lie there are not for us. */
static bool keep_partnered(folder *masks, bool look_only) {
  bool *drop = alloc_zeroed(masks->count, sizeof *drop);
  size_t kept = 0, all = masks->count;
  for (size_t i = 0; i < all; i++) {
    drop[i] = !replicator_has_partner(masks->path, masks->files[i].relative);
    kept += !drop[i];
  }
  if (kept && !look_only) {
    folder_drop(masks, drop);
    if (kept < all)
      note_say("%s: %zu files without semantic_segmentation_labels_*.json are passed over",
               masks->path, all - kept);
  }
  free(drop);
  return kept > 0;
}

static int choose_kind(state *s, fault *f) {
  const convert_job *job = s->job;
  s->from = (convert_from)job->from;
  if (s->from == CONVERT_AUTO)
    s->from = job->panoptic                                              ? CONVERT_PANOPTIC
              : keep_partnered(&s->masks, true)                          ? CONVERT_REPLICATOR
              : job->to && !job->voc_colors && !has_colors(s->ws.labels) ? CONVERT_LABELS
                                                                         : CONVERT_COLORS;
  if (s->from == CONVERT_REPLICATOR && !keep_partnered(&s->masks, false))
    return fault_set(f, EXIT_DATA,
                     "%s: no mask has a JSON file next to it, expected "
                     "semantic_segmentation_labels_0000.json for semantic_segmentation_0000.png",
                     job->masks);
  if (!job->common.labels && s->from != CONVERT_REPLICATOR && s->from != CONVERT_PANOPTIC)
    return fault_set(
        f, EXIT_USAGE,
        "--labels L is missing: a table that tells which color is which label (freemask "
        "labels --masks %s drafts one)",
        job->masks);
  if (s->from == CONVERT_LABELS && !job->to)
    return fault_set(f, EXIT_USAGE, "--from labels needs --to L2, the labels to write");
  return EXIT_FINE;
}

static int make_labels(state *s, fault *f) {
  if (s->ws.labels) return EXIT_FINE;
  s->made_labels = true;
  return s->panoptic ? panoptic_make_labels(s->panoptic, s->ws.context, &s->ws.labels, f)
                     : replicator_make_labels(s->ws.context, &s->masks, &s->ws.labels, f);
}

static int read_unknown(state *s, fault *f) {
  const char *given = s->job->unknown;
  char *end;
  s->unknown = -1;
  if (!given) return EXIT_FINE;
  long label = strtol(given, &end, 10);
  if (!strcmp(given, "ignore"))
    label = (long)fm_labels_ignore_label_in(s->ws.labels, FM_U16);
  else if (*given < '0' || *given > '9' || *end)
    label = -1;
  if (label < 0 || label > 65535 || fm_labels_class_of(s->ws.labels, label) == FM_CLASS_INVALID)
    return fault_set(f, EXIT_USAGE,
                     "--unknown is '%s', expected 'ignore' or a label of %s from 0 to 65535", given,
                     fm_labels_name(s->ws.labels));
  s->unknown = (int32_t)label;
  return EXIT_FINE;
}

/* The smallest type that holds every label of a space, so that all masks are alike. */
static fm_dtype type_of(const fm_labels *labels) {
  for (int64_t label = 256; label < 65536; label++)
    if (fm_labels_class_of(labels, label) != FM_CLASS_INVALID) return FM_U16;
  return FM_U8;
}

static int open_target(state *s, fault *f) {
  const char *to = s->job->to;
  const int32_t classes = fm_labels_class_count(s->ws.labels);
  s->middle = s->result = type_of(s->ws.labels);
  if (!to) return EXIT_FINE;
  s->train_ids = !strcmp(to, CONVERT_TRAIN_IDS);
  if (s->train_ids) {
    s->result = FM_U8;
    if (classes <= TRAIN_IDS_IGNORED) return EXIT_FINE;
    return fault_set(f, EXIT_USAGE, "--to train-ids: %s has %d classes, 8-bit masks hold %d",
                     fm_labels_name(s->ws.labels), (int)classes, TRAIN_IDS_IGNORED);
  }
  int code = labels_open(s->ws.context, to, &s->to, f);
  if (code) return code;
  s->result = type_of(s->to);
  if (fm_labels_class_count(s->to) == classes) return EXIT_FINE;
  return fault_set(f, EXIT_DATA,
                   "label space %s has %d classes, %s has %d: expected the same classes in other "
                   "numbers",
                   fm_labels_name(s->ws.labels), (int)classes, to,
                   (int)fm_labels_class_count(s->to));
}

static int open_rules(state *s, fault *f) {
  const convert_job *job = s->job;
  s->rules.bits = RULES_RGB;
  if (s->from == CONVERT_COLORS)
    return rules_of_labels(s->ws.labels, job->voc_colors, job->common.labels, &s->rules, f);
  return s->panoptic ? panoptic_bind(s->panoptic, s->ws.labels, s->unknown, f) : EXIT_FINE;
}

/* Two masks must not become one file, and no file is replaced unless that was asked for. */
static int check_outputs(const state *s, fault *f) {
  char *before = NULL;
  int code = EXIT_FINE;
  for (size_t i = 0; i < s->masks.count && !code; i++) {
    char *name = output_name(s, i), *path = path_join(s->out.path, name);
    if (before && !strcmp(before, name))
      code = fault_set(f, EXIT_DATA, "%s: two masks would become %s", s->masks.path, name);
    else if (!s->job->output.resume && !s->job->output.overwrite)
      code = path_expect_free(path, "--resume, --overwrite or another folder", f);
    free(path);
    free(before);
    before = name;
  }
  free(before);
  return code;
}

static int prepare(state *s, fault *f) {
  int code = s->job->panoptic ? panoptic_open(s->job->panoptic, &s->panoptic, f) : EXIT_FINE;
  if (!code)
    code = workspace_masks(&s->ws, s->job->masks, (folder_shard){0, 1}, &s->masks, NULL, NULL, f);
  if (!code) code = choose_kind(s, f);
  if (!code) code = make_labels(s, f);
  if (!code) code = read_unknown(s, f);
  if (!code) code = open_target(s, f);
  if (!code) code = open_rules(s, f);
  if (!code) code = check_outputs(s, f);
  return code;
}

/* ---- The whole ------------------------------------------------------------------------ */

static int convert_all(state *s, fault *f) {
  pool_job work = {.what = "convert", .count = s->masks.count, .quiet = s->job->common.quiet};
  work.threads = (int)s->job->common.threads;
  work.shared = s;
  work.begin = begin;
  work.work = convert_one;
  work.end = end;
  s->all.classes =
      alloc_zeroed((size_t)fm_labels_class_count(s->ws.labels), sizeof *s->all.classes);
  int code = pool_run(&work, f);
  if (!code && s->all.strange.count) code = fail_strange(s, f);
  if (code == EXIT_STOPPED)
    fault_set(f, code, "interrupted; the same command with --resume continues in %s",
              s->job->output.folder);
  return code;
}

/* The space of train ids: the classes in their own numbers. */
static fm_status make_train_ids(const state *s, fm_labels **out, fm_error *err) {
  static const int64_t ignored[] = {TRAIN_IDS_IGNORED};
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
static int write_labels(state *s, fault *f) {
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

static json_t *result_as_json(const state *s) {
  const tally *t = &s->all;
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

static double percent(const tally *t, int64_t pixels) {
  return t->pixels ? 100.0 * (double)pixels / (double)t->pixels : 0;
}

static void summarize(const state *s) {
  const tally *t = &s->all;
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
  state s = {.job = job};
  int code = check_flags(job, f);
  if (!code) code = check_inputs(job, f);
  if (!code) code = outdir_open(job->output.folder, job->output.held, &s.out, f);
  if (!code) outdir_sweep(s.out.path);
  if (!code) code = workspace_open(job->common.labels, &s.ws, f);
  if (!code) code = prepare(&s, f);
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
