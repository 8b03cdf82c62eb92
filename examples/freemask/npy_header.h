/* freemask/npy_header.h - the text before the numbers of an NPY file. */
#ifndef FREEMASK_TOOL_NPY_HEADER_H
#define FREEMASK_TOOL_NPY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "npy_array.h"

typedef struct npy_header {
  int item;        /* bytes of a number: 2, 4 or 8; all are floating-point */
  bool big_endian; /* as stored */
  bool fortran;
  int rank;
  int64_t shape[NPY_RANK]; /* each at least 1 */
  size_t offset;           /* of the first number in the file */
} npy_header;

int npy_header_read(const char *bytes, size_t length, const char *name, npy_header *out, fault *f);

#endif
