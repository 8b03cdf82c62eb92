/* io/huffman.c - prefix codes as deflate wants them. */
#include "io/huffman.h"

#include <string.h>

enum { DEEPEST = 15, NODES = 2 * FM__HUFFMAN_SYMBOLS };

typedef struct leaf {
  uint32_t frequency;
  uint16_t symbol;
} leaf;

/* Ascending by frequency, then symbol. Masks use few symbols, so insertion is fast. */
static int sorted_leaves(const uint32_t *frequency, int count, leaf *leaves) {
  int used = 0;
  for (int symbol = 0; symbol < count; symbol++) {
    if (!frequency[symbol]) continue;
    int at = used++;
    for (; at && leaves[at - 1].frequency > frequency[symbol]; at--) leaves[at] = leaves[at - 1];
    leaves[at] = (leaf){frequency[symbol], (uint16_t)symbol};
  }
  return used;
}

/* Huffman's algorithm with two queues, leaves and joined nodes, both ascending. */
static void join(const leaf *leaves, int used, uint16_t *parent) {
  uint64_t weight[NODES];
  for (int i = 0; i < used; i++) weight[i] = leaves[i].frequency;
  int next_leaf = 0, next_node = used;
  for (int node = used; node < 2 * used - 1; node++) {
    weight[node] = 0;
    for (int child = 0; child < 2; child++) {
      int lightest =
          next_leaf < used && (next_node == node || weight[next_leaf] <= weight[next_node])
              ? next_leaf++
              : next_node++;
      weight[node] += weight[lightest];
      parent[lightest] = (uint16_t)node;
    }
  }
}

/* How many leaves lie at each depth, those below `limit` raised to it. */
static void count_depths(const uint16_t *parent, int used, int limit, int *at_depth) {
  uint16_t depth[NODES];
  int root = 2 * used - 2;
  depth[root] = 0;
  memset(at_depth, 0, (DEEPEST + 1) * sizeof *at_depth);
  for (int node = root - 1; node >= 0; node--) {
    depth[node] = (uint16_t)(depth[parent[node]] + 1);
    if (node < used) at_depth[depth[node] < limit ? depth[node] : limit]++;
  }
}

/* Raised leaves take more of the code space than there is: others go down for them. */
static void fit(int *at_depth, int limit) {
  uint32_t taken = 0;
  for (int depth = 1; depth <= limit; depth++)
    taken += (uint32_t)at_depth[depth] << (limit - depth);
  for (; taken > 1U << limit; taken--) {
    int depth = limit - 1;
    while (!at_depth[depth]) depth--;
    at_depth[limit]--;
    at_depth[depth]--;
    at_depth[depth + 1] += 2;
  }
}

void fm__huffman_lengths(const uint32_t *frequency, int count, int limit, uint8_t *lengths) {
  leaf leaves[FM__HUFFMAN_SYMBOLS];
  uint16_t parent[NODES];
  int at_depth[DEEPEST + 1];
  memset(lengths, 0, (size_t)count);
  int used = sorted_leaves(frequency, count, leaves);
  if (used < 2) {
    int only = used ? leaves[0].symbol : 0;
    lengths[only] = 1;
    lengths[only ? 0 : 1] = 1;
    return;
  }
  join(leaves, used, parent);
  count_depths(parent, used, limit, at_depth);
  fit(at_depth, limit);
  int next = 0; /* the rarest first */
  for (int depth = limit; depth > 0; depth--)
    for (int i = 0; i < at_depth[depth]; i++)
      /* The depths' counts add up to `used`. NOLINTNEXTLINE(clang-analyzer-core.*) */
      lengths[leaves[next++].symbol] = (uint8_t)depth;
}

static uint16_t reversed(uint16_t code, int length) {
  uint16_t result = 0;
  for (int bit = 0; bit < length; bit++) result = (uint16_t)(result << 1 | (code >> bit & 1));
  return result;
}

void fm__huffman_codes(const uint8_t *lengths, int count, uint16_t *codes) {
  uint16_t next[DEEPEST + 2] = {0};
  int of_length[DEEPEST + 1] = {0};
  for (int i = 0; i < count; i++) of_length[lengths[i]]++;
  of_length[0] = 0;
  for (int length = 0; length <= DEEPEST; length++)
    next[length + 1] = (uint16_t)((next[length] + of_length[length]) << 1);
  for (int i = 0; i < count; i++)
    codes[i] = lengths[i] ? reversed(next[lengths[i]]++, lengths[i]) : 0;
}
