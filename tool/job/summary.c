/* job/summary.c - results on stdout. */
#include "job/summary.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "job/filter_reach.h"

bool summary_as_json(const job_common *common) { return common->json && !common->silent; }

bool summary_as_text(const job_common *common) {
  return !common->json && !common->silent && !common->quiet;
}

void summary_print(text *t) {
  if (t->length) fwrite(t->data, 1, t->length, stdout);
  text_free(t);
}

static int64_t all_pixels(const stats_file *file) {
  int64_t pixels = 0;
  for (int32_t k = 0; k < file->class_count; k++)
    pixels += fm_class_stats_pixel_count(file->stats, k, FM_ALL_STRATA);
  return pixels;
}

static void stats_as_json(const stats_file *file, const char *output) {
  text t = {0};
  text_add(&t, "{\"output\": ");
  text_add_json(&t, output);
  text_add(&t, ", \"labels\": ");
  text_add_json(&t, file->labels_name);
  text_add(&t, ", \"images\": %" PRId64 ", \"pixels\": %" PRId64 ", \"classes\": [",
           fm_class_stats_image_count(file->stats), all_pixels(file));
  for (int32_t k = 0; k < file->class_count; k++) {
    text_add(&t, "%s{\"index\": %d, \"name\": ", k ? ", " : "", (int)k);
    text_add_json(&t, file->class_names[k]);
    text_add(&t, ", \"pixels\": %" PRId64 ", \"mean_loss\": ",
             fm_class_stats_pixel_count(file->stats, k, FM_ALL_STRATA));
    text_add_real(&t, fm_class_stats_mean(file->stats, k, FM_ALL_STRATA));
    text_add(&t, "}");
  }
  text_add(&t, "]}\n");
  summary_print(&t);
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
      text_add(&t, "%-24s %14" PRId64 " %10.5f\n", file->class_names[k], pixels,
               fm_class_stats_mean(file->stats, k, FM_ALL_STRATA));
  }
  text_add(&t, "%" PRId64 " images, %" PRId64 " pixels", fm_class_stats_image_count(file->stats),
           all_pixels(file));
  if (unseen) text_add(&t, ", %d of %d classes never seen", (int)unseen, (int)file->class_count);
  text_add(&t, "; written to %s\n", output);
  summary_print(&t);
}

static void warning_as_json(const filter_file *file, text *t) {
  text sentence = {0};
  filter_reach_warn(file, &sentence);
  text_add(t, ", \"warning\": ");
  if (sentence.length)
    text_add_json(t, sentence.data);
  else
    text_add(t, "null");
  text_free(&sentence);
}

static void filter_as_json(const filter_file *file, const char *output) {
  text t = {0};
  text_add(&t, "{\"output\": ");
  text_add_json(&t, output);
  text_add(&t,
           ", \"masks\": %" PRId64 ", \"valid\": %" PRId64 ", \"dropped\": %" PRId64
           ", \"kept_share\": ",
           file->count, file->valid, file->dropped);
  text_add_real(&t, filter_kept_share(file->valid, file->dropped));
  text_add(&t, ", \"emptied\": %" PRId64 ", \"classes\": [", file->emptied);
  for (int32_t k = 0; k < file->class_count; k++) {
    const filter_class *c = &file->classes[k];
    text_add(&t, "%s{\"index\": %d, \"name\": ", k ? ", " : "", (int)k);
    text_add_json(&t, c->name);
    text_add(&t, ", \"threshold\": ");
    if (isfinite(c->threshold))
      text_add_real(&t, c->threshold);
    else
      text_add(&t, "null");
    text_add(&t, ", \"valid\": %" PRId64 ", \"dropped\": %" PRId64 "}", c->valid, c->dropped);
  }
  text_add(&t, "]");
  warning_as_json(file, &t);
  text_add(&t, "}\n");
  summary_print(&t);
}

static double percent(int64_t valid, int64_t dropped) {
  return 100 * filter_kept_share(valid, dropped);
}

void summary_filter(const job_common *common, const filter_file *file, const char *output) {
  if (summary_as_json(common)) filter_as_json(file, output);
  if (!summary_as_text(common)) return;
  text t = {0};
  text_add(&t, "%-24s %10s %14s %8s\n", "class", "threshold", "pixels", "kept");
  for (int32_t k = 0; k < file->class_count; k++) {
    const filter_class *c = &file->classes[k];
    if (!c->valid) continue;
    text_add(&t, "%-24s %10.5f %14" PRId64 " %6.1f %%\n", c->name, c->threshold, c->valid,
             percent(c->valid, c->dropped));
  }
  text_add(&t, "%" PRId64 " masks, %" PRId64 " pixels, kept %.1f %%", file->count, file->valid,
           percent(file->valid, file->dropped));
  if (file->emptied)
    text_add(&t, "; of %" PRId64 " masks nothing is left, do not train on them", file->emptied);
  text_add(&t, "; written to %s\n", output);
  summary_print(&t);
}
