/* job/table_names.h - what names of files the rows of hardness.csv, filter.csv and plan.csv may have. */
#ifndef FREEMASK_TOOL_TABLE_NAMES_H
#define FREEMASK_TOOL_TABLE_NAMES_H

#include <stddef.h>

#include "base/fault.h"

/* Each is that of a file below a folder, and comes once; sorts the names. `path` is the table's. */
int table_check_names(const char **names, size_t count, const char *path, fault *f);

#endif
