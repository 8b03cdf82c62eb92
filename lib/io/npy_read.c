/* io/npy_read.c - arrays of NumPy as masks, loss maps and outputs, straight into the raster. */
#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/decode.h"
#include "io/npy_header.h"
#include "io/words.h"

enum { MOST_HEADER = 64 * 1024, PREFIX = 8 };

static fm_status ends_early(fm_error *err) {
  return fm__fail(err, FM_ERR_FORMAT, "NPY is damaged: the file ends too early");
}

/* The bytes of the header's text, which come in two bytes, in four since version 2. */
static fm_status header_size(fm__input *input, size_t *out, fm_error *err) {
  unsigned char prefix[PREFIX], length[4] = {0};
  if (fm__input_read(input, prefix, PREFIX) < PREFIX) return ends_early(err);
  int major = prefix[6], minor = prefix[7];
  if (major < 1 || major > 3 || minor != 0)
    return fm__fail(err, FM_ERR_UNSUPPORTED, "NPY is of version %d.%d, expected 1.0, 2.0 or 3.0",
                    major, minor);
  size_t bytes = major == 1 ? 2 : 4;
  if (fm__input_read(input, length, bytes) < bytes) return ends_early(err);
  uint32_t size = (uint32_t)length[0] | (uint32_t)length[1] << 8 | (uint32_t)length[2] << 16 |
                  (uint32_t)length[3] << 24;
  if ((int64_t)size > fm__input_left(input)) return ends_early(err);
  if (size > MOST_HEADER)
    return fm__fail(err, FM_ERR_FORMAT,
                    "NPY claims a header of %" PRIu32 " bytes, expected some 120", size);
  *out = size;
  return FM_OK;
}

static fm_status read_header(const fm_context *context, fm__input *input, fm__npy_header *out,
                             fm_error *err) {
  size_t size = 0;
  fm_status status = header_size(input, &size, err);
  if (status) return status;
  char *text = fm__alloc(context, size);
  if (!text) return fm__fail_memory(err, size);
  if (fm__input_read(input, text, size) < size)
    status = ends_early(err);
  else
    status = fm__npy_parse(text, size, out, err);
  fm__free(context, text);
  return status;
}

/* What an array is read as, by content. */
static const struct {
  int rank;          /* 2: a plane; 3: a volume */
  const char *shape; /* for messages, as the next two */
  const char *name;
  const char *types;
  const char *kinds; /* NumPy's, that have a meaning here */
} contents[FM__CONTENTS] = {
    [FM__MASK] = {2, "[height, width]", "a mask", "an integer type (u1 to u8, i1 to i8) or b1",
                  "uib"},
    [FM__LOSS] = {2, "[height, width]", "a loss map", "f2, f4 or f8", "f"},
    [FM__OUTPUT] = {3, "[channels, height, width]", "a network's output",
                    "f2, f4 or f8 (save bfloat16 as f4)", "f"},
    /* The first of the two arrays; the other is an output. */
    [FM__QUERIES] = {2, "[queries, classes + 1]", "class logits",
                     "f2, f4 or f8 (save bfloat16 as f4)", "f"},
};

/* An array that will be read. */
typedef struct array {
  fm__npy_header header;
  fm_dtype dtype;
  int64_t shape[3]; /* [rank] */
  size_t count;     /* numbers */
} array;

/* What the header claims has to be what follows, to the byte: a lie costs no memory. */
static fm_status check_size(array *a, int rank, const fm__input *input, fm_error *err) {
  const int item = a->header.item;
  uint64_t left = (uint64_t)fm__input_left(input), fits = left / (uint64_t)item, count = 1;
  bool good = left % (uint64_t)item == 0;
  for (int i = 0; i < rank && good; i++) {
    good = (uint64_t)a->shape[i] <= fits / count;
    if (good) count *= (uint64_t)a->shape[i];
  }
  a->count = (size_t)count;
  if (good && count == fits && count <= SIZE_MAX) return FM_OK;
  char text[FM__NPY_SHAPE_TEXT];
  return fm__fail(err, FM_ERR_FORMAT,
                  "NPY claims %s numbers of %d byte%s, but %" PRIu64 " bytes follow its header",
                  fm__npy_shape_text(a->shape, rank, text), item, item == 1 ? "" : "s", left);
}

