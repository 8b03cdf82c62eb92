/* policy/shares.c - cumulative sums with a guide table (Chen and Asau 1974). */
#include "policy/shares.h"

#include <math.h>

enum {
  PIECES_PER_MARK = 4, /* of the guide */
  WEIGHT_BITS = 62     /* the total of all weights stays below 2 to this */
};

static size_t marks_of(size_t count) { return count / PIECES_PER_MARK + 2; }

bool fm__shares_alloc(fm__shares *s, const fm_context *context, size_t count) {
  s->count = count;
  s->ends = fm__alloc_array(context, count, sizeof *s->ends);
  s->guide = fm__alloc_array(context, marks_of(count), sizeof *s->guide);
  if (s->ends && s->guide) return true;
  fm__shares_free(s, context);
  return false;
}

void fm__shares_free(fm__shares *s, const fm_context *context) {
  fm__free(context, s->guide);
  fm__free(context, s->ends);
  s->guide = NULL;
  s->ends = NULL;
}

void fm__shares_finish(fm__shares *s) {
  s->total = s->ends[s->count - 1];
  size_t most = marks_of(s->count) - 1;
  s->shift = 0;
  while (s->total >> s->shift >= most) s->shift++;
  size_t piece = 0;
  for (size_t mark = 0; mark <= (size_t)(s->total >> s->shift); mark++) {
    while (piece < s->count && s->ends[piece] <= (uint64_t)mark << s->shift) piece++;
    s->guide[mark] = piece;
  }
  s->guide[(size_t)(s->total >> s->shift) + 1] = s->count;
}

/* The scale leaves room for `count` weights as large as the largest. */
void fm__shares_weigh(fm__shares *s, const double *weights) {
  double largest = 0;
  for (size_t i = 0; i < s->count; i++)
    if (weights[i] > largest) largest = weights[i];
  int exponent, bits = WEIGHT_BITS;
  (void)frexp(largest, &exponent);
  for (size_t rest = s->count; rest; rest >>= 1) bits--;
  uint64_t end = 0;
  for (size_t i = 0; i < s->count; i++) {
    uint64_t whole = (uint64_t)ldexp(weights[i], bits - exponent);
    end += whole ? whole : weights[i] > 0;
    s->ends[i] = end;
  }
  fm__shares_finish(s);
}

size_t fm__shares_find(const fm__shares *s, uint64_t point) {
  size_t mark = (size_t)(point >> s->shift);
  size_t low = s->guide[mark], high = s->guide[mark + 1];
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (s->ends[middle] <= point)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}
