/* dsp/dsp.c - which kernels a context uses. */
#include "dsp/dsp.h"

#include "core/fail.h"
#include "dsp/reference.h"

const char *fm__dsp_level_name(fm_kernels level) {
  static const char *const names[] = {"best", "c", "sse4.1", "avx2", "avx512", "neon"};
  return level <= FM_KERNELS_NEON ? names[level] : "?";
}

fm_status fm__dsp_init(fm_dsp *dsp, uint32_t wanted, fm_kernels *level, fm_error *err) {
  if (wanted > FM_KERNELS_NEON)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_context_options: kernels is %u, expected an fm_kernels", (unsigned)wanted);
  if (wanted > FM_KERNELS_C)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "fm_context_options: %s kernels are not in this build or not on this CPU",
                    fm__dsp_level_name((fm_kernels)wanted));
  fm__dsp_init_reference(dsp);
  *level = FM_KERNELS_C;
  return FM_OK;
}
