/* io/npy_read.c - arrays of NumPy as masks, loss maps and outputs, straight into the raster. */
#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/decode.h"
#include "io/npy_header.h"

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

/* What an array is read as. */
typedef struct npy_reading {
  int rank;             /* 2: a plane; 3: a volume */
  const char *expected; /* its shape, for messages */
  fm_status (*dtype)(const fm__npy_header *h, fm_dtype *out, fm_error *err);
} npy_reading;

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

static bool native_big_endian(void) {
  const uint16_t one = 1;
  unsigned char first;
  memcpy(&first, &one, 1);
  return first == 0;
}

static uint64_t swap64(uint64_t v) {
  v = (v & UINT64_C(0x00FF00FF00FF00FF)) << 8 | (v >> 8 & UINT64_C(0x00FF00FF00FF00FF));
  v = (v & UINT64_C(0x0000FFFF0000FFFF)) << 16 | (v >> 16 & UINT64_C(0x0000FFFF0000FFFF));
  return v << 32 | v >> 32;
}

/* Other byte order, in place. `data` is aligned for the items. */
static void swap_bytes(void *data, size_t count, int item) {
  if (item == 2) {
    uint16_t *v = data;
    for (size_t i = 0; i < count; i++) v[i] = (uint16_t)(v[i] << 8 | v[i] >> 8);
  } else if (item == 4) {
    uint32_t *v = data;
    for (size_t i = 0; i < count; i++)
      v[i] = v[i] << 24 | (v[i] & 0xFF00U) << 8 | (v[i] >> 8 & 0xFF00U) | v[i] >> 24;
  } else if (item == 8) {
    uint64_t *v = data;
    for (size_t i = 0; i < count; i++) v[i] = swap64(v[i]);
  }
}

/* Float64 as the F32 that is next to it, piece by piece. */
static bool read_doubles(fm__input *input, float *to, size_t count, bool swap) {
  double piece[512];
  while (count) {
    size_t now = count < 512 ? count : 512;
    if (fm__input_read(input, piece, now * sizeof *piece) < now * sizeof *piece) return false;
    if (swap) swap_bytes(piece, now, 8);
    for (size_t i = 0; i < now; i++) to[i] = (float)piece[i];
    to += now;
    count -= now;
  }
  return true;
}

static bool read_numbers(fm__input *input, const array *a, fm_raster *raster) {
  const fm__npy_header *h = &a->header;
  bool swap = h->item > 1 && h->big_endian != native_big_endian();
  if (h->kind == 'f' && h->item == 8) return read_doubles(input, raster->pixels, a->count, swap);
  size_t size = a->count * (size_t)h->item;
  if (fm__input_read(input, raster->pixels, size) < size) return false;
  if (swap) swap_bytes(raster->pixels, a->count, h->item);
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

static fm_status read_array(const fm_context *context, fm__input *input, int64_t max_pixels,
                            const npy_reading *what, array *out, fm_error *err) {
  fm_status status = read_header(context, input, &out->header, err);
  if (!status) status = fm__npy_fit(&out->header, what->rank, what->expected, out->shape, err);
  if (!status) status = what->dtype(&out->header, &out->dtype, err);
  if (!status) status = check_size(out, what->rank, input, err);
  if (status) return status;
  const int64_t *size = out->shape + what->rank - 2;
  return fm__check_pixels((uint64_t)size[1], (uint64_t)size[0], max_pixels, err);
}

static fm_status read_npy(const fm_context *context, fm__input *input, int64_t max_pixels,
                          const npy_reading *what, fm_raster **out, fm_error *err) {
  array a = {.count = 0};
  fm_raster *raster = NULL;
  fm_status status = read_array(context, input, max_pixels, what, &a, err);
  const int64_t *shape = a.shape;
  if (!status && what->rank == 2)
    status =
        fm__raster_plane(context, a.dtype, shape[0], shape[1], 8 * a.header.item, &raster, err);
  else if (!status)
    status = fm__raster_volume(context, a.dtype, shape[0], shape[1], shape[2], 8 * a.header.item,
                               &raster, err);
  if (status) return status;
  if (!read_numbers(input, &a, raster)) {
    fm_raster_destroy(raster);
    return ends_early(err);
  }
  if (a.header.fortran) set_order(raster);
  *out = raster;
  return FM_OK;
}

static fm_status mask_dtype(const fm__npy_header *h, fm_dtype *out, fm_error *err) {
  if (h->kind == 'f')
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "NPY holds floating-point numbers (f%d), a mask holds integers", h->item);
  bool is_signed = h->kind == 'i';
  switch (h->item) {
    case 1: /* bool comes as U8 */
      *out = is_signed ? FM_I8 : FM_U8;
      break;
    case 2:
      *out = is_signed ? FM_I16 : FM_U16;
      break;
    case 4:
      *out = is_signed ? FM_I32 : FM_U32;
      break;
    default:
      *out = is_signed ? FM_I64 : FM_U64;
      break;
  }
  return FM_OK;
}

static fm_status loss_dtype(const fm__npy_header *h, fm_dtype *out, fm_error *err) {
  if (h->kind != 'f' || h->item > 8)
    return fm__fail(err, FM_ERR_UNSUPPORTED, "NPY has dtype %c%d, a loss map is f2, f4 or f8",
                    h->kind, h->item);
  *out = h->item == 2 ? FM_F16 : FM_F32;
  return FM_OK;
}

static fm_status output_dtype(const fm__npy_header *h, fm_dtype *out, fm_error *err) {
  if (h->kind != 'f' || h->item > 8)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "NPY has dtype %c%d, a network's output is f2, f4 or f8 (save bfloat16 as f4)",
                    h->kind, h->item);
  *out = h->item == 2 ? FM_F16 : FM_F32;
  return FM_OK;
}

static const npy_reading MASK = {2, "[height, width]", mask_dtype};
static const npy_reading LOSS = {2, "[height, width]", loss_dtype};
static const npy_reading OUTPUT = {3, "[channels, height, width]", output_dtype};

fm_status fm__npy_read_mask(const fm_context *context, fm__input *input, int64_t max_pixels,
                            fm_raster **out, fm_error *err) {
  return read_npy(context, input, max_pixels, &MASK, out, err);
}

fm_status fm__npy_read_loss(const fm_context *context, fm__input *input, int64_t max_pixels,
                            fm_raster **out, fm_error *err) {
  return read_npy(context, input, max_pixels, &LOSS, out, err);
}

fm_status fm__npy_read_output(const fm_context *context, fm__input *input, int64_t max_pixels,
                              fm_raster **out, fm_error *err) {
  return read_npy(context, input, max_pixels, &OUTPUT, out, err);
}
