/* dsp/vector/judge.h - the noise filter, for vectors of any size. A chunk of one label needs
 * one limit; one of few labels looks its limits up by shuffling bytes, any other one by one. */
#ifndef FM_DSP_VECTOR_JUDGE_H
#define FM_DSP_VECTOR_JUDGE_H

#include "dsp/vector/labels.h"

/* Limits that a byte shuffle can look up: of spaces whose labels differ in their low five bits
 * or fewer. */
enum { MOST_FOLD = 32 };
static const int32_t LARGEST = 0x7f7fffff; /* bits of the largest finite loss */

/* Bit i: loss i is above limit i. Into `suspect` goes a sign bit if a loss is negative or not
 * finite. */
TARGET static inline uint64_t above_bits(const loss_chunk *losses, const loss_chunk *limits,
                                         ints *suspect) {
  bytes above[LABEL_VECTORS];
  const ints largest = same_ints(LARGEST);
  FM__UNROLL
  for (int b = 0; b < LABEL_VECTORS; b++) {
    ints mask[4];
    FM__UNROLL
    for (int v = 0; v < 4; v++) {
      ints loss = losses->v[4 * b + v];
      mask[v] = loss > limits->v[4 * b + v];
      *suspect |= loss | (ints)(loss > largest);
    }
    above[b] = pack(mask);
  }
  return bits_of(above);
}

/* Is one of the losses that do count bad? -0 is not. */
static bool any_bad(const loss_chunk *losses, const loss_chunk *limits) {
  int32_t loss[CHUNK], limit[CHUNK];
  memcpy(loss, losses->v, sizeof loss);
  memcpy(limit, limits->v, sizeof limit);
  for (int i = 0; i < CHUNK; i++) {
    bool bad = loss[i] > LARGEST || (loss[i] < 0 && loss[i] != INT32_MIN);
    if (bad && limit[i] != FM__LIMIT_IGNORED) return true;
  }
  return false;
}

/* Limits by shuffling. False: a label outside the space. */
TARGET static inline bool shuffle_limits(const fm__limits *table, const label_chunk *chunk,
                                         loss_chunk *limits) {
  bytes foreign = {0};
  FM__UNROLL
  for (int b = 0; b < LABEL_VECTORS; b++) {
    bytes index = mix(chunk->v[b]), planes[4];
    foreign |= look_up(table->owner, index) ^ index;
    FM__UNROLL
    for (int p = 0; p < 4; p++) planes[p] = look_up(table->folded[p], index);
    spread(planes, &limits->v[4 * b]);
  }
  longs any = (longs)foreign;
  uint64_t all = 0;
  FM__UNROLL
  for (int i = 0; i < VECTOR / 8; i++) all |= any[i];
  return !all;
}

/* Limits one by one. False: a label outside the space. */
TARGET static inline bool gather_limits(const fm__limits *table, const label_chunk *chunk,
                                        loss_chunk *limits) {
  uint8_t labels[CHUNK];
  int32_t found[CHUNK], all = 0;
  memcpy(labels, chunk->v, CHUNK);
  for (int i = 0; i < CHUNK; i++) {
    found[i] = table->limits[labels[i]];
    all |= found[i]; /* FM__LIMIT_INVALID is negative, all else not */
  }
  memcpy(limits->v, found, sizeof found);
  return all >= 0;
}

TARGET static inline bool find_limits(const fm__limits *table, const label_chunk *chunk,
                                      uint8_t first, loss_chunk *limits) {
  if (!~equal_bits(chunk, first)) {
    int32_t limit = table->limits[first];
    FM__UNROLL
    for (int v = 0; v < LOSS_VECTORS; v++) limits->v[v] = same_ints(limit);
    return limit >= 0;
  }
  return table->fold && table->fold <= MOST_FOLD ? shuffle_limits(table, chunk, limits)
                                                 : gather_limits(table, chunk, limits);
}

TARGET bool LEVEL(judge)(const fm__limits *table, const uint8_t *labels, const float *losses,
                         size_t n, uint64_t *drop) {
  for (size_t i = 0; i < n; i += CHUNK) {
    label_chunk chunk;
    loss_chunk bits, limits;
    ints suspect = {0};
    fetch(labels + i, losses + i);
    load_labels(labels + i, n - i, &chunk);
    load_losses(losses + i, n - i, &bits);
    if (!find_limits(table, &chunk, labels[i], &limits)) return false;
    drop[i / CHUNK] = above_bits(&bits, &limits, &suspect);
    if (any_sign(suspect) && any_bad(&bits, &limits)) return false;
  }
  return true;
}

#endif
