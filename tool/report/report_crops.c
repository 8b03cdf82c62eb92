/* report/report_crops.c - for each class, the places where it was worst and most doubtful. */
#include "report/report_crops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/pixel.h"
#include "job/journal.h"
#include "report/report_pixels.h"

enum {
  WORST,
  DOUBTFUL,
  KINDS,
  TILE = 132,       /* the side of a tile, pixels */
  LEAST_PIXELS = 16 /* of a class in a mask that may be shown for it */
};

/* A mask that is shown for a class. */
typedef struct candidate {
  double score; /* 0: none */
  char *stem;
  int64_t valid, dropped;
} candidate;

typedef struct chooser {
  int32_t class_count;
  candidate *of; /* [class][KINDS][CROPS_EACH], best first */
} chooser;

static candidate *list_of(const chooser *c, int32_t k, int kind) {
  return &c->of[((size_t)k * KINDS + (size_t)kind) * CROPS_EACH];
}

static void offer(chooser *c, int32_t k, int kind, candidate from) {
  candidate *list = list_of(c, k, kind);
  int at = CROPS_EACH;
  while (at > 0 && from.score > list[at - 1].score) at--;
  if (at == CROPS_EACH) return;
  free(list[CROPS_EACH - 1].stem);
  for (int i = CROPS_EACH - 1; i > at; i--) list[i] = list[i - 1];
  from.stem = alloc_text(from.stem);
  list[at] = from;
}

/* Worst is where much of the class went, in share and in pixels; most doubtful, where the threshold cuts
 * through the middle of it. */
static void look_at(chooser *c, const journal_entry *entry, const char *stem) {
  for (int32_t k = 0; k < c->class_count; k++) {
    const double valid = (double)entry->class_valid[k], dropped = (double)entry->class_dropped[k];
    if (valid < LEAST_PIXELS || dropped <= 0.0) continue;
    candidate from = {dropped * dropped / valid, (char *)stem, entry->class_valid[k],
                      entry->class_dropped[k]};
    offer(c, k, WORST, from);
    from.score = dropped * (valid - dropped) / valid;
    if (dropped < valid) offer(c, k, DOUBTFUL, from);
  }
}

static int choose(const report *r, chooser *c, fault *f) {
  char *path = path_join(r->job->folder, "filter.record");
  journal_lines lines = {0};
  const size_t k = (size_t)r->filter.class_count;
  journal_entry entry = {.class_valid = alloc_zeroed(2 * k, sizeof(int64_t))};
  entry.class_dropped = entry.class_valid + k;
  c->class_count = r->filter.class_count;
  c->of = alloc_zeroed(k * KINDS * CROPS_EACH, sizeof *c->of);
  int code = EXIT_FINE;
  if (path_exists(path))
    code = journal_load(path, r->job->folder, "finished", r->filter.made_of, &lines, f);
  for (size_t i = 0; i < lines.count && !code; i++) {
    char *stem = journal_stem(lines.lines[i]);
    if (stem && journal_read_line(lines.lines[i], r->filter.class_count, &entry) && !entry.revoked)
      look_at(c, &entry, stem);
    free(stem);
  }
  journal_lines_free(&lines);
  free(entry.class_valid);
  free(path);
  return code;
}

static void chooser_free(chooser *c) {
  const size_t all = (size_t)c->class_count * KINDS * CROPS_EACH;
  for (size_t i = 0; i < all && c->of; i++) free(c->of[i].stem);
  free(c->of);
}

/* ---- Where in the image ---------------------------------------------------------------------- */

typedef struct window {
  int64_t x, y, side;
} window;

static const uint8_t *at_of(const fm_plane *p, int64_t x, int64_t y) {
  return (const uint8_t *)p->data + y * p->row_stride + x * p->col_stride;
}

static int32_t class_at(const report_images *s, const fm_plane *p, int64_t x, int64_t y) {
  return fm_labels_class_of(s->labels, pixel_label(at_of(p, x, y), p->dtype));
}

