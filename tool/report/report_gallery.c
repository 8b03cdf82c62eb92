/* report/report_gallery.c - the report's best and worst images, side by side with their masks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/folder_pair.h"
#include "base/path.h"
#include "job/labels_file.h"
#include "losses/loss_source.h"
#include "report/report.h"
#include "report/report_pixels.h"

enum { EACH = 4 };

typedef struct gallery {
  const report *r;
  fm_labels *labels;
  folder masks, images; /* of the synthetic set; path NULL: no images */
  folder_pairs pairs;   /* of the images */
  loss_source *losses;
  const filter_row *rows[2 * EACH]; /* that are shown, worst first */
  size_t masks_of[2 * EACH];        /* which mask each is */
  size_t worst_count, count;
  float top; /* of the loss's colors, nats */
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

/* ---- Opening -------------------------------------------------------------------------------- */

static int list_masks(gallery *g, fault *f) {
  int code = folder_list(FOLDER_MASKS, g->r->filter.masks, g->labels, &g->masks, f);
  for (size_t i = 0; i < g->count && !code; i++) {
    const folder_file *file = folder_find(&g->masks, g->rows[i]->stem);
    if (file)
      g->masks_of[i] = (size_t)(file - g->masks.files);
    else
      code = fault_set(f, EXIT_DATA, "%s has no mask %s", g->masks.path, g->rows[i]->stem);
  }
  return code;
}

static int list_images(gallery *g, const char *path, fault *f) {
  if (!path) return EXIT_FINE;
  int code = folder_list(FOLDER_IMAGES, path, g->labels, &g->images, f);
  return code ? code : folder_pair(&g->masks, &g->images, folder_find, "image", &g->pairs, f);
}

/* A plug-in runs with the user's rights: what a file names is loaded only if the user does, too. */
static bool may_load(const report *r) {
  return !loss_provider_is_plugin(r->filter.provider) ||
         (r->job->provider && !strcmp(r->job->provider, r->filter.provider));
}

static int open_losses(gallery *g, fault *f) {
  const filter_file *file = &g->r->filter;
  loss_options options = {.quiet = true, .kept = g->r->job->kept};
  for (int i = 0; i < LOSS_FOLDERS; i++) options.folders[i] = file->folders[i];
  network_flags_load(file->network, &options.network);
  if (!loss_options_have_files(&options)) {
    if (!file->folders[LOSS_IMAGES] || !file->provider || !may_load(g->r)) return EXIT_FINE;
    options.provider = file->provider;
  }
  int code = loss_source_open(g->r->context, g->labels, &options, &g->masks, true, &g->losses, f);
  if (!code)
    code = loss_source_use_model(g->losses, g->r->has_stats ? g->r->stats.provider : NULL,
                                 g->r->stats_path ? g->r->stats_path : file->stats, f);
  return code;
}

static int gallery_open(gallery *g, fault *f) {
  const filter_file *file = &g->r->filter;
  const char *images = file->folders[LOSS_IMAGES] ? file->folders[LOSS_IMAGES]
                                                  : report_run_text(g->r, "synthetic", "images");
  int code = labels_open(g->r->context, file->labels_source, &g->labels, f);
  g->count = choose(g);
  if (!code) code = list_masks(g, f);
  if (!code) code = list_images(g, images, f);
  if (!code) code = open_losses(g, f);
  g->top = 0.5F;
  for (int32_t k = 0; k < file->class_count; k++)
    if (isfinite(filter_highest(file, k)) && file->classes[k].valid)
      g->top = fmaxf(g->top, 1.25F * (float)filter_highest(file, k));
  return code;
}

static void gallery_close(gallery *g) {
  loss_source_close(g->losses);
  folder_pairs_free(&g->pairs);
  folder_free(&g->masks);
  folder_free(&g->images);
  fm_labels_destroy(g->labels);
}

/* ---- Showing -------------------------------------------------------------------------------- */

static int panel(gallery *g, picture *p, bool photograph, const char *alt, const char *stem,
                 text *t, fault *f) {
  text words = {0};
  text_add(&words, "%s of %s", alt, stem);
  text_add(t, "<figure>");
  int code = picture_embed(g->r->context, p, photograph, words.data, t, f);
  text_add(t, "<figcaption>%s</figcaption></figure>\n", alt);
  text_free(&words);
  picture_free(p);
  return code;
}

static int image_panel(gallery *g, size_t index, const char *stem, text *t, fault *f) {
  const folder_file *file = g->pairs.of ? g->pairs.of[index] : NULL;
  fm_raster *raster = NULL;
  fm_error err;
  if (!file) return EXIT_FINE;
  char *path = folder_path(&g->images, file);
  int code = EXIT_FINE;
  if (fm_image_read(g->r->context, path, folder_read_options(), &raster, &err))
    code = fault_library(f, &err, path);
  free(path);
  if (code) return code;
  const fm_volume volume = fm_raster_volume(raster);
  picture p = picture_of_image(&volume);
  fm_raster_destroy(raster);
  return panel(g, &p, true, "Image", stem, t, f);
}

