/* plan/pieces.c - cumulative sums with a guide table (Chen and Asau 1974). */
#include "plan/pieces.h"

#include <math.h>

enum {
  WEIGHT_BITS = 62, /* the total of all weights stays below 2 to this */
  ABREAST = 4,      /* ends that a point is compared with at once */
  BATCH = 128       /* points on their way together */
};

/* Of the guide: no more than pieces, and at least half as many. */
static size_t marks_of(size_t count) { return count + 2; }

bool fm__pieces_alloc(fm__pieces *s, const fm_context *context, size_t count) {
  s->count = count;
  s->ends = fm__alloc_array(context, count + ABREAST, sizeof *s->ends);
  s->guide = fm__alloc_array(context, marks_of(count), sizeof *s->guide);
  if (s->ends && s->guide) return true;
  fm__pieces_free(s, context);
  return false;
}

void fm__pieces_free(fm__pieces *s, const fm_context *context) {
  fm__free(context, s->guide);
  fm__free(context, s->ends);
  s->guide = NULL;
  s->ends = NULL;
}

void fm__pieces_finish(fm__pieces *s) {
  s->total = s->ends[s->count - 1];
  size_t most = marks_of(s->count) - 1;
  for (size_t i = 0; i < ABREAST; i++) s->ends[s->count + i] = UINT64_MAX;
  s->shift = s->coarse = 0;
  while ((uint64_t)s->count >> s->coarse > UINT32_MAX) s->coarse++;
  while (s->total >> s->shift >= most) s->shift++;
  size_t piece = 0;
  for (size_t mark = 0; mark <= (size_t)(s->total >> s->shift); mark++) {
    while (piece < s->count && s->ends[piece] <= (uint64_t)mark << s->shift) piece++;
    s->guide[mark] = (uint32_t)(piece >> s->coarse);
  }
  s->guide[(size_t)(s->total >> s->shift) + 1] = (uint32_t)(s->count >> s->coarse);
}

/* The scale leaves room for `count` weights as large as the largest. */
void fm__pieces_weigh(fm__pieces *s, const double *weights, const uint32_t *order, size_t ordered) {
  double largest = 0;
  for (size_t i = 0; i < s->count; i++)
    if (weights[i] > largest) largest = weights[i];
  int exponent, bits = WEIGHT_BITS;
  (void)frexp(largest, &exponent);
  for (size_t rest = s->count; rest; rest >>= 1) bits--;
  uint64_t end = 0;
  for (size_t i = 0; i < s->count; i++) {
    double weight = weights[i < ordered ? order[i] : i];
    uint64_t whole = (uint64_t)ldexp(weight, bits - exponent);
    end += whole ? whole : weight > 0;
    s->ends[i] = end;
  }
  fm__pieces_finish(s);
}

/* A piece that is not after the one that holds the point, nor far from it. */
static inline size_t guess(const fm__pieces *s, uint64_t point) {
  return (size_t)s->guide[(size_t)(point >> s->shift)] << s->coarse;
}

/* The piece that holds the point: `low` or one after it. */
static size_t search(const fm__pieces *s, uint64_t point, size_t low) {
  size_t next = (size_t)s->guide[(size_t)(point >> s->shift) + 1];
  size_t high = ((next + 1) << s->coarse) - 1; /* the last piece of that mark */
  if (high > s->count) high = s->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (s->ends[middle] <= point)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Without branches if it is one of the first. */
static inline size_t find(const fm__pieces *s, uint64_t point, size_t low) {
  const uint64_t *ends = s->ends + low;
  size_t before = 0;
  for (int i = 0; i < ABREAST; i++) before += ends[i] <= point;
  return before < ABREAST ? low + before : search(s, point, low + ABREAST);
}

size_t fm__pieces_find(const fm__pieces *s, uint64_t point) {
  return find(s, point, guess(s, point));
}

void fm__pieces_find_many(const fm__pieces *s, size_t count, uint64_t *points) {
  size_t low[BATCH];
  for (size_t done = 0, now; done < count; done += now) {
    now = count - done < BATCH ? count - done : BATCH;
    for (size_t i = 0; i < now; i++) low[i] = guess(s, points[done + i]);
    for (size_t i = 0; i < now; i++) points[done + i] = find(s, points[done + i], low[i]);
  }
}
