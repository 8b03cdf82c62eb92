/* cuda/sum.h - kernels of the exact statistics.
 *
 * A loss from 2^-26 to 2^6 nats is a whole number of 2^-49 below 2^55. A thread adds up those of one cell
 * that it meets in a row, a block the three parts of the sums, 19 bits and what is left, in counters of 32
 * bits. Other losses go to the digits of the image's words at once. All of it is addition of whole
 * numbers, whose order does not matter. */
#ifndef FM_CUDA_SUM_H
#define FM_CUDA_SUM_H

#include "cuda/plain.h"
#include "dsp/bins.h"

enum {
  CU_UNIT = 100, /* of a sum's parts, as the place of a bit in its digits: 2^(100 - 149) */
  CU_LEAST_EXPONENT = 101, /* of a float of 2^-26 */
  CU_EXPONENTS = 32,
  CU_PART_BITS = 19
};

typedef struct cu_total {
  int32_t cell;
  uint32_t pixels;
  uint64_t sum;
  uint32_t bin,
      bin_pixels; /* of the histogram: the last bin, and its pixels that are not counted yet */
} cu_total;

FM__CU_FN int64_t *cu_pending(cu_job job, int32_t image, int64_t cell) {
  int64_t cells = (int64_t)job->class_count * job->strata_count;
  return job->pending + (image * cells + cell) * job->cell_words;
}

/* Adds `number` times 2^(place - 149) to a cell's digits. */
FM__CU_FN void cu_add_digits(int64_t *cell, int place, uint32_t number) {
  uint64_t shifted = (uint64_t)number << (place % 32);
  int64_t *digit = cell + 1 + place / 32;
  if ((uint32_t)shifted) cu_add64(digit, (uint32_t)shifted);
  if (shifted >> 32) cu_add64(digit + 1, (int64_t)(shifted >> 32));
}

FM__CU_FN uint32_t cu_part(uint64_t sum, int part) {
  uint64_t rest = sum >> (part * CU_PART_BITS);
  return (uint32_t)(part + 1 < FM__CU_SUM_PARTS ? rest & ((1U << CU_PART_BITS) - 1) : rest);
}

/* What goes to memory at once is apart: a run's pixels are as many copies of what is left of this, which have to fit
 * the cache of instructions. */
FM__CU_APART void cu_bin_count(cu_job job, int32_t image, int32_t cell, uint32_t bin,
                               uint32_t pixels) {
  cu_add64(cu_pending(job, image, cell) + FM__CELL_WORDS + bin, pixels);
}

FM__CU_FN void cu_bin_flush(cu_job job, int32_t image, const cu_total *total) {
  if (total->bin_pixels) cu_bin_count(job, image, total->cell, total->bin, total->bin_pixels);
}

/* Neighbours of one bin are counted together. */
FM__CU_FN void cu_bin_add(cu_job job, int32_t image, cu_total *total, uint32_t bin) {
  if (bin != total->bin) {
    cu_bin_flush(job, image, total);
    total->bin = bin;
    total->bin_pixels = 0;
  }
  total->bin_pixels++;
}

FM__CU_APART void cu_add_total(cu_job job, int32_t image, int32_t cell, uint32_t pixels,
                               uint64_t sum) {
  int64_t *digits = cu_pending(job, image, cell);
  cu_add64(digits, pixels);
  for (int i = 0; i < FM__CU_SUM_PARTS; i++)
    cu_add_digits(digits, CU_UNIT + i * CU_PART_BITS, cu_part(sum, i));
}

/* A loss that is no whole number of units, or too many. */
FM__CU_APART void cu_add_other(cu_job job, int32_t image, int32_t cell, uint32_t bits) {
  const fm__two_digits two = fm__digits_of(bits);
  int64_t *digits = cu_pending(job, image, cell) + 1 + two.first;
  if (two.low) cu_add64(digits, two.low);
  if (two.high) cu_add64(digits + 1, two.high);
}

