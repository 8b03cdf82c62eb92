/* filter/filter_weigh.c - weights: their options, their types, and those between kept and dropped. */
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/power.h"
#include "core/view.h"
#include "filter/filter.h"

static const double DEFAULT_WIDTH = 0.5, DEFAULT_GAMMA = 1, MOST_GAMMA = 64;

/* ---- Options -------------------------------------------------------------------- */

/* A number that belongs to one kind. */
static fm_status read_own(double *value, bool used, const char *name, double most, double fallback,
                          fm_error *err) {
  if (!used && *value != 0)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_weight_options: %s is %g, but the kind has none",
                    name, *value);
  if (!(*value >= 0 && *value <= most))
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_weight_options: %s is %g, expected above 0, up to %g",
                    name, *value, most);
  if (used && *value == 0) *value = fallback;
  return FM_OK;
}

static fm_status read_shape(fm_weight_options *o, fm_error *err) {
  fm_status status = read_own(&o->width, o->kind == FM_WEIGHT_RAMP, "width", 1, DEFAULT_WIDTH, err);
  if (status) return status;
  return read_own(&o->gamma, o->kind == FM_WEIGHT_POWER, "gamma", MOST_GAMMA, DEFAULT_GAMMA, err);
}

fm_status fm__weight_options_read(fm_weight_options *o, const fm_weight_options *options,
                                  const fm_plane *weights, fm_error *err) {
  fm_status status = FM__OPTIONS_READ(o, options, fm_weight_options, gamma, err);
  if (status) return status;
  if (o->kind < FM_WEIGHT_STEP || o->kind > FM_WEIGHT_POWER)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "fm_weight_options: kind is %d, which this library does not know",
                    (int)o->kind);
  if (o->reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_weight_options: reserved is %d, expected 0",
                    (int)o->reserved);
  if (!(o->dropped >= 0 && o->dropped <= 1))
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_weight_options: dropped is %g, expected 0 to 1",
                    o->dropped);
  if (weights->dtype == FM_U8 && o->kind != FM_WEIGHT_STEP)
    return fm__fail(
        err, FM_ERR_UNSUPPORTED,
        "fm_weight_options: kind is %d, whose weights are not 0 or 1 as those of u8: use "
        "a floating-point type",
        (int)o->kind);
  if ((status = read_shape(o, err))) return status;
  if (weights->dtype == FM_U8 && o->dropped > 0 && o->dropped < 1)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_weight_options: dropped is %g, but weights of u8 are 0 or 1: use a "
                    "floating-point type",
                    o->dropped);
  return FM_OK;
}

/* ---- Types ---------------------------------------------------------------------- */

/* A number from 0 to 1 as the bits of a float type: rounded once, to nearest, ties to even. `least`
 * is the exponent of the smallest normal number of the type. */
static uint64_t round_to(double number, int mantissa_bits, int least) {
  int exponent; /* number is at least 2^exponent, unless it is subnormal */
  if (number <= 0) return 0;
  (void)frexp(number, &exponent);
  exponent--;
  if (exponent < least) exponent = least;
  double scaled = ldexp(number, mantissa_bits - exponent), whole = floor(scaled);
  double rest = scaled - whole;
  uint64_t mantissa = (uint64_t)whole;
  if (rest > 0.5 || (rest == 0.5 && mantissa % 2)) mantissa++;
  /* The leading bit of a normal mantissa, also of one that rounding made so, counts as one
   * exponent more. */
  return mantissa + ((uint64_t)(exponent - least) << mantissa_bits);
}

uint64_t fm__weight_bits(double weight, int32_t dtype) {
  uint64_t bits;
  memcpy(&bits, &weight, sizeof bits);
  switch (dtype) {
    case FM_F16:
      return round_to(weight, 10, -14);
    case FM_BF16:
      return round_to(weight, 7, -126);
    case FM_F32:
      return fm__float_bits((float)weight);
    case FM_F64:
      return bits;
    default:
      return weight > 0;
  }
}

/* ---- Between kept and dropped ----------------------------------------------------- */

/* How much of a pixel is kept, 0 to 1. Products, sums, a quotient and square roots only: the same
 * bits everywhere. */
static double kept_part(const fm_weight_options *o, double score, double threshold) {
  if (o->kind == FM_WEIGHT_POWER) {
    if (score <= threshold) return 1;
    return fm__power(threshold / score, fm__exponent(o->gamma));
  }
  double low = (1 - o->width) * threshold, high = (1 + o->width) * threshold;
  if (score <= low) return 1;
  return score < high ? (high - score) / (high - low) : 0;
}

static double weight_of(const fm_weight_options *o, double score, double threshold) {
  if (isinf(threshold)) return 1;
  double part = kept_part(o, score, threshold);
  return o->dropped + (1 - o->dropped) * part;
}

static void put(char *at, double weight, int32_t dtype) {
  uint64_t bits = fm__weight_bits(weight, dtype);
  uint16_t two = (uint16_t)bits;
  if (dtype == FM_F64)
    memcpy(at, &bits, sizeof bits);
  else
    memcpy(at, &two, sizeof two);
}

/* A piece of a row. */
static void write_piece(const fm_plane *out, fm__yx at, size_t n, const double *weights) {
  char *to = fm__pixel(out, at.y, at.x);
  if (out->dtype == FM_F32) {
    for (size_t i = 0; i < n; i++, to += out->col_stride) {
      const float weight = (float)weights[i];
      memcpy(to, &weight, sizeof weight);
    }
    return;
  }
  for (size_t i = 0; i < n; i++, to += out->col_stride) put(to, weights[i], out->dtype);
}

void fm__filter_write_weights(const fm__image *image, const fm_plane *out, const float *thresholds,
                              const fm_weight_options *o) {
  int32_t cells[FM__PIECE];
  float scores[FM__PIECE];
  double weights[FM__PIECE];
  for (fm__yx at = {0, 0}; at.y < image->mask.height; at.y++)
    for (at.x = 0; at.x < image->mask.width; at.x += FM__PIECE) {
      size_t n = fm__piece_length(&image->mask, at.x);
      fm__image_cells(image, at, n, cells);
      fm__tile_losses(&image->loss, at.y, at.x, n, scores);
      for (size_t i = 0; i < n; i++)
        weights[i] =
            cells[i] < 0 ? 0 : weight_of(o, (double)scores[i], (double)thresholds[cells[i]]);
      write_piece(out, at, n, weights);
    }
}
