/* losses/loss_baseline.c - losses from images by the baseline, which is fitted on the real set.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "baseline/baseline.h"
#include "losses/loss_way.h"

typedef struct baseline_source {
  baseline *model; /* NULL until fitted or loaded */
  bool fitted;     /* on these masks: each is scored by a model without its own counts */
} baseline_source;

static int open_source(loss_source *s, const loss_options *options, fault *f) {
  (void)options;
  (void)f;
  s->own = alloc_zeroed(1, sizeof(baseline_source));
  return EXIT_FINE;
}

static void close_source(void *own) {
  baseline_source *b = own;
  baseline_destroy(b->model);
  free(b);
}

static int predict(const loss_source *s, const loss_request *r, const char *path, loss_map *out,
                   fault *f) {
  const baseline_source *b = s->own;
  fm_raster *raster = NULL;
  fm_error err;
  int code = loss_read_image(s, r, path, &raster, f);
  if (!code) {
    fm_volume image = fm_raster_volume(raster);
    loss_map_make(out, &r->mask);
    if (s->shows && !b->fitted)
      out->shown = alloc_zeroed((size_t)(r->mask.height * r->mask.width), sizeof *out->shown);
    fm_status status =
        b->fitted ? baseline_predict_left_out(b->model, &r->mask, &image, &out->plane, &err)
                  : baseline_predict(b->model, &r->mask, &image, &out->plane, out->shown, &err);
    if (status) code = loss_blame_partner(s, r->mask_index, path, &err, f);
  }
  fm_raster_destroy(raster);
  return code;
}

static int get(const loss_source *s, const loss_request *requests, size_t count, loss_map *out,
               fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++) {
    char *path = loss_source_path(s, requests[i].mask_index);
    code = predict(s, &requests[i], path, &out[i], f);
    free(path);
  }
  return code;
}

/* ---- The fit ------------------------------------------------------------------------ */

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
  const loss_request request = {index, plane, NULL};
  if (!code) code = loss_read_image(s, &request, path, &image, f);
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

static int fit(loss_source *s, int threads, bool quiet, fault *f) {
  baseline_source *b = s->own;
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
    b->model = all.whole;
  b->fitted = !code;
  return code;
}

static bool needs_model(const void *own) { return !((const baseline_source *)own)->model; }

static json_t *save_model(const void *own) {
  const baseline_source *b = own;
  return b->model ? baseline_save(b->model) : NULL;
}

static int use_model(loss_source *s, const json_t *model, const char *stats_path, fault *f) {
  baseline_source *b = s->own;
  fm_error err;
  const char *name = json_string_value(json_object_get(model, "name"));
  if (!model || (name && !strcmp(name, "plugin")))
    return fault_set(f, EXIT_DATA,
                     "%s: holds no baseline model, expected statistics made with "
                     "--provider baseline",
                     stats_path);
  if (!baseline_load(s->context, s->labels, model, &b->model, &err)) return EXIT_FINE;
  return fault_file(f, &err, stats_path);
}

static bool shows(const void *own) {
  (void)own;
  return true;
}

const loss_way loss_way_baseline = {.what = "image",
                                    .open = open_source,
                                    .close = close_source,
                                    .shows = shows,
                                    .get = get,
                                    .needs_model = needs_model,
                                    .fit = fit,
                                    .model = save_model,
                                    .use_model = use_model};
