/* losses/output_file.h - arrays that networks put out, from NPY files and bytes. */
#ifndef FREEMASK_TOOL_OUTPUT_FILE_H
#define FREEMASK_TOOL_OUTPUT_FILE_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/input_file.h"

/* An array [C, h, w]; or, with `channels_last`, [h, w, C]; or, with `one_channel`, [h, w], too. The
 * volume lives as long as the raster, which the caller destroys. `seen` as for input_read. */
int output_file_read(fm_context *context, const char *path, bool channels_last, bool one_channel,
                     input_seen *seen, fm_raster **raster, fm_volume *out, fault *f);

#endif