FM__CU_FN void cu_total_flush(cu_job job, int32_t image, const cu_total *total, uint32_t *own) {
  if (!total->pixels) return;
  cu_bin_flush(job, image, total);
  if (own) {
    uint32_t *counters = own + FM__CU_SUM_COUNTERS * total->cell;
    cu_add32(counters, total->pixels);
    for (int i = 0; i < FM__CU_SUM_PARTS; i++) {
      uint32_t part = cu_part(total->sum, i);
      if (part) cu_add32(counters + 1 + i, part);
    }
  } else {
    cu_add_total(job, image, total->cell, total->pixels, total->sum);
  }
}

/* Adds one loss, whose bits are those of a good one. */
FM__CU_FN void cu_total_add(cu_job job, int32_t image, cu_total *total, int32_t cell, uint32_t bits,
                            uint32_t *own) {
  if (cell != total->cell) {
    cu_total_flush(job, image, total, own);
    total->cell = cell;
    total->pixels = total->bin_pixels = 0;
    total->sum = 0;
  }
  total->pixels++;
  uint32_t exponent = (bits >> 23) - CU_LEAST_EXPONENT;
  if (exponent < CU_EXPONENTS) {
    total->sum += (uint64_t)((bits & 0x7fffff) | 0x800000) << exponent;
  } else if (bits) {
    cu_add_other(job, image, cell, bits);
  }
  if (job->bin_shift >= 0)
    cu_bin_add(job, image, total, (uint32_t)fm__bin_of(bits, job->bin_shift));
}

/* ---- A block's own counters --------------------------------------------------------------- */

FM__CU_FN int32_t cu_total_counters(cu_job job) {
  return job->own_counters ? FM__CU_SUM_COUNTERS * job->class_count * job->strata_count : 0;
}

FM__CU_FN void cu_total_clear(cu_job job, uint32_t t, uint32_t *own) {
  for (int32_t i = (int32_t)t; i < cu_total_counters(job); i += FM__CU_THREADS) own[i] = 0;
}

FM__CU_FN void cu_total_deliver(cu_job job, int32_t image, uint32_t t, const uint32_t *own) {
  for (int32_t i = (int32_t)t; i < cu_total_counters(job); i += FM__CU_THREADS) {
    if (!own[i]) continue;
    int64_t *cell = cu_pending(job, image, i / FM__CU_SUM_COUNTERS);
    if (i % FM__CU_SUM_COUNTERS == 0)
      cu_add64(cell, own[i]);
    else
      cu_add_digits(cell, CU_UNIT + (i % FM__CU_SUM_COUNTERS - 1) * CU_PART_BITS, own[i]);
  }
}

/* ---- Kernels -------------------------------------------------------------------------------- */

FM__CU_INLINE void cu_sum_piece(cu_job job, int32_t image, const cu_run *run, cu_total *total,
                                uint32_t *own) {
  int64_t labels[FM__CU_PIECE], y = run->y, x = run->x;
  float losses[FM__CU_PIECE];
  cu_run_labels(job, image, run, labels);
  cu_run_losses(job, image, run, losses);
  for (int i = 0; i < FM__CU_PIECE; i++) {
    if (i < run->count) {
      int32_t cell = cu_cell(job, image, y, x, cu_class(job, labels[i]));
      uint32_t bits = fm__loss_bits(losses[i]);
      if (cell >= 0 && bits >= FM__INFINITY_BITS)
        cu_bad(job, image, cu_rank_of(job, CU_LOSS), y, x);
      else if (cell >= 0)
        cu_total_add(job, image, total, cell, bits, own);
      cu_step(job, &y, &x);
    }
  }
}

/* The same of a plain run. */
FM__CU_INLINE void cu_sum_plain(cu_job job, int32_t image, const cu_run *run, const cu_plain *p,
                                const cu_entry *entries, cu_total *total, uint32_t *own) {
  int32_t least = FM__CLASS_IGNORE;
  FM__CU_UNROLLED
  for (int i = 0; i < FM__CU_RUN; i++) {
    const int32_t cell = entries[cu_byte(p->labels.words, i)].cell;
    least = cell < least ? cell : least;
    if (cell >= 0) cu_total_add(job, image, total, cell, cu_plain_bits(p, i), own);
  }
  if (least != FM__CLASS_IGNORE) cu_plain_note(job, image, *run, entries);
}

