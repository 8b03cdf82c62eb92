/* io/orient.h - turns images that are stored lying or mirrored. */
#ifndef FM_IO_ORIENT_H
#define FM_IO_ORIENT_H

#include "io/decode.h"

/* Notes the orientation, 1 to 8 as EXIF counts, in the raster of an image and, if the request wants
 * that, turns its pixels upright; `*raster` may be another one then. A failure destroys it. */
fm_status fm__orient(const fm_context *context, const fm__request *request, int32_t orientation,
                     fm_raster **raster, fm_error *err);

#endif
