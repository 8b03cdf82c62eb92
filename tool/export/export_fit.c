/* export/export_fit.c - can a trainer read the masks as they are? */
#include <inttypes.h>

#include "export/exporter.h"

/* A label that is another class than the trainer takes it for. */
static bool classes_fit(const fm_labels *labels, int64_t offset, text *why) {
  for (int64_t label = 0; label < 65536; label++) {
    int32_t k = fm_labels_class_of(labels, label);
    if (k < 0 || k == label - offset) continue;
    text_add(why, "label %" PRId64 " is class %d (%s)", label, (int)k,
             fm_labels_class_name(labels, k));
    return false;
  }
  return true;
}

bool export_reads(const fm_labels *labels, int64_t offset, int64_t ignored, text *why) {
  if (fm_labels_class_count(labels) > 255) {
    text_add(why, "it has %d classes, and 8 bits have room for 255",
             (int)fm_labels_class_count(labels));
    return false;
  }
  if (!classes_fit(labels, offset, why)) return false;
  for (int64_t label = 0; label < 65536; label++) {
    if (fm_labels_class_of(labels, label) != FM_CLASS_IGNORE) continue;
    if (label == ignored || (offset && !label)) continue;
    text_add(why, "label %" PRId64 " is ignored, besides %" PRId64 "%s", label, ignored,
             offset ? " and 0" : "");
    return false;
  }
  return true;
}
