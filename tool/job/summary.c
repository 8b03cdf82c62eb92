/* job/summary.c - results on stdout. */
#include "job/summary.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/json_file.h"
#include "job/filter_reach.h"
#include "job/gap.h"

bool summary_as_json(const job_common *common) { return common->json && !common->silent; }

bool summary_as_text(const job_common *common) {
  return !common->json && !common->silent && !common->quiet;
}

void summary_print(text *t) {
  if (t->length) fwrite(t->data, 1, t->length, stdout);
  text_free(t);
}

void summary_print_json(json_t *value) {
  text t = {0};
  json_add_line(value, &t);
  summary_print(&t);
}

/* Means are of losses, whatever score the statistics are of. */
static double mean_loss(const stats_file *file, int32_t k) {
  return fm_class_stats_mean(stats_file_losses(file), k, FM_ALL_STRATA);
}

static int64_t all_pixels(const stats_file *file) {
  int64_t pixels = 0;
  for (int32_t k = 0; k < file->class_count; k++)
    pixels += fm_class_stats_pixel_count(file->stats, k, FM_ALL_STRATA);
  return pixels;
}

static void stats_as_json(const stats_file *file, const char *output) {
  json_t *classes = json_array();
  for (int32_t k = 0; k < file->class_count; k++)
    json_array_append_new(
        classes, json_pack("{s:i, s:o, s:I, s:f}", "index", (int)k, "name",
                           json_text(fm_labels_class_name(file->labels, k)), "pixels",
                           (json_int_t)fm_class_stats_pixel_count(file->stats, k, FM_ALL_STRATA),
                           "mean_loss", mean_loss(file, k)));
  summary_print_json(json_pack("{s:o, s:o, s:I, s:I, s:o}", "output", json_text(output), "labels",
                               json_text(fm_labels_name(file->labels)), "images",
                               (json_int_t)fm_class_stats_image_count(file->stats), "pixels",
                               (json_int_t)all_pixels(file), "classes", classes));
}

void summary_stats(const job_common *common, const stats_file *file, const char *output) {
  if (summary_as_json(common)) stats_as_json(file, output);
  if (!summary_as_text(common)) return;
  text t = {0};
  text_add(&t, "%-24s %14s %10s\n", "class", "pixels", "mean loss");
  int32_t unseen = 0;
  for (int32_t k = 0; k < file->class_count; k++) {
    int64_t pixels = fm_class_stats_pixel_count(file->stats, k, FM_ALL_STRATA);
    unseen += !pixels;
    if (pixels)
      text_add(&t, "%-24s %14" PRId64 " %10.5f\n", fm_labels_class_name(file->labels, k), pixels,
               mean_loss(file, k));
  }
  text_add(&t, "%" PRId64 " images, %" PRId64 " pixels", fm_class_stats_image_count(file->stats),
           all_pixels(file));
  if (fm_class_stats_ranks(file->stats))
    text_add(&t, ", for --policy %s", filter_policies[stats_file_policy(file)]);
  if (unseen) text_add(&t, ", %d of %d classes never seen", (int)unseen, (int)file->class_count);
  text_add(&t, "; written to %s\n", output);
  summary_print(&t);
}

/* How many images each class has, and which have too few for the default promise. */
void summary_calibration(const job_common *common, const stats_file *file, const char *output) {
  const fm_calibration *c = file->calibration;
  int64_t needed = 0;
  json_t *images = json_array();
  text t = {0};
  (void)fm_calibration_images_needed(c, NULL, &needed, NULL);
  text_add(&t, "%-24s %14s\n", "class", "images");
  for (int32_t k = 0; k < file->class_count; k++) {
    const int64_t own = fm_calibration_image_count(c, k);
    json_array_append_new(images, json_integer((json_int_t)own));
    text_add(&t, "%-24s %14" PRId64 "%s\n", fm_labels_class_name(file->labels, k), own,
             own < needed ? "  too few for --lose 0.05" : "");
  }
  text_add(&t, "%" PRId64 " images; --lose 0.05 takes %" PRId64 " of a class; written to %s\n",
           stats_file_images(file), needed, output);
  if (summary_as_json(common))
    summary_print_json(json_pack("{s:o, s:I, s:O}", "output", json_text(output), "images",
                                 (json_int_t)stats_file_images(file), "class_images", images));
  json_decref(images);
  if (summary_as_text(common))
    summary_print(&t);
  else
    text_free(&t);
}

static json_t *warning_as_json(const filter_file *file) {
  text sentence = {0};
  filter_reach_warn(file, &sentence);
  json_t *value = json_text(sentence.length ? sentence.data : NULL);
  text_free(&sentence);
  return value;
}

