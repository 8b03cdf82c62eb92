/* dsp/x86/cpu.c - what the CPU has and the operating system saves. */
#include "dsp/x86/x86.h"

#if FM__BUILD_X86

#include <cpuid.h>

/* __builtin_cpu_supports does not know it everywhere. */
static bool has_f16c(void) {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

bool fm__cpu_has_sse41(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("popcnt");
}

bool fm__cpu_has_avx2(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c() &&
         __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi");
}

/* AVX2's kernels do what AVX-512 is not faster at. */
bool fm__cpu_has_avx512(void) {
  return fm__cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi");
}

#endif
