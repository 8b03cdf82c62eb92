/* filter/filter_weigh.c - weights: their options, their types, and those between kept and dropped. */
#include <string.h>

#include "core/fail.h"
#include "core/options.h"
#include "core/view.h"
#include "filter/filter.h"
#include "filter/weight.h"

static const double MOST_GAMMA = 64;

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
  fm_status status =
      read_own(&o->width, o->kind == FM_WEIGHT_RAMP, "width", 1, FM__WEIGHT_WIDTH, err);
  if (status) return status;
  return read_own(&o->gamma, o->kind == FM_WEIGHT_POWER, "gamma", MOST_GAMMA, FM__WEIGHT_GAMMA,
                  err);
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

/* ---- Between kept and dropped ----------------------------------------------------- */

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
  const fm__weight_rule rule = fm__weight_rule_of(o);
  int32_t cells[FM__PIECE];
  float scores[FM__PIECE];
  double weights[FM__PIECE];
  for (fm__yx at = {0, 0}; at.y < image->mask.height; at.y++)
    for (at.x = 0; at.x < image->mask.width; at.x += FM__PIECE) {
      size_t n = fm__piece_length(&image->mask, at.x);
      fm__image_cells(image, at, n, cells);
      fm__tile_losses(&image->loss, at.y, at.x, n, scores);
      for (size_t i = 0; i < n; i++)
        weights[i] = cells[i] < 0
                         ? 0
                         : fm__weight_of(&rule, (double)scores[i], (double)thresholds[cells[i]]);
      write_piece(out, at, n, weights);
    }
}
