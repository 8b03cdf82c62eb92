/* freemask/mask_store.h - writing filtered masks. */
#ifndef FREEMASK_TOOL_MASK_STORE_H
#define FREEMASK_TOOL_MASK_STORE_H

#include "fault.h"

/* Writes the plane of `raster` as PNG the way it was stored. Wider integers, which NPY masks may
 * have, become 8 or 16 bits. */
int mask_store(fm_context *context, const fm_raster *raster, const char *path, fault *f);

#endif
