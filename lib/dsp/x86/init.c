/* dsp/x86/init.c - what this CPU has, and the system saves. */
#include <freemask/view.h>

#include "dsp/x86/x86.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <cpuid.h>

/* __builtin_cpu_supports does not know it everywhere. */
static bool has_f16c(void) {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static bool has_sse41(void) {
  return __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("popcnt");
}

static bool has_avx2(void) {
  return __builtin_cpu_supports("avx2") && has_f16c() && __builtin_cpu_supports("popcnt") &&
         __builtin_cpu_supports("bmi");
}

static bool has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
         __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi");
}

static void init_avx2(fm_dsp *dsp) {
  fm__dsp_init_avx2(dsp);
  fm__dsp_init_avx2_permute(dsp);
}

static void init_avx512(fm_dsp *dsp) {
  fm__dsp_init_avx512_count(dsp);
  fm__dsp_init_avx512_judge(dsp);
  fm__dsp_init_avx512_labels(dsp);
  fm__dsp_init_avx512_sum(dsp);
  fm__dsp_init_avx512_permute(dsp);
}

fm_kernels fm__dsp_init_x86(fm_dsp *dsp, fm_kernels most) {
  static const struct {
    fm_kernels level;
    bool (*is_there)(void);
    void (*init)(fm_dsp *dsp);
  } levels[] = {
      {FM_KERNELS_SSE41, has_sse41, fm__dsp_init_sse41},
      {FM_KERNELS_AVX2, has_avx2, init_avx2},
      {FM_KERNELS_AVX512, has_avx512, init_avx512},
  };
  fm_kernels level = FM_KERNELS_C;
  __builtin_cpu_init();
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
    if (levels[i].level <= most && levels[i].is_there()) {
      levels[i].init(dsp);
      level = levels[i].level;
    }
  return level;
}

#endif
