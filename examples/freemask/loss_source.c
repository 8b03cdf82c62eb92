/* freemask/loss_source.c - losses from NPY files or from images by the baseline. */
#include "loss_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "baseline.h"
#include "path.h"
#include "pool.h"

struct loss_source {
  fm_context *context;
  const fm_labels *labels;
  const folder *masks;
  folder partners;             /* losses or images */
  const folder_file **partner; /* of each mask */
  bool from_images;
  baseline *model; /* NULL until fitted or loaded */
  bool fitted;     /* on these very masks: each is judged as if it had been left out */
};

int loss_options_check(const loss_options *o, fault *f) {
  if (o->provider && strcmp(o->provider, "baseline"))
    return fault_set(f, EXIT_USAGE, "--provider is '%s', expected baseline", o->provider);
  if (o->losses && (o->images || o->provider))
    return fault_set(f, EXIT_USAGE,
                     "--losses and --%s are both given, expected one source of losses",
                     o->images ? "images" : "provider");
  if (!o->losses && !o->images)
    return fault_set(f, EXIT_USAGE,
                     "no source of losses, expected --losses DIR or --images DIR "
                     "--provider baseline");
  if (o->images && !o->provider)
    return fault_set(f, EXIT_USAGE,
                     "--images needs --provider baseline, which makes losses of them");
  return EXIT_FINE;
}

/* The partner by stem; a loss may also carry the mask's full name, suffix included. */
static const folder_file *find_partner(const loss_source *s, const folder_file *mask) {
  const folder_file *found = folder_find(&s->partners, mask->stem);
  if (found || s->from_images) return found;
  char *full = path_stem(mask->relative, "");
  found = folder_find(&s->partners, full);
  free(full);
  return found;
}

static int pair(loss_source *s, fault *f) {
  size_t missing = 0, first = 0;
  s->partner = alloc_zeroed(s->masks->count, sizeof *s->partner);
  for (size_t i = 0; i < s->masks->count; i++) {
    s->partner[i] = find_partner(s, &s->masks->files[i]);
    if (!s->partner[i] && !missing++) first = i;
  }
  if (!missing) return EXIT_FINE;
  char *mask = folder_path(s->masks, &s->masks->files[first]);
  fault_set(f, EXIT_DATA, "%s: no %s '%s%s' in %s (%zu of %zu masks have none)", mask,
            s->from_images ? "image" : "loss map", s->masks->files[first].stem,
            s->from_images ? ".jpg or .png" : ".npy", s->partners.path, missing, s->masks->count);
  free(mask);
  return EXIT_DATA;
}

int loss_source_open(fm_context *context, const fm_labels *labels, const loss_options *options,
                     const folder *masks, loss_source **out, fault *f) {
  loss_source *s = alloc_zeroed(1, sizeof *s);
  s->context = context;
  s->labels = labels;
  s->masks = masks;
  s->from_images = !options->losses;
  int code =
      folder_list(s->from_images ? FOLDER_IMAGES : FOLDER_LOSSES,
                  s->from_images ? options->images : options->losses, labels, &s->partners, f);
  if (!code) code = pair(s, f);
  if (code)
    loss_source_close(s);
  else
    *out = s;
  return code;
}

void loss_source_close(loss_source *s) {
  if (!s) return;
  baseline_destroy(s->model);
  free(s->partner);
  folder_free(&s->partners);
  free(s);
}

bool loss_source_needs_model(const loss_source *s) { return s->from_images && !s->model; }

char *loss_source_path(const loss_source *s, size_t mask_index) {
  return folder_path(&s->partners, s->partner[mask_index]);
}

/* ---- Getting one -------------------------------------------------------------------- */

static int check_size(const fm_plane *mask, int64_t height, int64_t width, const char *what,
                      const char *path, fault *f) {
  if (mask->height == height && mask->width == width) return EXIT_FINE;
  return fault_set(f, EXIT_DATA,
                   "%s: the %s is %" PRId64 "x%" PRId64 ", its mask %" PRId64 "x%" PRId64
                   ", expected equal sizes",
                   path, what, width, height, mask->width, mask->height);
}

static int read_loss(const loss_source *s, const char *path, const fm_plane *mask, loss_map *out,
                     fault *f) {
  fm_error err;
  if (fm_loss_read(s->context, path, NULL, &out->raster, &err)) return fault_library(f, &err, path);
  out->plane = fm_raster_plane(out->raster);
  return check_size(mask, out->plane.height, out->plane.width, "loss map", path, f);
}

static int read_image(const loss_source *s, const char *path, const fm_plane *mask, fm_raster **out,
                      fault *f) {
  fm_error err;
  if (fm_image_read(s->context, path, NULL, out, &err)) return fault_library(f, &err, path);
  fm_volume image = fm_raster_volume(*out);
  return check_size(mask, image.height, image.width, "image", path, f);
}

