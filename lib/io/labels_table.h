/* io/labels_table.h - label spaces as people and their tools write them down. */
#ifndef FM_IO_LABELS_TABLE_H
#define FM_IO_LABELS_TABLE_H

#include <freemask/labels.h>

#include "io/input.h"

/* Reads a table with the columns label, class, name, color (freemask/files.h), a list of names and
 * colors, or CVAT's labelmap.txt. `name` is the space's. */
fm_status fm__labels_table_read(const fm_context *context, fm__input *input, const char *name,
                                fm_labels **out, fm_error *err);

/* A cell as a color, 0xRRGGBB: #rrggbb, rrggbb, or three numbers from 0 to 255 with blanks, commas
 * or semicolons between and brackets or "rgb" around them; a fourth number, opacity, has to be 255.
 * False if it is none. */
bool fm__color_parse(const char *text, int32_t *out);

#endif
