/* job/mask_store.h - writing filtered masks. */
#ifndef FREEMASK_TOOL_MASK_STORE_H
#define FREEMASK_TOOL_MASK_STORE_H

#include "base/fault.h"

/* EXIT_DATA if no PNG holds a label that the space ignores, so that the filter has none to write. */
int mask_check_labels(const fm_labels *labels, fault *f);

/* The planes of a mask for the filter: what it reads and what it writes. Both are the mask itself,
 * where a PNG can hold it and what the filter writes. */
typedef struct mask_target {
  fm_plane mask, filtered;
  void *memory[2]; /* of their own, or NULL */
} mask_target;

/* Labels below 0, which no PNG holds, become the label that the filter writes: they are ignored,
 * too. The mask's labels are in the space, or the library's call says so: then it is EXIT_DATA. */
int mask_target_open(const fm_labels *labels, const fm_plane *mask, const char *path,
                     mask_target *out, fault *f);
void mask_target_close(mask_target *target);

/* Writes a mask of U8 or U16 as PNG the way `like` was stored, wider where it has to be; one that
 * was neither, with 8 bits where they suffice. */
int mask_store(fm_context *context, const fm_plane *mask, const fm_raster *like, const char *path,
               fault *f);

#endif