static int predict(const loss_source *s, const char *path, const fm_plane *mask, loss_map *out,
                   fault *f) {
  fm_raster *raster = NULL;
  fm_error err;
  int code = read_image(s, path, mask, &raster, f);
  if (!code) {
    fm_volume image = fm_raster_volume(raster);
    out->memory = alloc_zeroed((size_t)(mask->height * mask->width), sizeof(float));
    out->plane = fm_plane_make(out->memory, FM_F32, mask->height, mask->width);
    fm_status status = s->fitted
                           ? baseline_predict_left_out(s->model, mask, &image, &out->plane, &err)
                           : baseline_predict(s->model, mask, &image, &out->plane, &err);
    if (status) code = fault_library(f, &err, path);
  }
  fm_raster_destroy(raster);
  return code;
}

int loss_source_get(const loss_source *s, size_t mask_index, const fm_plane *mask, loss_map *out,
                    fault *f) {
  char *path = loss_source_path(s, mask_index);
  *out = (loss_map){0};
  int code = s->from_images ? predict(s, path, mask, out, f) : read_loss(s, path, mask, out, f);
  if (code) loss_map_free(out);
  free(path);
  return code;
}

void loss_map_free(loss_map *map) {
  fm_raster_destroy(map->raster);
  free(map->memory);
  *map = (loss_map){0};
}

int loss_source_blame(const loss_source *s, size_t mask_index, const char *mask_path,
                      const fm_error *err, fault *f) {
  char *path = err->code == FM_ERR_LOSS ? loss_source_path(s, mask_index) : NULL;
  int code = fault_library(f, err, path ? path : mask_path);
  free(path);
  return code;
}

/* ---- The model ---------------------------------------------------------------------- */

/* Shared by the workers that fit; each has a baseline of its own. */
typedef struct fitting {
  loss_source *source;
  baseline *whole;
} fitting;

static int make_model(loss_source *s, baseline **out, fault *f) {
  fm_error err;
  if (baseline_create(s->context, s->labels, out, &err)) return fault_library(f, &err, NULL);
  return EXIT_FINE;
}

static int fit_begin(void *shared, void **own, fault *f) {
  baseline *part = NULL;
  int code = make_model(((fitting *)shared)->source, &part, f);
  *own = part;
  return code;
}

static int fit_one(void *shared, void *own, size_t index, fault *f) {
  const loss_source *s = ((fitting *)shared)->source;
  char *mask_path = folder_path(s->masks, &s->masks->files[index]);
  char *path = loss_source_path(s, index);
  fm_raster *mask = NULL, *image = NULL;
  fm_error err;
  int code = EXIT_FINE;
  if (fm_mask_read(s->context, mask_path, NULL, &mask, &err))
    code = fault_library(f, &err, mask_path);
  fm_plane plane = code ? (fm_plane){0} : fm_raster_plane(mask);
  if (!code) code = read_image(s, path, &plane, &image, f);
  if (!code) {
    fm_volume volume = fm_raster_volume(image);
    if (baseline_fit_add(own, &plane, &volume, &err)) code = fault_library(f, &err, mask_path);
  }
  fm_raster_destroy(image);
  fm_raster_destroy(mask);
  free(mask_path);
  free(path);
  return code;
}

static int fit_end(void *shared, void *own, bool good, fault *f) {
  fitting *all = shared;
  fm_error err;
  int code = EXIT_FINE;
  if (good && baseline_fit_merge(all->whole, own, &err)) code = fault_library(f, &err, NULL);
  baseline_destroy(own);
  return code;
}

int loss_source_fit(loss_source *s, int threads, bool quiet, fault *f) {
  fitting all = {.source = s};
  fm_error err;
  int code = make_model(s, &all.whole, f);
  if (code) return code;
  pool_job job = {.what = "fit", .count = s->masks->count, .threads = threads, .quiet = quiet};
  job.shared = &all;
  job.begin = fit_begin;
  job.work = fit_one;
  job.end = fit_end;
  code = pool_run(&job, f);
  if (!code && baseline_fit_finish(all.whole, &err)) code = fault_library(f, &err, NULL);
  if (code)
    baseline_destroy(all.whole);
  else
    s->model = all.whole;
  s->fitted = !code;
  return code;
}

json_t *loss_source_model(const loss_source *s) {
  return s->model ? baseline_save(s->model) : NULL;
}

int loss_source_use_model(loss_source *s, const json_t *model, const char *stats_path, fault *f) {
  fm_error err;
  if (!model)
    return fault_set(f, EXIT_DATA,
                     "%s: holds no baseline model, expected statistics made with "
                     "--provider baseline",
                     stats_path);
  if (!baseline_load(s->context, s->labels, model, &s->model, &err)) return EXIT_FINE;
  fault_library(f, &err, stats_path);
  return f->exit_code = f->exit_code == EXIT_USAGE ? EXIT_DATA : f->exit_code;
}
