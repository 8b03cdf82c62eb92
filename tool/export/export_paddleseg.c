/* export/export_paddleseg.c - a list of files and the part of a configuration that reads it. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/json_file.h"
#include "base/path.h"
#include "export/exporter.h"

/* Names may hold blanks, but no tab. */
static void add_lines(text *t, const export_set *set, int64_t repeats) {
  for (size_t i = 0; i < set->count; i++) {
    char *image = export_image_path(set, &set->entries[i]);
    char *mask = export_mask_path(set, &set->entries[i]);
    for (int64_t k = 0; k < repeats; k++) text_add(t, "%s\t%s\n", image, mask);
    free(image);
    free(mask);
  }
}

static int write_list(export_state *s, fault *f) {
  text t = {0};
  add_lines(&t, &s->real, s->times);
  add_lines(&t, &s->synthetic, 1);
  int code = export_write(s, "train.txt", &t, f);
  text_free(&t);
  return code;
}

static int write_all(export_state *s, fault *f) {
  text t = {0};
  char *root = path_real(s->job->output.folder), *list = path_join(root, "train.txt");
  text_add(&t,
           "# Joint training on real and filtered synthetic images, for PaddleSeg.\n"
           "# Written by freemask export: %zu real images %" PRId64
           " times, %zu synthetic ones once.\n"
           "# Set _base_ to the configuration of your model; the transforms are the usual ones.\n"
           "_base_: model.yml\n\n"
           "train_dataset:\n"
           "  type: Dataset\n"
           "  mode: train\n"
           "  num_classes: %d\n"
           "  dataset_root: ",
           s->real.count, s->times, s->synthetic.count, (int)fm_labels_class_count(s->ws.labels));
  json_add_string(root, &t);
  text_add(&t, "\n  train_path: ");
  json_add_string(list, &t);
  text_add(&t,
           "\n  separator: \"\\t\"\n"
           "  transforms:\n"
           "    - type: ResizeStepScaling\n"
           "      min_scale_factor: 0.5\n"
           "      max_scale_factor: 2.0\n"
           "      scale_step_size: 0.25\n"
           "    - type: RandomPaddingCrop\n"
           "      crop_size: [512, 512]\n"
           "    - type: RandomHorizontalFlip\n"
           "    - type: RandomDistort\n"
           "    - type: Normalize\n");
  int code = write_list(s, f);
  if (!code) code = export_write(s, "freemask_paddleseg.yml", &t, f);
  text_free(&t);
  free(list);
  free(root);
  return code;
}

static const char *const files[] = {"train.txt", "freemask_paddleseg.yml", NULL};

const export_format export_paddleseg = {
    "paddleseg", EXPORT_LABELS | EXPORT_FILES | EXPORT_PLAIN | EXPORT_NAMES_FOLDER, files,
    write_all};
