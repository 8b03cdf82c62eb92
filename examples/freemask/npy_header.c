/* freemask/npy_header.c - a Python dictionary, read without evaluating anything:
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (19, 128, 256), }
 * with its keys in any order. The library has a stricter one of its own, for planes. */
#include "npy_header.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_HEADER = 64 * 1024, MOST_WORD = 32 };

/* Where reading stands. */
typedef struct reading {
  const char *at, *end, *name;
  npy_header *out;
  fault *f;
} reading;

static int malformed(const reading *r, const char *expected) {
  int shown = r->end - r->at < 12 ? (int)(r->end - r->at) : 12;
  return fault_set(r->f, EXIT_DATA, "%s: NPY header is malformed: expected %s at '%.*s'", r->name,
                   expected, shown, r->at);
}

static void skip_blanks(reading *r) {
  while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at) r->at++;
}

static bool take(reading *r, const char *word) {
  size_t length = strlen(word);
  skip_blanks(r);
  if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0) return false;
  r->at += length;
  return true;
}

/* A string in quotes of either kind, without escapes. */
static bool take_string(reading *r, char *word) {
  skip_blanks(r);
  if (r->at == r->end || (*r->at != '\'' && *r->at != '"')) return false;
  const char *start = r->at + 1, *close = memchr(start, *r->at, (size_t)(r->end - start));
  if (!close || close - start >= MOST_WORD) return false;
  memcpy(word, start, (size_t)(close - start));
  word[close - start] = '\0';
  r->at = close + 1;
  return true;
}

static int read_descr(reading *r) {
  char text[MOST_WORD];
  if (!take_string(r, text)) return malformed(r, "a dtype such as '<f4'");
  const char *at = text;
  char order = *at && strchr("<>=|", *at) ? *at++ : '=';
  if (*at == 'O')
    return fault_set(r->f, EXIT_DATA,
                     "%s: NPY holds pickled Python objects, which can run code and are never read",
                     r->name);
  if (at[0] != 'f' || !at[1] || !strchr("248", at[1]) || at[2])
    return fault_set(r->f, EXIT_DATA,
                     "%s: NPY has dtype '%s', expected f2, f4 or f8 (save bfloat16 as f4)", r->name,
                     text);
  r->out->item = at[1] - '0';
  const uint16_t one = 1;
  bool native = *(const unsigned char *)&one == 0;
  r->out->big_endian = order == '>' || (order != '<' && native);
  return EXIT_FINE;
}

static int read_size(reading *r) {
  int64_t value = 0;
  skip_blanks(r);
  if (r->at == r->end || *r->at < '0' || *r->at > '9') return malformed(r, "a size");
  for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
    if (value > (INT64_MAX - 9) / 10)
      return fault_set(r->f, EXIT_DATA, "%s: NPY header claims a size beyond 2^63", r->name);
    value = value * 10 + (*r->at - '0');
  }
  if (!value) return fault_set(r->f, EXIT_DATA, "%s: NPY has a dimension of size 0", r->name);
  if (r->out->rank == NPY_RANK) return malformed(r, "no more than 8 dimensions");
  r->out->shape[r->out->rank++] = value;
  return EXIT_FINE;
}

static int read_shape(reading *r) {
  if (!take(r, "(")) return malformed(r, "a shape");
  while (!take(r, ")")) {
    int code = read_size(r);
    if (code) return code;
    if (take(r, ",")) continue;
    if (!take(r, ")")) return malformed(r, "',' or ')'");
    break;
  }
  return EXIT_FINE;
}

static int read_order(reading *r) {
  r->out->fortran = take(r, "True");
  return r->out->fortran || take(r, "False") ? EXIT_FINE : malformed(r, "True or False");
}

typedef int (*entry_fn)(reading *r);

static int read_entry(reading *r, unsigned *seen) {
  static const char *const keys[] = {"descr", "fortran_order", "shape"};
  static const entry_fn readers[] = {read_descr, read_order, read_shape};
  char key[MOST_WORD];
  if (!take_string(r, key)) return malformed(r, "a key");
  if (!take(r, ":")) return malformed(r, "':'");
  for (unsigned i = 0; i < 3; i++) {
    if (strcmp(key, keys[i]) || *seen >> i & 1) continue;
    *seen |= 1U << i;
    return readers[i](r);
  }
  return fault_set(r->f, EXIT_DATA, "%s: NPY header has an unknown or second key '%s'", r->name,
                   key);
}

static int read_dictionary(reading *r) {
  unsigned seen = 0;
  if (!take(r, "{")) return malformed(r, "'{'");
  while (!take(r, "}")) {
    int code = read_entry(r, &seen);
    if (code) return code;
    if (take(r, ",")) continue;
    if (!take(r, "}")) return malformed(r, "',' or '}'");
    break;
  }
  skip_blanks(r);
  if (r->at != r->end) return malformed(r, "the end");
  if (seen != 7)
    return fault_set(r->f, EXIT_DATA, "%s: NPY header lacks descr, fortran_order or shape",
                     r->name);
  return EXIT_FINE;
}

int npy_header_read(const char *bytes, size_t length, const char *name, npy_header *out, fault *f) {
  const unsigned char *b = (const unsigned char *)bytes;
  *out = (npy_header){0};
  if (length < 8 || memcmp(bytes, "\x93NUMPY", 6) != 0)
    return fault_set(f, EXIT_DATA, "%s: is no NPY file (it does not begin as one)", name);
  if (b[6] < 1 || b[6] > 3 || b[7])
    return fault_set(f, EXIT_DATA, "%s: NPY is of version %d.%d, expected 1.0, 2.0 or 3.0", name,
                     b[6], b[7]);
  size_t start = b[6] == 1 ? 10 : 12;
  if (length < start) return fault_set(f, EXIT_DATA, "%s: NPY ends too early", name);
  size_t text = (size_t)b[8] | (size_t)b[9] << 8;
  if (b[6] > 1) text |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
  if (text > MOST_HEADER || text > length - start)
    return fault_set(f, EXIT_DATA, "%s: NPY claims a header of %zu bytes%s", name, text,
                     text > length - start ? ", more than there are" : ", expected some 120");
  out->offset = start + text;
  return read_dictionary(&(reading){bytes + start, bytes + start + text, name, out, f});
}
