/* dsp/dsp.c - the kernels of each level, and which of them a context uses. */
#include "dsp/dsp.h"

#include "core/context.h"
#include "core/fail.h"
#include "dsp/arm/arm.h"
#include "dsp/loss_kernels.h"
#include "dsp/map_kernels.h"
#include "dsp/x86/x86.h"

/* ---- The levels ----------------------------------------------------------------- */

static const char *const level_names[] = {"best", "c", "sse4.1", "avx2", "avx512", "neon"};

static bool always(void) { return true; }

static const fm_dsp plain_c = {.level = FM_KERNELS_C, .losses = &fm__loss_c, .maps = &fm__map_c};

#if FM__BUILD_X86
static const fm_dsp sse41 = {.level = FM_KERNELS_SSE41,
                             .judge = fm__sse41_judge,
                             .sum = fm__sse41_sum,
                             .count = fm__sse41_count,
                             .mark = fm__sse41_mark,
                             .blend = {fm__sse41_blend_1, fm__sse41_blend_2, fm__sse41_blend_4},
                             .narrow = fm__sse41_narrow,
                             .losses = &fm__loss_c,
                             .maps = &fm__sse41_map};

static const fm_dsp avx2 = {.level = FM_KERNELS_AVX2,
                            .judge = fm__avx2_judge,
                            .sum = fm__avx2_sum,
                            .count = fm__avx2_count,
                            .mark = fm__avx2_mark,
                            .blend = {fm__avx2_blend_1, fm__avx2_blend_2, fm__avx2_blend_4},
                            .narrow = fm__avx2_narrow,
                            .widen = fm__avx2_widen,
                            .losses = &fm__loss_avx2,
                            .maps = &fm__avx2_map};

/* AVX-512 only where it beats AVX2 by a fifth on real masks. */
static const fm_dsp avx512 = {.level = FM_KERNELS_AVX512,
                              .judge = fm__avx512_judge,
                              .sum = fm__avx512_sum,
                              .count = fm__avx2_count,
                              .mark = fm__avx2_mark,
                              .blend = {fm__avx512_blend_1, fm__avx2_blend_2, fm__avx2_blend_4},
                              .narrow = fm__avx2_narrow,
                              .widen = fm__avx2_widen,
                              .losses = &fm__loss_avx2,
                              .maps = &fm__avx512_map};
#endif

#if FM__BUILD_NEON
static const fm_dsp neon = {.level = FM_KERNELS_NEON,
                            .judge = fm__neon_judge,
                            .sum = fm__neon_sum,
                            .count = fm__neon_count,
                            .mark = fm__neon_mark,
                            .blend = {fm__neon_blend_1, fm__neon_blend_2, fm__neon_blend_4},
                            .narrow = fm__neon_narrow,
                            .widen = fm__neon_widen,
                            .losses = &fm__loss_neon,
                            .maps = &fm__neon_map};
#endif

/* Those of this build, the fastest last. */
static const struct level {
  const fm_dsp *kernels;
  bool (*is_on_this_cpu)(void);
} levels[] = {
    {&plain_c, always},
#if FM__BUILD_X86
    {&sse41, fm__cpu_has_sse41},
    {&avx2, fm__cpu_has_avx2},
    {&avx512, fm__cpu_has_avx512},
#endif
#if FM__BUILD_NEON
    {&neon, always},
#endif
};

/* ---- The choice ----------------------------------------------------------------- */

static fm_status choose(uint32_t wanted, const fm_dsp **out, fm_error *err) {
  const fm_dsp *found = NULL;
  if (wanted > FM_KERNELS_NEON)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_context_options: kernels is %u, expected an fm_kernels", (unsigned)wanted);
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
    if ((wanted == FM_KERNELS_BEST || wanted == (uint32_t)levels[i].kernels->level) &&
        levels[i].is_on_this_cpu())
      found = levels[i].kernels;
  if (!found)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "fm_context_options: %s kernels are not in this build or not on this CPU",
                    level_names[wanted]);
  *out = found;
  return FM_OK;
}

fm_status fm_context_create(const fm_context_options *options, fm_context **out, fm_error *err) {
  fm_context_options o;
  const fm_dsp *dsp = NULL;
  fm_status status = fm__context_options_read(&o, options, err);
  if (status) return status;
  if (!out) return fm__fail(err, FM_ERR_ARGUMENT, "fm_context_create: out is NULL");
  status = choose(o.kernels, &dsp, err);
  return status ? status : fm__context_make(&o, dsp, out, err);
}

const char *fm_context_kernels(const fm_context *context) {
  return context ? level_names[context->dsp->level] : "";
}
