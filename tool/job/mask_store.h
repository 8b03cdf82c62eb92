/* job/mask_store.h - writing filtered masks. */
#ifndef FREEMASK_TOOL_MASK_STORE_H
#define FREEMASK_TOOL_MASK_STORE_H

#include "base/fault.h"

/* Where `label` does not fit the mask's dtype: a wider copy, to which the plane then points (caller
 * frees); NULL where it fits. */
void *mask_widen(fm_plane *mask, int64_t label);

/* Writes a mask as PNG the way `like` was stored, wider where it has to be. Wider integers than 16
 * bits, which NPY masks may have, become 8 or 16. */
int mask_store(fm_context *context, const fm_plane *mask, const fm_raster *like, const char *path,
               fault *f);

#endif
