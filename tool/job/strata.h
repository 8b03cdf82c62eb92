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
  bool
      boundary; /* set by hand: there is no folder, strata are made by the distance to the boundary */
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

/* Strata by the distance to the boundary: as many as fm_map_boundary_strata makes. */
enum { BOUNDARY_STRATA = 8 };

/* Reads the strata of a mask of this size, or makes them. Raster and plane, which are empty without
 * strata, go with strata_free. `seen` as for input_read. */
int strata_get(const strata_folder *s, size_t mask_index, const fm_plane *mask, input_seen *seen,
               fm_raster **raster, fm_plane *out, fault *f);
void strata_free(fm_raster *raster, fm_plane *plane);

#endif
