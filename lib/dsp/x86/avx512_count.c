/* dsp/x86/avx512_count.c - counting labels with AVX-512: those that are met most in the same time
 * whether they come in runs or strewn.
 *
 * Sixteen labels have slots. A byte that is 1 for one slot and 16 for another, 0 for all others,
 * comes from a table of sixteen; added up over blocks, it counts two labels in each lane. Where
 * too many pixels have other labels, blocks are counted label by label for a while. */
#include <freemask/view.h>

#include "dsp/x86/x86.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include "dsp/count.h"
#include "dsp/x86/avx512.h"

/* Pixels in a block that earn a label a slot, and are counted by comparing; those of other
 * labels without a slot are counted one by one. */
enum { SLOT_WORTH = 8 };

/* Labels of a block that are compared with, at most: with slots, and without. */
enum { MOST_TRIED = 2, MOST_PEELED = 4 };

/* Calls without slots after one in which a quarter of the pixels had none; each time twice as
 * many as the last time. */
enum { LEAST_PAUSE = 8, MOST_PAUSE = 1024 };

/* Until half of a byte is full. */
enum { MOST_BLOCKS = 15 };

enum { PAIRS = FM__SLOTS / 2 };

/* ---- Labels without a slot -------------------------------------------------------- */

enum { QUEUE_BLOCKS = 32 };

/* Pixels whose label has no slot: all, and those with a set bit. They wait, because to loop over
 * a few in each block is to guess wrong in each. */
typedef struct queue {
  size_t all, set;
  uint8_t all_labels[(QUEUE_BLOCKS + 1) * BLOCK], set_labels[(QUEUE_BLOCKS + 1) * BLOCK];
} queue;

AVX512 static inline uint64_t two_counts(uint64_t pixels, uint64_t bits) {
  return (uint64_t)_mm_popcnt_u64(pixels) | (uint64_t)_mm_popcnt_u64(pixels & bits) << 32;
}

AVX512 static inline void enqueue(queue *q, __m512i block, uint64_t missed, uint64_t bits) {
  _mm512_storeu_si512(q->all_labels + q->all, _mm512_maskz_compress_epi8(missed, block));
  _mm512_storeu_si512(q->set_labels + q->set, _mm512_maskz_compress_epi8(missed & bits, block));
  q->all += (size_t)_mm_popcnt_u64(missed);
  q->set += (size_t)_mm_popcnt_u64(missed & bits);
}

static void count_queue(const queue *q, fm__tally *tally) {
  for (size_t i = 0; i < q->all; i++) tally->parts[i % 4][q->all_labels[i]]++;
  for (size_t i = 0; i < q->set; i++) tally->parts[i % 4][q->set_labels[i]] += UINT64_C(1) << 32;
}

static void give_slot(fm__slots *slots, uint8_t label) {
  if (slots->used == FM__SLOTS) return;
  slots->label[slots->used] = label;
  slots->of[label] = (uint8_t)(0x80 | slots->used++);
}

/* Counts pixels whose label has no slot; a label that has many of them gets one, if one is free. */
AVX512 static inline void count_missed(queue *q, fm__tally *tally, const uint8_t *labels,
                                       __m512i block, uint64_t missed, uint64_t bits) {
  tally->slots.missed += (uint32_t)_mm_popcnt_u64(missed);
  for (int tried = 0; tried < MOST_TRIED && _mm_popcnt_u64(missed) >= SLOT_WORTH; tried++) {
    uint8_t label = labels[_tzcnt_u64(missed)];
    uint64_t same = _mm512_mask_cmpeq_epi8_mask(missed, block, _mm512_set1_epi8((char)label));
    if (_mm_popcnt_u64(same) < SLOT_WORTH) break;
    tally->parts[tried][label] += two_counts(same, bits);
    missed &= ~same;
    give_slot(&tally->slots, label);
  }
  enqueue(q, block, missed, bits);
}

