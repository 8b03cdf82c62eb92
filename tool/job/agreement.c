/* job/agreement.c - whether real and synthetic images of a mask are hard at the same places: sums per class. */
#include "job/agreement.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/pixel.h"
#include "job/loss_table.h"

enum { BYTES = 256, COARSER = 5 /* of the library's steps of 2^-12 */ };
enum {
  MOST = INT16_MAX >> COARSER,
  MOST_COUNTED = 292 /* -ln(1 - 0.9 + 0.002) in steps of 2^-7 */
};
enum { FEWEST = 100 /* pixels that say something of a class */ };
enum { N, X, Y, XX, YY, XY };

/* ---- Ranks ---------------------------------------------------------------------------------- */

static uint16_t coarse(int16_t steps) { return steps > 0 ? (uint16_t)(steps >> COARSER) : 0; }

/* Of each class the first of its tables, which is of all strata. */
static void take_ranks(const int16_t *steps, size_t tables, const uint16_t *code_bins,
                       agreement_ranks *out) {
  for (size_t k = 0; k < (size_t)out->class_count; k++) {
    uint16_t *of_bin = &out->of_bin[k * LOSS_BINS], *of_code = &out->of_code[k * BYTES];
    for (size_t i = 0; i < LOSS_BINS; i++) of_bin[i] = coarse(steps[k * tables * LOSS_BINS + i]);
    for (size_t i = 0; i < BYTES; i++) of_code[i] = of_bin[code_bins[k * BYTES + i]];
  }
}

int agreement_ranks_open(const fm_class_stats *stats, const char *path, agreement_ranks *out,
                         fault *f) {
  const fm_class_stats *losses = fm_class_stats_ranks(stats);
  fm_class_stats_layout layout = {.size = sizeof layout};
  fm_error err;
  int code = EXIT_FINE;
  *out = (agreement_ranks){0};
  if (losses) (void)fm_class_stats_get_layout(losses, &layout, NULL);
  if (layout.histogram != 32 || layout.class_count > LOSS_CLASSES) return EXIT_FINE;
  const size_t classes = (size_t)layout.class_count;
  const size_t tables = layout.strata > 1 ? 1 + (size_t)layout.strata : 1;
  const size_t step_count = classes * tables * LOSS_BINS, code_count = classes * BYTES;
  int16_t *steps = alloc_zeroed(step_count, sizeof *steps);
  uint16_t *code_bins = alloc_zeroed(code_count, sizeof *code_bins);
  if (fm_class_stats_rank_tables(stats, steps, (int64_t)step_count, code_bins, (int64_t)code_count,
                                 &err)) {
    code = fault_library(f, &err, path);
  } else {
    out->class_count = layout.class_count;
    out->of_bin = alloc_zeroed(classes * LOSS_BINS, sizeof *out->of_bin);
    out->of_code = alloc_zeroed(code_count, sizeof *out->of_code);
    take_ranks(steps, tables, code_bins, out);
  }
  free(code_bins);
  free(steps);
  return code;
}

void agreement_ranks_free(agreement_ranks *ranks) {
  free(ranks->of_bin);
  free(ranks->of_code);
  *ranks = (agreement_ranks){0};
}

/* ---- Counting ------------------------------------------------------------------------------- */

static size_t all_of(const agreement *a) { return (size_t)a->class_count * AGREEMENT_SUMS; }

void agreement_open(int32_t class_count, agreement *out) {
  *out = (agreement){.class_count = class_count <= LOSS_CLASSES ? class_count : 0};
  if (out->class_count) out->sums = alloc_zeroed(all_of(out), sizeof *out->sums);
}

void agreement_free(agreement *a) {
  free(a->sums);
  *a = (agreement){0};
}

static const uint8_t *row_at(const fm_plane *plane, int64_t y) {
  return (const uint8_t *)plane->data + y * plane->row_stride;
}

static void count(int64_t *sums, int64_t x, int64_t y) {
  sums[N]++;
  sums[X] += x;
  sums[Y] += y;
  sums[XX] += x * x;
  sums[YY] += y * y;
  sums[XY] += x * y;
}

