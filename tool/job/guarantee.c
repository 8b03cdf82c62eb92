/* job/guarantee.c - what a calibrated filter promises. */
#include "job/guarantee.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/text.h"

/* ---- The sentence ------------------------------------------------------------------------- */

static void add_promise(const guarantee *g, text *t) {
  if (g->confidence > 0)
    text_add(t,
             "With a confidence of %.6g %%, for all classes at once, an image like the %" PRId64
             " held-out ones loses on average at most %.6g %% of its pixels of a class. ",
             100 * g->confidence, g->images, 100 * g->lose);
  else
    text_add(t,
             "An image like the %" PRId64
             " held-out ones loses on average at most %.6g %% of its pixels of a class. ",
             g->images, 100 * g->lose);
}

static void add_limits(text *t) {
  text_add(t,
           "This holds if the segmenter was not trained on the held-out images, and for images "
           "that are drawn as they were: for pixels that look like real ones. It does not hold for "
           "synthetic pixels that look unlike them, and says nothing of how many wrong pixels are "
           "found.");
}

static void add_too_few(const guarantee *g, text *t) {
  size_t index;
  json_t *item;
  if (!json_array_size(g->too_few)) return;
  text_add(t,
           " Everything is kept of classes in fewer than %" PRId64 " held-out images: ", g->needed);
  json_array_foreach(g->too_few, index, item) {
    text_add(t, "%s%s (%lld)", index ? ", " : "", json_string_value(json_object_get(item, "name")),
             (long long)json_integer_value(json_object_get(item, "images")));
  }
  text_add(t, ".");
}

/* ---- Making ------------------------------------------------------------------------------- */

static json_t *find_too_few(const fm_calibration *calibration, int64_t needed) {
  const fm_labels *labels = fm_class_stats_labels(fm_calibration_stats(calibration));
  json_t *list = json_array();
  for (int32_t k = 0; k < fm_labels_class_count(labels); k++) {
    const int64_t images = fm_calibration_image_count(calibration, k);
    if (images < needed)
      json_array_append_new(
          list, json_pack("{s:o, s:I}", "name", json_text(fm_labels_class_name(labels, k)),
                          "images", (json_int_t)images));
  }
  return list;
}

int guarantee_make(const fm_calibration *calibration, const fm_promise *promise, const char *path,
                   guarantee *out, fault *f) {
  fm_error err;
  text t = {0};
  *out = (guarantee){.lose = promise->alpha > 0 ? promise->alpha : 0.05};
  if (promise->delta > 0) out->confidence = 1 - promise->delta;
  out->images = fm_calibration_image_count(calibration, FM_ALL_CLASSES);
  if (fm_calibration_images_needed(calibration, promise, &out->needed, &err))
    return fault_library(f, &err, path);
  out->calibration = alloc_text(path);
  out->too_few = find_too_few(calibration, out->needed);
  add_promise(out, &t);
  add_limits(&t);
  add_too_few(out, &t);
  out->sentence = t.data;
  return EXIT_FINE;
}

/* ---- In filter.json ------------------------------------------------------------------------ */

json_t *guarantee_save(const guarantee *g, const char *path) {
  if (!g->calibration) return json_null();
  return json_pack("{s:o, s:f, s:o, s:I, s:I, s:O, s:o}", "calibration",
                   json_stored_path(path, g->calibration), "lose", g->lose, "confidence",
                   g->confidence > 0 ? json_real(g->confidence) : json_null(), "images",
                   (json_int_t)g->images, "images_needed", (json_int_t)g->needed, "too_few",
                   g->too_few, "sentence", json_text(g->sentence));
}

int guarantee_load(const json_t *object, const char *path, guarantee *out, fault *f) {
  const json_t *confidence = json_object_get(object, "confidence");
  json_t *too_few = NULL;
  *out = (guarantee){0};
  if (!json_is_object(object)) return EXIT_FINE;
  int code = json_member_path(object, path, "calibration", &out->calibration, f);
  if (!code) code = json_member_real(object, path, "lose", &out->lose, f);
  if (!code && !json_is_null(confidence))
    code = json_member_real(object, path, "confidence", &out->confidence, f);
  if (!code) code = json_member_whole(object, path, "images", 0, INT64_MAX, &out->images, f);
  if (!code) code = json_member_whole(object, path, "images_needed", 0, INT64_MAX, &out->needed, f);
  if (!code) code = json_member_text(object, path, "sentence", &out->sentence, f);
  if (!code) code = json_member_array(object, path, "too_few", &too_few, f);
  if (!code) out->too_few = json_incref(too_few);
  return code;
}

void guarantee_free(guarantee *g) {
  free(g->calibration);
  free(g->sentence);
  json_decref(g->too_few);
  *g = (guarantee){0};
}