/* Blocks without slots, at most as many as the queue holds. */
AVX512 static void count_peeled(const uint8_t *labels, const uint64_t *bits, size_t n,
                                fm__tally *tally) {
  queue q;
  q.all = q.set = 0;
  for (size_t i = 0; i < n; i += BLOCK) {
    uint64_t left = first_pixels(n - i), set = bits ? bits[i / BLOCK] : 0;
    _mm_prefetch((const char *)labels + i + FETCH_AHEAD, _MM_HINT_T0);
    __m512i block = _mm512_maskz_loadu_epi8(left, labels + i);
    for (int peeled = 0; left && peeled < MOST_PEELED; peeled++) {
      uint8_t label = labels[i + (unsigned)_tzcnt_u64(left)];
      uint64_t same = _mm512_mask_cmpeq_epi8_mask(left, block, _mm512_set1_epi8((char)label));
      tally->parts[peeled % 4][label] += two_counts(same, set);
      left &= ~same;
    }
    if (left) enqueue(&q, block, left, set);
  }
  count_queue(&q, tally);
}

/* ---- Labels with one --------------------------------------------------------------- */

/* The slot of each pixel, 0x80 and more where there is none. */
AVX512 static inline __m512i slots_of(const __m512i map[4], __m512i labels) {
  __m512i low = _mm512_permutex2var_epi8(map[0], labels, map[1]);
  __m512i high = _mm512_permutex2var_epi8(map[2], labels, map[3]);
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(labels), low, high);
}

AVX512 static inline __m512i pair_table(int pair) {
  __m128i table = _mm_set1_epi64x(pair < PAIRS / 2 ? INT64_C(0x1001) << (16 * pair % 64) : 0);
  __m128i other = _mm_set1_epi64x(pair < PAIRS / 2 ? 0 : INT64_C(0x1001) << (16 * pair % 64));
  return _mm512_broadcast_i32x4(_mm_unpacklo_epi64(table, other));
}

/* ---- Halves of bytes -------------------------------------------------------------- */

AVX512 static inline void add_numbers(uint64_t *numbers, __m512i bytes) {
  __m512i sums = _mm512_sad_epu8(bytes, _mm512_setzero_si512());
  _mm512_store_si512(numbers, _mm512_add_epi64(_mm512_load_si512(numbers), sums));
}

AVX512 static void flush_counts(fm__slot_counts *counts, uint32_t used) {
  const __m512i half = _mm512_set1_epi8(15);
  for (uint32_t pair = 0; 2 * pair < used; pair++) {
    __m512i both = _mm512_load_si512(counts->halves[pair]);
    add_numbers(counts->numbers[2 * pair], _mm512_and_si512(both, half));
    add_numbers(counts->numbers[2 * pair + 1], _mm512_and_si512(_mm512_srli_epi16(both, 4), half));
    _mm512_store_si512(counts->halves[pair], _mm512_setzero_si512());
  }
}

AVX512 static void flush(fm__slots *slots, bool set) {
  flush_counts(&slots->all, slots->used);
  if (set) flush_counts(&slots->set, slots->used);
  slots->blocks = 0;
}

/* In registers. */
typedef struct halves {
  __m512i all[PAIRS], set[PAIRS];
} halves;

AVX512 FM__INLINE void load_halves(const fm__slots *slots, halves *h, const int pairs,
                                   const bool with_bits) {
  FM__UNROLL
  for (int p = 0; p < pairs; p++) {
    h->all[p] = _mm512_load_si512(slots->all.halves[p]);
    if (with_bits) h->set[p] = _mm512_load_si512(slots->set.halves[p]);
  }
}

AVX512 FM__INLINE void store_halves(fm__slots *slots, const halves *h, const int pairs,
                                    const bool with_bits) {
  FM__UNROLL
  for (int p = 0; p < pairs; p++) {
    _mm512_store_si512(slots->all.halves[p], h->all[p]);
    if (with_bits) _mm512_store_si512(slots->set.halves[p], h->set[p]);
  }
}

AVX512 FM__INLINE void count_slots(__m512i slot, uint64_t word, halves *h, const int pairs,
                                   const bool with_bits) {
  FM__UNROLL
  for (int p = 0; p < pairs; p++) {
    __m512i ones = _mm512_shuffle_epi8(pair_table(p), slot);
    h->all[p] = _mm512_add_epi8(h->all[p], ones);
    if (with_bits) h->set[p] = _mm512_mask_add_epi8(h->set[p], word, h->set[p], ones);
  }
}

