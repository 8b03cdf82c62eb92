/* export/export_mmseg.c - a configuration for MMSegmentation 1.x: real images repeated and
 * joined with the synthetic ones. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/path.h"
#include "export/exporter.h"
#include "job/labels_file.h"

/* Data sets that MMSegmentation knows by a type of their own. Those whose masks it cannot read
 * as they are need --train-ids. */
static const struct {
  const char *labels, *type;
} types[] = {
    {"ade20k", "ADE20KDataset"},
    {"cocostuff164k", "COCOStuffDataset"},
    {"cocostuff164k-raw", "COCOStuffDataset"},
    {"cocostuff10k", "COCOStuffDataset"},
    {"cityscapes", "CityscapesDataset"},
    {"cityscapes-ids", "CityscapesDataset"},
    {"voc2012", "PascalVOCDataset"},
    {"pascal-context", "PascalContextDataset"},
    {"pascal-context-59", "PascalContextDataset59"},
    {"mapillary-v2", "MapillaryDataset_v2"},
    {"loveda", "LoveDADataset"},
    {"isaid", "iSAIDDataset"},
};

/* How MMSegmentation has to read the masks. */
typedef struct reading {
  bool reduce_zero; /* class = label - 1, 0 and 255 ignored */
  int64_t ignore;   /* what the losses ignore, after that */
} reading;

/* MMSegmentation takes the label as the class, or the label less one; one more is ignored. */
static int find_reading(const fm_labels *labels, reading *out, fault *f) {
  text why = {0};
  int code = EXIT_FINE;
  *out = (reading){.reduce_zero = fm_labels_label_of(labels, 0) == 1, .ignore = 255};
  if (!out->reduce_zero && fm_labels_class_of(labels, 255) == FM_CLASS_INVALID)
    out->ignore = fm_labels_ignore_label_in(labels, FM_U8);
  if (!export_reads(labels, out->reduce_zero, out->ignore, &why))
    code = fault_set(f, EXIT_USAGE,
                     "--to mmseg cannot express label space %s: it takes labels that are the "
                     "classes, with one more ignored, or the classes plus one with 0 and 255 "
                     "ignored, and %s (--train-ids converts the masks)",
                     fm_labels_name(labels), why.data);
  text_free(&why);
  return code;
}

/* Strings of JSON are strings of Python; but MMEngine replaces {{ ... }} in the file before. */
static void add_string(text *t, const char *string) {
  text json = {0};
  json_add_string(string, &json);
  for (const char *c = json.data; *c; c++) {
    if (*c == '{')
      text_add(t, "\\u007b");
    else
      text_add_bytes(t, c, 1);
  }
  text_free(&json);
}

/* `path` as export_path gives it, or NULL. A relative one begins at the configuration. */
static void add_path(text *t, const export_state *s, const char *key, const char *path) {
  text_add(t, "%s = ", key);
  if (path && s->job->relative) text_add(t, "'{{ fileDirname }}/' + ");
  add_string(t, path ? path : "EDIT");
  text_add(t, path ? "\n" : "  # not given to freemask export\n");
}

/* What follows the stem in the names of a folder's files: one for all that are listed. */
static int find_suffix(const export_set *set, bool of_masks, const char *standard, char **out,
                       fault *f) {
  *out = NULL;
  for (size_t i = 0; i < set->count; i++) {
    const export_entry *entry = &set->entries[i];
    const folder_file *file = of_masks ? entry->mask : entry->image;
    if (!file) continue;
    const char *suffix = file->relative + strlen(entry->stem);
    if (strncmp(file->relative, entry->stem, strlen(entry->stem)) != 0)
      return fault_set(
          f, EXIT_DATA,
          "%s/%s: MMSegmentation looks for names that begin with '%s', the mask's name "
          "without its suffix: rename the file",
          of_masks ? set->masks.path : set->images.path, file->relative, entry->stem);
    if (*out && strcmp(*out, suffix)) {
      fault_set(f, EXIT_DATA, "%s: names end in both '%s' and '%s', but MMSegmentation takes one",
                of_masks ? set->masks.path : set->images.path, *out, suffix);
      free(*out);
      *out = NULL; /* the caller frees it, too */
      return EXIT_DATA;
    }
    if (!*out) *out = alloc_text(suffix);
  }
  if (!*out) *out = alloc_text(standard);
  return EXIT_FINE;
}

/* Its types come with class names, so that these have to be the same as well. */
static const char *type_of(const export_state *s) {
  const char *preset = labels_known_as(s->ws.context, s->ws.labels, true);
  for (size_t i = 0; preset && i < sizeof types / sizeof *types; i++)
    if (!strcmp(types[i].labels, preset)) return types[i].type;
  return NULL;
}

static void add_metainfo(text *t, const fm_labels *labels) {
  text_add(t, "metainfo = dict(classes=(\n");
  for (int32_t k = 0; k < fm_labels_class_count(labels); k++) {
    text_add(t, "    ");
    add_string(t, fm_labels_class_name(labels, k));
    text_add(t, ",\n");
  }
  text_add(t, "))\n");
}

