/* job/mask_store.c - filtered masks as PNG. */
#include "job/mask_store.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"

void *mask_target(const fm_plane *mask, int64_t ignore_label, fm_plane *out) {
  *out = *mask;
  if (mask->dtype == FM_U16 || (mask->dtype == FM_U8 && ignore_label <= UINT8_MAX)) return NULL;
  void *memory = alloc_zeroed((size_t)(mask->height * mask->width), sizeof(uint16_t));
  *out = fm_plane_make(memory, FM_U16, mask->height, mask->width);
  return memory;
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
