/* dsp/arm/arm.h - kernels for 64-bit Arm, whose CPUs all have NEON. */
#ifndef FM_DSP_ARM_ARM_H
#define FM_DSP_ARM_ARM_H

#include "dsp/dsp.h"
#include "dsp/loss_kernels.h"
#include "dsp/map_kernels.h"

fm__judge_fn fm__neon_judge;
fm__sum_fn fm__neon_sum;
fm__count_fn fm__neon_count;
fm__mark_fn fm__neon_mark;
fm__blend_fn fm__neon_blend_1, fm__neon_blend_2, fm__neon_blend_4;
fm__narrow_fn fm__neon_narrow;
fm__widen_fn fm__neon_widen;
extern const fm__loss_kernels fm__loss_neon;
extern const fm__map_kernels fm__neon_map;

#endif