static json_t *class_as_json(const filter_file *file, int32_t index) {
  const filter_class *c = &file->classes[index];
  return json_pack("{s:i, s:o, s:o, s:I, s:I}", "index", (int)index, "name", json_text(c->name),
                   "threshold", filter_save_thresholds(file, index), "valid", (json_int_t)c->valid,
                   "dropped", (json_int_t)c->dropped);
}

static void filter_as_json(const filter_file *file, const gap *g, const char *output) {
  json_t *classes = json_array();
  for (int32_t k = 0; k < file->class_count; k++)
    json_array_append_new(classes, class_as_json(file, k));
  summary_print_json(json_pack("{s:o, s:I, s:I, s:I, s:f, s:I, s:o, s:o, s:o}", "output",
                               json_text(output), "masks", (json_int_t)file->count, "valid",
                               (json_int_t)file->valid, "dropped", (json_int_t)file->dropped,
                               "kept_share", filter_kept_share(file->valid, file->dropped),
                               "emptied", (json_int_t)file->emptied, "classes", classes, "warning",
                               warning_as_json(file), "numbers", gap_as_json(g, file)));
}

static double percent(int64_t valid, int64_t dropped) {
  return 100 * filter_kept_share(valid, dropped);
}

/* What is to be known before the masks are trained on. */
static void add_gap(const gap *g, text *t) {
  text_add(t, "%s\n", g->verdict.data);
  text_add(t, "kept %.1f %%", 100.0 * g->kept);
  if (!isnan(g->shift))
    text_add(t, "; synthetic losses %.3g times the real ones (%s)", g->shift,
             g->by_median ? "medians" : "means");
  if (!isnan(g->clean_drop))
    text_add(t, "; about %.1f %% of the good pixels dropped", 100.0 * g->clean_drop);
  if (!isnan(g->gain)) text_add(t, "; %.3g kept pixels for each real one", g->gain);
  if (!isnan(g->agreement)) text_add(t, "; hard where the real images are: %.2f", g->agreement);
  text_add(t, "\n");
  for (size_t i = 0; i < g->warning_count; i++) text_add(t, "note: %s\n", g->warnings[i].data);
  for (size_t i = 0; i < g->advice_count; i++) text_add(t, "next: %s\n", g->advice[i].data);
}

static void filter_as_text(const filter_file *file, const gap *g, const char *output) {
  text t = {0};
  const bool several = file->stratum_count > 1;
  text_add(&t, "%-24s %10s%s %14s %8s %7s\n", "class", "threshold", several ? "   up to" : "",
           "pixels", "kept", "shift");
  for (int32_t k = 0; k < file->class_count; k++) {
    const filter_class *c = &file->classes[k];
    if (!c->valid) continue;
    text_add(&t, "%-24s %10.5f", c->name, filter_lowest(file, k));
    if (several) text_add(&t, " %7.5f", filter_highest(file, k));
    text_add(&t, " %14" PRId64 " %6.1f %%", c->valid, percent(c->valid, c->dropped));
    if (isnan(g->classes[k].shift))
      text_add(&t, "\n");
    else
      text_add(&t, " %7.2f\n", g->classes[k].shift);
  }
  text_add(&t, "%" PRId64 " masks, %" PRId64 " pixels, kept %.1f %%", file->count, file->valid,
           percent(file->valid, file->dropped));
  if (!filter_is_paper(file) && !file->guarantee.calibration)
    text_add(&t, "; policy %s, %g %% of real pixels are above the thresholds", file->policy,
             100 * file->real_share);
  if (file->unpaired)
    text_add(&t, "; %" PRId64 " masks have no real one and were judged without", file->unpaired);
  if (file->has_siblings)
    text_add(&t, "; %" PRId64 " masks have siblings, with which they were judged", file->siblings);
  if (file->emptied)
    text_add(&t, "; of %" PRId64 " masks nothing is left, do not train on them", file->emptied);
  text_add(&t, "; written to %s\n", output);
  if (file->guarantee.calibration) text_add(&t, "%s\n", file->guarantee.sentence);
  add_gap(g, &t);
  summary_print(&t);
}

void summary_filter(const job_common *common, const filter_file *file, const char *output) {
  if (!summary_as_json(common) && !summary_as_text(common)) return;
  gap g;
  gap_find(file, &g);
  if (summary_as_json(common))
    filter_as_json(file, &g, output);
  else
    filter_as_text(file, &g, output);
  gap_free(&g);
}
