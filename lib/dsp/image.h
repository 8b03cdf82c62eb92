/* dsp/image.h - what the walks of filter and hardness read of an image. */
#ifndef FM_DSP_IMAGE_H
#define FM_DSP_IMAGE_H

#include "dsp/tile.h"

/* Planes of one size, as fm__plane_read gives them. The pixels with a class fall into cells, which
 * are numbered class * cells_per_class + stratum. */
typedef struct fm__image {
  fm_plane mask, loss;
  fm_plane strata;         /* U8; data NULL: all pixels are in stratum 0 */
  int32_t cells_per_class; /* how many strata there are; 0: all classes are one cell */
  fm__lookup lookup;
} fm__image;

/* The cells of n pixels, at most FM__PIECE, or FM__CLASS_IGNORE, or FM__CLASS_INVALID (label or
 * stratum). */
void fm__image_cells(const fm__image *image, fm__yx at, size_t n, int32_t *cells);

#endif
