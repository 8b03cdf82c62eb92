/* dsp/reference.h - plain C, pixel by pixel, for any label space and dtype. It decides what is
 * right: the byte kernels equal it. */
#ifndef FM_DSP_REFERENCE_H
#define FM_DSP_REFERENCE_H

#include "dsp/dsp.h"

/* All take looked-up classes and return the index of the first bad pixel, or n. */

/* Adds n pixels to the cells; those before a bad one have been added. Bad are a class, a loss or a
 * stratum. `strata` may be NULL: all 0. */
size_t fm__add_losses(const fm__cells *cells, const int32_t *classes, const float *losses,
                      const uint8_t *strata, size_t n);
/* Bit i of `drop` = loss i exceeds thresholds[cell i], of which none is -0; ignored pixels 0. A
 * cell is a class, or a class and stratum. counts[2 * cell] grows by valid pixels, counts[2 * cell
 * + 1] by dropped ones; NULL: not wanted. With a bad pixel, the bits and counts from its word on
 * mean nothing. */
size_t fm__mark_noisy(const int32_t *cells, const float *losses, const float *thresholds,
                      uint64_t *drop, int64_t *counts, size_t n);
/* counts[class + 1] += weight; index 0 has the ignored pixels. `weights` NULL: 1 each. */
size_t fm__count_classes(const int32_t *classes, const uint32_t *weights, int64_t *counts,
                         size_t n);

#endif
