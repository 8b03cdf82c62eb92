/* job/strata.h - the stratum of each pixel, from a folder next to that of the masks. */
#ifndef FREEMASK_TOOL_STRATA_H
#define FREEMASK_TOOL_STRATA_H

#include "base/fault.h"
#include "base/folder_pair.h"
#include "base/input_file.h"

/* Planes of strata, U8, one for each mask: PNG or NPY, paired by stem. */
typedef struct strata_folder {
  fm_context *context;
  const folder *masks;
  folder files; /* path NULL: there are none */
  folder_pairs pairs;
} strata_folder;

/* `path` may be NULL: strata_get gives none then. The first mask without a partner is EXIT_DATA
 * unless `lenient`. `masks` must outlive the strata. */
int strata_open(fm_context *context, const char *path, const folder *masks, bool lenient,
                strata_folder *out, fault *f);
void strata_close(strata_folder *s);

bool strata_has(const strata_folder *s, size_t mask_index); /* true also if there is no folder */
char *strata_path(const strata_folder *s,
                  size_t mask_index); /* caller frees; NULL without a folder */

/* Reads the strata of a mask of this size. The plane lives as long as the raster, which the caller
 * destroys; both are empty without a folder. `seen` as for input_read. */
int strata_get(const strata_folder *s, size_t mask_index, const fm_plane *mask, input_seen *seen,
               fm_raster **raster, fm_plane *out, fault *f);

#endif
