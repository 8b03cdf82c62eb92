/* job/reference_codes.h - a folder of what real images lose, a byte a pixel: <stem>.png for each, and
 * references.json, which says what statistics they were made with. */
#ifndef FREEMASK_TOOL_REFERENCE_CODES_H
#define FREEMASK_TOOL_REFERENCE_CODES_H

#include "base/fault.h"
#include "job/outdir.h"

/* Opens the folder to write codes into: an empty one, or one with codes of the same statistics, of
 * other shards or of an earlier run, whose unfinished files are removed. Otherwise EXIT_USAGE. A shard has the lock for no longer than this call
 * takes, so that others, whose images have other names, write beside it; what makes a folder one of codes
 * then stays, whatever becomes of the shard. */
int reference_codes_open(fm_context *context, const char *path, const fm_class_stats *stats,
                         folder_shard shard, outdir *out, fault *f);

/* Writes the codes of one image, by the stem of its mask. Thread-safety: any thread. */
int reference_codes_write(fm_context *context, outdir *out, const fm_class_stats *stats,
                          const char *stem, const fm_plane *mask, const fm_plane *loss,
                          fm_error *err, fault *f);

/* EXIT_DATA unless the codes of a folder are those of these statistics, in the file `stats_path`. */
int reference_codes_check(const char *path, const fm_class_stats *stats, const char *stats_path,
                          fault *f);

#endif
