/* dsp/truth.c - the plainest way to each result.
 * SPDX-License-Identifier: MIT */
#include "truth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int32_t class_at(const space *s, const draw_image *image, int64_t y, int64_t x) {
  return fm_labels_class_of(s->meaning, draw_label_at(&image->mask.plane, y, x));
}

static bool is_dropped(const space *s, const draw_image *image, int64_t y, int64_t x) {
  int32_t k = class_at(s, image, y, x);
  return k >= 0 && draw_loss_at(&image->loss.plane, y, x) > (double)s->thresholds[k];
}

bool truth_filtered(const space *s, const draw_image *image, const fm_plane *filtered) {
  int64_t written = fm_labels_ignore_label(s->meaning);
  for (int64_t y = 0; y < filtered->height; y++)
    for (int64_t x = 0; x < filtered->width; x++) {
      int64_t label = draw_label_at(&image->mask.plane, y, x);
      if (is_dropped(s, image, y, x)) label = written;
      if (draw_label_at(filtered, y, x) != label) return false;
    }
  return true;
}

bool truth_weights(const space *s, const draw_image *image, const fm_plane *weights) {
  for (int64_t y = 0; y < weights->height; y++)
    for (int64_t x = 0; x < weights->width; x++) {
      double weight = class_at(s, image, y, x) >= 0 && !is_dropped(s, image, y, x);
      double found = weights->dtype == FM_U8 ? (double)draw_label_at(weights, y, x)
                                             : draw_loss_at(weights, y, x);
      if (found != weight) return false;
    }
  return true;
}

bool truth_report(const space *s, const draw_image *image, const fm_filter_report *report) {
  int64_t *counts = calloc(2 * (size_t)s->class_count, sizeof *counts);
  if (!counts) return false;
  int64_t *dropped = counts + s->class_count, all = 0, all_dropped = 0;
  for (int64_t y = 0; y < image->mask.plane.height; y++)
    for (int64_t x = 0; x < image->mask.plane.width; x++) {
      int32_t k = class_at(s, image, y, x);
      if (k < 0) continue;
      counts[k]++;
      dropped[k] += is_dropped(s, image, y, x);
      all++;
      all_dropped += is_dropped(s, image, y, x);
    }
  size_t size = (size_t)s->class_count * sizeof *counts;
  bool right = report->valid == all && report->dropped == all_dropped &&
               memcmp(report->class_valid, counts, size) == 0 &&
               memcmp(report->class_dropped, dropped, size) == 0;
  free(counts);
  return right;
}

/* ---- Statistics ----------------------------------------------------------------- */

/* A sum of floats as a whole number of 2^-149, in base 2^16. */
enum { DIGITS = 20 };
typedef struct whole {
  uint64_t digits[DIGITS];
  int64_t count;
} whole;

static void whole_add(whole *sum, double loss) {
  int exponent;
  uint64_t units = (uint64_t)(frexp(loss, &exponent) * 0x1p24); /* loss = units * 2^shift-149 */
  int shift = exponent - 24 + 149;
  if (shift < 0) { /* denormal */
    units >>= -shift;
    shift = 0;
  }
  units <<= shift % 16;
  for (int i = shift / 16; units; i++, units >>= 16) sum->digits[i] += units & 0xffff;
  sum->count++;
}

static long double whole_value(const whole *sum) {
  long double value = 0;
  for (int i = 0; i < DIGITS; i++) value += ldexpl((long double)sum->digits[i], 16 * i - 149);
  return value;
}

static bool is_close(double found, long double expected) {
  return fabsl((long double)found - expected) <= 1e-9L * expected;
}

bool truth_stats(const space *s, const draw_image *image, const fm_class_stats *stats) {
  whole *sums = calloc((size_t)s->class_count, sizeof *sums);
  if (!sums) return false;
  for (int64_t y = 0; y < image->mask.plane.height; y++)
    for (int64_t x = 0; x < image->mask.plane.width; x++) {
      int32_t k = class_at(s, image, y, x);
      if (k >= 0) whole_add(&sums[k], fmax(draw_loss_at(&image->loss.plane, y, x), 0));
    }
  bool right = true;
  for (int32_t k = 0; right && k < s->class_count; k++) {
    long double mean = whole_value(&sums[k]) / ((long double)sums[k].count + 1e-5L);
    right = fm_class_stats_pixel_count(stats, k, 0) == sums[k].count &&
            is_close(fm_class_stats_mean(stats, k, 0), mean);
  }
  free(sums);
  return right;
}

/* ---- Hardness ------------------------------------------------------------------- */

bool truth_hardness(const space *s, const draw_image *image, int64_t width, int64_t height,
                    double hardness, int64_t valid) {
  const fm_plane *mask = &image->mask.plane;
  double step_x = (double)mask->width / (double)width,
         step_y = (double)mask->height / (double)height;
  long double sum = 0;
  int64_t count = 0;
  double from_y = 0.5 * step_y; /* as Pillow walks: documented in freemask/hardness.h */
  for (int64_t y = 0; y < height; y++, from_y += step_y) {
    double from_x = 0.5 * step_x;
    for (int64_t x = 0; x < width; x++, from_x += step_x) {
      int32_t k = class_at(s, image, (int64_t)from_y, (int64_t)from_x);
      if (k < 0) continue;
      sum += (long double)s->means[k];
      count++;
    }
  }
  return valid == count && is_close(hardness, sum / ((long double)count + 1e-5L));
}
