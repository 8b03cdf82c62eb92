/* export/export_formats.c - the formats, in the order of --help. */
#include <string.h>

#include "export/exporter.h"

const export_format *const export_formats[] = {
    &export_list,    &export_mmseg,      &export_detectron2,
    &export_hf,      &export_webdataset, &export_ultralytics,
    &export_lightly, &export_paddleseg,  &export_freestylenet,
    &export_place,   &export_oasis,      &export_controlnet,
    &export_cosmos,  &export_jsonl,      NULL};

const export_format *export_format_find(const char *name) {
  const export_format *const *format = export_formats;
  while (*format && strcmp((*format)->name, name) != 0) format++;
  return *format;
}

bool export_has(const export_state *s, int trait) { return (s->job->format->traits & trait) != 0; }
