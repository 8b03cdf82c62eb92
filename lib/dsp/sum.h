/* dsp/sum.h - the walk of the class statistics over an image. */
#ifndef FM_DSP_SUM_H
#define FM_DSP_SUM_H

#include "dsp/tile.h"

/* One image to add. Planes as fm__plane_read gives them. */
typedef struct fm__sum {
  const fm_dsp *dsp;
  fm_plane mask, loss, strata;
  bool stratified; /* else `strata` is not looked at */
  fm__lookup lookup;
  fm__cells cells;           /* get the pixels */
  fm__lanes *lanes;          /* empty, and so they are left; NULL: there are no byte kernels */
  void (*carry)(void *user); /* called at least once in FM__CARRY_PERIOD pixels */
  void *user;
} fm__sum;

/* Adds all pixels. False: `*bad` is the first bad one, and what the cells hold is of no use. */
bool fm__sum_image(fm__sum *s, fm__yx *bad);

#endif
