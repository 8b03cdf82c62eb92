/* network/axis.c - bilinear positions as PyTorch's interpolate defines them. */
#include "network/axis.h"

#include "dsp/loss_kernels.h"

fm__axis fm__axis_make(int64_t inner, int64_t outer, bool align_corners) {
  fm__axis axis = {.last = inner - 1};
  if (align_corners) { /* i (inner - 1) / (outer - 1) */
    axis.by = outer > 1 ? inner - 1 : 0;
    axis.over = outer > 1 ? outer - 1 : 1;
  } else { /* (i + 1/2) inner / outer - 1/2 */
    axis.by = 2 * inner;
    axis.from = inner - outer;
    axis.over = 2 * outer;
  }
  return axis;
}

static int at_most(int64_t count, int64_t most) {
  if (most > FM__BLOCK) most = FM__BLOCK;
  return (int)(count < most ? count : most);
}

fm__span fm__axis_span(const fm__axis *axis, int64_t i, int64_t end) {
  fm__span span = {0};
  int64_t position = i * axis->by + axis->from;
  if (position < 0) { /* before the first pixel's center */
    span.count = at_most((-position - 1) / axis->by + 1, end - i);
    return span;
  }
  span.low = position / axis->over;
  if (span.low >= axis->last) { /* beyond the last pixel's center */
    span.low = span.high = axis->last;
    span.count = at_most(FM__BLOCK, end - i);
    return span;
  }
  span.high = span.low + 1;
  span.t = (double)(position - span.low * axis->over) / (double)axis->over;
  span.step = (double)axis->by / (double)axis->over;
  int64_t room = span.high * axis->over - 1 - position;
  span.count = at_most(axis->by ? room / axis->by + 1 : FM__BLOCK, end - i);
  return span;
}

int64_t fm__axis_reach(const fm__axis *axis, int64_t i, int64_t high, int64_t end) {
  if (high >= axis->last || !axis->by) return end;
  int64_t beyond = high * axis->over - axis->from; /* the first position that needs high + 1 */
  int64_t first = (beyond + axis->by - 1) / axis->by;
  if (first <= i) first = i + 1;
  return first < end ? first : end;
}
