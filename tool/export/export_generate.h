/* export/export_generate.h - what the formats for generators share. */
#ifndef FREEMASK_TOOL_EXPORT_GENERATE_H
#define FREEMASK_TOOL_EXPORT_GENERATE_H

#include "export/exporter.h"

/* Where the generator is to put the image of an entry, below the output folder. Caller frees. */
typedef char *result_name(const export_state *s, const export_entry *entry, const void *user);

/* Writes jobs.jsonl. `size` zero: images as large as their masks. */
int generate_write_jobs(export_state *s, result_name *name_of, const void *user, arg_size size,
                        fault *f);

#endif
