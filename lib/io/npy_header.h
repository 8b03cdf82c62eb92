/* io/npy_header.h - the text before the numbers of an NPY file. */
#ifndef FM_IO_NPY_HEADER_H
#define FM_IO_NPY_HEADER_H

#include <freemask/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fm__npy_header {
  char kind; /* 'b', 'i', 'u' or 'f', as NumPy names them */
  int item;  /* bytes of a number: 1, 2, 4, 8 (16 of a long double) */
  bool big_endian;
  bool fortran;
  int64_t height, width;
} fm__npy_header;

/* Parses the header's dictionary. Arrays of records and of Python objects, and all
 * shapes but [1, ..., height, width], are refused. */
fm_status fm__npy_parse(const char *text, size_t size, fm__npy_header *out, fm_error *err);

#endif
