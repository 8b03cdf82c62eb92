/* dsp/judge.c - judges all pixels and then writes, since an output must stay untouched even if the
 * last pixel turns out to be bad. What the first walk finds is kept as a bit per pixel. */
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

/* The smallest power of two, from 16 to 64, modulo which all labels of the space differ; 0: none.
 */
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

/* Any dtype, label space and number of strata, pixel by pixel. Returns the first bad pixel or n. */
static size_t judge_pixels(const fm__judge *j, fm__yx at, size_t n, uint64_t *bits,
                           int64_t *counts) {
  int32_t cells[FM__PIECE];
  float losses[FM__PIECE];
  for (size_t done = 0, now; done < n; done += now, at.x += (int64_t)now) {
    now = n - done < FM__PIECE ? n - done : FM__PIECE;
    fm__image_cells(&j->image, at, now, cells);
    fm__tile_losses(&j->image.loss, at.y, at.x, now, losses);
    size_t good = fm__mark_noisy(cells, losses, j->thresholds, bits + done / 64, counts, now);
    if (good < now) return done + good;
  }
  return n;
}

/* Byte kernels judge a pixel by its label and its loss alone. */
static bool judges_bytes(const fm__judge *j) {
  return j->dsp->judge && j->image.cells_per_class == 1;
}

/* Adds what was counted by label bytes to the counts of classes, and empties the tally. */
static void drain(const fm__judge *j) {
  fm__tally *tally = j->tally;
  for (unsigned label = 0; label < FM__BYTES; label++) {
    int32_t k = j->image.lookup.classes[label];
    if (k < 0) continue;
    for (unsigned part = 0; part < 4; part++) {
      uint64_t counted = tally->parts[part][label];
      j->counts[2 * k] += (int64_t)(counted & UINT32_MAX);
      j->counts[2 * k + 1] += (int64_t)(counted >> 32);
    }
  }
  memset(tally, 0, sizeof *tally);
}

/* Judges a tile by byte kernels, if it can; counts into the tally unless that is NULL. */
static bool judge_bytes(const fm__judge *j, fm__yx at, size_t n, uint64_t *bits, fm__tally *tally) {
  uint8_t labels_made[FM__TILE];
  float losses_made[FM__TILE];
  if (!judges_bytes(j)) return false;
  const uint8_t *labels = fm__tile_label_bytes(j->dsp, &j->image.mask, at, n, labels_made);
  if (!labels) return false;
  const float *losses = fm__tile_loss_floats(j->dsp, &j->image.loss, at, n, losses_made);
  if (!j->dsp->judge(&j->limits, labels, losses, n, bits)) {
    fm__tile_losses(&j->image.loss, at.y, at.x, n, losses_made);
    if (!j->dsp->judge(&j->limits, labels, losses_made, n, bits)) return false;
  }
  if (tally) j->dsp->count(labels, bits, n, tally);
  return true;
}

/* ---- First walk ----------------------------------------------------------------- */

void fm__judge_start(fm__judge *j) {
  j->width = j->image.mask.width;
  fm_plane *planes[] = {&j->image.mask, &j->image.loss, &j->verdicts.out, &j->image.strata};
  fm__flatten(planes, j->image.strata.data ? 4 : 3);
  j->row_words = words_of((size_t)j->image.mask.width);
  j->ignored_count = 0;
  for (unsigned label = 0; label < FM__BYTES; label++)
    if (j->image.lookup.classes[label] == FM__CLASS_IGNORE)
      j->ignored[j->ignored_count++] = (uint8_t)label;
  fm__judge_change(j, j->thresholds);
}

void fm__judge_change(fm__judge *j, const float *thresholds) {
  j->thresholds = thresholds;
  j->bits_are_current = false;
  if (judges_bytes(j)) make_limits(&j->limits, &j->image.lookup, thresholds);
}

/* Where the bits of a tile are kept, or `spare`. */
static uint64_t *bits_of(const fm__judge *j, fm__yx at, uint64_t *spare) {
  return j->bits ? j->bits + (size_t)at.y * j->row_words + (size_t)at.x / 64 : spare;
}

bool fm__judge_count(fm__judge *j, fm__yx *bad) {
  uint64_t spare[FM__TILE_WORDS];
  int64_t since_drain = 0;
  for (fm__yx at = {0, 0}; at.y < j->image.mask.height; at.y++)
    for (at.x = 0; at.x < j->image.mask.width; at.x += FM__TILE) {
      size_t n = fm__tile_length(&j->image.mask, at.x);
      uint64_t *bits = bits_of(j, at, spare);
      if (!judge_bytes(j, at, n, bits, j->counts ? j->tally : NULL)) {
        size_t good = judge_pixels(j, at, n, bits, j->counts);
        if (good < n) {
          int64_t x = at.x + (int64_t)good;
          *bad = (fm__yx){at.y + x / j->width, x % j->width};
          return false;
        }
      }
      since_drain += (int64_t)n;
      if (since_drain < FM__TALLY_PERIOD || !j->counts) continue;
      drain(j);
      since_drain = 0;
    }
  if (j->counts) drain(j);
  j->bits_are_current = j->bits != NULL;
  return true;
}

/* ---- Second walk ---------------------------------------------------------------- */

/* The kernel for the output's elements, where they lie without gaps; NULL if there is none. The
 * kernels are for 1, 2 and 4 bytes. */
