/* dsp/levels.c - which levels this CPU has by the words of freemask/context.h, and which the
 * library runs.
 * SPDX-License-Identifier: MIT */
#include "levels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What the CPU has --------------------------------------------------------------- */

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

static bool has_f16c(void) { /* not every compiler's __builtin_cpu_supports knows it */
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static bool cpu_has(uint32_t level) {
  __builtin_cpu_init();
  bool sse41 = __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("popcnt");
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c() &&
              __builtin_cpu_supports("bmi");
  bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                __builtin_cpu_supports("avx512vbmi");
  return level == FM_KERNELS_C || (level == FM_KERNELS_SSE41 && sse41) ||
         (level == FM_KERNELS_AVX2 && avx2) || (level == FM_KERNELS_AVX512 && avx512);
}
#elif defined(__aarch64__) && defined(__AARCH64EL__)
static bool cpu_has(uint32_t level) { return level == FM_KERNELS_C || level == FM_KERNELS_NEON; }
#else
static bool cpu_has(uint32_t level) { return level == FM_KERNELS_C; }
#endif

/* ---- What was run ------------------------------------------------------------------- */

static const struct {
  uint32_t level;
  const char *name; /* as fm_context_kernels has it */
} all[] = {{FM_KERNELS_C, "c"},
           {FM_KERNELS_SSE41, "sse4.1"},
           {FM_KERNELS_AVX2, "avx2"},
           {FM_KERNELS_AVX512, "avx512"},
           {FM_KERNELS_NEON, "neon"}};

levels levels_make(void) {
  levels l = {.count = 0};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    fm_context_options o = {.size = sizeof o, .kernels = all[i].level};
    if (!fm_context_create(&o, &l.contexts[l.count], NULL)) l.count++;
  }
  return l;
}

void levels_free(levels *l) {
  for (size_t i = 0; i < l->count; i++) fm_context_destroy(l->contexts[i]);
}

static bool is_among(const levels *l, const char *name) {
  for (size_t i = 0; i < l->count; i++)
    if (strcmp(fm_context_kernels(l->contexts[i]), name) == 0) return true;
  return false;
}

bool levels_report(const levels *l, bool were_run, int *line) {
  const char *ci = getenv("CI");
  bool must = ci && *ci, good = true;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    bool run = were_run && is_among(l, all[i].name), has = cpu_has(all[i].level);
    bool missed = has && !run;
    printf("%s %d - level %s", missed && must ? "not ok" : "ok", ++*line, all[i].name);
    if (missed)
      printf(must ? ": this CPU has it, but it was not run"
                  : " # SKIP this CPU has it, but it was not run");
    else
      printf(run ? ": was run" : " # SKIP this CPU lacks it");
    printf("\n");
    good = good && !(missed && must);
  }
  return good;
}
