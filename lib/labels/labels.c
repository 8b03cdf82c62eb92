/* labels/labels.c - label spaces are made from presets and tables. */
#include "labels/labels.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/sort.h"

static void free_labels(fm_labels *labels) {
  fm_context *context = labels->context;
  if (labels->class_names) fm__free(context, labels->class_names[0]);
  fm__free(context, labels->class_names);
  fm__free(context, labels->colors);
  fm__free(context, labels->ignored);
  fm__free(context, labels->first_label);
  fm__free(context, labels->table);
  fm__free(context, labels->name);
  fm__free(context, labels);
  fm__context_drop(context);
}

fm_labels *fm__labels_hold(const fm_labels *labels) {
  fm_labels *held = (fm_labels *)labels;
  atomic_fetch_add_explicit(&held->holds, 1, memory_order_relaxed);
  return held;
}

void fm__labels_drop(fm_labels *labels) {
  if (atomic_fetch_sub_explicit(&labels->holds, 1, memory_order_acq_rel) == 1) free_labels(labels);
}

void fm_labels_destroy(fm_labels *labels) {
  if (labels) fm__labels_drop(labels);
}

/* ---- Making --------------------------------------------------------------------- */

static size_t name_of_class(char *out, size_t capacity, const char *const *names, int32_t k) {
  int length =
      names ? snprintf(out, capacity, "%s", names[k]) : snprintf(out, capacity, "class %d", (int)k);
  return length < 0 ? 1 : (size_t)length + 1;
}

/* All names in one block of memory, so that there are two allocations and not K. */
static bool copy_class_names(fm_labels *labels, const char *const *names) {
  size_t total = 0;
  for (int32_t k = 0; k < labels->class_count; k++) total += name_of_class(NULL, 0, names, k);
  labels->class_names =
      fm__alloc_zeroed(labels->context, (size_t)labels->class_count, sizeof *labels->class_names);
  if (!labels->class_names) return false;
  char *block = fm__alloc(labels->context, total);
  if (!block) return false;
  for (int32_t k = 0; k < labels->class_count; k++) {
    labels->class_names[k] = block;
    size_t used = name_of_class(block, total, names, k);
    block += used;
    total -= used;
  }
  return true;
}

/* How many labels from 0 on the table of classes names. */
static int32_t named_labels(const fm_labels_options *o) {
  return o->classes ? o->label_count : o->class_count;
}

static fm_status find_first_labels(fm_labels *labels, const fm_labels_options *o, fm_error *err) {
  for (int32_t k = 0; k < labels->class_count; k++) labels->first_label[k] = -1;
  for (int32_t label = named_labels(o) - 1; label >= 0; label--)
    if (labels->classes[label] >= 0) labels->first_label[labels->classes[label]] = label;
  for (int32_t k = 0; k < labels->class_count; k++)
    if (labels->first_label[k] < 0)
      return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_options: class %d has no label", (int)k);
  return FM_OK;
}

/* Copies the table of classes; what it does not name is invalid. */
static fm_status fill_classes(fm_labels *labels, const fm_labels_options *o, fm_error *err) {
  for (int32_t i = 0; i < FM__LABELS; i++) labels->table[i] = FM_CLASS_INVALID;
  for (int32_t label = 0; label < named_labels(o); label++) {
    int32_t k = o->classes ? o->classes[label] : label;
    if (k >= o->class_count || k < FM_CLASS_INVALID)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "fm_labels_options: label %d has class %d, expected %d to %d", (int)label,
                      (int)k, FM_CLASS_INVALID, (int)o->class_count - 1);
    labels->classes[label] = k;
  }
  return FM_OK;
}

static fm_status fail_ignored(const fm_labels_options *o, int32_t i, const char *why,
                              fm_error *err) {
  return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_options: ignored_labels[%d] is %" PRId64 ", %s",
                  (int)i, o->ignored_labels[i], why);
}

/* A label that the list has, in the table until the table's own ignored labels have been found. */
enum { LISTED = FM_CLASS_INVALID - 1 };

static fm_status mark_listed(fm_labels *labels, const fm_labels_options *o, fm_error *err) {
  for (int32_t i = 0; i < o->ignored_count; i++) {
    int64_t label = o->ignored_labels[i];
    if (label < FM__FIRST_LABEL || label > FM__LAST_LABEL)
      return fail_ignored(o, i, "expected -32768 to 65535", err);
    if (labels->classes[label] == LISTED) return fail_ignored(o, i, "as another one is", err);
    if (labels->classes[label] >= 0) return fail_ignored(o, i, "the label of a class", err);
    labels->classes[label] = LISTED;
  }
  return FM_OK;
}

