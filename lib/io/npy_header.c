/* io/npy_header.c - the text before the numbers of an NPY file: a Python dictionary
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
 * with its keys in any order and blanks anywhere. Nothing is evaluated. */
#include "io/npy_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/fail.h"

enum { MOST_STRING = 32 };

typedef struct parser {
  const char *at, *end;
  fm_error *err;
} parser;

static fm_status malformed(const parser *p, const char *expected) {
  int shown = p->end - p->at < 12 ? (int)(p->end - p->at) : 12;
  return fm__fail(p->err, FM_ERR_FORMAT, "NPY header is malformed: expected %s at '%.*s'", expected,
                  shown, p->at);
}

static void skip_blanks(parser *p) {
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
    p->at++;
}

/* Takes a character if it is the next one that is no blank. */
static bool take(parser *p, char c) {
  skip_blanks(p);
  if (p->at == p->end || *p->at != c) return false;
  p->at++;
  return true;
}

static bool take_word(parser *p, const char *word) {
  skip_blanks(p);
  size_t length = strlen(word);
  if ((size_t)(p->end - p->at) < length || memcmp(p->at, word, length) != 0) return false;
  p->at += length;
  return true;
}

/* A string without escapes in quotes of either kind. */
static fm_status take_string(parser *p, char *text, size_t capacity, const char *expected) {
  skip_blanks(p);
  if (p->at == p->end || (*p->at != '\'' && *p->at != '"')) return malformed(p, expected);
  const char *start = p->at + 1;
  const char *close = memchr(start, *p->at, (size_t)(p->end - start));
  if (!close || (size_t)(close - start) >= capacity || memchr(start, '\\', (size_t)(close - start)))
    return malformed(p, expected);
  memcpy(text, start, (size_t)(close - start));
  text[close - start] = '\0';
  p->at = close + 1;
  return FM_OK;
}

static fm_status take_number(parser *p, int64_t *out) {
  skip_blanks(p);
  if (p->at == p->end || *p->at < '0' || *p->at > '9') return malformed(p, "a size");
  int64_t value = 0;
  for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++) {
    if (value > (INT64_MAX - 9) / 10)
      return fm__fail(p->err, FM_ERR_FORMAT, "NPY header claims a size beyond 2^63");
    value = value * 10 + (*p->at - '0');
  }
  if (p->at < p->end && *p->at == 'L') p->at++; /* written by Python 2 */
  *out = value;
  return FM_OK;
}

/* Element types, their kinds and bytes as NumPy has them. The first row of a type counts. */
static const struct {
  fm_dtype dtype;
  char kind;
  int item;
  const char *descr;
} types[] = {
    {FM_U8, 'u', 1, "|u1"},  {FM_I8, 'i', 1, "|i1"},  {FM_U16, 'u', 2, "<u2"},
    {FM_I16, 'i', 2, "<i2"}, {FM_U32, 'u', 4, "<u4"}, {FM_I32, 'i', 4, "<i4"},
    {FM_U64, 'u', 8, "<u8"}, {FM_I64, 'i', 8, "<i8"}, {FM_F16, 'f', 2, "<f2"},
    {FM_F32, 'f', 4, "<f4"}, {FM_F64, 'f', 8, "<f8"}, {FM_U8, 'b', 1, "|b1"},
};

fm_dtype fm__npy_dtype(char kind, int item) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (types[i].kind == kind && types[i].item == item) return types[i].dtype;
  return (fm_dtype)0;
}

const char *fm__npy_descr(fm_dtype dtype) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (types[i].dtype == dtype) return types[i].descr;
  return NULL;
}

static bool is_item(char kind, int item) {
  bool wide = kind == 'f' && (item == 12 || item == 16);
  return wide || fm__npy_dtype(kind, item);
}

/* "<f4": byte order, kind, bytes. */
static fm_status read_descr(parser *p, fm__npy_header *out) {
  if (take(p, '['))
    return fm__fail(p->err, FM_ERR_UNSUPPORTED,
                    "NPY holds records with named fields, expected plain numbers");
  char text[MOST_STRING];
  fm_status status = take_string(p, text, sizeof text, "a dtype");
  if (status) return status;
  const char *at = text;
  char order = strchr("<>=|", *at) && *at ? *at++ : '=';
  char kind = *at;
  if (kind == 'O')
    return fm__fail(p->err, FM_ERR_UNSUPPORTED,
                    "NPY holds pickled Python objects, which can run code and are never read: save "
                    "the array with a numeric dtype");
  int item = 0;
  if (kind)
    for (at++; *at >= '0' && *at <= '9' && item < 100; at++) item = item * 10 + (*at - '0');
  if (kind == '?' && !*at) {
    kind = 'b';
    item = 1;
  }
  if (!kind || *at || !is_item(kind, item))
    return fm__fail(p->err, FM_ERR_UNSUPPORTED, "NPY has dtype '%s', expected plain numbers", text);
  out->kind = kind;
  out->item = item;
  out->big_endian = order == '>'; /* NumPy writes '<', '>', or '|' where it does not matter */
  return FM_OK;
}

