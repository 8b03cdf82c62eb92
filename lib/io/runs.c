/* io/runs.c - zlib streams for label masks. */
#include "io/runs.h"

#include <stdint.h>
#include <string.h>

#include "core/context.h"
#include "io/checksum.h"
#include "io/huffman.h"
#include "io/words.h"

enum {
  SHORTEST = 3, /* repetition, of deflate */
  LONGEST = 258,
  END = 256, /* symbol that ends a block */
  FIRST_LENGTH = 257,
  LITERALS = 286, /* literals, END and lengths */
  CODE_SYMBOLS = 19,
  TOKENS = 256 + LONGEST + 1,
  MOST_RUN = 1 << 14,                 /* looked at in one step */
  MOST_STEP = MOST_RUN / LONGEST + 2, /* tokens that a step makes */
  BLOCK = 4096,                       /* tokens that share a code */
  /* A token takes at most 15 + 5 + 1 bits; a block's code under 400 bytes. */
  BLOCK_BYTES = BLOCK * 3 + 512
};

/* A token is a literal, or 256 + the length of a repetition. */
typedef struct encoder {
  fm__bytes *out;
  uint64_t bits; /* not yet written, the first lowest */
  int bit_count;
  size_t distance;
  uint16_t *tokens;
  size_t token_count;
} encoder;

/* ---- Bits ----------------------------------------------------------------------- */

/* Room for eight bytes has been reserved. `count` is at most 32. */
static inline void put_bits(encoder *e, uint32_t bits, int count) {
  e->bits |= (uint64_t)bits << e->bit_count;
  e->bit_count += count;
  if (e->bit_count < 32) return;
  unsigned char *to = e->out->data + e->out->size;
  for (int i = 0; i < 4; i++) to[i] = (unsigned char)(e->bits >> (8 * i));
  e->out->size += 4;
  e->bits >>= 32;
  e->bit_count -= 32;
}

static void flush_bits(encoder *e) {
  for (; e->bit_count > 0; e->bit_count -= 8, e->bits >>= 8)
    e->out->data[e->out->size++] = (unsigned char)e->bits;
}

/* ---- Lengths (RFC 1951, 3.2.5) -------------------------------------------------- */

typedef struct length_code {
  uint16_t symbol;
  uint16_t extra;
  uint8_t extra_bits;
} length_code;

static length_code code_of_length(unsigned length) {
  unsigned above = length - SHORTEST;
  if (length == LONGEST) return (length_code){285, 0, 0};
  if (above < 8) return (length_code){(uint16_t)(FIRST_LENGTH + above), 0, 0};
  unsigned bits = 0; /* four codes share a number of extra bits, which doubles their span */
  while (above >> (bits + 3)) bits++;
  unsigned quarter = above >> bits & 3;
  return (length_code){(uint16_t)(FIRST_LENGTH + 4 + 4 * bits + quarter),
                       (uint16_t)(above & ((1U << bits) - 1)), (uint8_t)bits};
}

/* ---- A block's code ------------------------------------------------------------- */

typedef struct token_code {
  uint32_t bits;
  uint32_t count;
} token_code;

typedef struct block_code {
  uint8_t lengths[LITERALS + 2]; /* of literals, then of distances */
  int literals, distances;
  token_code tokens[TOKENS]; /* a length's with its extra bits and the distance */
} block_code;

static void count_symbols(const encoder *e, uint32_t *frequency) {
  uint32_t seen[TOKENS] = {0};
  for (size_t i = 0; i < e->token_count; i++) seen[e->tokens[i]]++;
  memcpy(frequency, seen, 256 * sizeof *frequency);
  memset(frequency + 256, 0, (LITERALS - 256) * sizeof *frequency);
  for (unsigned length = SHORTEST; length <= LONGEST; length++)
    if (seen[256 + length]) frequency[code_of_length(length).symbol] += seen[256 + length];
  frequency[END] = 1;
}

static void make_token_codes(block_code *code, const uint16_t *codes) {
  for (int i = 0; i <= END; i++) code->tokens[i] = (token_code){codes[i], code->lengths[i]};
  for (unsigned length = SHORTEST; length <= LONGEST; length++) {
    length_code l = code_of_length(length);
    uint32_t count = code->lengths[l.symbol];
    /* The distance's code is a bit 0 behind. */
    code->tokens[256 + length] =
        (token_code){codes[l.symbol] | (uint32_t)l.extra << count, count + l.extra_bits + 1};
  }
}

static void make_code(const encoder *e, block_code *code) {
  uint32_t frequency[LITERALS];
  uint16_t codes[LITERALS];
  count_symbols(e, frequency);
  fm__huffman_lengths(frequency, LITERALS, 15, code->lengths);
  fm__huffman_codes(code->lengths, LITERALS, codes);
  make_token_codes(code, codes);
  code->literals = LITERALS;
  while (!code->lengths[code->literals - 1]) code->literals--;
  /* The one distance has the code 0 of one bit; those before it have none. */
  uint8_t *distances = code->lengths + code->literals;
  code->distances = (int)e->distance;
  memset(distances, 0, 2);
  distances[e->distance - 1] = 1;
}

typedef struct code_item {
  uint8_t symbol, extra;
} code_item;