/* All ignored labels: those of the list, in its order, then those of the table. */
static fm_status fill_ignored(fm_labels *labels, const fm_labels_options *o, fm_error *err) {
  fm_status status = mark_listed(labels, o, err);
  if (status) return status;
  int32_t first = 0, last = named_labels(o) - 1;
  for (int32_t i = 0; i < o->ignored_count; i++) {
    int32_t label = (int32_t)o->ignored_labels[i];
    first = label < first ? label : first;
    last = label > last ? label : last;
  }
  size_t count = 0;
  for (int32_t label = first; label <= last; label++)
    count += labels->classes[label] == FM_CLASS_IGNORE || labels->classes[label] == LISTED;
  labels->ignored = fm__alloc_array(labels->context, count, sizeof *labels->ignored);
  if (!labels->ignored) return fm__fail_memory(err, count * sizeof *labels->ignored);
  labels->ignored_count = o->ignored_count;
  memcpy(labels->ignored, o->ignored_labels, (size_t)o->ignored_count * sizeof *labels->ignored);
  for (int32_t label = first; label <= last; label++) {
    if (labels->classes[label] == FM_CLASS_IGNORE) labels->ignored[labels->ignored_count++] = label;
    if (labels->classes[label] == LISTED) labels->classes[label] = FM_CLASS_IGNORE;
  }
  labels->ignore_label = labels->ignored[0];
  return FM_OK;
}

/* The colors by label, so that they can be looked up. */
static void sort_colors(fm_label_color *colors, size_t count, int64_t *numbers) {
  for (size_t i = 0; i < count; i++)
    numbers[i] = (int64_t)colors[i].label * (INT64_C(1) << 32) + (uint32_t)colors[i].color;
  fm__sort_numbers(numbers, count);
  for (size_t i = 0; i < count; i++) {
    colors[i].color = (int32_t)(numbers[i] & INT32_MAX);
    colors[i].label = (int32_t)((numbers[i] - colors[i].color) / (INT64_C(1) << 32));
  }
}

static fm_status check_color(const fm_labels *labels, const fm_label_color *c, fm_error *err) {
  if (fm_labels_class_of(labels, c->label) == FM_CLASS_INVALID)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_options: label %d has a color and no class",
                    (int)c->label);
  if (c->color < 0 || c->color > 0xFFFFFF)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_labels_options: label %d has color %d, expected 0 to 0xFFFFFF",
                    (int)c->label, (int)c->color);
  return FM_OK;
}

static fm_status fill_colors(fm_labels *labels, const fm_labels_options *o, fm_error *err) {
  const size_t count = (size_t)o->color_count;
  for (size_t i = 0; i < count; i++) {
    fm_status status = check_color(labels, &o->colors[i], err);
    if (status) return status;
  }
  if (!count) return FM_OK;
  int64_t *numbers = fm__alloc_array(labels->context, count, sizeof *numbers);
  labels->colors = fm__alloc_array(labels->context, count, sizeof *labels->colors);
  if (!numbers || !labels->colors) {
    fm__free(labels->context, numbers);
    return fm__fail_memory(err, count * sizeof *numbers);
  }
  memcpy(labels->colors, o->colors, count * sizeof *labels->colors);
  labels->color_count = o->color_count;
  sort_colors(labels->colors, count, numbers);
  fm__free(labels->context, numbers);
  for (size_t i = 1; i < count; i++)
    if (labels->colors[i - 1].label == labels->colors[i].label)
      return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_options: label %d has two colors",
                      (int)labels->colors[i].label);
  return FM_OK;
}

static fm_status check_options(const fm_labels_options *o, fm_error *err) {
  if (o->class_count < 1 || o->class_count > FM__MOST_CLASSES)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_labels_options: class_count is %d, expected 1 to 65535",
                    (int)o->class_count);
  if (o->label_count < 0 || o->label_count > FM__LAST_LABEL + 1 || !o->classes != !o->label_count)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_labels_options: label_count is %d, expected the length of classes, "
                    "0 to 65536",
                    (int)o->label_count);
  if (!o->ignored_labels || o->ignored_count < 1 || o->ignored_count > FM__LABELS)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_labels_options: %s is %d, expected at least one ignored label, for the "
                    "filter to write",
                    o->ignored_labels ? "ignored_count" : "ignored_labels is NULL, ignored_count",
                    (int)o->ignored_count);
  if (o->color_count < 0 || o->color_count > FM__LABELS || (o->color_count && !o->colors))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_labels_options: color_count is %d, expected the length of colors, 0 to %d",
                    (int)o->color_count, FM__LABELS);
  if (o->reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_options: reserved is %d, expected 0",
                    (int)o->reserved);
  if (o->class_names)
    for (int32_t k = 0; k < o->class_count; k++)
      if (!o->class_names[k])
        return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_options: class_names[%d] is NULL", (int)k);
  return FM_OK;
}

