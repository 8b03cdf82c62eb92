/* dsp/loss_kernels.h - the inner loops of losses from outputs, the part of a level's table that
 * agrees between levels only to the error bound that freemask/network_loss.h states. */
#ifndef FM_DSP_LOSS_KERNELS_H
#define FM_DSP_LOSS_KERNELS_H

#include <freemask/context.h>
#include <freemask/view.h>
#include <stddef.h>

/* Output pixels of a block, at most, in each direction. Bounds how often factors are
 * multiplied, and with it the error. */
enum { FM__BLOCK = 4, FM__BLOCK_PIXELS = FM__BLOCK * FM__BLOCK };

/* Channels of a staged pixel are filled up to a multiple of this. */
enum { FM__STAGE_ALIGN = 16 };

/* Values of a good staged pixel lie within FM__STAGE_RANGE of each other, those filled in
 * FM__STAGE_PAD below the largest: products of their exponentials neither overflow nor vanish, and
 * up to 32 a float rounds by less than 1e-6. */
#define FM__STAGE_RANGE 32.0F
#define FM__STAGE_PAD 64.0F

/* The largest value of a good staged pixel, either sign: floats of this size are 1 apart, so those
 * filled in stay below the others. */
#define FM__STAGE_LARGEST 0x1p24F

/* A sum below these, exp(-2) and exp(-8), is made of terms whose logits are large and
 * rounded accordingly: the corners' maxima belong to different channels. It is done again,
 * which costs so much more where channels are many. */
#define FM__LEAST_SUM_OF_FEW 0.135F
#define FM__LEAST_SUM 6.7e-3F
enum { FM__FEW_CHANNELS = 4 };

typedef enum fm__staged {
  FM__STAGE_BAD = 0, /* holds values that are not finite; of queries, or beyond the range */
  FM__STAGE_GOOD = 1,
  FM__STAGE_WIDE = 2 /* finite, too far apart */
} fm__staged;

/* A block of output pixels inside one cell of the network's grid. Pixel (i, j) of it,
 * i < nx, j < ny, lies at (t + i * dt, u + j * du) of the way from corner 00. */
typedef struct fm__block {
  const float *corner00, *corner01, *corner10, *corner11; /* row, column; staged pixels */
  float tops[4]; /* subtracted from the corners: a pixel's largest value or 0 */
  float t, dt, u, du;
  float t_rest, u_rest; /* what rounding took from t and u: slopes are steep */
} fm__block;

/* sums[FM__BLOCK * j + i] = sum over the channels of exp(bilinear value of the corners less their
 * tops). `channels` is a multiple of FM__STAGE_ALIGN; `scratch` holds 4 * channels floats. */
typedef void fm__block_fn(const fm__block *block, size_t channels, float *scratch, float *sums);

typedef struct fm__loss_kernels {
  /* Whether n values are finite, not below `least` and not above `most`. */
  int (*regular)(const float *values, size_t n, float least, float most);

  /* FM__STAGE_ALIGN lines of n floats, `stride` bytes apart and unaligned, to n pixels of as
   * many adjacent floats, `pixel` floats apart. `ahead` bytes on lies what is needed
   * next. */
  void (*transpose)(const char *lines, ptrdiff_t stride, ptrdiff_t ahead, size_t n, float *out,
                    size_t pixel);

  /* Finds a pixel's largest value and fills in those from `channels` to `padded`. Returns
   * an fm__staged. */
  int (*stage_finish)(float *pixel, size_t channels, size_t padded, float *top);

  /* [ny - 1][nx - 1] */
  fm__block_fn *block[FM__BLOCK][FM__BLOCK];

  /* One output pixel: the sum of exp(z - base), z = sum of weights[i] * corners[i] in
   * double, base about the largest z. Reads, but does not use, what is filled in. */
  double (*wide)(const float *const corners[4], const double weights[4], size_t channels,
                 double *base);

  /* Queries: the corners hold -z of the mask logits, |z| <= FM__STAGE_RANGE. With s the
   * sigmoid of a query at pixel p = FM__BLOCK * j + i:
   * scores[p] = sum of s * rows[p][query], totals[p] = sum of s * weights[query].
   * `queries` is a multiple of FM__STAGE_ALIGN; `scratch` holds 4 * queries floats. */
  void (*queries)(const fm__block *block, int nx, int ny, size_t queries, const float *const *rows,
                  const float *weights, float *scratch, float *scores, float *totals);

  /* Where output and mask have one size and pixels of a channel are adjacent:
   * sums[x] = sum over channels of exp(z - base[x]) for x < n, n a multiple of `lanes`.
   * Terms beyond exp(88) make a sum of 1e38 or more; values that are not finite NaN, or
   * such a sum. `spare` is [n]. */
  void (*planar)(const char *output, int32_t dtype, ptrdiff_t channel_stride, size_t channels,
                 const float *base, float *sums, float *spare, size_t n);

  /* n (a multiple of `lanes`) F16 or BF16 numbers as floats. */
  void (*widen)(const char *from, int32_t dtype, size_t n, float *out);

  /* As planar, for one pixel whose channels are adjacent floats. */
  float (*pixel)(const float *z, size_t channels, float base);

  /* out[i] = log(sums[i]) - base[i], at least 0; sums are positive and normal, n is any
   * multiple of `lanes`. */
  void (*losses)(const float *sums, const double *base, size_t n, float *out);

  /* Replaces each of n (any multiple of `lanes`) positive normal numbers by its logarithm. */
  void (*logarithms)(float *values, size_t n);

  size_t lanes;
} fm__loss_kernels;

extern const fm__loss_kernels fm__loss_c;

#endif
