/* dsp/loss_kernels.h - the inner loops of loss from logits, one table per instruction set.
 *
 * Unlike the kernels of dsp.h these agree between instruction sets only to the error
 * bound that freemask/network_loss.h states. */
#ifndef FM_DSP_LOSS_KERNELS_H
#define FM_DSP_LOSS_KERNELS_H

#include <freemask/context.h>
#include <freemask/view.h>
#include <stddef.h>

/* Output pixels of a block, at most, in each direction. Bounds how often factors are
 * multiplied, and with it the error. */
enum { FM__BLOCK = 4, FM__BLOCK_PIXELS = FM__BLOCK * FM__BLOCK };

/* Staged pixels are padded with channels that have a weight of exp(-64). */
enum { FM__STAGE_ALIGN = 16 };

/* Staged values lie in [-64, 0]: products of their exponentials neither overflow nor
 * vanish. A pixel with a larger range is flagged and goes another way. */
#define FM__STAGE_RANGE 64.0F

/* A block of output pixels inside one cell of the network's grid. Pixel (i, j) of it,
 * i < nx, j < ny, lies at (t + i * dt, u + j * du) of the way from corner 00. */
typedef struct fm__block {
  const float *corner00, *corner01, *corner10, *corner11; /* row, column; staged pixels */
  float t, dt, u, du;
} fm__block;

/* sums[FM__BLOCK * j + i] = sum over the channels of exp(bilinear value). `channels` is a
 * multiple of FM__STAGE_ALIGN; `scratch` holds 4 * channels floats. */
typedef void fm__block_fn(const fm__block *block, size_t channels, float *scratch, float *sums);

typedef struct fm__loss_kernels {
  /* Whether n values are finite and not below `least`. */
  int (*regular)(const float *values, size_t n, float least);

  /* Subtracts its maximum from a pixel of `padded` values (those from `channels` on are
   * filled in). Answers whether it may be used: finite and within FM__STAGE_RANGE. */
  int (*stage_finish)(float *pixel, size_t channels, size_t padded);

  /* [ny - 1][nx - 1] */
  fm__block_fn *block[FM__BLOCK][FM__BLOCK];

  /* Queries: the corners hold -z of the mask logits, |z| <= FM__STAGE_RANGE. With s the
   * sigmoid of a query at pixel p = FM__BLOCK * j + i:
   * shares[p] = sum of s * rows[p][query], totals[p] = sum of s * weights[query].
   * `queries` is a multiple of FM__STAGE_ALIGN; `scratch` holds 4 * queries floats. */
  void (*queries)(const fm__block *block, int nx, int ny, size_t queries,
                  const float *const *rows, const float *weights, float *scratch,
                  float *shares, float *totals);

  /* Where output and mask have one size and pixels of a channel are adjacent:
   * sums[x] = sum over channels of exp(z - base[x]), lowest[x] = the least z - base[x],
   * for x < n, n a multiple of `lanes`. Terms beyond exp(88) make a sum of 1e38 or more. */
  void (*planar)(const char *output, int32_t dtype, ptrdiff_t channel_stride, size_t channels,
                 const float *base, float *sums, float *lowest, size_t n);

  /* The same for one pixel whose channels are adjacent floats. */
  void (*pixel)(const float *z, size_t channels, float base, float *sum, float *lowest);

  /* Replaces each of n (any multiple of `lanes`) positive normal numbers by its logarithm. */
  void (*logarithms)(float *values, size_t n);

  size_t lanes;
} fm__loss_kernels;

/* The kernels for a context; chosen by its level. */
const fm__loss_kernels *fm__loss_kernels_of(const fm_context *context);

/* In loss_c.c and loss_avx2.c; NULL where the build or the CPU lacks them. */
const fm__loss_kernels *fm__loss_kernels_c(void);
const fm__loss_kernels *fm__loss_kernels_avx2(void);

#endif
