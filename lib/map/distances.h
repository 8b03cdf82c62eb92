/* map/distances.h - distances to the pixels that touch another label, as numbers of type DISTANCE.
 * map/boundary.c includes this once for each type, whose functions NAME tells apart. Distances stop
 * growing at the last edge, which is below the type's largest number. */

static DISTANCE *NAME(row_of)(const boundary *b, int64_t y) {
  return (DISTANCE *)b->distances + y * (b->mask.width + 2) + 1;
}

static void NAME(fill_ramps)(const boundary *b) {
  const int64_t n = b->mask.width, last = last_edge(b);
  DISTANCE *rising = b->ramps[0], *falling = b->ramps[1];
  for (int64_t i = 0; i < n; i++)
    rising[i] = falling[n - 1 - i] = (DISTANCE)(i + 2 < last ? i + 2 : last);
}

/* Distances within a row, between the pixels first and end that touch another label; -1 and width
 * are none. */
static void NAME(fill_gap)(const boundary *b, DISTANCE *row, int64_t first, int64_t end) {
  const int64_t n = b->mask.width;
  const DISTANCE *rising = b->ramps[0], *falling = b->ramps[1];
  int64_t middle = (first + end + 2) / 2;
  if (first < 0) middle = 0;
  if (end == n) middle = n;
  if (first < 0 && end == n) {
    for (int64_t x = 0; x < n; x++) row[x] = (DISTANCE)last_edge(b);
    return;
  }
  memcpy(row + first + 1, rising, (size_t)(middle - first - 1) * sizeof *row);
  memcpy(row + middle, falling + (n - (end - middle)), (size_t)(end - middle) * sizeof *row);
}

/* Distances within a row. `touch` may be the row itself, if its numbers are bytes. */
static void NAME(fill_row)(const boundary *b, const uint8_t *touch, DISTANCE *row) {
  const int64_t n = b->mask.width;
  for (int64_t x = 0; sizeof *row > 1 && x < n; x++) row[x] = touch[x];
  for (int64_t x = 0; x < n;) {
    const uint8_t *zero = memchr(touch + x, 0, (size_t)(n - x));
    if (!zero) break;
    int64_t first = zero - touch;
    const uint8_t *one = memchr(zero, 1, (size_t)(n - first));
    x = one ? one - touch : n;
    NAME(fill_gap)(b, row, first - 1, x);
  }
  row[-1] = row[n] = (DISTANCE)last_edge(b);
}

static void NAME(walk)(const boundary *b, const fm_plane *out) {
  const void *labels = NULL;
  const bool packed = fm__is_packed(out);
  NAME(fill_ramps)(b);
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
