/* job/mask_store.h - writing filtered masks. */
#ifndef FREEMASK_TOOL_MASK_STORE_H
#define FREEMASK_TOOL_MASK_STORE_H

#include "base/fault.h"

/* The plane that a mask is filtered into: the mask itself, or, where its type is none of PNG's or
 * `ignore_label` does not fit, a U16 plane in new memory, which is returned (caller frees). */
void *mask_target(const fm_plane *mask, int64_t ignore_label, fm_plane *out);

/* Writes a mask of U8 or U16 as PNG the way `like` was stored, wider where it has to be; one that
 * was neither, with 8 bits where they suffice. */
int mask_store(fm_context *context, const fm_plane *mask, const fm_raster *like, const char *path,
               fault *f);

#endif
