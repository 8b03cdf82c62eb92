/* dsp/reference.c - exact sums, noise marks and label counts, pixel by pixel. */
#include "dsp/reference.h"

#include "dsp/bins.h"

/* Bits of +infinity: finite and not negative floats are exactly the patterns below
 * it, and order like them; -0 is let in apart. */
#define INFINITY_BITS UINT32_C(0x7f800000)
#define MINUS_ZERO_BITS UINT32_C(0x80000000)

static uint32_t loss_bits(float loss) {
  uint32_t bits = fm__float_bits(loss);
  return bits == MINUS_ZERO_BITS ? 0 : bits;
}

/* loss = mantissa * 2^(exponent - 149): the mantissa goes to the two digits that it
 * straddles. */
static void add_exactly(int64_t *digits, uint32_t bits) {
  uint32_t exponent = bits >> 23;
  uint64_t mantissa = bits & 0x7fffff;
  if (exponent) {
    mantissa |= 0x800000;
    exponent--;
  }
  uint64_t shifted = mantissa << (exponent & 31);
  digits[exponent >> 5] += (int64_t)(shifted & 0xffffffff);
  digits[(exponent >> 5) + 1] += (int64_t)(shifted >> 32);
}

size_t fm__add_losses(const fm__cells *cells, const int32_t *classes, const float *losses,
                      const uint8_t *strata, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (classes[i] == FM__CLASS_IGNORE) continue;
    uint32_t bits = loss_bits(losses[i]);
    size_t stratum = strata ? strata[i] : 0;
    if (classes[i] < 0 || bits >= INFINITY_BITS || stratum >= cells->strata) return i;
    int64_t *cell =
        cells->words + ((size_t)classes[i] * cells->strata + stratum) * cells->cell_words;
    cell[0]++;
    add_exactly(cell + 1, bits);
    if (cells->bin_shift >= 0) cell[FM__CELL_WORDS + fm__bin_of(bits, cells->bin_shift)]++;
  }
  return n;
}

size_t fm__mark_noisy(const int32_t *classes, const float *losses, const float *thresholds,
                      uint8_t *drop, int64_t *counts, size_t n) {
  for (size_t i = 0; i < n; i++) {
    drop[i] = 0;
    if (classes[i] == FM__CLASS_IGNORE) continue;
    if (classes[i] < 0 || loss_bits(losses[i]) >= INFINITY_BITS) return i;
    /* As bits, which order alike: a host may have told its FPU to take denormals for 0. */
    drop[i] = loss_bits(losses[i]) > loss_bits(thresholds[classes[i]]);
    if (!counts) continue;
    counts[2 * classes[i]]++;
    counts[2 * classes[i] + 1] += drop[i];
  }
  return n;
}

size_t fm__count_classes(const int32_t *classes, const uint32_t *weights, int64_t *counts,
                         size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (classes[i] < FM__CLASS_IGNORE) return i;
    counts[classes[i] + 1] += weights ? weights[i] : 1;
  }
  return n;
}
