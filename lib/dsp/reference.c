/* dsp/reference.c - exact sums, noise marks and label counts, pixel by pixel. */
#include "dsp/reference.h"

#include "dsp/bins.h"
#include "dsp/exact.h"

static void add_exactly(int64_t *digits, uint32_t bits) {
  fm__two_digits two = fm__digits_of(bits);
  digits[two.first] += (int64_t)two.low;
  digits[two.first + 1] += (int64_t)two.high;
}

size_t fm__add_losses(const fm__cells *cells, const int32_t *classes, const float *losses,
                      const uint8_t *strata, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (classes[i] == FM__CLASS_IGNORE) continue;
    uint32_t bits = fm__loss_bits(losses[i]);
    size_t stratum = strata ? strata[i] : 0;
    if (classes[i] < 0 || bits >= FM__INFINITY_BITS || stratum >= cells->strata) return i;
    int64_t *cell =
        cells->words + ((size_t)classes[i] * cells->strata + stratum) * cells->cell_words;
    cell[0]++;
    add_exactly(cell + 1, bits);
    if (cells->bin_shift >= 0) cell[FM__CELL_WORDS + fm__bin_of(bits, cells->bin_shift)]++;
  }
  return n;
}

static bool is_bad(int32_t cell, float loss) {
  return cell < FM__CLASS_IGNORE || (cell >= 0 && fm__loss_bits(loss) >= FM__INFINITY_BITS);
}

/* The lowest bits of 64 bytes that are 0 or 1. */
static uint64_t bits_of_bytes(const uint8_t *bytes) {
  uint64_t word = 0;
  for (size_t i = 0; i < FM__CHUNK_PIXELS; i += 8) {
    uint64_t eight = 0;
    if (FM__LITTLE_ENDIAN)
      memcpy(&eight, bytes + i, sizeof eight);
    else
      for (size_t b = 0; b < 8; b++) eight |= (uint64_t)bytes[i + b] << (8 * b);
    word |= (eight * UINT64_C(0x0102040810204080) >> 56) << i; /* byte b goes to bit 56 + b */
  }
  return word;
}

/* Of at most 64 pixels. Compares bits, which order like losses: a host may have told its FPU to
 * take denormals for 0. No branch depends on a pixel, so that all but the look-up can be vectors:
 * a condition is a number of which all bits are set, or none. */
static uint64_t noisy_bits(const int32_t *cells, const float *losses, const float *thresholds,
                           size_t n, bool *bad) {
  int32_t limits[FM__CHUNK_PIXELS], any = 0;
  uint8_t drop[FM__CHUNK_PIXELS] = {0};
  for (size_t i = 0; i < n; i++) {
    int32_t cell = cells[i] < 0 ? 0 : cells[i];
    limits[i] = (int32_t)fm__float_bits(thresholds[cell]);
  }
  for (size_t i = 0; i < n; i++) {
    int32_t bits = (int32_t)fm__loss_bits(losses[i]), valid = -(cells[i] >= 0);
    int32_t no_loss = -(bits < 0) | -(bits >= (int32_t)FM__INFINITY_BITS);
    any |= -(cells[i] < FM__CLASS_IGNORE) | (valid & no_loss);
    drop[i] = (uint8_t)(valid & (bits > limits[i]));
  }
  *bad = any;
  return bits_of_bytes(drop);
}

/* Adds run by run: neighbours often share a cell. */
static void count_noisy(const int32_t *cells, uint64_t word, size_t n, int64_t *counts) {
  for (size_t i = 0; i < n;) {
    int32_t cell = cells[i];
    int64_t valid = 0, dropped = 0;
    for (; i < n && cells[i] == cell; i++, valid++) dropped += (int64_t)(word >> i & 1);
    if (cell < 0) continue;
    counts[2 * (int64_t)cell] += valid;
    counts[2 * (int64_t)cell + 1] += dropped;
  }
}

size_t fm__mark_noisy(const int32_t *cells, const float *losses, const float *thresholds,
                      uint64_t *drop, int64_t *counts, size_t n) {
  for (size_t i = 0; i < n; i += FM__CHUNK_PIXELS) {
    size_t left = n - i, count = left < FM__CHUNK_PIXELS ? left : FM__CHUNK_PIXELS;
    bool bad;
    uint64_t word = noisy_bits(cells + i, losses + i, thresholds, count, &bad);
    if (bad) {
      while (!is_bad(cells[i], losses[i])) i++;
      return i;
    }
    drop[i / FM__CHUNK_PIXELS] = word;
    if (counts) count_noisy(cells + i, word, count, counts);
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