static int loss_panel(gallery *g, size_t index, const fm_plane *mask, const char *stem, text *t,
                      fault *f) {
  loss_map loss;
  if (!g->losses || !loss_source_has(g->losses, index)) return EXIT_FINE;
  const loss_request request = {index, *mask, NULL};
  int code = loss_source_get(g->losses, &request, 1, &loss, f);
  if (code) return code;
  picture p = picture_of_loss(g->labels, mask, &loss.plane, g->top);
  loss_map_free(&loss);
  return panel(g, &p, true, "Loss", stem, t, f);
}

/* What the filter wrote. */
static int filtered_panel(gallery *g, const fm_plane *mask, const char *relative, const char *stem,
                          text *t, fault *f) {
  text name = {0};
  fm_raster *raster = NULL;
  fm_error err;
  char *bare = path_stem(relative, "");
  text_add(&name, "%s/masks/%s.png", g->r->job->folder, bare);
  free(bare);
  int code = EXIT_FINE;
  if (fm_mask_read(g->r->context, name.data, NULL, &raster, &err))
    code = fault_library(f, &err, name.data);
  if (!code) {
    const fm_plane filtered = fm_raster_plane(raster);
    if (filtered.width != mask->width || filtered.height != mask->height) {
      code = fault_set(f, EXIT_DATA, "%s does not have its mask's size", name.data);
    } else {
      picture p = picture_of_filtered(g->labels, mask, &filtered);
      code = panel(g, &p, false, "Filtered", stem, t, f);
    }
  }
  fm_raster_destroy(raster);
  text_free(&name);
  return code;
}

static int shot(gallery *g, size_t at, text *t, fault *f) {
  const filter_row *row = g->rows[at];
  const size_t index = g->masks_of[at];
  const folder_file *file = &g->masks.files[index];
  fm_raster *raster = NULL;
  fm_error err;
  char *path = folder_path(&g->masks, file);
  int code = EXIT_FINE;
  if (fm_mask_read(g->r->context, path, NULL, &raster, &err)) code = fault_library(f, &err, path);
  free(path);
  if (code) return code;
  const fm_plane mask = fm_raster_plane(raster);
  text_add(t, "<div class=\"shot\"><h3>");
  text_add_html(t, row->stem);
  text_add(t, " <span>kept ");
  report_add_percent(t, kept(row));
  text_add(t, "</span></h3>\n<div class=\"panels\">\n");
  code = image_panel(g, index, row->stem, t, f);
  picture p = picture_of_mask(g->labels, &mask);
  if (!code)
    code = panel(g, &p, false, "Mask", row->stem, t, f);
  else
    picture_free(&p);
  if (!code) code = loss_panel(g, index, &mask, row->stem, t, f);
  if (!code) code = filtered_panel(g, &mask, file->relative, row->stem, t, f);
  text_add(t, "</div></div>\n");
  fm_raster_destroy(raster);
  return code;
}

static void legend(const gallery *g, text *t) {
  text_add(t,
           "<p class=\"legend\"><span>Loss 0<i class=\"ramp\"></i>%.2g nats and more (square-root "
           "scale)</span><span><i class=\"hatch\"></i>dropped by the filter</span>"
           "<span><span class=\"chip\" style=\"background:#3a3c42\"></span>ignored</span></p>\n",
           (double)g->top);
}

static int shots(gallery *g, const char *title, size_t from, size_t to, text *t, fault *f) {
  int code = EXIT_FINE;
  if (from == to) return code;
  text_add(t, "<section><h2>%s</h2>\n", title);
  legend(g, t);
  if (!may_load(g->r))
    text_add(t,
             "<p class=\"note\">Losses are not shown: a plug-in made them, which a report loads "
             "only if it is named again (<code>--provider</code>).</p>\n");
  for (size_t i = from; i < to && !code; i++) code = shot(g, i, t, f);
  text_add(t, "</section>\n");
  return code;
}

/* Pictures are optional: if inputs have moved meanwhile, the page says so. A machine that fails is
 * no reason for a page without them. */
int report_gallery(const report *r, text *t, fault *f) {
  gallery g = {.r = r};
  text pictures = {0};
  if (!r->has_filter || !r->row_count) return EXIT_FINE;
  fault reason;
  int code = gallery_open(&g, &reason);
  if (!code) code = shots(&g, "Most was dropped here", 0, g.worst_count, &pictures, &reason);
  if (!code) code = shots(&g, "Most was kept here", g.worst_count, g.count, &pictures, &reason);
  if (!code) {
    text_add_bytes(t, pictures.data, pictures.length);
  } else if (fault_is_machine(&reason)) {
    *f = reason;
  } else {
    text_add(t, "<section class=\"warn\"><h2>Pictures are left out</h2>\n<p>");
    text_add_html(t, reason.text);
    text_add(t, "</p></section>\n");
  }
  text_free(&pictures);
  gallery_close(&g);
  return code && fault_is_machine(&reason) ? f->exit_code : EXIT_FINE;
}
