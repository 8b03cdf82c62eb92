/* job/class_table.h - pixels of each class in many masks. */
#ifndef FREEMASK_TOOL_CLASS_TABLE_H
#define FREEMASK_TOOL_CLASS_TABLE_H

#include "job/plan_file.h"
#include "job/workspace.h"

typedef struct class_table {
  int64_t *pixels; /* [rows][class_count] */
  size_t class_count;
} class_table;

/* Counts the masks of the rows, which are files of the folder `path`. */
int class_table_make(const workspace *ws, const char *path, const hardness_row *rows, size_t count,
                     int threads, bool quiet, class_table *out, fault *f);
void class_table_free(class_table *table);

#endif
