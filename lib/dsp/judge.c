/* dsp/judge.c - judges all pixels, then writes: an output has to stay as it is when the
 * last pixel turns out to be bad. What the first walk found is kept as a bit per pixel. */
#include "dsp/judge.h"

#include <string.h>

#include "dsp/reference.h"

/* 256 MiB of bits: 2^31 pixels. Larger images are judged twice. */
enum { MOST_WORDS = 1 << 25 };

static size_t words_of(size_t pixels) { return (pixels + 63) / 64; }

size_t fm__judge_words(const fm_plane *mask) {
  uint64_t words = (uint64_t)mask->height * words_of((size_t)mask->width);
  return words <= MOST_WORDS ? (size_t)words : 0;
}

/* ---- Limits --------------------------------------------------------------------- */

static int32_t limit_of(int32_t class_index, const float *thresholds) {
  if (class_index == FM__CLASS_IGNORE) return FM__LIMIT_IGNORED;
  if (class_index < 0) return FM__LIMIT_INVALID;
  int32_t bits;
  float threshold = thresholds[class_index];
  memcpy(&bits, &threshold, sizeof bits);
  return bits < 0 ? 0 : bits; /* -0 */
}

/* The least number of low bits, at least four, by which all labels of the space differ. */
static unsigned find_fold(const int32_t *limits) {
  for (unsigned fold = 16; fold <= 64; fold *= 2) {
    bool taken[64] = {false}, clash = false;
    for (unsigned label = 0; label < FM__BYTES && !clash; label++) {
      if (limits[label] == FM__LIMIT_INVALID) continue;
      clash = taken[label % fold];
      taken[label % fold] = true;
    }
    if (!clash) return fold;
  }
  return 0;
}

static void make_folded(fm__limits *limits) {
  limits->fold = find_fold(limits->limits);
  if (!limits->fold) return;
  memset(limits->folded, 0, sizeof limits->folded);
  for (unsigned i = 0; i < 64; i++) limits->owner[i] = (uint8_t)(i ^ 1);
  for (unsigned label = 0; label < FM__BYTES; label++) {
    if (limits->limits[label] == FM__LIMIT_INVALID) continue;
    for (unsigned i = label % limits->fold; i < 64; i += limits->fold) {
      limits->owner[i] = (uint8_t)label;
      for (unsigned byte = 0; byte < 4; byte++)
        limits->folded[byte][i] = limits->planes[byte][label];
    }
  }
}

static void make_limits(fm__limits *limits, const fm__lookup *lookup, const float *thresholds) {
  for (unsigned label = 0; label < FM__BYTES; label++) {
    int32_t limit = limit_of(lookup->classes[label], thresholds);
    limits->limits[label] = limit;
    for (unsigned byte = 0; byte < 4; byte++)
      limits->planes[byte][label] = (uint8_t)((uint32_t)limit >> (8 * byte));
  }
  make_folded(limits);
}

/* ---- A tile --------------------------------------------------------------------- */

/* Any dtype and label space, pixel by pixel. Answers the first bad pixel or n. */
static size_t judge_pixels(const fm__judge *j, fm__yx at, size_t n, uint64_t *bits,
                           int64_t *counts) {
  int32_t classes[FM__TILE];
  float losses[FM__TILE];
  uint8_t drop[FM__TILE];
  fm__tile_classes(&j->mask, &j->lookup, at.y, at.x, n, classes);
  fm__tile_losses(&j->loss, at.y, at.x, n, losses);
  size_t good = fm__mark_noisy(classes, losses, j->thresholds, drop, counts, n);
  memset(bits, 0, words_of(n) * sizeof *bits);
  for (size_t i = 0; i < good; i++) bits[i / 64] |= (uint64_t)drop[i] << (i % 64);
  return good;
}

/* What becomes of labels counted as bytes. */
static void drain(const fm__judge *j, fm__tally *tally) {
  for (unsigned label = 0; label < FM__BYTES; label++) {
    int32_t k = j->lookup.classes[label];
    if (k < 0) continue;
    for (unsigned part = 0; part < 4; part++) {
      uint64_t counted = tally->parts[part][label];
      j->counts[2 * k] += (int64_t)(counted & UINT32_MAX);
      j->counts[2 * k + 1] += (int64_t)(counted >> 32);
    }
  }
  memset(tally, 0, sizeof *tally);
}

/* Judges a tile as bytes, if that can be; counts into the tally unless that is NULL. */
static bool judge_bytes(const fm__judge *j, fm__yx at, size_t n, uint64_t *bits, fm__tally *tally) {
  uint8_t labels_made[FM__TILE];
  float losses_made[FM__TILE];
  if (!j->dsp->judge) return false;
  const uint8_t *labels = fm__tile_label_bytes(j->dsp, &j->mask, at, n, labels_made);
  if (!labels) return false;
  const float *losses = fm__tile_loss_floats(j->dsp, &j->loss, at, n, losses_made);
  if (!j->dsp->judge(&j->limits, labels, losses, n, bits)) return false;
  if (tally) j->dsp->count(labels, bits, n, tally);
  return true;
}

/* ---- First walk ----------------------------------------------------------------- */

void fm__judge_start(fm__judge *j) {
  j->width = j->mask.width;
  fm_plane *planes[] = {&j->mask, &j->loss, &j->out};
  fm__flatten(planes, 3);
  j->row_words = words_of((size_t)j->mask.width);
  fm__judge_change(j, j->thresholds);
}

void fm__judge_change(fm__judge *j, const float *thresholds) {
  j->thresholds = thresholds;
  j->bits_are_current = false;
  if (j->dsp->judge) make_limits(&j->limits, &j->lookup, thresholds);
}