static fm_status read_order(parser *p, fm__npy_header *out) {
  if (take_word(p, "True"))
    out->fortran = true;
  else if (take_word(p, "False"))
    out->fortran = false;
  else
    return malformed(p, "True or False");
  return FM_OK;
}

static fm_status read_shape(parser *p, fm__npy_header *out) {
  out->dims = 0;
  if (!take(p, '(')) return malformed(p, "a shape");
  while (!take(p, ')')) {
    if (out->dims == FM__NPY_MOST_DIMS) return malformed(p, "no more than 32 dimensions");
    fm_status status = take_number(p, &out->sizes[out->dims++]);
    if (status) return status;
    if (take(p, ',')) continue;
    if (!take(p, ')')) return malformed(p, "',' or ')'");
    if (out->dims == 1) return malformed(p, "a tuple"); /* "(3)" is a number */
    break;
  }
  return FM_OK;
}

enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };

static fm_status read_entry(parser *p, fm__npy_header *out, unsigned *seen) {
  char key[MOST_STRING];
  fm_status status = take_string(p, key, sizeof key, "a key");
  if (status) return status;
  unsigned bit = !strcmp(key, "descr")           ? DESCR
                 : !strcmp(key, "fortran_order") ? ORDER
                 : !strcmp(key, "shape")         ? SHAPE
                                                 : 0;
  if (!bit) return fm__fail(p->err, FM_ERR_FORMAT, "NPY header has an unknown key '%s'", key);
  if (*seen & bit) return fm__fail(p->err, FM_ERR_FORMAT, "NPY header has '%s' twice", key);
  *seen |= bit;
  if (!take(p, ':')) return malformed(p, "':'");
  return bit == DESCR ? read_descr(p, out) : bit == ORDER ? read_order(p, out) : read_shape(p, out);
}

fm_status fm__npy_parse(const char *text, size_t size, fm__npy_header *out, fm_error *err) {
  parser p = {text, text + size, err};
  unsigned seen = 0;
  if (!take(&p, '{')) return malformed(&p, "'{'");
  while (!take(&p, '}')) {
    fm_status status = read_entry(&p, out, &seen);
    if (status) return status;
    if (take(&p, ',')) continue;
    if (!take(&p, '}')) return malformed(&p, "',' or '}'");
    break;
  }
  skip_blanks(&p);
  if (p.at != p.end) return malformed(&p, "the end");
  if (seen == ALL) return FM_OK;
  return fm__fail(err, FM_ERR_FORMAT, "NPY header lacks '%s'",
                  !(seen & DESCR)   ? "descr"
                  : !(seen & ORDER) ? "fortran_order"
                                    : "shape");
}

const char *fm__npy_shape_text(const int64_t *sizes, int rank, char *text) {
  int at = snprintf(text, FM__NPY_SHAPE_TEXT, "[");
  for (int i = 0; i < rank; i++)
    at += snprintf(text + at, (size_t)(FM__NPY_SHAPE_TEXT - at), "%s%" PRId64, i ? ", " : "",
                   sizes[i]);
  snprintf(text + at, (size_t)(FM__NPY_SHAPE_TEXT - at), "]");
  return text;
}

/* Are just `rank` of the sizes not 1, wherever they stand? Then they are what is meant: [h, w, 1]
 * of Keras, [C, 1, h, w] of nnU-Net. */
static bool take_large(const fm__npy_header *h, int rank, int64_t *out) {
  int64_t sizes[FM__NPY_MOST_DIMS];
  int count = 0;
  for (int i = 0; i < h->dims; i++)
    if (h->sizes[i] != 1) sizes[count++] = h->sizes[i];
  if (count != rank) return false;
  memcpy(out, sizes, (size_t)rank * sizeof *out);
  return true;
}

/* The last `rank` sizes; those before have to be 1. */
static fm_status take_last(const fm__npy_header *h, int rank, const char *expected, int64_t *out,
                           fm_error *err) {
  for (int i = 0; i < h->dims - rank; i++)
    if (h->sizes[i] != 1 && take_large(h, rank, out))
      return FM_OK;
    else if (h->sizes[i] != 1)
      return fm__fail(err, FM_ERR_FORMAT,
                      "NPY has %d dimensions, and number %d is %" PRId64
                      " instead of 1: expected %s",
                      h->dims, i, h->sizes[i], expected);
  memcpy(out, h->sizes + h->dims - rank, (size_t)rank * sizeof *out);
  return FM_OK;
}

fm_status fm__npy_fit(const fm__npy_header *h, int rank, const char *expected, int64_t *out,
                      fm_error *err) {
  char text[FM__NPY_SHAPE_TEXT];
  if (h->dims < rank)
    return fm__fail(err, FM_ERR_FORMAT, "NPY has %d dimension%s, expected %s", h->dims,
                    h->dims == 1 ? "" : "s", expected);
  fm_status status = take_last(h, rank, expected, out, err);
  for (int i = 0; i < rank && !status; i++)
    if (!out[i])
      status = fm__fail(err, FM_ERR_FORMAT, "NPY has no pixel: its shape is %s",
                        fm__npy_shape_text(out, rank, text));
  return status;
}
