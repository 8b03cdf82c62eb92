/* dsp/dsp.c - which kernels a context uses. */
#include "dsp/dsp.h"

#include <string.h>

#include "core/fail.h"
#include "dsp/arm/arm.h"
#include "dsp/reference.h"
#include "dsp/x86/x86.h"

const char *fm__dsp_level_name(fm_kernels level) {
  static const char *const names[] = {"best", "c", "sse4.1", "avx2", "avx512", "neon"};
  return level <= FM_KERNELS_NEON ? names[level] : "?";
}

/* Overwrites the table with the fastest kernels not above `most`, and answers which. */
static fm_kernels init_vectors(fm_dsp *dsp, fm_kernels most) {
#if defined(__x86_64__) && defined(__GNUC__)
  return fm__dsp_init_x86(dsp, most);
#elif defined(__aarch64__) && defined(__GNUC__) && (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
  if (most < FM_KERNELS_NEON) return FM_KERNELS_C;
  fm__dsp_init_neon(dsp);
  return FM_KERNELS_NEON;
#else
  (void)dsp;
  (void)most;
  return FM_KERNELS_C;
#endif
}

fm_status fm__dsp_init(fm_dsp *dsp, uint32_t wanted, fm_kernels *level, fm_error *err) {
  if (wanted > FM_KERNELS_NEON)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_context_options: kernels is %u, expected an fm_kernels", (unsigned)wanted);
  memset(dsp, 0, sizeof *dsp);
  fm__dsp_init_reference(dsp);
  fm_kernels most = wanted == FM_KERNELS_BEST ? FM_KERNELS_NEON : (fm_kernels)wanted;
  *level = most == FM_KERNELS_C ? FM_KERNELS_C : init_vectors(dsp, most);
  if (wanted != FM_KERNELS_BEST && *level != most)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "fm_context_options: %s kernels are not in this build or not on this CPU",
                    fm__dsp_level_name(most));
  return FM_OK;
}
