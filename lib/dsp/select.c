/* dsp/select.c - radix selection. Losses that are not negative order like their bits, so four
 * counting passes over the image find an order statistic, 8 bits each, without a sort and without a
 * copy of the losses. One pass serves many cells. */
#include "dsp/select.h"

#include <string.h>

enum { DIGITS = 256, DIGIT_BITS = 8, HIGHEST_SHIFT = 24 };

/* A cell, while it is looked for. */
typedef struct search {
  int64_t left;  /* which of the losses that begin like `bits`; 0: nothing is looked for */
  int64_t below; /* losses that are smaller than all of these */
  uint32_t bits; /* the digits found so far */
} search;

typedef struct group {
  const fm__image *image;
  int32_t first, count;
  int64_t (*histograms)[DIGITS]; /* [count]: losses by their next digit */
  search *cells;                 /* [count] */
} group;

enum { SEARCH_WORDS = (sizeof(search) + sizeof(int64_t) - 1) / sizeof(int64_t) };

size_t fm__select_words(size_t count) { return count * (DIGITS + SEARCH_WORDS); }

static void count_tile(group *g, const int32_t *cells, const float *losses, size_t n, int shift) {
  for (size_t i = 0; i < n; i++) {
    int64_t at = (int64_t)cells[i] - g->first;
    if (cells[i] < 0 || at < 0 || at >= g->count || !g->cells[at].left) continue;
    uint32_t bits = fm__loss_order(losses[i]);
    if ((uint64_t)bits >> (shift + DIGIT_BITS) == g->cells[at].bits)
      g->histograms[at][bits >> shift & (DIGITS - 1)]++;
  }
}

/* Counts the next digit of all losses that begin like those that are looked for. */
static void count_digits(group *g, int shift) {
  int32_t cells[FM__PIECE];
  float losses[FM__PIECE];
  const fm__image *image = g->image;
  memset(g->histograms, 0, (size_t)g->count * sizeof *g->histograms);
  for (fm__yx at = {0, 0}; at.y < image->mask.height; at.y++)
    for (at.x = 0; at.x < image->mask.width; at.x += FM__PIECE) {
      size_t n = fm__piece_length(&image->mask, at.x);
      fm__image_cells(image, at, n, cells);
      fm__tile_losses(&image->loss, at.y, at.x, n, losses);
      count_tile(g, cells, losses, n, shift);
    }
}

/* Takes the digit at which the count reaches the wanted loss. Returns how many losses have it. */
static int64_t take_digit(search *s, const int64_t *histogram) {
  uint32_t digit = 0;
  for (; histogram[digit] < s->left; digit++) {
    s->left -= histogram[digit];
    s->below += histogram[digit];
  }
  s->bits = s->bits << DIGIT_BITS | digit;
  return histogram[digit];
}

void fm__select(const fm__image *image, int32_t first, size_t count, fm__selected *found,
                int64_t *memory) {
  group g = {.image = image, .first = first, .count = (int32_t)count};
  g.histograms = (int64_t(*)[DIGITS])(void *)memory;
  g.cells = (search *)(void *)(memory + count * DIGITS);
  for (size_t i = 0; i < count; i++) g.cells[i] = (search){.left = found[i].wanted};
  for (int shift = HIGHEST_SHIFT; shift >= 0; shift -= DIGIT_BITS) {
    count_digits(&g, shift);
    for (size_t i = 0; i < count; i++)
      if (g.cells[i].left)
        found[i].not_above = take_digit(&g.cells[i], g.histograms[i]) + g.cells[i].below;
  }
  for (size_t i = 0; i < count; i++)
    if (found[i].wanted) found[i].loss = fm__float_of_bits(g.cells[i].bits);
}
