/* filter/filter_floor.c - the minimum share of a class that is kept in an image.
 *
 * The loss that keeps enough is an order statistic of the class's losses. Losses order
 * like their bits, so four counting passes over the image find it, 8 bits each, without
 * a sort and without a copy of the losses; one pass serves many classes. */
#include <math.h>
#include <string.h>

#include "core/fail.h"
#include "filter/filter.h"

enum { GROUP = 256, DIGITS = 256, DIGIT_BITS = 8, HIGHEST_DIGIT = 24 };

/* Losses with one digit each. */
typedef int64_t digit_counts[DIGITS];

/* A group of classes with neighbouring numbers, in an image. */
typedef struct selection {
  const fm_plane *mask, *loss;
  fm__lookup lookup;
  int32_t first;           /* class of place 0 */
  int64_t wanted[GROUP];   /* which loss, from 1, among those that begin like `bits`; 0: none */
  int64_t below[GROUP];    /* losses that are smaller than those */
  uint32_t bits[GROUP];    /* the digits found so far */
  digit_counts *histogram; /* [GROUP] */
} selection;

static uint32_t bits_of(float loss) {
  uint32_t bits;
  memcpy(&bits, &loss, sizeof bits);
  return bits & UINT32_C(0x7fffffff); /* -0 is 0; nothing else is negative here */
}

static void count_tile(selection *s, const int32_t *classes, const float *losses, size_t n,
                       int shift) {
  for (size_t i = 0; i < n; i++) {
    int64_t place = (int64_t)classes[i] - s->first;
    if (place < 0 || place >= GROUP || !s->wanted[place]) continue;
    uint32_t bits = bits_of(losses[i]);
    if ((uint64_t)bits >> (shift + DIGIT_BITS) == s->bits[place])
      s->histogram[place][bits >> shift & (DIGITS - 1)]++;
  }
}

/* Counts the next digit of all losses that begin like those that are looked for. */
static void count_digits(selection *s, int shift) {
  int32_t classes[FM__TILE];
  float losses[FM__TILE];
  memset(s->histogram, 0, GROUP * sizeof *s->histogram);
  for (int64_t y = 0; y < s->mask->height; y++)
    for (int64_t x = 0; x < s->mask->width; x += FM__TILE) {
      int64_t left = s->mask->width - x;
      size_t n = left < FM__TILE ? (size_t)left : FM__TILE;
      fm__tile_classes(s->mask, &s->lookup, y, x, n, classes);
      fm__tile_losses(s->loss, y, x, n, losses);
      count_tile(s, classes, losses, n, shift);
    }
}

/* The digit at which the count reaches the wanted loss. Answers how many have it. */
static int64_t take_digit(selection *s, size_t place) {
  const int64_t *counts = s->histogram[place];
  uint32_t digit = 0;
  for (; counts[digit] < s->wanted[place]; digit++) {
    s->wanted[place] -= counts[digit];
    s->below[place] += counts[digit];
  }
  s->bits[place] = s->bits[place] << DIGIT_BITS | digit;
  return counts[digit];
}

/* `s->bits` become those of the wanted losses, `s->below` how many do not exceed them. */
static void select_losses(selection *s) {
  for (int shift = HIGHEST_DIGIT; shift >= 0; shift -= DIGIT_BITS) {
    count_digits(s, shift);
    for (size_t place = 0; place < GROUP; place++) {
      if (!s->wanted[place]) continue;
      int64_t equal = take_digit(s, place);
      if (!shift) s->below[place] += equal;
    }
  }
}

/* Which classes of the group keep too few? */
static bool find_starved(const fm_filter *filter, selection *s, const int64_t *counts) {
  bool any = false;
  for (int32_t i = 0; i < GROUP; i++) {
    int32_t k = s->first + i;
    int64_t valid = k < filter->labels->class_count ? counts[2 * k] : 0;
    int64_t wanted = (int64_t)ceil(filter->min_kept_share * (double)valid);
    s->wanted[i] = valid && valid - counts[2 * k + 1] < wanted ? wanted : 0;
    s->below[i] = 0;
    s->bits[i] = 0;
    any = any || s->wanted[i];
  }
  return any;
}

static void raise_thresholds(selection *s, float *thresholds, int64_t *counts) {
  for (int32_t i = 0; i < GROUP; i++) {
    if (!s->wanted[i]) continue;
    int32_t k = s->first + i;
    memcpy(&thresholds[k], &s->bits[i], sizeof thresholds[k]);
    counts[2 * k + 1] = counts[2 * k] - s->below[i];
  }
}

fm_status fm__filter_apply_floor(const fm_filter *filter, const fm_plane *mask,
                                 const fm_plane *loss, float *thresholds, int64_t *counts,
                                 fm_error *err) {
  const fm_context *context = filter->labels->context;
  selection s = {.mask = mask, .loss = loss, .lookup = fm__labels_lookup(filter->labels)};
  s.histogram = fm__alloc_array(context, GROUP, sizeof *s.histogram);
  if (!s.histogram) return fm__fail_memory(err, GROUP * sizeof *s.histogram);
  for (; s.first < filter->labels->class_count; s.first += GROUP) {
    if (!find_starved(filter, &s, counts)) continue;
    select_losses(&s);
    raise_thresholds(&s, thresholds, counts);
  }
  fm__free(context, s.histogram);
  return FM_OK;
}