/* Dropped pixels of the class; in doubt a window with kept ones beside them counts, too. */
static int64_t weight(const report_images *s, const fm_plane *mask, const fm_plane *filtered,
                      int32_t k, const window *w, bool doubtful) {
  int64_t kept = 0, dropped = 0;
  const int64_t step = w->side > 64 ? w->side / 32 : 1;
  for (int64_t y = w->y; y < w->y + w->side && y < mask->height; y += step)
    for (int64_t x = w->x; x < w->x + w->side && x < mask->width; x += step) {
      if (class_at(s, mask, x, y) != k) continue;
      if (class_at(s, filtered, x, y) == k)
        kept++;
      else
        dropped++;
    }
  return doubtful ? (kept < dropped ? kept : dropped) * 2 : dropped;
}

static window find_window(const report_images *s, const fm_plane *mask, const fm_plane *filtered,
                          int32_t k, bool doubtful) {
  const int64_t longer = mask->width > mask->height ? mask->width : mask->height;
  const int64_t shorter = mask->width > mask->height ? mask->height : mask->width;
  window w = {0, 0, longer / 3}, best;
  if (w.side < 96) w.side = 96;
  if (w.side > shorter) w.side = shorter;
  best = w;
  int64_t most = -1;
  const int64_t step = w.side / 3 ? w.side / 3 : 1;
  for (w.y = 0; w.y + w.side <= mask->height; w.y += step)
    for (w.x = 0; w.x + w.side <= mask->width; w.x += step) {
      const int64_t here = weight(s, mask, filtered, k, &w, doubtful);
      if (here > most) {
        most = here;
        best = w;
      }
    }
  return best;
}

static fm_plane part_of_plane(const fm_plane *plane, const window *w) {
  fm_plane p = pixel_strides(plane);
  p.data = (uint8_t *)p.data + w->y * p.row_stride + w->x * p.col_stride;
  p.width = p.height = w->side;
  return p;
}

static fm_volume part_of_image(const fm_volume *image, const window *w) {
  fm_volume v = *image;
  v.data = (uint8_t *)v.data + w->y * v.row_stride + w->x * v.col_stride;
  v.width = v.height = w->side;
  return v;
}

/* ---- Drawing --------------------------------------------------------------------------------- */

/* Two tiles side by side. */
static picture join(const picture *left, const picture *right) {
  picture out = {2 * TILE + 2, TILE, alloc_zeroed((size_t)(2 * TILE + 2) * TILE, 3)};
  const picture *both[] = {left, right};
  for (int64_t y = 0; y < TILE; y++)
    for (int side = 0; side < 2; side++)
      for (int64_t x = 0; x < TILE; x++) {
        const picture *p = both[side];
        const int64_t sx = x * p->width / TILE, sy = y * p->height / TILE;
        memcpy(out.rgb + 3 * (y * out.width + side * (TILE + 2) + x),
               p->rgb + 3 * (sy * p->width + sx), 3);
      }
  return out;
}

/* The image, or else the mask's colors; and what was dropped of it. */
static int draw(const report_images *s, size_t index, const fm_plane *mask,
                const fm_plane *filtered, int32_t k, bool doubtful, picture *out, fault *f) {
  const window w = find_window(s, mask, filtered, k, doubtful);
  const fm_plane part = part_of_plane(mask, &w), rest = part_of_plane(filtered, &w);
  fm_raster *image = NULL;
  int code = report_images_image(s, index, &image, f);
  if (code) return code;
  picture left = {0}, right = picture_of_filtered(s->labels, &part, &rest);
  if (image) {
    const fm_volume whole = fm_raster_volume(image);
    if (whole.width == mask->width && whole.height == mask->height) {
      const fm_volume v = part_of_image(&whole, &w);
      left = picture_of_image(&v);
    }
  }
  if (!left.rgb) left = picture_of_mask(s->labels, &part);
  fm_raster_destroy(image);
  *out = join(&left, &right);
  picture_free(&left);
  picture_free(&right);
  return EXIT_FINE;
}

