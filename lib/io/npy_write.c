/* io/npy_write.c - a plane as an array of NumPy: version 1.0, little-endian, C order. */
#include <freemask/io.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "core/view.h"
#include "io/part_file.h"

enum { HEADER = 128, PREFIX = 10, PIECE = 4096 };

static const char *descr(int32_t dtype) {
  static const char *const names[] = {
      [FM_U8] = "|u1",  [FM_I8] = "|i1",  [FM_U16] = "<u2", [FM_I16] = "<i2",
      [FM_U32] = "<u4", [FM_I32] = "<i4", [FM_U64] = "<u8", [FM_I64] = "<i8",
      [FM_F16] = "<f2", [FM_BF16] = "",   [FM_F32] = "<f4", [FM_F64] = "<f8",
  };
  return names[dtype];
}

/* Padded with blanks, so that the numbers begin at a multiple of 64. */
static void write_header(char *header, const fm_plane *plane) {
  memset(header, ' ', HEADER);
  memcpy(header, "\x93NUMPY\x01\x00", 8);
  header[8] = HEADER - PREFIX;
  header[9] = 0;
  int length =
      snprintf(header + PREFIX, HEADER - PREFIX,
               "{'descr': '%s', 'fortran_order': False, 'shape': (%" PRId64 ", %" PRId64 "), }",
               descr(plane->dtype), plane->height, plane->width);
  header[PREFIX + length] = ' ';
  header[HEADER - 1] = '\n';
}

static bool little_endian(void) {
  const uint16_t one = 1;
  unsigned char first;
  memcpy(&first, &one, 1);
  return first == 1;
}

/* Pixels from `at` on, `stride` bytes apart, as little-endian bytes. */
static void gather(unsigned char *to, const unsigned char *at, int64_t stride, size_t count,
                   size_t element) {
  bool swap = !little_endian();
  for (size_t i = 0; i < count; i++, at += stride, to += element)
    for (size_t b = 0; b < element; b++) to[b] = at[swap ? element - 1 - b : b];
}

static fm_status write_row(fm__part_file *file, const fm_plane *plane, int64_t y, fm_error *err) {
  size_t element = fm_dtype_size((fm_dtype)plane->dtype);
  const unsigned char *row = (const unsigned char *)plane->data + y * plane->row_stride;
  if (fm__rows_packed(plane, element) && (little_endian() || element == 1))
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
  bool packed = fm__rows_packed(plane, element) &&
                plane->row_stride == plane->width * (int64_t)element &&
                (little_endian() || element == 1);
  if (packed)
    return fm__part_write(file, plane->data, (size_t)(plane->height * plane->row_stride), err);
  for (int64_t y = 0; y < plane->height; y++) {
    fm_status status = write_row(file, plane, y, err);
    if (status) return status;
  }
  return FM_OK;
}

static fm_status write_npy(const fm_context *context, const char *path, const fm_plane *plane,
                           fm_error *err) {
  char header[HEADER];
  write_header(header, plane);
  fm__part_file file;
  fm_status status = fm__part_open(context, path, &file, err);
  if (status) return status;
  status = fm__part_write(&file, header, sizeof header, err);
  if (!status) status = write_rows(&file, plane, err);
  if (!status) return fm__part_commit(&file, true, err);
  fm__part_abandon(&file);
  return status;
}

fm_status fm_npy_write(const fm_context *context, const char *path, const fm_plane *plane,
                       fm_error *err) {
  const char *missing = !context ? "context" : !path ? "path" : NULL;
  if (missing) return fm__fail(err, FM_ERR_ARGUMENT, "fm_npy_write: %s is NULL", missing);
  fm_plane known;
  unsigned types = (FM__MASK_TYPES | FM__LOSS_TYPES) & ~FM__BIT(FM_BF16);
  fm_status status = fm__plane_read(&known, plane, types, "plane", err);
  if (status) return status;
  status = write_npy(context, path, &known, err);
  if (status) fm__fail_prefix(err, "%s", path);
  return status;
}
