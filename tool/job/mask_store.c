/* job/mask_store.c - filtered masks as PNG. */
#include "job/mask_store.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/pixel.h"

/* The label that the filter writes into a PNG: the first that is ignored and fits. */
static int64_t written_label(const fm_labels *labels) {
  return fm_labels_ignore_label_in(labels, FM_U16);
}

int mask_check_labels(const fm_labels *labels, fault *f) {
  int64_t label = written_label(labels);
  if (label >= 0) return EXIT_FINE;
  int64_t free = 255;
  while (free > 0 && fm_labels_class_of(labels, free) >= 0) free--;
  if (fm_labels_class_of(labels, free) >= 0) free = UINT16_MAX;
  return fault_set(f, EXIT_DATA,
                   "label space %s ignores %lld only, which no PNG can hold, so that the filter "
                   "has no label to write: add an ignored label from 0 to 65535, such as a line "
                   "%lld,ignore (freemask labels prints a space as a table)",
                   fm_labels_name(labels), (long long)label, (long long)free);
}

static bool is_signed(int32_t dtype) {
  return dtype == FM_I8 || dtype == FM_I16 || dtype == FM_I32 || dtype == FM_I64;
}

static fm_plane words_like(const fm_plane *mask, void **memory) {
  *memory = alloc_zeroed((size_t)(mask->height * mask->width), sizeof(uint16_t));
  return fm_plane_make(*memory, FM_U16, mask->height, mask->width);
}

/* The mask as U16. All of its labels are in the space: those below 0 are ignored. */
static void take_signed(const fm_labels *labels, const fm_plane *mask, uint16_t *to) {
  const fm_plane m = pixel_strides(mask);
  const uint16_t written = (uint16_t)written_label(labels);
  for (int64_t y = 0; y < m.height; y++)
    for (int64_t x = 0; x < m.width; x++) {
      int64_t label =
          pixel_label((const char *)m.data + y * m.row_stride + x * m.col_stride, m.dtype);
      *to++ = label < 0 ? written : (uint16_t)label;
    }
}

int mask_target_open(const fm_labels *labels, const fm_plane *mask, const char *path,
                     mask_target *out, fault *f) {
  fm_error err;
  *out = (mask_target){.mask = *mask, .filtered = *mask};
  if (is_signed(mask->dtype)) {
    if (fm_labels_count(labels, mask, NULL, NULL, &err)) return fault_library(f, &err, path);
    out->mask = words_like(mask, &out->memory[0]);
    take_signed(labels, mask, out->memory[0]);
    out->filtered = out->mask;
  } else if (mask->dtype != FM_U16 && (mask->dtype != FM_U8 || written_label(labels) > UINT8_MAX)) {
    out->filtered = words_like(mask, &out->memory[1]);
  }
  return EXIT_FINE;
}

void mask_target_close(mask_target *target) {
  for (int i = 0; i < 2; i++) free(target->memory[i]);
}

/* Halves a packed U16 plane in place if its labels have 8 bits. */
static void narrow(fm_plane *plane) {
  const size_t count = (size_t)(plane->height * plane->width);
  const uint16_t *words = plane->data;
  uint8_t *bytes = plane->data;
  for (size_t i = 0; i < count; i++)
    if (words[i] > UINT8_MAX) return;
  for (size_t i = 0; i < count; i++)
    bytes[i] = (uint8_t)words[i]; /* byte i after word i was read */
  *plane = fm_plane_make(bytes, FM_U8, plane->height, plane->width);
}

int mask_store(fm_context *context, const fm_plane *mask, const fm_raster *like, const char *path,
               fault *f) {
  const int32_t stored = fm_raster_plane(like).dtype;
  const bool png = stored == FM_U8 || stored == FM_U16;
  fm_plane plane = *mask;
  if (!png) narrow(&plane);
  /* Flushing each file would take ten times as long as writing it. */
  fm_write_options options = {
      .size = sizeof options, .like = png ? like : NULL, .flush = FM_FLUSH_LATER};
  fm_error err;
  if (fm_mask_write(context, path, &plane, &options, &err)) return fault_library(f, &err, path);
  return EXIT_FINE;
}
