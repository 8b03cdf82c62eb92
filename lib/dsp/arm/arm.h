/* dsp/arm/arm.h - kernels for ARM. */
#ifndef FM_DSP_ARM_ARM_H
#define FM_DSP_ARM_ARM_H

#include "dsp/dsp.h"

/* Overwrites what it has. Every 64-bit ARM in little-endian mode can do it. */
void fm__dsp_init_neon(fm_dsp *dsp);

#endif