/* Where the bits of a tile are kept, or `spare`. */
static uint64_t *bits_of(const fm__judge *j, fm__yx at, uint64_t *spare) {
  return j->bits ? j->bits + (size_t)at.y * j->row_words + (size_t)at.x / 64 : spare;
}

bool fm__judge_count(fm__judge *j, fm__yx *bad) {
  fm__tally tally;
  uint64_t spare[FM__TILE_WORDS];
  int64_t since_drain = 0;
  memset(&tally, 0, sizeof tally);
  for (fm__yx at = {0, 0}; at.y < j->mask.height; at.y++)
    for (at.x = 0; at.x < j->mask.width; at.x += FM__TILE) {
      size_t n = fm__tile_length(&j->mask, at.x);
      uint64_t *bits = bits_of(j, at, spare);
      if (!judge_bytes(j, at, n, bits, j->counts ? &tally : NULL)) {
        size_t good = judge_pixels(j, at, n, bits, j->counts);
        if (good < n) {
          int64_t x = at.x + (int64_t)good;
          *bad = (fm__yx){at.y + x / j->width, x % j->width};
          return false;
        }
      }
      since_drain += (int64_t)n;
      if (since_drain < FM__TALLY_PERIOD || !j->counts) continue;
      drain(j, &tally);
      since_drain = 0;
    }
  if (j->counts) drain(j, &tally);
  j->bits_are_current = j->bits != NULL;
  return true;
}

/* ---- Second walk ---------------------------------------------------------------- */

/* Sets the bits of ignored pixels, too: their weight is 0. */
static void mark_ignored(const fm__judge *j, fm__yx at, size_t n, uint64_t *bits) {
  uint8_t made[FM__TILE];
  const uint8_t *labels = j->dsp->mark ? fm__tile_label_bytes(j->dsp, &j->mask, at, n, made) : NULL;
  if (labels) {
    for (unsigned label = 0; label < FM__BYTES; label++)
      if (j->lookup.classes[label] == FM__CLASS_IGNORE)
        j->dsp->mark(labels, (uint8_t)label, n, bits);
    return;
  }
  int32_t classes[FM__TILE];
  fm__tile_classes(&j->mask, &j->lookup, at.y, at.x, n, classes);
  for (size_t i = 0; i < n; i++) bits[i / 64] |= (uint64_t)(classes[i] < 0) << (i % 64);
}

/* 1.0 as an element of a weight dtype. */
static uint32_t one_of(int32_t dtype) {
  return dtype == FM_F32 ? UINT32_C(0x3f800000) : dtype == FM_F16 ? UINT32_C(0x3c00) : 1;
}

/* Any element size and stride: a dropped pixel gets `set`, another its label or `clear`. */
static void write_pixels(const fm__judge *j, fm__yx at, size_t n, const uint64_t *bits, int64_t set,
                         int64_t clear) {
  size_t element = fm_dtype_size((fm_dtype)j->out.dtype);
  const char *from = fm__pixel(&j->mask, at.y, at.x);
  char *to = fm__pixel(&j->out, at.y, at.x);
  for (size_t i = 0; i < n; i++, from += j->mask.col_stride, to += j->out.col_stride) {
    bool dropped = bits[i / 64] >> (i % 64) & 1;
    if (dropped || j->weights)
      fm__store_label(to, element, dropped ? set : clear);
    else if (to != from)
      memcpy(to, from, element);
  }
}

/* The same where elements lie without gaps, if there is a kernel for their size. */
static bool write_packed(const fm__judge *j, fm__yx at, size_t n, const uint64_t *bits, int64_t set,
                         int64_t clear) {
  size_t element = fm_dtype_size((fm_dtype)j->out.dtype);
  if (element > 4 || !fm__is_packed(&j->out) || (!j->weights && !fm__is_packed(&j->mask)))
    return false;
  size_t kernel = element / 2; /* 1, 2, 4 bytes: 0, 1, 2 */
  if (!j->dsp->blend[kernel]) return false;
  const void *from = j->weights ? NULL : fm__pixel(&j->mask, at.y, at.x);
  j->dsp->blend[kernel](from, bits, (uint32_t)set, (uint32_t)clear, n,
                        fm__pixel(&j->out, at.y, at.x));
  return true;
}

/* Judges a tile again, unless its bits are there. It was found good. */
static uint64_t *judge_again(const fm__judge *j, fm__yx at, size_t n, uint64_t *spare) {
  if (j->bits_are_current) return bits_of(j, at, spare);
  if (!judge_bytes(j, at, n, spare, NULL)) (void)judge_pixels(j, at, n, spare, NULL);
  return spare;
}

/* In place and nothing to drop. */
static bool is_done(const fm__judge *j, size_t n, const uint64_t *bits) {
  uint64_t any = 0;
  if (j->weights || j->out.data != j->mask.data || j->out.col_stride != j->mask.col_stride ||
      j->out.row_stride != j->mask.row_stride)
    return false;
  for (size_t w = 0; w < words_of(n); w++) any |= bits[w];
  return !any;
}

void fm__judge_write(fm__judge *j) {
  int64_t set = j->weights ? 0 : j->ignore_label;
  int64_t clear = j->weights ? one_of(j->out.dtype) : 0;
  uint64_t spare[FM__TILE_WORDS] = {0};
  for (fm__yx at = {0, 0}; at.y < j->mask.height; at.y++)
    for (at.x = 0; at.x < j->mask.width; at.x += FM__TILE) {
      size_t n = fm__tile_length(&j->mask, at.x);
      uint64_t *bits = judge_again(j, at, n, spare);
      if (is_done(j, n, bits)) continue;
      if (j->weights) mark_ignored(j, at, n, bits);
      if (!write_packed(j, at, n, bits, set, clear)) write_pixels(j, at, n, bits, set, clear);
    }
}
