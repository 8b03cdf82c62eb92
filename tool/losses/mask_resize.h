/* losses/mask_resize.h - masks of another size. */
#ifndef FREEMASK_TOOL_MASK_RESIZE_H
#define FREEMASK_TOOL_MASK_RESIZE_H

#include <stdint.h>

#include "base/fault.h"

/* A mask of another size, each pixel the nearest one (the middle of a pixel decides, as in
 * Pillow); also for the same size. U8, or U16 where the mask is wider; EXIT_DATA if a label is
 * below 0 or above 65535. The caller frees `out->data`. */
int mask_resize(const fm_plane *mask, int64_t width, int64_t height, const char *path,
                fm_plane *out, fault *f);

#endif
