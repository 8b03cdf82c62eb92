/* map/distances.h - distances to the pixels that touch another label, as numbers of type DISTANCE.
 * map/boundary.c includes this once for each type, whose functions NAME tells apart. Distances stop
 * growing at the last edge, which is below the type's largest number. */

static DISTANCE *NAME(row_of)(const boundary *b, int64_t y) {
  return (DISTANCE *)b->distances + y * (b->mask.width + 2) + 1;
}

/* Distances within a row: after steps of 1, 2, 4 .. each pixel has heard of those up to twice as far.
 * `touch` may be the row itself, if its numbers are bytes. */
static void NAME(fill_row)(const boundary *b, const uint8_t *touch, DISTANCE *row) {
  const int64_t n = b->mask.width, last = last_edge(b);
  DISTANCE *from = (DISTANCE *)b->along[0] + last, *other = (DISTANCE *)b->along[1] + last;
  for (int64_t x = 0; x < n; x++) from[x] = (DISTANCE)(touch[x] ? 1 : last);
  for (int64_t step = 1; step < last; step *= 2) {
    DISTANCE *to = 2 * step < last ? other : row;
    NAME(along)(b, from, (size_t)step, to);
    other = from;
    from = to;
  }
  row[-1] = row[n] = (DISTANCE)last;
}

static void NAME(walk)(const boundary *b, const fm_plane *out) {
  const void *labels = NULL;
  const bool packed = fm__is_packed(out);
  for (int i = 0; i < 2; i++)
    for (int64_t x = 0; x < b->mask.width + 2 * last_edge(b); x++)
      ((DISTANCE *)b->along[i])[x] = (DISTANCE)last_edge(b);
  for (int64_t y = 0; y < b->mask.height; y++) {
    DISTANCE *row = NAME(row_of)(b, y);
    uint8_t *touch = sizeof *row > 1 ? b->row : (uint8_t *)row;
    mark_row(b, y, &labels, touch);
    NAME(fill_row)(b, touch, row);
    if (y) NAME(nearer)(b, NAME(row_of)(b, y - 1), row);
  }
  for (int64_t y = b->mask.height - 1; y >= 0; y--) {
    DISTANCE *row = NAME(row_of)(b, y);
    uint8_t *strata = packed ? (uint8_t *)fm__pixel(out, y, 0) : b->row;
    if (y + 1 < b->mask.height) NAME(nearer)(b, NAME(row_of)(b, y + 1), row);
    NAME(put_strata)(b, row, strata);
    if (!packed) write_row(b, y, out);
  }
}
