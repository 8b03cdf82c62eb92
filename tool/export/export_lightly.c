/* export/export_lightly.c - a data set of lightly-train's semantic segmentation: folders of links
 * and one YAML file. Its trainer takes every image below a folder, and for images/NAME.jpg the mask
 * masks/NAME.png; so the real set is there as many times as it is to be seen. It reads palette masks
 * as colors, and stops at labels that no class lists: masks are always converted, and 255 is a class
 * that it ignores. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/json_file.h"
#include "export/exporter.h"

enum { IGNORED = 255 };

static int link_set(export_state *s, const export_set *set, const char *split, int64_t repeats,
                    fault *f) {
  int code = EXIT_FINE;
  for (int64_t k = 1; k <= repeats && !code; k++) {
    text images = {0}, masks = {0};
    text_add(&images, "%s/images/%s_%" PRId64, split, set->name, k);
    text_add(&masks, "%s/masks/%s_%" PRId64, split, set->name, k);
    for (size_t i = 0; i < set->count && !code; i++)
      code = export_link_pair(s, set, &set->entries[i], images.data, masks.data, f);
    text_free(&images);
    text_free(&masks);
  }
  return code;
}

static void add_classes(text *t, const fm_labels *labels) {
  text_add(t, "classes:\n");
  for (int32_t k = 0; k < fm_labels_class_count(labels); k++) {
    text_add(t, "  %d: ", (int)k);
    json_add_string(fm_labels_class_name(labels, k), t);
    text_add(t, "\n");
  }
  text_add(t, "  %d: \"ignored\"\nignore_classes: [%d]\n", IGNORED, IGNORED);
}

static int write_yaml(export_state *s, bool validates, fault *f) {
  text t = {0};
  text_add(&t,
           "# Joint training on real and filtered synthetic images, for lightly-train:\n"
           "#   lightly_train.train_semantic_segmentation(data=\"freemask_lightly.yaml\", ...)\n"
           "# Written by freemask export: %zu real images %" PRId64
           " times, %zu synthetic ones once.\n",
           s->real.count, s->times, s->synthetic.count);
  if (!validates)
    text_add(&t,
             "# val holds the real TRAINING images: --val-masks and --val-images were not "
             "given.\n");
  text_add(&t,
           "train:\n  images: train/images\n  masks: train/masks\n"
           "val:\n  images: val/images\n  masks: val/masks\n");
  add_classes(&t, s->ws.labels);
  int code = export_write(s, "freemask_lightly.yaml", &t, f);
  text_free(&t);
  return code;
}

static int write_all(export_state *s, fault *f) {
  bool validates = s->validation.count != 0;
  int code = link_set(s, &s->real, "train", s->times, f);
  if (!code) code = link_set(s, &s->synthetic, "train", 1, f);
  if (!code) code = link_set(s, validates ? &s->validation : &s->real, "val", 1, f);
  if (!code) code = write_yaml(s, validates, f);
  if (!validates)
    text_add(&s->summary, "; validates on the real training images (--val-images names others)");
  return code;
}

static const char *const files[] = {"freemask_lightly.yaml", "train/", "val/", NULL};

const export_format export_lightly = {
    "lightly", EXPORT_LABELS | EXPORT_FILES | EXPORT_VALIDATES | EXPORT_CONVERTS, files, write_all};
