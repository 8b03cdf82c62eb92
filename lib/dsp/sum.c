/* dsp/sum.c - exact sums of an image's losses: by byte kernels where they can, else pixel by
 * pixel. Which of them took a pixel does not show in the sums. */
#include "dsp/sum.h"

#include <string.h>

#include "dsp/bins.h"
#include "dsp/lanes.h"
#include "dsp/reference.h"

/* ---- Pixel by pixel ------------------------------------------------------------- */

/* Returns the first bad pixel or n. */
static size_t sum_pixels(const fm__sum *s, fm__yx at, size_t n) {
  int32_t classes[FM__PIECE];
  float losses[FM__PIECE];
  uint8_t strata[FM__PIECE];
  for (size_t done = 0, now; done < n; done += now, at.x += (int64_t)now) {
    now = n - done < FM__PIECE ? n - done : FM__PIECE;
    fm__tile_classes(&s->mask, &s->lookup, at.y, at.x, now, classes);
    fm__tile_losses(&s->loss, at.y, at.x, now, losses);
    if (s->stratified) fm__tile_bytes(&s->strata, at.y, at.x, now, strata);
    size_t good = fm__add_losses(&s->cells, classes, losses, s->stratified ? strata : NULL, now);
    if (good < now) return done + good;
  }
  return n;
}

/* The whole image from its start, until a bad pixel. */
static bool sum_all_pixels(const fm__sum *s, fm__yx *bad) {
  int64_t since_carry = 0;
  for (fm__yx at = {0, 0}; at.y < s->mask.height; at.y++)
    for (at.x = 0; at.x < s->mask.width; at.x += FM__TILE) {
      size_t n = fm__tile_length(&s->mask, at.x);
      size_t good = sum_pixels(s, at, n);
      if (good < n) {
        *bad = (fm__yx){at.y, at.x + (int64_t)good};
        return false;
      }
      since_carry += (int64_t)n;
      if (since_carry < FM__CARRY_PERIOD - FM__TILE) continue;
      s->carry(s->user);
      since_carry = 0;
    }
  return true;
}

/* ---- As bytes ------------------------------------------------------------------- */

/* Lanes to cells. False: there are pixels of a label outside the space. */
static bool drain(const fm__sum *s) {
  fm__lanes *lanes = s->lanes;
  for (unsigned label = 0; label < FM__BYTES; label++) {
    if (!lanes->count[label]) continue;
    int32_t k = s->lookup.classes[label];
    if (k == FM__CLASS_INVALID) return false;
    int64_t nowhere[FM__CELL_WORDS] = {0};
    size_t cell = k < 0 ? 0 : (size_t)k * s->cells.strata * s->cells.cell_words;
    fm__lanes_drain(lanes, label, k < 0 ? nowhere : s->cells.words + cell);
  }
  return true;
}

/* Bins of pixels that lanes took: their losses are good, and their labels are judged when
 * lanes are drained. */
static void add_bins(const fm__sum *s, const uint8_t *labels, const float *losses, size_t n) {
  const fm__cells *cells = &s->cells;
  for (size_t i = 0; i < n; i++) {
    int32_t k = s->lookup.classes[labels[i]];
    if (k < 0) continue;
    uint32_t bits;
    memcpy(&bits, &losses[i], sizeof bits);
    int64_t *cell = cells->words + (size_t)k * cells->strata * cells->cell_words;
    cell[FM__CELL_WORDS + fm__bin_of(bits & INT32_MAX, cells->bin_shift)]++; /* -0 is 0 */
  }
}

/* A tile into the lanes, chunks out of their window into the cells. False: a bad pixel. */
static bool sum_tile(const fm__sum *s, fm__yx at, size_t n) {
  uint8_t labels_made[FM__TILE];
  float losses_made[FM__TILE];
  const uint8_t *labels = fm__tile_label_bytes(s->dsp, &s->mask, at, n, labels_made);
  if (!labels) return sum_pixels(s, at, n) == n;
  const float *losses = fm__tile_loss_floats(s->dsp, &s->loss, at, n, losses_made);
  for (size_t done = 0; done < n;) {
    size_t taken = s->dsp->sum(s->lanes, labels + done, losses + done, n - done);
    if (s->cells.bin_shift >= 0) add_bins(s, labels + done, losses + done, taken);
    done += taken;
    if (done == n) break;
    size_t chunk = n - done < FM__CHUNK_PIXELS ? n - done : FM__CHUNK_PIXELS;
    fm__yx there = {at.y, at.x + (int64_t)done};
    if (sum_pixels(s, there, chunk) < chunk) return false;
    done += chunk;
  }
  return true;
}

static bool sum_all_bytes(const fm__sum *s) {
  int64_t since_carry = 0;
  for (fm__yx at = {0, 0}; at.y < s->mask.height; at.y++)
    for (at.x = 0; at.x < s->mask.width; at.x += FM__TILE) {
      size_t n = fm__tile_length(&s->mask, at.x);
      if (!sum_tile(s, at, n)) return false;
      since_carry += (int64_t)n;
      if (since_carry <= FM__CARRY_PERIOD - FM__TILE) continue;
      if (!drain(s)) return false;
      s->carry(s->user);
      since_carry = 0;
    }
  return drain(s);
}

bool fm__sum_image(fm__sum *s, fm__yx *bad) {
  int64_t width = s->mask.width;
  fm_plane *planes[] = {&s->mask, &s->loss, &s->strata};
  fm__flatten(planes, s->stratified ? 3 : 2);
  if (s->lanes && !s->stratified) {
    if (sum_all_bytes(s)) return true;
    fm__lanes_clear(s->lanes);
  }
  if (sum_all_pixels(s, bad)) return true;
  bad->y += bad->x / width;
  bad->x %= width;
  return false;
}
