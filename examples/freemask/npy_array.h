/* freemask/npy_array.h - NPY files of any number of dimensions: networks' outputs. */
#ifndef FREEMASK_TOOL_NPY_ARRAY_H
#define FREEMASK_TOOL_NPY_ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include "fault.h"

enum { NPY_RANK = 8 };

/* The most bytes of a file, and of an array: as the library's limit. */
#define NPY_MOST_BYTES (UINT64_C(1) << 32)

/* Zero-initialise. Numbers are F32 or F16 in the machine's byte order. */
typedef struct npy_array {
  void *memory; /* owner */
  unsigned char *data;
  fm_dtype dtype;
  int rank;
  int64_t shape[NPY_RANK], stride[NPY_RANK]; /* strides in bytes */
} npy_array;

/* Reads a file: f2, f4, f8 (rounded to F32), either byte order, C or Fortran order, versions 1 to
 * 3. What the header claims has to be what follows, to the byte. */
int npy_array_read(const char *path, npy_array *out, fault *f);

/* The same from memory, which the array owns from then on, also on failure. `name` is for
 * messages. */
int npy_array_take(char *bytes, size_t length, const char *name, npy_array *out, fault *f);

void npy_array_free(npy_array *array);

/* Views: leading dimensions of 1 are passed over. A volume is [C, h, w] or, with `channels_last`,
 * [h, w, C]; with `one_channel` [h, w] will do. EXIT_DATA for other shapes. */
int npy_array_volume(const npy_array *array, bool channels_last, bool one_channel, const char *name,
                     fm_volume *out, fault *f);
int npy_array_plane(const npy_array *array, const char *name, fm_plane *out, fault *f);

#endif
