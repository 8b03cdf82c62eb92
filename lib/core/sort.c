/* core/sort.c - merge sort and radix sort of item numbers, heap sort of numbers. */
#include "core/sort.h"

#include <stdbool.h>
#include <string.h>

#include "core/bits.h"

static void merge(const uint32_t *left, size_t left_count, const uint32_t *right,
                  size_t right_count, uint32_t *out, fm__compare_fn compare, const void *user) {
  bool apart = right_count && compare(*right, left[left_count - 1], user) >= 0;
  while (!apart && left_count && right_count) {
    if (compare(*right, *left, user) < 0) {
      *out++ = *right++;
      right_count--;
    } else {
      *out++ = *left++;
      left_count--;
    }
  }
  memcpy(out, left, left_count * sizeof *out); /* in order already, or the rest of one side */
  memcpy(out + left_count, right, right_count * sizeof *out);
}

void fm__sort_items(uint32_t *items, uint32_t *spare, size_t count, fm__compare_fn compare,
                    const void *user) {
  uint32_t *from = items, *to = spare;
  for (size_t run = 1; run < count; run *= 2) {
    for (size_t start = 0; start < count; start += 2 * run) {
      size_t left = count - start < run ? count - start : run;
      size_t right = count - start - left < run ? count - start - left : run;
      merge(from + start, left, from + start + left, right, to + start, compare, user);
    }
    uint32_t *swap = from;
    from = to;
    to = swap;
  }
  if (from != items) memcpy(items, from, count * sizeof *items);
}

enum { FEW = 32 };

/* Lets the number at `root` sink to its place in the heap. */
static void sink(int64_t *heap, size_t root, size_t count) {
  int64_t number = heap[root];
  for (size_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && heap[child + 1] > heap[child]) child++;
    if (heap[child] <= number) break;
    heap[root] = heap[child];
  }
  heap[root] = number;
}

/* For few numbers; a heap takes longer there. */
static void insert_all(int64_t *numbers, size_t count) {
  for (size_t i = 1; i < count; i++) {
    int64_t number = numbers[i];
    size_t at = i;
    for (; at > 0 && numbers[at - 1] > number; at--) numbers[at] = numbers[at - 1];
    numbers[at] = number;
  }
}

void fm__sort_numbers(int64_t *numbers, size_t count) {
  if (count <= FEW) {
    insert_all(numbers, count);
    return;
  }
  for (size_t root = count / 2; root-- > 0;) sink(numbers, root, count);
  for (size_t last = count; last-- > 1;) {
    int64_t largest = numbers[0];
    numbers[0] = numbers[last];
    numbers[last] = largest;
    sink(numbers, 0, last);
  }
}

/* ---- By numbers ------------------------------------------------------------------- */

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, KEY_BITS = 64 };

static size_t digit_of(double number, int shift) {
  return (size_t)(fm__ordered_bits(number) >> shift) & (DIGITS - 1);
}

/* Where each digit's items begin. False if all items have the same digit. */
static bool find_starts(const double *numbers, size_t count, int shift, uint32_t starts[DIGITS]) {
  memset(starts, 0, DIGITS * sizeof *starts);
  for (size_t i = 0; i < count; i++) starts[digit_of(numbers[i], shift)]++;
  if (starts[digit_of(numbers[0], shift)] == count) return false;
  uint32_t sum = 0;
  for (size_t d = 0; d < DIGITS; d++) {
    uint32_t here = starts[d];
    starts[d] = sum;
    sum += here;
  }
  return true;
}

void fm__sort_by_number(uint32_t *items, uint32_t *spare, size_t count, const double *numbers) {
  uint32_t starts[DIGITS], *from = items, *to = spare;
  for (size_t i = 0; i < count; i++) items[i] = (uint32_t)i;
  for (int shift = 0; shift < KEY_BITS && count; shift += DIGIT_BITS) {
    if (!find_starts(numbers, count, shift, starts)) continue;
    for (size_t i = 0; i < count; i++) to[starts[digit_of(numbers[from[i]], shift)]++] = from[i];
    uint32_t *swap = from;
    from = to;
    to = swap;
  }
  if (from != items) memcpy(items, from, count * sizeof *items);
}
