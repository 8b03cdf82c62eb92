/* dsp/x86/x86.h - kernels for x86, level by level. */
#ifndef FM_DSP_X86_X86_H
#define FM_DSP_X86_X86_H

#include "dsp/dsp.h"

/* Each fills in all byte kernels. The CPU has to have the level. */
void fm__dsp_init_sse41(fm_dsp *dsp);
void fm__dsp_init_avx2(fm_dsp *dsp);
void fm__dsp_init_avx512_count(fm_dsp *dsp);
void fm__dsp_init_avx512_judge(fm_dsp *dsp);
void fm__dsp_init_avx512_labels(fm_dsp *dsp);
void fm__dsp_init_avx512_sum(fm_dsp *dsp);
/* And for schedules: */
void fm__dsp_init_avx2_permute(fm_dsp *dsp);
void fm__dsp_init_avx512_permute(fm_dsp *dsp);

/* Fills in the fastest byte kernels not above `most` that this CPU has, and answers which those
 * are: FM_KERNELS_C if none. */
fm_kernels fm__dsp_init_x86(fm_dsp *dsp, fm_kernels most);

#endif
