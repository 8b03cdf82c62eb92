/* dsp/loss_kernels.c - which loss kernels a context uses. */
#include "dsp/loss_kernels.h"

#include "core/context.h"

/* A context's level holds for the kernels of dsp.h; between C and the best of these there
 * is one more, AVX2, on CPUs whatever the others have. */
const fm__loss_kernels *fm__loss_kernels_of(const fm_context *context) {
  uint32_t wanted = context->wanted;
  const fm__loss_kernels *found = NULL;
  if (wanted == FM_KERNELS_BEST || wanted == FM_KERNELS_NEON) found = fm__loss_kernels_neon();
  if (!found && (wanted == FM_KERNELS_BEST || wanted == FM_KERNELS_AVX512))
    found = fm__loss_kernels_avx512();
  if (!found &&
      (wanted == FM_KERNELS_BEST || wanted == FM_KERNELS_AVX512 || wanted == FM_KERNELS_AVX2))
    found = fm__loss_kernels_avx2();
  return found ? found : fm__loss_kernels_c();
}
