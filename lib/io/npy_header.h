/* io/npy_header.h - the text before the numbers of an NPY file. */
#ifndef FM_IO_NPY_HEADER_H
#define FM_IO_NPY_HEADER_H

#include <freemask/view.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FM__NPY_MOST_DIMS = 32 };

typedef struct fm__npy_header {
  char kind; /* 'b', 'i', 'u' or 'f', as NumPy names them */
  int item;  /* bytes of a number: 1, 2, 4, 8 (16 of a long double) */
  bool big_endian;
  bool fortran;
  int dims;
  int64_t sizes[FM__NPY_MOST_DIMS];
} fm__npy_header;

/* Parses the header's dictionary. Arrays of records and of Python objects are refused. */
fm_status fm__npy_parse(const char *text, size_t size, fm__npy_header *out, fm_error *err);

/* The element type of such numbers; 0 if there is none. Booleans are FM_U8. */
fm_dtype fm__npy_dtype(char kind, int item);
/* NumPy's name for an element type, little-endian: "<f4"; NULL for BF16, which it does not have. */
const char *fm__npy_descr(fm_dtype dtype);

/* The shape as the last `rank` sizes, 3 at most: those before have to be 1. `expected` is for
 * messages: "[height, width]". */
fm_status fm__npy_fit(const fm__npy_header *header, int rank, const char *expected, int64_t *out,
                      fm_error *err);

/* "[3, 4]", into FM__NPY_SHAPE_TEXT bytes; at most three sizes. Returns `text`. */
enum { FM__NPY_SHAPE_TEXT = 80 };
const char *fm__npy_shape_text(const int64_t *sizes, int rank, char *text);

#endif
