/* dsp/vector/table.h - the kernels that the other headers of this folder made. */
#ifndef FM_DSP_VECTOR_TABLE_H
#define FM_DSP_VECTOR_TABLE_H

#include "dsp/vector/blend.h"
#include "dsp/vector/convert.h"
#include "dsp/vector/count.h"
#include "dsp/vector/judge.h"
#include "dsp/vector/sum.h"

static inline void fill_table(fm_dsp *dsp) {
  dsp->judge = judge;
  dsp->count = count;
  dsp->mark = mark;
  dsp->blend[0] = blend_1;
  dsp->blend[1] = blend_2;
  dsp->blend[2] = blend_4;
  dsp->sum = sum;
  dsp->narrow = narrow;
  dsp->widen = widen;
}

#endif