FM__CU_MAP_KERNEL(sum, total)

FM__CU_INLINE void cu_sum_column(cu_job job, int32_t image, const cu_column_place *p,
                                 const cu_column_pixels *pixels, cu_total *total, uint32_t *own) {
  for (int j = 0; j < FM__CU_ROWS; j++)
    if (j < p->rows && pixels->cell[j] >= 0)
      cu_total_add(job, image, total, pixels->cell[j], fm__loss_bits(pixels->loss[j]), own);
}

FM__CU_OUTPUT_KERNEL(sum_output, sum, total)

/* Words of a cell that each thread adds up of its images, and how many of these are good. */
typedef struct cu_end_own {
  int64_t words[FM__CU_THREADS][FM__CELL_WORDS], good[FM__CU_THREADS];
} cu_end_own;

/* Digits are carried before they are added: those of all images then fit. */
FM__CU_FN void cu_end_part(cu_job job, int64_t cell, uint32_t t, cu_end_own *own) {
  int64_t sum[FM__CELL_WORDS], one[FM__CELL_WORDS];
  for (int i = 0; i < FM__CELL_WORDS; i++) sum[i] = 0;
  own->good[t] = 0;
  for (int32_t image = (int32_t)t; image < job->images; image += FM__CU_THREADS) {
    if (!cu_is_good(job, image)) continue;
    const int64_t *from = cu_pending(job, image, cell);
    for (int i = 0; i < FM__CELL_WORDS; i++) one[i] = from[i];
    (void)fm__digits_carry(one + 1, FM__SUM_DIGITS);
    for (int i = 0; i < FM__CELL_WORDS; i++) sum[i] += one[i];
    own->good[t]++;
  }
  for (int i = 0; i < FM__CELL_WORDS; i++) own->words[t][i] = sum[i];
}

/* One word of all threads' together, into those of the first. */
FM__CU_FN void cu_end_word(cu_job job, uint32_t i, cu_end_own *own) {
  const int32_t threads = job->images < FM__CU_THREADS ? job->images : FM__CU_THREADS;
  for (int32_t t = 1; t < threads; t++) {
    if (i < FM__CELL_WORDS)
      own->words[0][i] += own->words[t][i];
    else
      own->good[0] += own->good[t];
  }
}

FM__CU_FN void cu_end_bins(cu_job job, int64_t number, uint32_t t, int64_t *cell) {
  for (int64_t i = FM__CELL_WORDS + t; i < job->cell_words; i += FM__CU_THREADS) {
    int64_t sum = 0;
    for (int32_t image = 0; image < job->images; image++)
      if (cu_is_good(job, image)) sum += cu_pending(job, image, number)[i];
    cell[i] += sum;
  }
}

/* A block for each cell: adds the good images' words. */
FM__CU_KERNEL(sum_end) {
  FM__CU_START;
  FM__CU_OWN(cu_end_own, own);
  int64_t *cell = job->words + 1 + FM__CU_BLOCK * job->cell_words;
  FM__CU_EACH_THREAD(t) {
    cu_end_part(job, FM__CU_BLOCK, t, own);
    cu_end_bins(job, FM__CU_BLOCK, t, cell);
  }
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) {
    if (t <= FM__CELL_WORDS) cu_end_word(job, t, own);
  }
  FM__CU_BARRIER();
  FM__CU_EACH_THREAD(t) {
    if (t == 0) {
      for (int i = 0; i < FM__CELL_WORDS; i++) cell[i] += own->words[0][i];
      (void)fm__digits_carry(cell + 1, FM__SUM_DIGITS);
      if (FM__CU_BLOCK == 0) job->words[0] += own->good[0];
    }
  }
}

#endif