/* Numbers of `item` bytes, in place: from the file's byte order to this machine's. */
static void set_byte_order(void *numbers, size_t count, int item, bool big_endian) {
  if (item == 1 || (FM__LITTLE_ENDIAN && !big_endian)) return;
  unsigned char *at = numbers;
  for (size_t i = 0; i < count; i++, at += item) {
    uint64_t value = 0;
    for (int b = 0; b < item; b++) value = value << 8 | at[big_endian ? b : item - 1 - b];
    const uint16_t two = (uint16_t)value;
    const uint32_t four = (uint32_t)value;
    if (item == 2)
      memcpy(at, &two, sizeof two);
    else if (item == 4)
      memcpy(at, &four, sizeof four);
    else
      memcpy(at, &value, sizeof value);
  }
}

/* Float64 as the F32 that is next to it, piece by piece. */
static bool read_doubles(fm__input *input, float *to, size_t count, bool big_endian) {
  double piece[512];
  while (count) {
    size_t now = count < 512 ? count : 512;
    if (fm__input_read(input, piece, now * sizeof *piece) < now * sizeof *piece) return false;
    set_byte_order(piece, now, 8, big_endian);
    for (size_t i = 0; i < now; i++) to[i] = (float)piece[i];
    to += now;
    count -= now;
  }
  return true;
}

static bool read_numbers(fm__input *input, const array *a, fm_raster *raster) {
  const fm__npy_header *h = &a->header;
  if (h->kind == 'f' && h->item == 8)
    return read_doubles(input, raster->pixels, a->count, h->big_endian);
  size_t size = a->count * (size_t)h->item;
  if (fm__input_read(input, raster->pixels, size) < size) return false;
  set_byte_order(raster->pixels, a->count, h->item, h->big_endian);
  return true;
}

/* Fortran order is a matter of strides. */
static void set_order(fm_raster *raster) {
  fm_plane *plane = &raster->plane;
  fm_volume *volume = &raster->volume;
  if (plane->data) {
    plane->row_stride = plane->col_stride;
    plane->col_stride = plane->height * plane->row_stride;
  } else {
    volume->channel_stride = volume->col_stride;
    volume->row_stride = volume->channels * volume->channel_stride;
    volume->col_stride = volume->height * volume->row_stride;
  }
}

/* F64 is rounded to F32, as it would be when it is used. */
static fm_status find_dtype(const fm__npy_header *h, fm__content content, fm_dtype *out,
                            fm_error *err) {
  fm_dtype dtype = fm__npy_dtype(h->kind, h->item);
  if (dtype && strchr(contents[content].kinds, h->kind)) {
    *out = dtype == FM_F64 ? FM_F32 : dtype;
    return FM_OK;
  }
  return fm__fail(err, FM_ERR_UNSUPPORTED, "NPY has dtype %c%d, %s is %s", h->kind, h->item,
                  contents[content].name, contents[content].types);
}

static fm_status read_array(const fm_context *context, fm__input *input, const fm__request *request,
                            array *out, fm_error *err) {
  const int rank = contents[request->content].rank;
  fm_status status = read_header(context, input, &out->header, err);
  if (!status)
    status = fm__npy_fit(&out->header, rank, contents[request->content].shape, out->shape, err);
  if (!status) status = find_dtype(&out->header, request->content, &out->dtype, err);
  if (!status) status = check_size(out, rank, input, err);
  if (status) return status;
  const int64_t *size = out->shape + rank - 2;
  return fm__check_pixels((uint64_t)size[1], (uint64_t)size[0], request->max_pixels, err);
}

fm_status fm__npy_read(const fm_context *context, fm__input *input, const fm__request *request,
                       fm_raster **out, fm_error *err) {
  array a = {.count = 0};
  fm_raster *raster = NULL;
  fm_status status = read_array(context, input, request, &a, err);
  if (status) return status;
  const int64_t *shape = a.shape;
  const int depth = 8 * a.header.item;
  status =
      contents[request->content].rank == 2
          ? fm__raster_plane(context, a.dtype, shape[0], shape[1], depth, &raster, err)
          : fm__raster_volume(context, a.dtype, shape[0], shape[1], shape[2], depth, &raster, err);
  if (status) return status;
  if (!read_numbers(input, &a, raster)) {
    fm_raster_destroy(raster);
    return ends_early(err);
  }
  if (a.header.fortran) set_order(raster);
  *out = raster;
  return FM_OK;
}
