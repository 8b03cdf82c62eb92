/* dsp/count.c - counts labels. Nearest-neighbour resizing repeats each column `least` times
 * or once more, and so each row: a bit per column and two sets of counters are enough, and
 * no resized mask is made. */
#include "dsp/count.h"

#include <string.h>

#include "dsp/reference.h"

/* The smallest of the numbers; `*differ` if there is another. NULL: 1. */
static uint32_t least_of(const uint32_t *times, int64_t n, bool *differ) {
  *differ = false;
  if (!times) return 1;
  uint32_t least = times[0];
  for (int64_t i = 1; i < n; i++) {
    *differ = *differ || times[i] != least;
    if (times[i] < least) least = times[i];
  }
  return least;
}

static void set_column_bits(fm__count *c) {
  size_t words = ((size_t)c->mask.width + 63) / 64;
  memset(c->column_bits, 0, words * sizeof *c->column_bits);
  for (int64_t x = 0; x < c->mask.width; x++)
    c->column_bits[x / 64] |= (uint64_t)(c->columns[x] - c->least_column) << (x % 64);
}

/* Words of two sets of counters, and of the tallies. */
static size_t counter_words(size_t class_count) { return 2 * (class_count + 1); }
enum { TALLY_WORDS = 2 * sizeof(fm__tally) / sizeof(int64_t) };

size_t fm__count_words(size_t class_count, int64_t width) {
  return counter_words(class_count) + TALLY_WORDS + ((size_t)width + 63) / 64;
}

/* Labels with all repetitions alike are counted once and multiplied; then rows do not
 * matter, either. */
static void make_ready(fm__count *c) {
  bool columns_differ, rows_differ;
  int64_t *memory = c->counts + counter_words(c->class_count);
  c->tallies = (fm__tally *)(void *)memory;
  c->column_bits = (uint64_t *)(memory + TALLY_WORDS);
  c->least_column = least_of(c->columns, c->mask.width, &columns_differ);
  c->least_row = least_of(c->rows, c->mask.height, &rows_differ);
  if (columns_differ)
    set_column_bits(c);
  else
    c->column_bits = NULL;
  if (!rows_differ) c->rows = NULL;
  fm_plane *plane = &c->mask;
  if (!columns_differ && !rows_differ) fm__flatten(&plane, 1);
}

/* The counters for a row: those of rows repeated `least_row` times or once more. */
static unsigned set_of(const fm__count *c, int64_t y) {
  return c->rows ? c->rows[y] - c->least_row : 0;
}

/* Any dtype and label space. Returns the first bad pixel or n. */
static size_t count_pixels(const fm__count *c, fm__yx at, size_t n) {
  int32_t classes[FM__PIECE];
  uint32_t weights[FM__PIECE];
  int64_t *counts = c->counts + set_of(c, at.y) * (c->class_count + 1);
  for (size_t done = 0, now; done < n; done += now, at.x += (int64_t)now) {
    now = n - done < FM__PIECE ? n - done : FM__PIECE;
    fm__tile_classes(&c->mask, &c->lookup, at.y, at.x, now, classes);
    for (size_t i = 0; i < now; i++) {
      size_t x = (size_t)at.x + i;
      weights[i] = c->least_column;
      if (c->column_bits) weights[i] += (uint32_t)(c->column_bits[x / 64] >> (x % 64) & 1);
    }
    size_t good = fm__count_classes(classes, weights, counts, now);
    if (good < now) return done + good;
  }
  return n;
}

/* Adds what was counted as bytes to a set of counters. False: labels outside the space. */
static bool drain(const fm__count *c, fm__tally *tally, unsigned set) {
  for (unsigned label = 0; label < FM__BYTES; label++) {
    int64_t count = 0, more = 0;
    for (unsigned part = 0; part < 4; part++) {
      count += (int64_t)(tally->parts[part][label] & UINT32_MAX);
      more += (int64_t)(tally->parts[part][label] >> 32);
    }
    int32_t k = c->lookup.classes[label];
    if (count && k < FM__CLASS_IGNORE) return false;
    if (count)
      c->counts[set * (c->class_count + 1) + (size_t)(k + 1)] += count * c->least_column + more;
  }
  memset(tally, 0, sizeof *tally);
  return true;
}

static bool count_tile(const fm__count *c, fm__yx at, size_t n, fm__tally *tally) {
  uint8_t made[FM__TILE];
  const uint8_t *labels =
      c->dsp->count ? fm__tile_label_bytes(c->dsp, &c->mask, at, n, made) : NULL;
  if (!labels) return count_pixels(c, at, n) == n;
  const uint64_t *bits = c->column_bits ? c->column_bits + at.x / 64 : NULL;
  c->dsp->count(labels, bits, n, tally);
  return true;
}

static bool count_all(const fm__count *c) {
  fm__tally *tallies = c->tallies;
  int64_t since_drain = 0;
  for (fm__yx at = {0, 0}; at.y < c->mask.height; at.y++)
    for (at.x = 0; at.x < c->mask.width; at.x += FM__TILE) {
      size_t n = fm__tile_length(&c->mask, at.x);
      if (!count_tile(c, at, n, &tallies[set_of(c, at.y)])) return false;
      since_drain += (int64_t)n;
      if (since_drain < FM__TALLY_PERIOD) continue;
      if (!drain(c, &tallies[0], 0) || !drain(c, &tallies[1], 1)) return false;
      since_drain = 0;
    }
  return drain(c, &tallies[0], 0) && drain(c, &tallies[1], 1);
}

static bool find_bad(const fm__count *c, fm__yx *bad) {
  for (fm__yx at = {0, 0}; at.y < c->mask.height; at.y++)
    for (at.x = 0; at.x < c->mask.width; at.x += FM__TILE) {
      size_t n = fm__tile_length(&c->mask, at.x);
      size_t good = count_pixels(c, at, n);
      if (good == n) continue;
      *bad = (fm__yx){at.y, at.x + (int64_t)good};
      return true;
    }
  return false;
}

bool fm__count_image(fm__count *c, fm__yx *bad) {
  int64_t width = c->mask.width;
  make_ready(c);
  if (!count_all(c) && find_bad(c, bad)) {
    bad->y += bad->x / width;
    bad->x %= width;
    return false;
  }
  size_t cells = c->class_count + 1;
  for (size_t i = 0; i < cells; i++)
    c->counts[i] = c->counts[i] * c->least_row + c->counts[cells + i] * ((int64_t)c->least_row + 1);
  return true;
}
