/* policy/filter_floor.c - the minimum share of a class that is kept in an image.
 *
 * The loss that keeps enough is an order statistic of the class's losses. Losses order
 * like their bits, so two counting passes over the image find it, 16 bits each, without
 * a sort and without a copy of the losses. */
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "policy/filter.h"

enum { HALF_VALUES = 1 << 16 };

/* The class that is looked at, in an image. */
typedef struct selection {
  const fm_plane *mask, *loss;
  fm__lookup lookup;
  int32_t class_index;
  int64_t *histogram; /* [HALF_VALUES] */
} selection;

static uint32_t bits_of(float loss) {
  uint32_t bits;
  memcpy(&bits, &loss, sizeof bits);
  return bits & UINT32_C(0x7fffffff); /* -0 is 0; nothing else is negative here */
}

/* Counts bits >> shift of the class's losses whose bits above 16 equal `high`, or of
 * all its losses if `high` is negative. */
static void count_bits(const selection *s, int shift, int64_t high) {
  int32_t classes[FM__TILE];
  float losses[FM__TILE];
  memset(s->histogram, 0, HALF_VALUES * sizeof *s->histogram);
  for (int64_t y = 0; y < s->mask->height; y++)
    for (int64_t x = 0; x < s->mask->width; x += FM__TILE) {
      int64_t left = s->mask->width - x;
      size_t n = left < FM__TILE ? (size_t)left : FM__TILE;
      fm__tile_classes(s->mask, &s->lookup, y, x, n, classes);
      fm__tile_losses(s->loss, y, x, n, losses);
      for (size_t i = 0; i < n; i++) {
        if (classes[i] != s->class_index) continue;
        uint32_t bits = bits_of(losses[i]);
        if (high < 0 || bits >> 16 == (uint32_t)high) s->histogram[(bits >> shift) & 0xffff]++;
      }
    }
}

/* The value at which the running count reaches `wanted` (from 1); `*below` gets the
 * count before it. */
static uint32_t find(const int64_t *histogram, int64_t wanted, int64_t *below) {
  uint32_t value = 0;
  *below = 0;
  while (*below + histogram[value] < wanted) *below += histogram[value++];
  return value;
}

/* The `wanted`-th smallest loss of the class; `*kept` gets how many do not exceed it. */
static float select_loss(const selection *s, int64_t wanted, int64_t *kept) {
  int64_t below_high, below_low;
  count_bits(s, 16, -1);
  uint32_t high = find(s->histogram, wanted, &below_high);
  count_bits(s, 0, high);
  uint32_t low = find(s->histogram, wanted - below_high, &below_low);
  *kept = below_high + below_low + s->histogram[low];
  uint32_t bits = high << 16 | low;
  float loss;
  memcpy(&loss, &bits, sizeof loss);
  return loss;
}

static void raise_thresholds(const fm_filter *filter, selection *s, float *thresholds,
                             int64_t *counts) {
  for (int32_t k = 0; k < filter->labels->class_count; k++) {
    int64_t valid = counts[2 * k], kept = valid - counts[2 * k + 1];
    int64_t wanted = (int64_t)ceil(filter->min_kept_share * (double)valid);
    if (kept >= wanted) continue;
    s->class_index = k;
    thresholds[k] = select_loss(s, wanted, &kept);
    counts[2 * k + 1] = valid - kept;
  }
}

fm_status fm__filter_apply_floor(const fm_filter *filter, const fm_plane *mask,
                                 const fm_plane *loss, float *thresholds, int64_t *counts,
                                 fm_error *err) {
  const fm_context *context = filter->labels->context;
  selection s = {mask, loss, fm__labels_lookup(filter->labels), 0, NULL};
  s.histogram = fm__alloc_array(context, HALF_VALUES, sizeof *s.histogram);
  if (!s.histogram) return fm__fail_memory(err, HALF_VALUES * sizeof *s.histogram);
  raise_thresholds(filter, &s, thresholds, counts);
  fm__free(context, s.histogram);
  return FM_OK;
}
