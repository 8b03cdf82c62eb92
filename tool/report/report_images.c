/* report/report_images.c - the files of the synthetic set that a report shows. */
#include "report/report_images.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "job/labels_file.h"
#include "losses/loss_source.h"

int report_images_find(const report_images *s, const char *stem, size_t *index, fault *f) {
  const folder_file *file = folder_find(&s->masks, stem);
  if (!file) return fault_set(f, EXIT_DATA, "%s has no mask %s", s->masks.path, stem);
  *index = (size_t)(file - s->masks.files);
  return EXIT_FINE;
}

static int list_images(report_images *s, const char *path, fault *f) {
  if (!path) return EXIT_FINE;
  int code = folder_list(FOLDER_IMAGES, path, s->labels, &s->images, f);
  return code ? code : folder_pair(&s->masks, &s->images, folder_find, "image", &s->pairs, f);
}

bool report_images_may_load(const report *r) {
  return !loss_provider_is_plugin(r->filter.provider) ||
         (r->job->provider && !strcmp(r->job->provider, r->filter.provider));
}

static int open_losses(report_images *s, fault *f) {
  const filter_file *file = &s->r->filter;
  loss_options options = {.quiet = true, .kept = s->r->job->kept};
  for (int i = 0; i < LOSS_FOLDERS; i++) options.folders[i] = file->folders[i];
  network_flags_load(file->network, &options.network);
  if (!loss_options_have_files(&options)) {
    if (!file->folders[LOSS_IMAGES] || !file->provider || !report_images_may_load(s->r))
      return EXIT_FINE;
    options.provider = file->provider;
  }
  int code = loss_source_open(s->r->context, s->labels, &options, &s->masks, true, &s->losses, f);
  if (!code)
    code = loss_source_use_model(s->losses, s->r->has_stats ? s->r->stats.provider : NULL,
                                 s->r->stats_path ? s->r->stats_path : file->stats, f);
  return code;
}

int report_images_open(const report *r, bool losses, report_images *out, fault *f) {
  const filter_file *file = &r->filter;
  const char *images = file->folders[LOSS_IMAGES] ? file->folders[LOSS_IMAGES]
                                                  : report_run_text(r, "synthetic", "images");
  *out = (report_images){.r = r, .top = 0.5F};
  int code = labels_open(r->context, file->labels_source, &out->labels, f);
  if (!code) code = folder_list(FOLDER_MASKS, file->masks, out->labels, &out->masks, f);
  if (!code) code = list_images(out, images, f);
  if (!code && losses) code = open_losses(out, f);
  for (int32_t k = 0; k < file->class_count; k++)
    if (isfinite(filter_highest(file, k)) && file->classes[k].valid)
      out->top = fmaxf(out->top, 1.25F * (float)filter_highest(file, k));
  return code;
}

void report_images_close(report_images *s) {
  loss_source_close(s->losses);
  folder_pairs_free(&s->pairs);
  folder_free(&s->masks);
  folder_free(&s->images);
  fm_labels_destroy(s->labels);
}

int report_images_mask(const report_images *s, size_t index, fm_raster **out, fault *f) {
  fm_error err;
  char *path = folder_path(&s->masks, &s->masks.files[index]);
  int code = EXIT_FINE;
  if (fm_mask_read(s->r->context, path, NULL, out, &err)) code = fault_library(f, &err, path);
  free(path);
  return code;
}

int report_images_image(const report_images *s, size_t index, fm_raster **out, fault *f) {
  const folder_file *file = s->pairs.of ? s->pairs.of[index] : NULL;
  fm_error err;
  *out = NULL;
  if (!file) return EXIT_FINE;
  char *path = folder_path(&s->images, file);
  int code = EXIT_FINE;
  if (fm_image_read(s->r->context, path, folder_read_options(), out, &err))
    code = fault_library(f, &err, path);
  free(path);
  return code;
}

int report_images_filtered(const report_images *s, size_t index, const fm_plane *mask,
                           fm_raster **out, fault *f) {
  text name = {0};
  fm_error err;
  char *bare = path_stem(s->masks.files[index].relative, "");
  text_add(&name, "%s/masks/%s.png", s->r->job->folder, bare);
  free(bare);
  int code = EXIT_FINE;
  if (fm_mask_read(s->r->context, name.data, NULL, out, &err)) {
    code = fault_library(f, &err, name.data);
  } else {
    const fm_plane filtered = fm_raster_plane(*out);
    if (filtered.width != mask->width || filtered.height != mask->height) {
      code = fault_set(f, EXIT_DATA, "%s does not have its mask's size", name.data);
      fm_raster_destroy(*out);
      *out = NULL;
    }
  }
  text_free(&name);
  return code;
}

int report_images_loss(const report_images *s, size_t index, const fm_plane *mask, loss_map *out,
                       bool *there, fault *f) {
  const loss_request request = {.mask_index = index, .mask = *mask};
  *there = s->losses && loss_source_has(s->losses, index);
  return *there ? loss_source_get(s->losses, &request, 1, out, f) : EXIT_FINE;
}
