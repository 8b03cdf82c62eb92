/* dsp/loss_kernels.c - which loss kernels a context uses. */
#include "dsp/loss_kernels.h"

#include "core/context.h"

const fm__loss_kernels *fm__loss_kernels_of(const fm_context *context) {
  const fm__loss_kernels *found = NULL;
  bool may = context->wanted == FM_KERNELS_BEST || context->wanted == FM_KERNELS_AVX2 ||
             context->wanted == FM_KERNELS_AVX512;
  if (may) found = fm__loss_kernels_avx2();
  return found ? found : fm__loss_kernels_c();
}
