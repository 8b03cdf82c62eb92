/* dsp/arm/arm.h - kernels for 64-bit Arm, all of which have NEON. */
#ifndef FM_DSP_ARM_ARM_H
#define FM_DSP_ARM_ARM_H

#include "dsp/dsp.h"

void fm__dsp_init_neon(fm_dsp *dsp);

#endif