/* Lengths of codes are themselves written as runs: 16 repeats, 17 and 18 are zeros. */
static int shorten(const uint8_t *lengths, int count, code_item *items) {
  int made = 0;
  for (int i = 0; i < count;) {
    int run = 1;
    while (i + run < count && lengths[i + run] == lengths[i]) run++;
    if (!lengths[i] && run >= 3) {
      if (run > 138) run = 138;
      items[made++] = (code_item){run > 10 ? 18 : 17, (uint8_t)(run - (run > 10 ? 11 : 3))};
    } else if (i && lengths[i] == lengths[i - 1] && run >= 3) {
      if (run > 6) run = 6;
      items[made++] = (code_item){16, (uint8_t)(run - 3)};
    } else {
      items[made++] = (code_item){lengths[i], 0};
      run = 1;
    }
    i += run;
  }
  return made;
}

static void put_code(encoder *e, const block_code *code) {
  static const uint8_t order[CODE_SYMBOLS] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                              11, 4,  12, 3, 13, 2, 14, 1, 15};
  static const uint8_t extra_bits[CODE_SYMBOLS] = {[16] = 2, [17] = 3, [18] = 7};
  code_item items[LITERALS + 2];
  uint32_t frequency[CODE_SYMBOLS] = {0};
  uint8_t lengths[CODE_SYMBOLS];
  uint16_t codes[CODE_SYMBOLS];
  int count = shorten(code->lengths, code->literals + code->distances, items);
  for (int i = 0; i < count; i++) frequency[items[i].symbol]++;
  fm__huffman_lengths(frequency, CODE_SYMBOLS, 7, lengths);
  fm__huffman_codes(lengths, CODE_SYMBOLS, codes);
  int written = CODE_SYMBOLS;
  while (written > 4 && !lengths[order[written - 1]]) written--;
  put_bits(e, (uint32_t)(code->literals - 257), 5);
  put_bits(e, (uint32_t)(code->distances - 1), 5);
  put_bits(e, (uint32_t)(written - 4), 4);
  for (int i = 0; i < written; i++) put_bits(e, lengths[order[i]], 3);
  for (int i = 0; i < count; i++) {
    int symbol = items[i].symbol;
    put_bits(e, codes[symbol], lengths[symbol]);
    put_bits(e, items[i].extra, extra_bits[symbol]);
  }
}

/* ---- Blocks --------------------------------------------------------------------- */

static void put_tokens(encoder *e, const block_code *code) {
  for (size_t i = 0; i < e->token_count; i++) {
    token_code token = code->tokens[e->tokens[i]];
    put_bits(e, token.bits, (int)token.count);
  }
  put_bits(e, code->tokens[END].bits, (int)code->tokens[END].count);
}

static bool put_block(encoder *e, bool last) {
  block_code code;
  if (!fm__bytes_reserve(e->out, BLOCK_BYTES)) return false;
  make_code(e, &code);
  put_bits(e, last ? 1 : 0, 1);
  put_bits(e, 2, 2); /* a code of its own */
  put_code(e, &code);
  put_tokens(e, &code);
  e->token_count = 0;
  return true;
}

/* How many of the next bytes, at most `most`, repeat those `distance` before. */
static size_t run_length(const unsigned char *at, size_t most, size_t distance) {
  size_t run = 0;
  for (; most - run >= 8; run += 8) {
    uint64_t here, before;
    memcpy(&here, at + run, 8);
    memcpy(&before, at + run - distance, 8);
    if (here != before) return run + fm__first_byte(here ^ before);
  }
  while (run < most && at[run] == *(at + run - distance)) run++;
  return run;
}

/* A run as repetitions, none of which is too short. */
static void add_run(encoder *e, size_t length) {
  while (length) {
    size_t now = length;
    if (length > LONGEST) now = length - LONGEST < SHORTEST ? LONGEST - SHORTEST : LONGEST;
    e->tokens[e->token_count++] = (uint16_t)(256 + now);
    length -= now;
  }
}

static bool put_blocks(encoder *e, const unsigned char *data, size_t size) {
  size_t at = 0;
  while (at < size) {
    size_t most = size - at < MOST_RUN ? size - at : MOST_RUN;
    size_t run = at >= e->distance ? run_length(data + at, most, e->distance) : 0;
    if (run >= SHORTEST) {
      add_run(e, run);
      at += run;
    } else {
      /* What is too short to repeat, and the byte that ended it. */
      for (size_t i = 0; i <= run && at < size; i++) e->tokens[e->token_count++] = data[at++];
    }
    if (e->token_count > BLOCK - MOST_STEP && at < size && !put_block(e, false)) return false;
  }
  return put_block(e, true);
}

bool fm__runs_compress(const unsigned char *data, size_t size, size_t distance, fm__bytes *out) {
  static const unsigned char header[2] = {0x78, 0x5E};
  encoder e = {.out = out, .distance = distance};
  e.tokens = fm__bytes_scratch(out, BLOCK, sizeof *e.tokens);
  if (!e.tokens) return false;
  bool done = fm__bytes_append(out, header, sizeof header) && put_blocks(&e, data, size);
  fm__free(out->context, e.tokens);
  if (!done) return false;
  flush_bits(&e);
  uint32_t sum = fm__adler32(data, size);
  unsigned char trailer[4] = {(unsigned char)(sum >> 24), (unsigned char)(sum >> 16),
                              (unsigned char)(sum >> 8), (unsigned char)sum};
  return fm__bytes_append(out, trailer, sizeof trailer);
}
