/* dsp/reference.h - the plain C kernels, which all others equal. */
#ifndef FM_DSP_REFERENCE_H
#define FM_DSP_REFERENCE_H

#include "dsp/dsp.h"

void fm__dsp_init_reference(fm_dsp *dsp);

#endif
