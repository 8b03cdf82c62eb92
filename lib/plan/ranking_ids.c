/* plan/ranking_ids.c - masks of equal hardness, told apart by the bytes of their ids. */
#include <string.h>

#include "plan/ranking.h"

/* Few masks need no more bins than these, or so many each. */
enum { MOST_POSITIONS = 64, FEW_BINS = 1 << 14, BINS_OF_MASK = 16 };

/* ---- Alphabets -------------------------------------------------------------------------------- */

/* `bins` are the ids that have each byte. */
static fm__alphabet find_alphabet(const int64_t *bins) {
  fm__alphabet alphabet = {.count = 0};
  for (int32_t byte = 0; byte < FM__RANKING_BYTES; byte++) {
    if (byte % 64 == 0) alphabet.below[byte / 64] = alphabet.count;
    if (!bins[byte]) continue;
    alphabet.bytes[byte / 64] |= UINT64_C(1) << byte % 64;
    alphabet.count++;
  }
  return alphabet;
}

/* How many bytes of the alphabet are smaller; -1 if it does not have this one. */
static int32_t number_of(const fm__alphabet *alphabet, unsigned char byte) {
  uint64_t word = alphabet->bytes[byte / 64], bit = UINT64_C(1) << byte % 64;
  if (!(word & bit)) return -1;
  return alphabet->below[byte / 64] + __builtin_popcountll(word & (bit - 1));
}

static unsigned char byte_of(const fm__alphabet *alphabet, size_t number) {
  for (int32_t byte = 0; byte < FM__RANKING_BYTES; byte++)
    if (number_of(alphabet, (unsigned char)byte) == (int32_t)number) return (unsigned char)byte;
  return 0;
}

/* ---- Bins --------------------------------------------------------------------------------------- */

/* A position's bins follow those of the position before while alphabets are sought; then a bin is a number
 * whose digits are bytes, the first position's the highest. */
void fm__group_lay_out(fm__group *group, size_t room) {
  if (!group->alphabet_count) {
    size_t positions = room / FM__RANKING_BYTES;
    group->positions = positions < MOST_POSITIONS ? positions : MOST_POSITIONS;
    group->bin_count = group->positions * FM__RANKING_BYTES;
    return;
  }
  uint64_t enough = group->size * BINS_OF_MASK > FEW_BINS ? group->size * BINS_OF_MASK : FEW_BINS;
  if (room > enough) room = (size_t)enough;
  group->positions = 0;
  group->bin_count = 1;
  while (group->positions < group->alphabet_count &&
         group->alphabets[group->positions].count <= room / group->bin_count)
    group->bin_count *= group->alphabets[group->positions++].count;
}

void fm__group_add(const fm__group *group, const char *rest, int64_t *bins) {
  const unsigned char *at = (const unsigned char *)rest;
  size_t bin = 0;
  for (size_t p = 0; p < group->positions; p++) {
    unsigned char byte = *at;
    at += byte != 0;
    if (!group->alphabet_count) {
      bins[p * FM__RANKING_BYTES + byte]++;
      continue;
    }
    int32_t number = number_of(&group->alphabets[p], byte);
    if (number < 0) return;
    bin = bin * group->alphabets[p].count + (size_t)number;
  }
  if (group->alphabet_count) bins[bin]++;
}

/* The bytes of the ids in a bin. */
static void read_bin(const fm__group *group, size_t bin, char *bytes) {
  for (size_t p = group->positions; p-- > 0;) {
    bytes[p] = (char)byte_of(&group->alphabets[p], bin % group->alphabets[p].count);
    bin /= group->alphabets[p].count;
  }
}

/* ---- Groups -------------------------------------------------------------------------------------- */

void fm__group_free(fm__group *group, const fm_context *context) {
  fm__free(context, group->alphabets);
  fm__free(context, group->prefix);
}

/* `alphabets` are those of `count` positions, of which `known` have the `bytes`. */
static bool keep(const fm_context *context, const fm__group *group, const char *bytes, size_t known,
                 const fm__alphabet *alphabets, size_t count, fm__group *child) {
  size_t length = group->prefix_length, left = count - known;
  child->prefix = fm__alloc(context, length + known + 1);
  if (!child->prefix) return false;
  if (length) memcpy(child->prefix, group->prefix, length);
  memcpy(child->prefix + length, bytes, known);
  child->prefix_length = length + known;
  child->prefix[child->prefix_length] = '\0';
  if (!left) return true;
  child->alphabets = fm__alloc_array(context, left, sizeof *alphabets);
  if (!child->alphabets) return false;
  memcpy(child->alphabets, alphabets + known, left * sizeof *alphabets);
  child->alphabet_count = left;
  return true;
}

bool fm__group_copy_ids(const fm_context *context, const fm__group *group, fm__group *copy) {
  return keep(context, group, "", 0, group->alphabets, group->alphabet_count, copy);
}

bool fm__group_extend(const fm_context *context, const fm__group *group, const int64_t *bins,
                      size_t bin, fm__group *child, bool *ended) {
  fm__alphabet found[MOST_POSITIONS];
  const fm__alphabet *alphabets = group->alphabets;
  char bytes[MOST_POSITIONS];
  size_t count = group->alphabet_count, known = 0;
  if (count) {
    read_bin(group, bin, bytes);
    known = group->positions;
  } else {
    count = group->positions;
    for (size_t p = 0; p < count; p++) found[p] = find_alphabet(bins + p * FM__RANKING_BYTES);
    alphabets = found;
  }
  /* Bytes that all ids share cost nothing. */
  for (; known < count && alphabets[known].count == 1; known++)
    bytes[known] = (char)byte_of(&alphabets[known], 0);
  const char *end = memchr(bytes, 0, known);
  *ended = end != NULL;
  if (end) count = known = (size_t)(end - bytes);
  return keep(context, group, bytes, known, alphabets, count, child);
}