void agreement_add(agreement *a, const agreement_ranks *ranks, const fm_labels *labels,
                   const fm_plane *mask, const fm_plane *loss, const fm_plane *reference,
                   bool codes) {
  if (!a->class_count || !ranks->class_count || !reference) return;
  const fm_plane m = pixel_strides(mask), l = pixel_strides(loss), r = pixel_strides(reference);
  if (m.width != l.width || m.height != l.height || m.width != r.width || m.height != r.height)
    return;
  for (int64_t y = 0; y < m.height; y += AGREEMENT_GRID) {
    const uint8_t *label = row_at(&m, y), *made = row_at(&l, y), *real = row_at(&r, y);
    for (int64_t x = 0; x < m.width; x += AGREEMENT_GRID) {
      const int32_t k = fm_labels_class_of(labels, pixel_label(label + x * m.col_stride, m.dtype));
      if (k < 0 || k >= a->class_count) continue;
      const uint16_t *of_bin = &ranks->of_bin[(size_t)k * LOSS_BINS];
      const int64_t here = of_bin[loss_bin_of(pixel_loss(made + x * l.col_stride, l.dtype))];
      if (here > MOST_COUNTED) continue;
      const uint8_t *at = real + x * r.col_stride;
      const int64_t there = codes ? ranks->of_code[(size_t)k * BYTES + *at]
                                  : of_bin[loss_bin_of(pixel_loss(at, r.dtype))];
      count(&a->sums[(size_t)k * AGREEMENT_SUMS], there, here);
    }
  }
}

void agreement_merge(agreement *into, const agreement *from) {
  const size_t all = all_of(into);
  if (into->class_count != from->class_count)
    agreement_free(into);
  else
    for (size_t i = 0; i < all; i++) into->sums[i] += from->sums[i];
}

/* ---- What they say -------------------------------------------------------------------------- */

/* Variances and covariance, each times the number of pixels. */
typedef struct spread {
  double xx, yy, xy;
} spread;

static spread spread_of(const int64_t *sums) {
  const double n = (double)sums[N], x = (double)sums[X], y = (double)sums[Y];
  if (!sums[N]) return (spread){0};
  const double xx = (double)sums[XX] - x * (x / n), yy = (double)sums[YY] - y * (y / n);
  /* less is what rounding leaves where all pixels are alike */
  const bool differ = xx > 1e-9 * (double)sums[XX] && yy > 1e-9 * (double)sums[YY];
  return differ ? (spread){xx, yy, (double)sums[XY] - x * (y / n)} : (spread){0};
}

static double correlation(spread s) { return s.xx > 0.0 ? s.xy / sqrt(s.xx * s.yy) : NAN; }

double agreement_of_class(const agreement *a, int32_t k) {
  if (!a->class_count || a->sums[(size_t)k * AGREEMENT_SUMS + N] < FEWEST) return NAN;
  return correlation(spread_of(&a->sums[(size_t)k * AGREEMENT_SUMS]));
}

double agreement_of_all(const agreement *a) {
  spread all = {0};
  int64_t pixels = 0;
  for (int32_t k = 0; k < a->class_count; k++) {
    const spread own = spread_of(&a->sums[(size_t)k * AGREEMENT_SUMS]);
    pixels += a->sums[(size_t)k * AGREEMENT_SUMS + N];
    all.xx += own.xx;
    all.yy += own.yy;
    all.xy += own.xy;
  }
  return pixels < FEWEST ? NAN : correlation(all);
}

/* ---- Files ---------------------------------------------------------------------------------- */

json_t *agreement_save_class(const agreement *a, int32_t k) {
  return a->class_count ? json_counts(&a->sums[(size_t)k * AGREEMENT_SUMS], AGREEMENT_SUMS)
                        : json_null();
}

/* No sum is more than its pixels allow. */
static bool makes_sense(const int64_t *sums, int64_t valid) {
  const double n = (double)sums[N], x = (double)sums[X], y = (double)sums[Y];
  return sums[N] <= valid && x <= n * MOST && y <= n * MOST_COUNTED &&
         (double)sums[XX] <= x * MOST && (double)sums[YY] <= y * MOST_COUNTED &&
         (double)sums[XY] <= fmin(x * MOST_COUNTED, y * MOST);
}

int agreement_load_class(const json_t *item, const char *path, int32_t class_count, int32_t k,
                         int64_t valid, agreement *out, fault *f) {
  const json_t *sums = json_object_get(item, "agreement");
  if (!sums || json_is_null(sums)) return EXIT_FINE;
  if (!out->class_count) agreement_open(class_count, out);
  if (!out->class_count)
    return fault_set(f, EXIT_DATA, "%s: \"agreement\" of class %d, expected null with %d classes",
                     path, (int)k, (int)class_count);
  int64_t *own = &out->sums[(size_t)k * AGREEMENT_SUMS];
  int code = json_member_counts(item, path, "agreement", k, AGREEMENT_SUMS, INT64_MAX, own, f);
  if (!code && !makes_sense(own, valid))
    code = fault_set(f, EXIT_DATA,
                     "%s: \"agreement\" of class %d is not the sums of at most %" PRId64 " pixels",
                     path, (int)k, valid);
  return code;
}
