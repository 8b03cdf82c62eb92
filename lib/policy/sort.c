/* policy/sort.c - merge sort of item numbers, heap sort of numbers. */
#include "policy/sort.h"

#include <string.h>

static void merge(const uint32_t *left, size_t left_count, const uint32_t *right,
                  size_t right_count, uint32_t *out, fm__compare_fn compare, const void *user) {
  while (left_count && right_count) {
    if (compare(*right, *left, user) < 0) {
      *out++ = *right++;
      right_count--;
    } else {
      *out++ = *left++;
      left_count--;
    }
  }
  memcpy(out, left, left_count * sizeof *out);
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

void fm__sort_numbers(int64_t *numbers, size_t count) {
  for (size_t root = count / 2; root-- > 0;) sink(numbers, root, count);
  for (size_t last = count; last-- > 1;) {
    int64_t largest = numbers[0];
    numbers[0] = numbers[last];
    numbers[last] = largest;
    sink(numbers, 0, last);
  }
}