/* Blocks that the halves have room for, or until slots are given. Answers how many. */
AVX512 FM__INLINE size_t count_blocks(const uint8_t *labels, const uint64_t *bits, size_t n,
                                      fm__tally *tally, const int pairs, const bool with_bits) {
  fm__slots *slots = &tally->slots;
  const size_t all = (n + BLOCK - 1) / BLOCK, room = MOST_BLOCKS - slots->blocks;
  const size_t most = all < room ? all : room;
  const uint32_t used = slots->used;
  __m512i map[4];
  FM__UNROLL
  for (int q = 0; q < 4; q++)
    map[q] = _mm512_xor_si512(_mm512_load_si512(slots->of + 64 * q), _mm512_set1_epi8(-128));
  halves h;
  queue q;
  q.all = q.set = 0;
  load_halves(slots, &h, pairs, with_bits);
  size_t b = 0;
  while (b < most) {
    const uint8_t *from = labels + BLOCK * b;
    uint64_t present = first_pixels(n - BLOCK * b), word = with_bits ? bits[b] : 0;
    _mm_prefetch((const char *)from + FETCH_AHEAD, _MM_HINT_T0);
    __m512i block = _mm512_maskz_loadu_epi8(present, from);
    __m512i slot = _mm512_mask_mov_epi8(_mm512_set1_epi8(-128), present, slots_of(map, block));
    uint64_t missed = present & _mm512_movepi8_mask(slot);
    count_slots(slot, word, &h, pairs, with_bits);
    b++;
    if (!missed) continue;
    count_missed(&q, tally, from, block, missed, word);
    if (slots->used != used) break;
  }
  store_halves(slots, &h, pairs, with_bits);
  count_queue(&q, tally);
  slots->blocks += (uint32_t)b;
  return b;
}

/* As many additions as there are slots; functions of their own, each with its registers. */
#define COUNT_PAIRS(PAIRS)                                                                  \
  AVX512 static size_t count_##PAIRS(const uint8_t *labels, const uint64_t *bits, size_t n, \
                                     fm__tally *tally) {                                    \
    return bits ? count_blocks(labels, bits, n, tally, PAIRS, true)                         \
                : count_blocks(labels, bits, n, tally, PAIRS, false);                       \
  }
COUNT_PAIRS(2)
COUNT_PAIRS(4)
COUNT_PAIRS(6)
COUNT_PAIRS(8)
#undef COUNT_PAIRS

AVX512 static void count_slotted(const uint8_t *labels, const uint64_t *bits, size_t n,
                                 fm__tally *tally) {
  static size_t (*const kernels[])(const uint8_t *, const uint64_t *, size_t, fm__tally *) = {
      count_2, count_4, count_6, count_8};
  fm__slots *slots = &tally->slots;
  for (size_t done = 0; done < n;) {
    if (slots->blocks == MOST_BLOCKS) flush(slots, bits != NULL);
    const uint32_t kernel = slots->used ? (slots->used - 1) / 4 : 0;
    done +=
        BLOCK * kernels[kernel](labels + done, bits ? bits + done / BLOCK : NULL, n - done, tally);
  }
}

/* Slots that do not serve are given up, for a while. */
static void judge_slots(fm__tally *tally, size_t n) {
  fm__slots *slots = &tally->slots;
  const uint32_t missed = slots->missed, last = slots->last_pause;
  slots->missed = 0;
  if (missed <= n / 4 || slots->used < FM__SLOTS) return;
  fm__slots_empty(tally);
  slots->pause = slots->last_pause = last ? (last < MOST_PAUSE ? 2 * last : last) : LEAST_PAUSE;
}

AVX512 static void count(const uint8_t *labels, const uint64_t *bits, size_t n, fm__tally *tally) {
  enum { MOST = QUEUE_BLOCKS * BLOCK };
  for (size_t done = 0; done < n;) {
    const size_t now = n - done < MOST ? n - done : MOST;
    const uint64_t *some = bits ? bits + done / BLOCK : NULL;
    if (tally->slots.pause) {
      tally->slots.pause--;
      count_peeled(labels + done, some, now, tally);
    } else {
      count_slotted(labels + done, some, now, tally);
      judge_slots(tally, now);
    }
    done += now;
  }
}

void fm__dsp_init_avx512_count(fm_dsp *dsp) { dsp->count = count; }

#endif
