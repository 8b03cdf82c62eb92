/* report/report_gallery.c - the report's best and worst images, side by side with their masks. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/report_images.h"
#include "report/report_pixels.h"

enum { EACH = 4 };

typedef struct gallery {
  const report *r;
  const report_images *set;
  const filter_row *rows[2 * EACH]; /* that are shown, worst first */
  size_t worst_count, count;
} gallery;

/* ---- Choosing ------------------------------------------------------------------------------- */

static double kept(const filter_row *row) { return filter_kept_share(row->valid, row->dropped); }

static int by_share(const void *a, const void *b) {
  const filter_row *const *x = a, *const *y = b;
  if (kept(*x) != kept(*y)) return kept(*x) < kept(*y) ? -1 : 1;
  return strcmp((*x)->stem, (*y)->stem);
}

/* Images of one mask differ in their seed only. */
static size_t mask_part(const char *stem) {
  const char *seed = strstr(stem, "_seed_");
  return seed ? (size_t)(seed - stem) : strlen(stem);
}

static bool same_mask(const filter_row *a, const filter_row *b) {
  const size_t length = mask_part(a->stem);
  return length == mask_part(b->stem) && strncmp(a->stem, b->stem, length) == 0;
}

/* Takes a row unless it, or one of the same mask, was taken before. */
static void take(gallery *g, size_t *count, const filter_row *row) {
  for (size_t i = 0; i < *count; i++)
    if (same_mask(g->rows[i], row)) return;
  g->rows[(*count)++] = row;
}

/* The worst and the best images, each of a different mask; returns how many. */
static size_t choose(gallery *g) {
  const report *r = g->r;
  const filter_row **sorted = alloc_zeroed(r->row_count, sizeof *sorted);
  size_t usable = 0, count = 0;
  for (size_t i = 0; i < r->row_count; i++)
    if (r->rows[i].valid > 0) sorted[usable++] = &r->rows[i];
  qsort(sorted, usable, sizeof *sorted, by_share);
  for (size_t i = 0; i < usable && count < EACH; i++) take(g, &count, sorted[i]);
  g->worst_count = count;
  for (size_t i = usable; i > 0 && count < 2 * EACH; i--) take(g, &count, sorted[i - 1]);
  free(sorted);
  return count;
}

/* ---- Showing -------------------------------------------------------------------------------- */

int report_panel(const report *r, const picture *p, bool photograph, const char *caption,
                 const char *stem, text *t, fault *f) {
  text words = {0};
  text_add(&words, "%s of %s", caption, stem);
  text_add(t, "<figure>");
  int code = picture_embed(r->context, p, photograph, words.data, t, f);
  text_add(t, "<figcaption>%s</figcaption></figure>\n", caption);
  text_free(&words);
  return code;
}

static int panel(const gallery *g, picture *p, bool photograph, const char *alt, const char *stem,
                 text *t, fault *f) {
  int code = report_panel(g->r, p, photograph, alt, stem, t, f);
  picture_free(p);
  return code;
}

static int image_panel(const gallery *g, size_t index, const char *stem, text *t, fault *f) {
  fm_raster *raster = NULL;
  int code = report_images_image(g->set, index, &raster, f);
  if (code || !raster) return code;
  const fm_volume volume = fm_raster_volume(raster);
  picture p = picture_of_image(&volume);
  fm_raster_destroy(raster);
  return panel(g, &p, true, "Image", stem, t, f);
}

static int loss_panel(const gallery *g, size_t index, const fm_plane *mask, const char *stem,
                      text *t, fault *f) {
  loss_map loss;
  bool there;
  int code = report_images_loss(g->set, index, mask, &loss, &there, f);
  if (code || !there) return code;
  picture p = picture_of_loss(g->set->labels, mask, &loss.plane, g->set->top);
  loss_map_free(&loss);
  return panel(g, &p, true, "Loss", stem, t, f);
}

/* What the filter wrote. */
static int filtered_panel(const gallery *g, const fm_plane *mask, size_t index, const char *stem,
                          text *t, fault *f) {
  fm_raster *raster = NULL;
  int code = report_images_filtered(g->set, index, mask, &raster, f);
  if (code) return code;
  const fm_plane filtered = fm_raster_plane(raster);
  picture p = picture_of_filtered(g->set->labels, mask, &filtered);
  fm_raster_destroy(raster);
  return panel(g, &p, false, "Filtered", stem, t, f);
}

static int shot(const gallery *g, size_t at, text *t, fault *f) {
  const filter_row *row = g->rows[at];
  size_t index = 0;
  fm_raster *raster = NULL;
  int code = report_images_find(g->set, row->stem, &index, f);
  if (!code) code = report_images_mask(g->set, index, &raster, f);
  if (code) return code;
  const fm_plane mask = fm_raster_plane(raster);
  text_add(t, "<div class=\"shot\"><h3>");
  text_add_html(t, row->stem);
  text_add(t, " <span>kept ");
  report_add_percent(t, kept(row));
  text_add(t, "</span></h3>\n<div class=\"panels\">\n");
  code = image_panel(g, index, row->stem, t, f);
  picture p = picture_of_mask(g->set->labels, &mask);
  if (!code)
    code = panel(g, &p, false, "Mask", row->stem, t, f);
  else
    picture_free(&p);
  if (!code) code = loss_panel(g, index, &mask, row->stem, t, f);
  if (!code) code = filtered_panel(g, &mask, index, row->stem, t, f);
  text_add(t, "</div></div>\n");
  fm_raster_destroy(raster);
  return code;
}

static void legend(const gallery *g, text *t) {
  text_add(t,
           "<p class=\"legend\"><span>Loss 0<i class=\"ramp\"></i>%.2g nats and more (square-root "
           "scale)</span><span><i class=\"hatch\"></i>dropped by the filter</span>"
           "<span><span class=\"chip\" style=\"background:#3a3c42\"></span>ignored</span></p>\n",
           (double)g->set->top);
}

/* The first in any case, further ones as long as `room` bytes are not full. */
static int shots(const gallery *g, const char *title, size_t from, size_t to, size_t room, text *t,
                 fault *f) {
  const size_t before = t->length;
  int code = EXIT_FINE;
  if (from == to) return code;
  text_add(t, "<section><h2>%s</h2>\n", title);
  legend(g, t);
  if (!report_images_may_load(g->r))
    text_add(t,
             "<p class=\"note\">Losses are not shown: a plug-in made them, which a report loads "
             "only if it is named again (<code>--provider</code>).</p>\n");
  for (size_t i = from; i < to && !code; i++)
    if (i == from || t->length - before < room) code = shot(g, i, t, f);
  text_add(t, "</section>\n");
  return code;
}

int report_gallery(const report_images *set, size_t room, text *t, fault *f) {
  gallery g = {.r = set->r, .set = set};
  g.count = choose(&g);
  int code = shots(&g, "Most was dropped here", 0, g.worst_count, room / 2, t, f);
  return code ? code : shots(&g, "Most was kept here", g.worst_count, g.count, room / 2, t, f);
}