static bool allocate(fm_labels *labels, const fm_labels_options *o) {
  const fm_context *context = labels->context;
  labels->name = fm__copy_string(context, o->name ? o->name : "custom");
  labels->table = fm__alloc_array(context, FM__LABELS, sizeof *labels->table);
  labels->first_label =
      fm__alloc_array(context, (size_t)o->class_count, sizeof *labels->first_label);
  return labels->name && labels->table && labels->first_label &&
         copy_class_names(labels, o->class_names);
}

static fm_status make(const fm_context *context, const fm_labels_options *o, fm_labels **out,
                      fm_error *err) {
  fm_status status = check_options(o, err);
  if (status) return status;
  fm_labels *labels = fm__alloc_zeroed(context, 1, sizeof *labels);
  if (!labels) return fm__fail_memory(err, sizeof *labels);
  labels->context = fm__context_hold(context);
  atomic_init(&labels->holds, 1);
  labels->class_count = o->class_count;
  labels->mask_suffix = labels->image_suffix = "";
  if (!allocate(labels, o)) {
    status = fm__fail(err, FM_ERR_MEMORY, "out of memory for a label space of %d classes",
                      (int)o->class_count);
  } else {
    labels->classes = labels->table - FM__FIRST_LABEL;
    status = fill_classes(labels, o, err);
    if (!status) status = fill_ignored(labels, o, err);
    if (!status) status = find_first_labels(labels, o, err);
    if (!status) status = fill_colors(labels, o, err);
  }
  if (status) {
    free_labels(labels);
    return status;
  }
  *out = labels;
  return FM_OK;
}

fm_status fm_labels_create(const fm_context *context, const fm_labels_options *options,
                           fm_labels **out, fm_error *err) {
  if (!context || !options || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_create: an argument is NULL");
  fm_labels_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_labels_options, reserved, err);
  return status ? status : make(context, &o, out, err);
}

static const fm__preset *find_preset(const char *name) {
  const fm__preset *preset;
  for (size_t i = 0; (preset = fm__preset_at(i)); i++)
    if (strcmp(preset->name, name) == 0) return preset;
  return NULL;
}

static fm_status fail_unknown(const char *name, fm_error *err) {
  char known[400] = "";
  size_t length = 0;
  const fm__preset *preset;
  for (size_t i = 0; (preset = fm__preset_at(i)); i++)
    length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", i ? ", " : "",
                               preset->name);
  return fm__fail(err, FM_ERR_ARGUMENT, "label space '%.*s' is not known, expected one of %s",
                  fm__fit(name, 60), name, known);
}

/* Fills in the colors of the labels 0 to 255 and returns their number. */
static int32_t preset_colors(const fm__preset *preset, const int32_t *classes,
                             fm_label_color *out) {
  int32_t count = 0;
  for (int32_t label = 0; label < 256 && preset->colors; label++) {
    int32_t color = label == preset->ignore_label && !preset->by_label ? preset->ignore_color : -1;
    if (preset->by_label && label < preset->label_count)
      color = preset->colors[label];
    else if (classes[label] >= 0)
      color = preset->colors[classes[label]];
    if (color >= 0) out[count++] = (fm_label_color){label, color};
  }
  return count;
}

fm_status fm_labels_create_from_preset(const fm_context *context, const char *name, fm_labels **out,
                                       fm_error *err) {
  if (!context || !name || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_labels_create_from_preset: an argument is NULL");
  const fm__preset *preset = find_preset(name);
  if (!preset) return fail_unknown(name, err);
  int32_t classes[256];
  for (int32_t label = 0; label < 256; label++) {
    classes[label] = FM_CLASS_INVALID;
    if (label < preset->label_count)
      classes[label] = preset->classes ? preset->classes[label] : label - preset->offset;
    if (label == preset->also_ignored || label == preset->ignore_label)
      classes[label] = FM_CLASS_IGNORE;
  }
  int64_t written = preset->ignore_label;
  fm_label_color colors[256];
  fm_labels_options o = {.size = sizeof o};
  o.colors = colors;
  o.color_count = preset_colors(preset, classes, colors);
  o.ignored_labels = &written;
  o.ignored_count = 1;
  o.name = preset->name;
  o.class_count = preset->class_count;
  o.label_count = 256;
  o.classes = classes;
  o.class_names = preset->class_names;
  fm_labels *labels = NULL;
  fm_status status = make(context, &o, &labels, err);
  if (status) return status;
  labels->mask_suffix = preset->mask_suffix;
  labels->image_suffix = preset->image_suffix;
  *out = labels;
  return FM_OK;
}

const char *fm_labels_preset_name(int32_t i) {
  const fm__preset *preset = i < 0 ? NULL : fm__preset_at((size_t)i);
  return preset ? preset->name : NULL;
}
