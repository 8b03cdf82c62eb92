/* dsp/loss_kernels.c - which loss kernels a context uses. */
#include "dsp/loss_kernels.h"

#include "core/context.h"

const fm__loss_kernels *fm__loss_kernels_of(const fm_context *context) {
  const fm__loss_kernels *found = NULL;
  if (context->level == FM_KERNELS_NEON) found = fm__loss_kernels_neon();
  if (context->level == FM_KERNELS_AVX512) found = fm__loss_kernels_avx512();
  if (context->level == FM_KERNELS_AVX2 || (context->level == FM_KERNELS_AVX512 && !found))
    found = fm__loss_kernels_avx2();
  return found ? found : fm__loss_kernels_c();
}
