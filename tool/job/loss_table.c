/* job/loss_table.c - how the losses of a set are distributed: whole numbers per class. */
#include "job/loss_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pixel.h"

enum { BYTE_LABELS = 256 };

void loss_stops_free(loss_stops *stops) {
  free(stops->thresholds);
  *stops = (loss_stops){0};
}

static void set_splits(loss_table *t) {
  const size_t all = (size_t)t->class_count * LOSS_BINS;
  for (size_t i = 0; i < all; i++) t->splits[i] = INFINITY;
  for (int32_t k = 0; t->stops && k < t->class_count; k++)
    for (int s = 0; s < t->stops->count; s++) {
      const float threshold = t->stops->thresholds[k * t->stops->count + s];
      float *split = &t->splits[(size_t)k * LOSS_BINS + (size_t)loss_bin_of(threshold)];
      if (isfinite(threshold) && isinf(*split)) *split = threshold;
    }
}

void loss_table_open(const fm_labels *labels, const loss_stops *stops, loss_table *out) {
  *out = (loss_table){.class_count = fm_labels_class_count(labels)};
  if (out->class_count > LOSS_CLASSES) out->class_count = 0;
  if (!out->class_count) return;
  const size_t all = (size_t)out->class_count * LOSS_BINS;
  if (stops && stops->count) out->stops = stops;
  out->splits = alloc_zeroed(all, sizeof *out->splits);
  out->cells = alloc_zeroed(2 * all, sizeof *out->cells);
  out->class_of = alloc_zeroed(BYTE_LABELS, sizeof *out->class_of);
  for (int32_t label = 0; label < BYTE_LABELS; label++)
    out->class_of[label] = fm_labels_class_of(labels, label);
  set_splits(out);
}

void loss_table_free(loss_table *t) {
  free(t->splits);
  free(t->cells);
  free(t->class_of);
  *t = (loss_table){0};
}

/* ---- Counting ------------------------------------------------------------------------------- */

static void count(loss_table *t, int32_t k, float loss) {
  const size_t bin = (size_t)k * LOSS_BINS + (size_t)loss_bin_of(loss);
  t->cells[2 * bin + (loss > t->splits[bin])]++;
}

/* What nearly all masks and losses are. */
static void add_row(loss_table *t, const uint8_t *labels, const float *losses, int64_t width) {
  for (int64_t x = 0; x < width; x++) {
    const int32_t k = t->class_of[labels[x]];
    if (k >= 0) count(t, k, losses[x]);
  }
}

static void add_any_row(loss_table *t, const fm_labels *labels, const fm_plane *mask,
                        const fm_plane *loss, int64_t y) {
  const uint8_t *label = (const uint8_t *)mask->data + y * mask->row_stride;
  const uint8_t *value = (const uint8_t *)loss->data + y * loss->row_stride;
  for (int64_t x = 0; x < mask->width; x++) {
    const int32_t k =
        fm_labels_class_of(labels, pixel_label(label + x * mask->col_stride, mask->dtype));
    if (k >= 0 && k < t->class_count)
      count(t, k, pixel_loss(value + x * loss->col_stride, loss->dtype));
  }
}

void loss_table_add(loss_table *t, const fm_labels *labels, const fm_plane *mask,
                    const fm_plane *loss) {
  const fm_plane m = pixel_strides(mask), l = pixel_strides(loss);
  const bool plain = m.dtype == FM_U8 && m.col_stride == 1 && l.dtype == FM_F32 &&
                     l.col_stride == (int64_t)sizeof(float) &&
                     (uintptr_t)l.data % sizeof(float) == 0 &&
                     l.row_stride % (int64_t)sizeof(float) == 0;
  if (!t->class_count || m.width != l.width || m.height != l.height) return;
  for (int64_t y = 0; y < m.height; y++) {
    if (plain)
      add_row(t, (const uint8_t *)m.data + y * m.row_stride,
              (const float *)(const void *)((const char *)l.data + y * l.row_stride), m.width);
    else
      add_any_row(t, labels, &m, &l, y);
  }
}

void loss_table_merge(loss_table *into, const loss_table *from) {
  const size_t all = 2 * (size_t)into->class_count * LOSS_BINS;
  for (size_t i = 0; i < all; i++) into->cells[i] += from->cells[i];
}

/* ---- Reading -------------------------------------------------------------------------------- */

void loss_table_bins(const loss_table *t, int32_t k, int64_t *bins) {
  const int64_t *cells = &t->cells[2 * (size_t)k * LOSS_BINS];
  for (size_t i = 0; i < LOSS_BINS; i++) bins[i] = cells[2 * i] + cells[2 * i + 1];
}

int64_t loss_table_pixels(const loss_table *t, int32_t k) {
  int64_t bins[LOSS_BINS];
  loss_table_bins(t, k, bins);
  return loss_bins_pixels(bins);
}

int64_t loss_table_above(const loss_table *t, int32_t k, int stop) {
  const float threshold = t->stops->thresholds[k * t->stops->count + stop];
  const int bin = loss_bin_of(threshold);
  int64_t bins[LOSS_BINS], above = 0;
  if (!isfinite(threshold)) return 0;
  loss_table_bins(t, k, bins);
  const size_t at = (size_t)k * LOSS_BINS + (size_t)bin;
  if (t->splits[at] != threshold) return llround(loss_bins_above(bins, threshold));
  for (int i = bin + 1; i < LOSS_BINS; i++) above += bins[i];
  return above + t->cells[2 * at + 1];
}

/* ---- Bins ----------------------------------------------------------------------------------- */

double loss_bin_start(int bin) {
  const int octave = (bin - 1) / LOSS_PER_OCTAVE, step = (bin - 1) % LOSS_PER_OCTAVE;
  return bin ? ldexp(1.0 + (double)step / LOSS_PER_OCTAVE, octave + LOSS_LOWEST) : 0.0;
}

static double bin_middle(int bin) {
  if (bin == LOSS_BINS - 1) return loss_bin_start(bin);
  return 0.5 * (loss_bin_start(bin) + loss_bin_start(bin + 1));
}

int64_t loss_bins_pixels(const int64_t *bins) {
  int64_t sum = 0;
  for (int i = 0; i < LOSS_BINS; i++) sum += bins[i];
  return sum;
}

double loss_bins_mean(const int64_t *bins) {
  double sum = 0.0;
  const int64_t pixels = loss_bins_pixels(bins);
  for (int i = 0; i < LOSS_BINS; i++) sum += (double)bins[i] * bin_middle(i);
  return pixels ? sum / (double)pixels : 0.0;
}

double loss_bins_quantile(const int64_t *bins, double share) {
  const double wanted = share * (double)loss_bins_pixels(bins);
  double below = 0.0;
  for (int i = 0; i < LOSS_BINS - 1; i++) {
    const double here = (double)bins[i], start = loss_bin_start(i);
    if (here > 0.0 && below + here >= wanted)
      return start + (wanted - below) / here * (loss_bin_start(i + 1) - start);
    below += here;
  }
  return loss_bin_start(LOSS_BINS - 1);
}

double loss_bins_above(const int64_t *bins, double loss) {
  double above = 0.0;
  for (int i = LOSS_BINS - 1; i >= 0; i--) {
    const double start = loss_bin_start(i);
    if (start <= loss) {
      if (i == LOSS_BINS - 1) return above;
      const double end = loss_bin_start(i + 1);
      return above + (double)bins[i] * fmax(0.0, end - loss) / (end - start);
    }
    above += (double)bins[i];
  }
  return above;
}
