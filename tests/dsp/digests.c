/* dsp/digests.c - a number for what each level of kernels makes of many worlds. All lines of all
 * machines and emulators have to show the same number; tests/dsp/emulate.sh compares them.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "worlds.h"

enum { WORLDS = 300 };

static uint64_t digest_of_all(fm_context *context) {
  static world w;
  static answer a;
  uint64_t random = 20260102, sum = 0;
  for (int i = 0; i < WORLDS; i++) {
    make_world(&w, &random);
    ask(&w, context, KIT_PACKED, i % 2 ? 512 : 100, &a);
    sum = sum * 31 + digest(&w, &a);
    free_answer(&a);
    free_world(&w);
  }
  return sum;
}

int main(void) {
  for (uint32_t kernels = FM_KERNELS_C; kernels <= FM_KERNELS_NEON; kernels++) {
    fm_context_options options = {.size = sizeof options, .kernels = kernels};
    fm_context *context;
    if (fm_context_create(&options, &context, NULL)) continue;
    printf("%s %016" PRIx64 "\n", fm_context_kernels(context), digest_of_all(context));
    fm_context_destroy(context);
  }
  return 0;
}