static int add_part(text *t, export_state *s, const export_set *set, const reading *how, fault *f) {
  char *mask_suffix = NULL, *image_suffix = NULL, standard[80];
  const char *type = type_of(s);
  snprintf(standard, sizeof standard, "%s.png", fm_labels_mask_suffix(s->ws.labels));
  int code = find_suffix(set, true, standard, &mask_suffix, f);
  if (code) return code;
  snprintf(standard, sizeof standard, "%s.jpg", fm_labels_image_suffix(s->ws.labels));
  code = find_suffix(set, false, standard, &image_suffix, f);
  if (!code) {
    text_add(t, "%s = dict(\n    type='%s',\n", set->name, type ? type : "BaseSegDataset");
    if (!type) text_add(t, "    metainfo=metainfo,\n");
    text_add(t,
             "    ann_file=%s_list,\n    data_prefix=dict(img_path=%s_images, "
             "seg_map_path=%s_masks),\n    img_suffix=",
             set->name, set->name, set->name);
    add_string(t, image_suffix);
    text_add(t, ",\n    seg_map_suffix=");
    add_string(t, mask_suffix);
    text_add(t,
             ",\n    ignore_index=%" PRId64
             ",\n    reduce_zero_label=%s,\n"
             "    pipeline=train_pipeline)\n",
             how->ignore, how->reduce_zero ? "True" : "False");
  }
  free(mask_suffix);
  free(image_suffix);
  return code;
}

static void add_paths(text *t, const export_state *s) {
  const export_set *const sets[] = {&s->real, &s->synthetic};
  for (size_t k = 0; k < 2; k++) {
    char key[40], name[40];
    snprintf(name, sizeof name, "%s.txt", sets[k]->name);
    char *list = path_join(s->job->output.folder, name), *path = export_path(s, list);
    snprintf(key, sizeof key, "%s_images", sets[k]->name);
    add_path(t, s, key, sets[k]->image_base);
    snprintf(key, sizeof key, "%s_masks", sets[k]->name);
    add_path(t, s, key, sets[k]->mask_base);
    snprintf(key, sizeof key, "%s_list", sets[k]->name);
    add_path(t, s, key, path);
    free(path);
    free(list);
  }
}

static const char head[] =
    "# Joint training on real and filtered synthetic images, for MMSegmentation 1.x.\n"
    "# Written by freemask export. Set _base_ to the configuration of your model; the crop size\n"
    "# and the pipeline are those of its usual configurations: change them as you like.\n"
    "_base_ = './model.py'\n\n";

static const char pipeline[] =
    "crop_size = (512, 512)\n"
    "train_pipeline = [\n"
    "    dict(type='LoadImageFromFile'),\n"
    "    dict(type='LoadAnnotations', reduce_zero_label=%s),\n"
    "    dict(type='RandomResize', scale=(2048, 512), ratio_range=(0.5, 2.0), keep_ratio=True),\n"
    "    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75, ignore_index=%" PRId64
    "),\n"
    "    dict(type='RandomFlip', prob=0.5),\n"
    "    dict(type='PhotoMetricDistortion'),\n"
    "    dict(type='PackSegInputs'),\n"
    "]\n\n";

static void add_loader(text *t, const export_state *s, const reading *how) {
  text_add(t,
           "\n# %zu real images %" PRId64
           " times, %zu synthetic ones once: about as many of each.\n"
           "train_dataloader = dict(\n"
           "    sampler=dict(type='InfiniteSampler', shuffle=True),\n"
           "    dataset=dict(\n"
           "        _delete_=True,\n"
           "        type='ConcatDataset',\n"
           "        datasets=[\n"
           "            dict(type='RepeatDataset', times=%" PRId64
           ", dataset=real),\n"
           "            dict(type='RepeatDataset', times=1, dataset=synthetic),\n"
           "        ]))\n",
           s->real.count, s->times, s->synthetic.count, s->times);
  if (how->ignore != 255)
    text_add(t,
             "\n# The label to ignore is not 255: the losses have to know it, those of an\n"
             "# auxiliary_head as well.\nmodel = dict(decode_head=dict(ignore_index=%" PRId64
             "))\n",
             how->ignore);
}

static int write_all(export_state *s, fault *f) {
  const fm_labels *labels = s->ws.labels;
  reading how = {.ignore = 255};
  text t = {0};
  int code = s->job->train_ids ? EXIT_FINE : find_reading(labels, &how, f);
  if (code) return code;
  text_add(&t, "%s", head);
  add_paths(&t, s);
  text_add(&t, "\n");
  text_add(&t, pipeline, how.reduce_zero ? "True" : "False", how.ignore);
  if (!type_of(s)) add_metainfo(&t, labels);
  code = add_part(&t, s, &s->real, &how, f);
  if (!code) code = add_part(&t, s, &s->synthetic, &how, f);
  add_loader(&t, s, &how);
  if (!code) code = export_write(s, "freemask_mmseg.py", &t, f);
  text_free(&t);
  return code;
}

static const char *const files[] = {"freemask_mmseg.py", NULL};

const export_format export_mmseg = {"mmseg", EXPORT_LABELS | EXPORT_STRIPS | EXPORT_NAMES_FOLDER,
                                    files, write_all};
