/* dsp/vector/loss_stage.h - the network's pixels made ready: channels side by side. Part of loss.h.
 */

#include <stdint.h>
#include <string.h>

enum { FN_LINE = 64 }; /* bytes that come from memory together */

#if defined(__GNUC__)
#define FN_PREFETCH(at) __builtin_prefetch(at)
#else
#define FN_PREFETCH(at) ((void)(at))
#endif

/* An address that may lie outside of the object: as a number, for pointers may not go there. */
KERNEL const char *fn_offset(const char *at, ptrdiff_t by) {
  /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
  return (const char *)((uintptr_t)at + (uintptr_t)by);
}

/* Lines are too far apart for the hardware to see the pattern. */
KERNEL void fn_prefetch4(const char *at, ptrdiff_t stride, ptrdiff_t ahead) {
  for (int i = 0; i < 4; i++) FN_PREFETCH(fn_offset(at, i * stride + ahead));
}

KERNEL_ENTRY void fn_transpose(const char *lines, ptrdiff_t stride, ptrdiff_t ahead, size_t n,
                               float *out, size_t pixel) {
  for (int line = 0; line < FM__STAGE_ALIGN; line += 4) {
    const char *at = lines + line * stride;
    size_t x = 0;
    for (; x + 4 <= n; x += 4) {
      if (x % 16 == 0) fn_prefetch4(at + 4 * x, stride, ahead);
      v_transpose4(at + 4 * x, stride, out + x * pixel + line, pixel);
    }
    for (; x < n; x++)
      for (int i = 0; i < 4; i++)
        memcpy(&out[x * pixel + (size_t)(line + i)], at + i * stride + 4 * x, sizeof *out);
  }
}

KERNEL int fn_stage_finish(float *pixel, size_t channels, size_t padded, float *top) {
  for (size_t c = channels; c < padded; c++) pixel[c] = pixel[0];
  vec largest = v_load(pixel), least = largest, nan = v_sub(largest, largest);
  for (size_t c = LANES; c < padded; c += LANES) {
    vec z = v_load(pixel + c);
    largest = v_max(largest, z);
    least = v_min(least, z);
    nan = v_add(nan, v_sub(z, z)); /* 0, or NaN */
  }
  *top = v_largest(largest);
  if (!(v_sum(nan) >= 0)) return FM__STAGE_BAD;
  for (size_t c = channels; c < padded; c++) pixel[c] = *top - FM__STAGE_PAD;
  int small = *top <= FM__STAGE_LARGEST && *top >= -FM__STAGE_LARGEST;
  return small && *top - v_least(least) <= FM__STAGE_RANGE ? FM__STAGE_GOOD : FM__STAGE_WIDE;
}
