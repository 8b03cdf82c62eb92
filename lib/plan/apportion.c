/* plan/apportion.c - largest remainders within bounds, in exact whole numbers.
 *
 * Nothing is stored but the weights, which the counts replace at the end: every walk over the
 * items computes their shares again, so that 10^8 of them need no memory of their own.
 *
 * Sizes: weights below 2^31 and items below 2^31 sum up to less than 2^62; a budget is below
 * 2^31 * 2^20 = 2^51. */
#include "plan/apportion.h"

#include <stdbool.h>
#include <string.h>

/* What one weight gets of `part` images for `whole` weights. */
typedef struct rate {
  uint64_t part, whole; /* whole is 0: not set */
} rate;

typedef struct sharing {
  const uint32_t *weights;
  size_t count;
  const fm__bounds *bounds;
  rate below; /* lambda is below this: an item below its lowest here gets its lowest */
  rate above; /* lambda is above this: an item above its highest here gets its highest */
  rate free;  /* of those that are at neither bound */
} sharing;

typedef struct share {
  uint64_t whole, rest; /* whole + rest / rate.whole */
} share;

/* Exact: the quotient in double is at most 1 off, as it is below 2^51, and its remainder then
 * between -whole and 2 * whole, which a difference modulo 2^64 tells. */
static share share_of(rate r, uint32_t weight) {
  share s = {(uint64_t)((double)r.part * (double)weight / (double)r.whole), 0};
  s.rest = r.part * weight - s.whole * r.whole;
  if (s.rest >> 63) {
    s.whole--;
    s.rest += r.whole;
  } else if (s.rest >= r.whole) {
    s.whole++;
    s.rest -= r.whole;
  }
  return s;
}

static bool is_low(share s, uint32_t lowest) { return s.whole < lowest; }

static bool is_high(share s, uint32_t highest) {
  return s.whole > highest || (s.whole == highest && s.rest);
}

/* Is the item settled at a bound? Then `*at` is that bound. */
static bool is_settled(const sharing *s, size_t i, uint32_t *at) {
  *at = fm__lowest(s->bounds, i);
  if (s->below.whole && is_low(share_of(s->below, s->weights[i]), *at)) return true;
  *at = fm__highest(s->bounds, i);
  return s->above.whole && is_high(share_of(s->above, s->weights[i]), *at);
}

/* What is left for those that are not settled. */
static void find_rate(sharing *s, uint64_t budget) {
  uint32_t at;
  s->free = (rate){budget, 0};
  for (size_t i = 0; i < s->count; i++)
    if (is_settled(s, i, &at))
      s->free.part -= at;
    else
      s->free.whole += s->weights[i];
}

/* -1, 0 or 1 as a * b is below, equal to or above c * d. */
static int compare_products(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
  const uint64_t low = UINT32_MAX;
  uint64_t left[2], right[2];
  for (int side = 0; side < 2; side++) {
    uint64_t x = side ? c : a, y = side ? d : b, *out = side ? right : left;
    uint64_t cross = (x >> 32) * (y & low) + ((x & low) * (y & low) >> 32);
    uint64_t other = (x & low) * (y >> 32) + (cross & low);
    out[0] = (x >> 32) * (y >> 32) + (cross >> 32) + (other >> 32);
    out[1] = x * y;
  }
  if (left[0] != right[0]) return left[0] < right[0] ? -1 : 1;
  return (left[1] > right[1]) - (left[1] < right[1]);
}

/* Settles the items whose share at the free rate is out of bounds, on the side that outweighs: if
 * cutting off at the bounds makes the sum larger than the budget, lambda is below this rate, and
 * an item that is too low here is too low there. False if there are none. */
static bool settle(sharing *s) {
  uint64_t bound = 0, weight = 0;
  uint32_t at;
  for (size_t i = 0; i < s->count; i++) {
    if (is_settled(s, i, &at)) continue;
    share mine = share_of(s->free, s->weights[i]);
    bool low = is_low(mine, fm__lowest(s->bounds, i));
    if (!low && !is_high(mine, fm__highest(s->bounds, i))) continue;
    bound += low ? fm__lowest(s->bounds, i) : fm__highest(s->bounds, i);
    weight += s->weights[i];
  }
  if (!weight) return false;
  int side = compare_products(bound, s->free.whole, s->free.part, weight);
  if (side >= 0) s->below = s->free;
  if (side <= 0) s->above = s->free;
  return true;
}

/* ---- Remainders ------------------------------------------------------------------- */

enum { DIGIT_BITS = 10, DIGITS = 1 << DIGIT_BITS, TOP_SHIFT = 60 };

/* Which items get one more: all whose rest is above `rest`, and `ones` of the `equal` with that
 * rest. */
typedef struct cut {
  uint64_t rest, ones, equal;
} cut;

/* How many rests have which digit, of those that agree with `rest` above it. */
static void count_digits(const sharing *s, uint64_t rest, int shift, uint32_t histogram[DIGITS]) {
  uint32_t at;
  memset(histogram, 0, DIGITS * sizeof *histogram);
  for (size_t i = 0; i < s->count; i++) {
    if (is_settled(s, i, &at)) continue;
    uint64_t mine = share_of(s->free, s->weights[i]).rest;
    if (shift == TOP_SHIFT || mine >> (shift + DIGIT_BITS) == rest >> (shift + DIGIT_BITS))
      histogram[(mine >> shift) & (DIGITS - 1)]++;
  }
}

/* The `ones`-th largest rest, digit by digit from the top. */
static cut find_cut(const sharing *s, uint64_t ones) {
  uint32_t histogram[DIGITS];
  cut c = {0, ones, 0};
  for (int shift = TOP_SHIFT; shift >= 0; shift -= DIGIT_BITS) {
    count_digits(s, c.rest, shift, histogram);
    size_t digit = DIGITS - 1;
    for (; digit && histogram[digit] < c.ones; digit--) c.ones -= histogram[digit];
    c.rest |= (uint64_t)digit << shift;
    c.equal = histogram[digit];
  }
  return c;
}

static uint64_t left_over(const sharing *s) {
  uint64_t left = s->free.part;
  uint32_t at;
  for (size_t i = 0; i < s->count; i++)
    if (!is_settled(s, i, &at)) left -= share_of(s->free, s->weights[i]).whole;
  return left;
}

void fm__apportion(uint32_t *items, size_t count, const fm__bounds *bounds, uint64_t budget) {
  sharing s = {.weights = items, .count = count, .bounds = bounds};
  do find_rate(&s, budget);
  while (s.free.whole && settle(&s));
  uint64_t left = s.free.whole ? left_over(&s) : 0, equal = 0;
  cut c = {UINT64_MAX, 0, 0};
  if (left) c = find_cut(&s, left);
  for (size_t i = 0; i < count; i++) {
    uint32_t at;
    if (!is_settled(&s, i, &at)) {
      share mine = share_of(s.free, items[i]);
      bool more = mine.rest > c.rest;
      if (c.equal && mine.rest == c.rest) {
        more = (equal + 1) * c.ones / c.equal > equal * c.ones / c.equal;
        equal++;
      }
      at = (uint32_t)mine.whole + more;
    }
    items[i] = at;
  }
}
