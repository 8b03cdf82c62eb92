/* io/npy_write.c - a plane as an array of NumPy: version 1.0, little-endian, C order. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "core/view.h"
#include "io/encode.h"
#include "io/npy_header.h"
#include "io/part_file.h"
#include "io/words.h"

enum { HEADER = 128, PREFIX = 10, PIECE = 4096 };

/* Padded with blanks, so that the numbers begin at a multiple of 64. */
static void write_header(char *header, const fm_plane *plane) {
  memset(header, ' ', HEADER);
  memcpy(header, "\x93NUMPY\x01\x00", 8);
  header[8] = HEADER - PREFIX;
  header[9] = 0;
  int length =
      snprintf(header + PREFIX, HEADER - PREFIX,
               "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRId64 ", %" PRId64 "), }",
               fm__npy_descr((fm_dtype)plane->dtype), plane->height, plane->width);
  header[PREFIX + length] = ' ';
  header[HEADER - 1] = '\n';
}

/* The bits of a number of this machine. */
static uint64_t bits_of(const unsigned char *at, size_t element) {
  uint16_t two;
  uint32_t four;
  uint64_t eight;
  if (element == 1) return *at;
  if (element == 2) return memcpy(&two, at, sizeof two), two;
  if (element == 4) return memcpy(&four, at, sizeof four), four;
  return memcpy(&eight, at, sizeof eight), eight;
}

/* Pixels from `at` on, `stride` bytes apart, as little-endian bytes. */
static void gather(unsigned char *to, const unsigned char *at, int64_t stride, size_t count,
                   size_t element) {
  for (size_t i = 0; i < count; i++, at += stride) {
    uint64_t bits = bits_of(at, element);
    for (size_t b = 0; b < element; b++) *to++ = (unsigned char)(bits >> 8 * b);
  }
}

/* Do pixels of a row lie in memory as they do in the file? */
static bool is_ready(const fm_plane *plane, size_t element) {
  return fm__rows_packed(plane, element) && (FM__LITTLE_ENDIAN || element == 1);
}

static fm_status write_row(fm__part_file *file, const fm_plane *plane, int64_t y, fm_error *err) {
  size_t element = fm_dtype_size((fm_dtype)plane->dtype);
  const unsigned char *row = (const unsigned char *)plane->data + y * plane->row_stride;
  if (is_ready(plane, element))
    return fm__part_write(file, row, (size_t)plane->width * element, err);
  unsigned char piece[PIECE];
  int64_t most = (int64_t)(PIECE / element);
  for (int64_t x = 0; x < plane->width; x += most) {
    size_t count = (size_t)(plane->width - x < most ? plane->width - x : most);
    gather(piece, row + x * plane->col_stride, plane->col_stride, count, element);
    fm_status status = fm__part_write(file, piece, count * element, err);
    if (status) return status;
  }
  return FM_OK;
}

static fm_status write_rows(fm__part_file *file, const fm_plane *plane, fm_error *err) {
  size_t element = fm_dtype_size((fm_dtype)plane->dtype);
  if (is_ready(plane, element) && plane->row_stride == plane->width * (int64_t)element)
    return fm__part_write(file, plane->data, (size_t)(plane->height * plane->row_stride), err);
  for (int64_t y = 0; y < plane->height; y++) {
    fm_status status = write_row(file, plane, y, err);
    if (status) return status;
  }
  return FM_OK;
}

static fm_status write_all(fm__part_file *file, const fm_plane *plane, fm_error *err) {
  char header[HEADER];
  write_header(header, plane);
  fm_status status = fm__part_write(file, header, sizeof header, err);
  return status ? status : write_rows(file, plane, err);
}

fm_status fm__npy_write(const fm_context *context, const char *path, const fm_plane *plane,
                        bool flush, fm_error *err) {
  fm__part_file file;
  fm_status status = fm__part_open(context, path, &file, err);
  if (!status) {
    status = write_all(&file, plane, err);
    if (status)
      fm__part_abandon(&file);
    else
      status = fm__part_commit(&file, flush, err);
  }
  if (status) fm__fail_prefix(err, "%s", path);
  return status;
}