static int crop(const report_images *s, int32_t k, const candidate *c, int kind, text *t,
                fault *f) {
  fm_raster *mask_raster = NULL, *filtered_raster = NULL;
  size_t index = 0;
  picture p = {0};
  int code = report_images_find(s, c->stem, &index, f);
  if (!code) code = report_images_mask(s, index, &mask_raster, f);
  if (code) return code;
  const fm_plane raw = fm_raster_plane(mask_raster), mask = pixel_strides(&raw);
  code = report_images_filtered(s, index, &mask, &filtered_raster, f);
  if (!code) {
    const fm_plane other = fm_raster_plane(filtered_raster), filtered = pixel_strides(&other);
    code = draw(s, index, &mask, &filtered, k, kind == DOUBTFUL, &p, f);
  }
  if (!code) {
    text words = {0};
    text_add(&words, "%s and what was dropped", c->stem);
    text_add(t, "<figure>");
    code = picture_embed(s->r->context, &p, true, words.data, t, f);
    text_add(t, "<figcaption>%s: ", kind == WORST ? "worst" : "doubtful");
    text_add_html(t, c->stem);
    text_add(t, ", ");
    report_add_percent(t, (double)c->dropped / (double)c->valid);
    text_add(t, " of the class dropped</figcaption></figure>\n");
    text_free(&words);
  }
  picture_free(&p);
  fm_raster_destroy(mask_raster);
  fm_raster_destroy(filtered_raster);
  return code;
}

/* Is it among the worst, too? */
static bool is_worst(const chooser *c, int32_t k, const char *stem) {
  for (int i = 0; i < CROPS_EACH; i++) {
    const char *worst = list_of(c, k, WORST)[i].stem;
    if (worst && !strcmp(worst, stem)) return true;
  }
  return false;
}

/* The `i`-th of a kind, if there is one. */
static int crop_of(const report_images *s, const chooser *c, int32_t k, int kind, int i, text *t,
                   fault *f) {
  const candidate *of = &list_of(c, k, kind)[i];
  if (!of->stem || (kind == DOUBTFUL && is_worst(c, k, of->stem))) return EXIT_FINE;
  return crop(s, k, of, kind, t, f);
}

typedef struct rank {
  int64_t dropped;
  int32_t k;
} rank;

static int by_dropped(const void *a, const void *b) {
  const rank *x = a, *y = b;
  if (x->dropped != y->dropped) return x->dropped > y->dropped ? -1 : 1;
  return x->k < y->k ? -1 : 1;
}

int report_crops_make(const report_images *set, size_t room, report_crops *out, fault *f) {
  const filter_file *file = &set->r->filter;
  const size_t count = (size_t)file->class_count;
  chooser c = {0};
  rank *order = alloc_zeroed(count, sizeof *order);
  size_t bytes = 0, largest = 0;
  *out = (report_crops){file->class_count, alloc_zeroed(count, sizeof *out->of)};
  int code = choose(set->r, &c, f);
  for (int32_t k = 0; k < file->class_count; k++) order[k] = (rank){file->classes[k].dropped, k};
  qsort(order, count, sizeof *order, by_dropped);
  for (size_t round = 0; round < KINDS * CROPS_EACH; round++)
    for (size_t i = 0; i < count && bytes + largest < room && !code; i++) {
      text *t = &out->of[order[i].k];
      const size_t before = t->length;
      code = crop_of(set, &c, order[i].k, round % KINDS, (int)(round / KINDS), t, f);
      if (t->length - before > largest) largest = t->length - before;
      bytes += t->length - before;
    }
  chooser_free(&c);
  free(order);
  return code;
}

void report_crops_free(report_crops *crops) {
  for (int32_t k = 0; k < crops->class_count; k++) text_free(&crops->of[k]);
  free(crops->of);
  *crops = (report_crops){0};
}
