/* export/export_controls.h - masks as pictures, for generators that are steered by a picture. */
#ifndef FREEMASK_TOOL_EXPORT_CONTROLS_H
#define FREEMASK_TOOL_EXPORT_CONTROLS_H

#include "export/export_generate.h"

/* Writes controls/<name>.png, the mask in the label space's colors, and edges/<name>.png, its
 * boundaries in white on black, for each mask that a job needs; the names are export_flat_name's.
 * They are as large as --size says, or as the mask, its sides rounded to multiples of `multiple`.
 * Returns one for each entry of the real set; the caller frees them with controls_free. EXIT_USAGE
 * if the label space has no colors, or --size is no multiple. */
int controls_write(export_state *s, int32_t multiple, control **out, fault *f);
void controls_free(control *controls, size_t count);

/* Where an entry's pictures are, as files name them; `kind` is "controls" or "edges". Caller
 * frees. */
char *control_path(const export_state *s, const char *kind, const export_entry *entry);

#endif
