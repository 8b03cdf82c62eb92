/* dsp/x86/init.c - what this CPU has, and the system saves. */
#include <freemask/view.h>

#include "dsp/x86/x86.h"

#if defined(__x86_64__) && defined(__GNUC__)

static bool has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("popcnt") &&
         __builtin_cpu_supports("bmi");
}

fm_kernels fm__dsp_init_x86(fm_dsp *dsp, fm_kernels most) {
  fm_kernels level = FM_KERNELS_C;
  __builtin_cpu_init();
  if (most >= FM_KERNELS_AVX512 && has_avx512()) {
    fm__dsp_init_avx512(dsp);
    level = FM_KERNELS_AVX512;
  }
  return level;
}

#endif
