/* job/labels_file.c - a preset by name or a table in a CSV file. */
#include "job/labels_file.h"

#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"

static int unknown(const char *name, fault *f) {
  text list = {0};
  for (int32_t i = 0; fm_labels_preset_name(i); i++)
    text_add(&list, "%s%s", i ? ", " : "", fm_labels_preset_name(i));
  fault_set(
      f, EXIT_USAGE,
      "label space '%s' is neither a preset (%s) nor a file (freemask labels --masks DIR drafts "
      "one)",
      name, list.data);
  text_free(&list);
  return EXIT_USAGE;
}

bool labels_is_preset(const char *name) {
  for (int32_t i = 0; fm_labels_preset_name(i); i++)
    if (!strcmp(fm_labels_preset_name(i), name)) return true;
  return false;
}

static bool same_classes(const fm_labels *a, const fm_labels *b) {
  for (int64_t label = -32768; label < 65536; label++)
    if (fm_labels_class_of(a, label) != fm_labels_class_of(b, label)) return false;
  return true;
}

const char *labels_known_as(fm_context *context, const fm_labels *labels, bool names) {
  for (int32_t i = 0; fm_labels_preset_name(i); i++) {
    fm_labels *preset;
    if (fm_labels_create_from_preset(context, fm_labels_preset_name(i), &preset, NULL))
      alloc_fail(); /* a preset is good */
    bool same = names ? fm_labels_fingerprint(preset) == fm_labels_fingerprint(labels)
                      : same_classes(preset, labels);
    fm_labels_destroy(preset);
    if (same) return fm_labels_preset_name(i);
  }
  return NULL;
}

char *labels_to_store(const char *file, const char *name_or_file) {
  if (labels_is_preset(name_or_file)) return alloc_text(name_or_file);
  return path_to_store(file, name_or_file);
}

int labels_open(fm_context *context, const char *name_or_file, fm_labels **out, fault *f) {
  fm_error err;
  if (labels_is_preset(name_or_file)) {
    if (fm_labels_create_from_preset(context, name_or_file, out, &err))
      return fault_library(f, &err, NULL);
    return EXIT_FINE;
  }
  if (!path_exists(name_or_file)) return unknown(name_or_file, f);
  if (fm_labels_read(context, name_or_file, out, &err)) return fault_file(f, &err, name_or_file);
  return EXIT_FINE;
}
