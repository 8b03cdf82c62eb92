/* job/labels_file.h - the value of --labels. */
#ifndef FREEMASK_TOOL_LABELS_FILE_H
#define FREEMASK_TOOL_LABELS_FILE_H

#include <stdbool.h>

#include "base/fault.h"

/* A preset's name, or a file for fm_labels_read. What is neither is EXIT_USAGE. */
int labels_open(fm_context *context, const char *name_or_file, fm_labels **out, fault *f);

bool labels_is_preset(const char *name);

/* The preset that has the same labels and classes and, with `names`, the same names of classes and
 * the same label for the filter to write; NULL: none. What a label space is called does not count.
 */
const char *labels_known_as(fm_context *context, const fm_labels *labels, bool names);

/* How the file `file` remembers the value: a preset's name, or as path_to_store. Caller frees. */
char *labels_to_store(const char *file, const char *name_or_file);

#endif
