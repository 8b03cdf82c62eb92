/* job/convert_mask.c - masks in color, or in other numbers, become masks of labels: one after the other. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/disk.h"
#include "base/path.h"
#include "base/pixel.h"
#include "base/pool.h"
#include "job/convert_run.h"

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

static int find_rules(const convert_run *s, mask *m, fault *f) {
  m->own.bits = s->from == CONVERT_PANOPTIC ? RULES_RGB : RULES_RGBA;
  if (s->from == CONVERT_PANOPTIC) return panoptic_rules(s->panoptic, m->path, &m->own, f);
  if (s->from != CONVERT_REPLICATOR) return EXIT_FINE;
  char *partner = replicator_partner(m->path);
  int code = replicator_read(partner, s->ws.labels, s->unknown, &m->own, &m->numbers, f);
  free(partner);
  return code;
}

static int read_mask(const convert_run *s, mask *m, fault *f) {
  fm_error err;
  bool colors = s->from != CONVERT_LABELS && !m->numbers;
  fm_status status = colors ? fm_colors_read(s->ws.context, m->path, NULL, &m->raster, &err)
                            : fm_mask_read(s->ws.context, m->path, NULL, &m->raster, &err);
  return status ? fault_library(f, &err, m->path) : EXIT_FINE;
}

/* The label of `length` pixels of one color from (x, y) on; -1: it has no place. */
static int32_t find_label(const convert_run *s, convert_tally *t, mask *m, uint32_t color,
                          int64_t length, int64_t x, int64_t y) {
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
static void take_colors(const convert_run *s, convert_tally *t, mask *m) {
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
static int finish_labels(const convert_run *s, convert_tally *t, mask *m, int64_t *classes,
                         fault *f) {
  fm_error err;
  int64_t ignored;
  fm_status status = fm_labels_count(s->ws.labels, &m->labels, classes, &ignored, &err);
  if (!status && (s->to || s->train_ids)) {
    fm_plane result = new_plane(&m->labels, s->result, &m->memory[1]);
    status = s->to ? fm_labels_convert(s->ws.labels, &m->labels, s->to, &result, &err)
                   : fm_labels_to_classes(s->ws.labels, &m->labels, CONVERT_TRAIN_IDS_IGNORED,
                                          &result, &err);
    m->labels = result;
  }
  if (status) return fault_library(f, &err, m->path);
  for (int32_t k = 0; k < fm_labels_class_count(s->ws.labels); k++) t->classes[k] += classes[k];
  t->ignored += ignored;
  t->pixels += m->labels.height * m->labels.width;
  return EXIT_FINE;
}

/* "sub/a.png" for sub/a.tif. Caller frees. */
char *convert_output_name(const convert_run *s, size_t index) {
  const char *relative = s->masks.files[index].relative, *dot = strrchr(relative, '.');
  text t = {0};
  text_add_bytes(&t, relative, dot ? (size_t)(dot - relative) : strlen(relative));
  text_add(&t, ".png");
  return t.data;
}

/* A file that is damaged, as after a crash of the machine, is made again. */
static int compare(const convert_run *s, convert_tally *t, const mask *m, const char *path,
                   bool *there, fault *f) {
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

static int write_mask(convert_run *s, convert_tally *t, const mask *m, fault *f) {
  char *name = convert_output_name(s, m->index), *path = NULL;
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
  convert_run *s = shared;
  convert_tally *t = own;
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
  const convert_run *s = shared;
  convert_tally *t = alloc_zeroed(1, sizeof *t);
  (void)f;
  t->classes = alloc_zeroed((size_t)fm_labels_class_count(s->ws.labels), sizeof *t->classes);
  *own = t;
  return EXIT_FINE;
}

static int end(void *shared, void *own, bool good, fault *f) {
  convert_run *s = shared;
  convert_tally *t = own, *all = &s->all;
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

int convert_masks(convert_run *s, fault *f) {
  pool_job work = {.what = "convert", .count = s->masks.count, .quiet = s->job->common.quiet};
  work.threads = (int)s->job->common.threads;
  work.shared = s;
  work.begin = begin;
  work.work = convert_one;
  work.end = end;
  s->all.classes =
      alloc_zeroed((size_t)fm_labels_class_count(s->ws.labels), sizeof *s->all.classes);
  return pool_run(&work, f);
}
