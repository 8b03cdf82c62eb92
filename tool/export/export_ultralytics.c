/* export/export_ultralytics.c - a data set of Ultralytics' semantic segmentation: one YAML file.
 * Its trainer takes the mask of .../images/NAME.jpg from .../MASKS_DIR/NAME.png, whatever the rest
 * of the path is, lists images in text files, and maps labels 0 to 255 by a table, 255 ignored. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_file.h"
#include "export/exporter.h"

enum { LABELS = 256, LARGEST = 65536, IGNORED = 255 };

/* A mask of other labels would be left out by the trainer, with no more than a warning. */
static int check_labels(const export_state *s, fault *f) {
  const fm_labels *labels = s->ws.labels;
  const char *why = NULL;
  if (fm_labels_class_count(labels) < 2) why = "it has no second class to tell the first one from";
  if (fm_labels_class_count(labels) > IGNORED) why = "it has more than 255 classes";
  for (int64_t label = LABELS; !why && label < LARGEST; label++)
    if (fm_labels_class_of(labels, label) != FM_CLASS_INVALID)
      why = "Ultralytics reads labels of 0 to 255 (--train-ids converts the masks)";
  if (!why) return EXIT_FINE;
  return fault_set(f, EXIT_USAGE, "--to ultralytics cannot express label space %s: %s",
                   fm_labels_name(labels), why);
}

static int link_set(export_state *s, const export_set *set, fault *f) {
  text images = {0}, masks = {0};
  int code = EXIT_FINE;
  text_add(&images, "images/%s", set->name);
  text_add(&masks, "masks/%s", set->name);
  for (size_t i = 0; i < set->count && !code; i++)
    code = export_link_pair(s, set, &set->entries[i], images.data, masks.data, f);
  text_free(&images);
  text_free(&masks);
  return code;
}

/* Lines that begin with "./" begin at the list's folder. */
static void add_lines(text *t, const export_set *set, int64_t repeats) {
  for (size_t i = 0; i < set->count; i++) {
    char *name = export_flat_name(set->entries[i].stem);
    const char *type = strrchr(set->entries[i].image->relative, '.');
    for (int64_t k = 0; k < repeats; k++) text_add(t, "./images/%s/%s%s\n", set->name, name, type);
    free(name);
  }
}

static int write_lists(export_state *s, const export_set *validation, fault *f) {
  text train = {0}, val = {0};
  add_lines(&train, &s->real, s->times);
  add_lines(&train, &s->synthetic, 1);
  add_lines(&val, validation, 1);
  int code = export_write(s, "train.txt", &train, f);
  if (!code) code = export_write(s, "val.txt", &val, f);
  text_free(&train);
  text_free(&val);
  return code;
}

static void add_classes(text *t, const fm_labels *labels) {
  text_add(t, "names:\n");
  for (int32_t k = 0; k < fm_labels_class_count(labels); k++) {
    text_add(t, "  %d: ", (int)k);
    json_add_string(fm_labels_class_name(labels, k), t);
    text_add(t, "\n");
  }
}

/* Labels that are neither their class nor 255 for ignored. */
static void add_mapping(text *t, const fm_labels *labels) {
  bool any = false;
  for (int32_t label = 0; label < LABELS; label++) {
    int32_t k = fm_labels_class_of(labels, label);
    int32_t to = k == FM_CLASS_IGNORE ? IGNORED : k;
    if (k == FM_CLASS_INVALID || to == label) continue;
    if (!any) text_add(t, "label_mapping:\n");
    any = true;
    text_add(t, "  %d: %d\n", (int)label, (int)to);
  }
}

static int write_yaml(export_state *s, bool validates, fault *f) {
  text t = {0};
  text_add(&t,
           "# Joint training on real and filtered synthetic images, for Ultralytics:\n"
           "#   yolo semantic train data=freemask_ultralytics.yaml model=...\n"
           "# Written by freemask export: %zu real images %" PRId64
           " times, %zu synthetic ones once.\n",
           s->real.count, s->times, s->synthetic.count);
  if (!validates)
    text_add(&t,
             "# val.txt lists the real TRAINING images: --val-masks and --val-images were not "
             "given.\n");
  text_add(&t, "train: train.txt\nval: val.txt\nmasks_dir: masks\n");
  add_classes(&t, s->ws.labels);
  if (!export_converts(s)) add_mapping(&t, s->ws.labels);
  int code = export_write(s, "freemask_ultralytics.yaml", &t, f);
  text_free(&t);
  return code;
}

static int write_all(export_state *s, fault *f) {
  bool validates = s->validation.count != 0;
  int code = export_converts(s) ? EXIT_FINE : check_labels(s, f);
  if (!code) code = link_set(s, &s->real, f);
  if (!code) code = link_set(s, &s->synthetic, f);
  if (!code && validates) code = link_set(s, &s->validation, f);
  if (!code) code = write_lists(s, validates ? &s->validation : &s->real, f);
  if (!code) code = write_yaml(s, validates, f);
  if (!validates)
    text_add(&s->summary, "; validates on the real training images (--val-images names others)");
  return code;
}

static const char *const files[] = {"train.txt", "val.txt", "freemask_ultralytics.yaml",
                                    "images/",   "masks/",  NULL};

const export_format export_ultralytics = {
    "ultralytics", EXPORT_LABELS | EXPORT_FILES | EXPORT_VALIDATES, files, write_all};
