/* dsp/x86/x86.h - kernels for x86, level by level, and what the CPU has. */
#ifndef FM_DSP_X86_X86_H
#define FM_DSP_X86_X86_H

#include "dsp/dsp.h"
#include "dsp/loss_kernels.h"
#include "dsp/map_kernels.h"

/* The CPU and the operating system have what the level's kernels need. */
bool fm__cpu_has_sse41(void);
bool fm__cpu_has_avx2(void);
bool fm__cpu_has_avx512(void);

fm__judge_fn fm__sse41_judge, fm__avx2_judge, fm__avx512_judge;
fm__sum_fn fm__sse41_sum, fm__avx2_sum, fm__avx512_sum;
fm__count_fn fm__sse41_count, fm__avx2_count;
fm__mark_fn fm__sse41_mark, fm__avx2_mark;
fm__blend_fn fm__sse41_blend_1, fm__avx2_blend_1, fm__avx512_blend_1;
fm__blend_fn fm__sse41_blend_2, fm__avx2_blend_2;
fm__blend_fn fm__sse41_blend_4, fm__avx2_blend_4;
fm__narrow_fn fm__sse41_narrow, fm__avx2_narrow;
fm__widen_fn fm__avx2_widen;
extern const fm__loss_kernels fm__loss_avx2;
extern const fm__map_kernels fm__sse41_map, fm__avx2_map, fm__avx512_map;

#endif