static fm__blend_fn *blend_of(const fm__judge *j) {
  size_t element = fm_dtype_size((fm_dtype)j->verdicts.out.dtype);
  bool packed = element <= 4 && fm__is_packed(&j->verdicts.out);
  return packed ? j->dsp->blend[element / 2] : NULL;
}

/* Pixels with a set bit get `set`; the others get `*clear`, or stay if that is NULL. */
static void fill(const fm__judge *j, fm__yx at, size_t n, const uint64_t *bits, uint64_t set,
                 const uint64_t *clear) {
  const fm_plane *out = &j->verdicts.out;
  char *to = fm__pixel(out, at.y, at.x);
  fm__blend_fn *blend = blend_of(j);
  if (blend) {
    blend(clear ? NULL : to, bits, (uint32_t)set, clear ? (uint32_t)*clear : 0, n, to);
    return;
  }
  size_t element = fm_dtype_size((fm_dtype)out->dtype);
  for (size_t i = 0; clear && i < n; i++)
    fm__store_number(to + (int64_t)i * out->col_stride, element, *clear);
  for (size_t i = 0; i < n; i += 64)
    for (uint64_t left = bits[i / 64]; left; left &= left - 1) {
      int64_t x = (int64_t)i + __builtin_ctzll(left);
      fm__store_number(to + x * out->col_stride, element, set);
    }
}

static bool is_in_place(const fm__judge *j) {
  return !j->verdicts.weights && j->verdicts.out.data == j->image.mask.data;
}

static void write_labels(const fm__judge *j, fm__yx at, size_t n, const uint64_t *bits) {
  const fm_plane *mask = &j->image.mask, *out = &j->verdicts.out;
  bool same_size = fm_dtype_size((fm_dtype)mask->dtype) == fm_dtype_size((fm_dtype)out->dtype);
  fm__blend_fn *blend = blend_of(j);
  if (blend && same_size && fm__is_packed(mask)) {
    blend(fm__pixel(mask, at.y, at.x), bits, (uint32_t)j->verdicts.dropped, 0, n,
          fm__pixel(out, at.y, at.x));
    return;
  }
  if (!is_in_place(j)) {
    int64_t labels[FM__PIECE];
    for (size_t done = 0, now; done < n; done += now) {
      int64_t x = at.x + (int64_t)done;
      now = n - done < FM__PIECE ? n - done : FM__PIECE;
      fm__tile_labels(mask, at.y, x, now, labels);
      fm__tile_store(out, at.y, x, now, labels);
    }
  }
  fill(j, at, n, bits, j->verdicts.dropped, NULL);
}

/* Sets the bits of ignored pixels. */
static void mark_ignored(const fm__judge *j, fm__yx at, size_t n, uint64_t *bits) {
  const fm__image *image = &j->image;
  uint8_t made[FM__TILE];
  const uint8_t *labels =
      j->dsp->mark ? fm__tile_label_bytes(j->dsp, &image->mask, at, n, made) : NULL;
  if (labels) {
    for (unsigned i = 0; i < j->ignored_count; i++) j->dsp->mark(labels, j->ignored[i], n, bits);
    return;
  }
  int32_t classes[FM__TILE];
  fm__tile_classes(&image->mask, &image->lookup, at.y, at.x, n, classes);
  for (size_t i = 0; i < n; i++) bits[i / 64] |= (uint64_t)(classes[i] < 0) << (i % 64);
}

/* `bits` are the dropped pixels; they may be changed. */
static void write_weights(const fm__judge *j, fm__yx at, size_t n, uint64_t *bits) {
  const fm__verdicts *v = &j->verdicts;
  uint64_t ignored[FM__TILE_WORDS];
  bool apart = v->dropped != v->ignored;
  if (!apart) mark_ignored(j, at, n, bits);
  fill(j, at, n, bits, v->dropped, &v->kept);
  if (!apart) return;
  memset(ignored, 0, sizeof ignored);
  mark_ignored(j, at, n, ignored);
  fill(j, at, n, ignored, v->ignored, NULL);
}

/* The dropped pixels of a tile: judged again, unless their bits were kept. The tile is good. */
static uint64_t *judge_again(const fm__judge *j, fm__yx at, size_t n, uint64_t *spare) {
  if (j->bits_are_current) return bits_of(j, at, spare);
  if (!judge_bytes(j, at, n, spare, NULL)) (void)judge_pixels(j, at, n, spare, NULL);
  return spare;
}

static bool any_set(const uint64_t *bits, size_t n) {
  uint64_t any = 0;
  for (size_t w = 0; w < words_of(n); w++) any |= bits[w];
  return any;
}

void fm__judge_write(fm__judge *j) {
  const fm_plane *mask = &j->image.mask;
  uint64_t spare[FM__TILE_WORDS] = {0};
  for (fm__yx at = {0, 0}; at.y < mask->height; at.y++)
    for (at.x = 0; at.x < mask->width; at.x += FM__TILE) {
      size_t n = fm__tile_length(mask, at.x);
      uint64_t *bits = judge_again(j, at, n, spare);
      if (j->verdicts.weights)
        write_weights(j, at, n, bits);
      else if (!is_in_place(j) || any_set(bits, n))
        write_labels(j, at, n, bits);
    }
}
