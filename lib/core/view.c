/* core/view.c - shapes, strides and overlaps. */
#include "core/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"

static const int64_t LONGEST_SIDE = INT32_MAX;
static const int64_t MOST_PIXELS = INT64_C(1) << 40;
static const int64_t MOST_CHANNELS = 65536;

fm_plane fm_plane_make(const void *data, fm_dtype dtype, int64_t height, int64_t width) {
  fm_plane plane = {0};
  /* Views serve reading and writing; which of them a call does is stated by the call. */
  memcpy(&plane.data, &data, sizeof data);
  plane.dtype = (int32_t)dtype;
  plane.height = height;
  plane.width = width;
  return plane;
}

fm_volume fm_volume_make(const void *data, fm_dtype dtype, int64_t channels, int64_t height,
                         int64_t width) {
  fm_volume volume = {0};
  memcpy(&volume.data, &data, sizeof data);
  volume.dtype = (int32_t)dtype;
  volume.channels = channels;
  volume.height = height;
  volume.width = width;
  return volume;
}

/* ---- Element types -------------------------------------------------------------- */

typedef struct dtype_row {
  const char *name;
  size_t size;
  fm__range range; /* of an integer type */
} dtype_row;

static const dtype_row *dtype_at(int32_t dtype) {
  static const dtype_row rows[] = {
      {"?", 0, {0, 0}},
      [FM_U8] = {"u8", 1, {0, UINT8_MAX}},
      [FM_I8] = {"i8", 1, {INT8_MIN, INT8_MAX}},
      [FM_U16] = {"u16", 2, {0, UINT16_MAX}},
      [FM_I16] = {"i16", 2, {INT16_MIN, INT16_MAX}},
      [FM_U32] = {"u32", 4, {0, UINT32_MAX}},
      [FM_I32] = {"i32", 4, {INT32_MIN, INT32_MAX}},
      [FM_U64] = {"u64", 8, {0, UINT64_MAX}},
      [FM_I64] = {"i64", 8, {INT64_MIN, INT64_MAX}},
      [FM_F16] = {"f16", 2, {0, 0}},
      [FM_BF16] = {"bf16", 2, {0, 0}},
      [FM_F32] = {"f32", 4, {0, 0}},
      [FM_F64] = {"f64", 8, {0, 0}},
  };
  return &rows[dtype > 0 && dtype <= FM_F64 ? dtype : 0];
}

size_t fm_dtype_size(fm_dtype dtype) { return dtype_at((int32_t)dtype)->size; }

const char *fm__dtype_name(int32_t dtype) { return dtype_at(dtype)->name; }

fm__range fm__integer_range(int32_t dtype) { return dtype_at(dtype)->range; }

/* ---- Reading -------------------------------------------------------------------- */

/* Names what would be right, and how to get there. */
static fm_status fail_dtype(int32_t dtype, unsigned types, const char *what, fm_error *err) {
  char known[96] = "";
  size_t length = 0;
  for (int32_t d = FM_U8; d <= FM_F64; d++)
    if (types & FM__BIT(d))
      length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", length ? ", " : "",
                                 fm__dtype_name(d));
  return fm__fail(err, FM_ERR_UNSUPPORTED, "%s: dtype is %s, expected %s: convert it first", what,
                  fm__dtype_name(dtype), known);
}

static fm_status check_pixels(const void *data, int32_t dtype, int32_t device, int64_t height,
                              int64_t width, unsigned types, const char *what, fm_error *err) {
  if (device != FM_DEVICE_HOST)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "%s: device is %d, expected 0, this machine's memory: copy the pixels there",
                    what, (int)device);
  if (!data) return fm__fail(err, FM_ERR_ARGUMENT, "%s: data is NULL", what);
  if (fm_dtype_size((fm_dtype)dtype) == 0)
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: dtype is %d, expected an fm_dtype", what,
                    (int)dtype);
  if (!(types & FM__BIT(dtype))) return fail_dtype(dtype, types, what, err);
  if (height < 1 || width < 1)
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: size is %" PRId64 "x%" PRId64 ", has no pixel", what,
                    width, height);
  if (height > LONGEST_SIDE || width > LONGEST_SIDE || height > MOST_PIXELS / width)
    return fm__fail(err, FM_ERR_LIMIT,
                    "%s: size is %" PRId64 "x%" PRId64 ", more than 2^40 pixels or 2^31 a side",
                    what, width, height);
  return FM_OK;
}

/* One axis of a view. */
typedef struct axis {
  const char *name; /* of its stride */
  int64_t count;
  int64_t *stride;
} axis;

/* Strides far outside of any address space would overflow the offsets of pixels. */
static bool stride_fits(int64_t stride, int64_t steps) {
  int64_t magnitude = stride < 0 ? -(stride + 1) : stride;
  return magnitude <= INT64_MAX / 4 / steps;
}

/* The rule for strides, for planes and volumes alike; the innermost axis comes first. */
static fm_status read_strides(axis *axes, int count, int64_t element, const char *what,
                              fm_error *err) {
  bool packed = true;
  for (int i = 0; i < count; i++) packed = packed && *axes[i].stride == 0;
  int64_t inner = element; /* bytes of all axes within this one, if they are packed */
  for (int i = 0; i < count; i++) {
    axis *a = &axes[i];
    if (packed || a->count == 1) *a->stride = inner;
    if (*a->stride == 0)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "%s: %s is 0 although other strides are not: set all of them, or none where "
                      "pixels are packed; a broadcast view has to be copied first",
                      what, a->name);
    if (!stride_fits(*a->stride, a->count))
      return fm__fail(err, FM_ERR_ARGUMENT, "%s: %s is %" PRId64 " bytes, out of range", what,
                      a->name, *a->stride);
    inner = *a->stride * a->count;
  }
  return FM_OK;
}

fm_status fm__plane_read(fm_plane *known, const fm_plane *plane, unsigned types, const char *what,
                         fm_error *err) {
  if (!plane) return fm__fail(err, FM_ERR_ARGUMENT, "%s: is NULL", what);
  fm_status status = check_pixels(plane->data, plane->dtype, plane->device, plane->height,
                                  plane->width, types, what, err);
  if (status) return status;
  fm_plane read = *plane;
  axis axes[] = {{"col_stride", read.width, &read.col_stride},
                 {"row_stride", read.height, &read.row_stride}};
  status = read_strides(axes, 2, (int64_t)fm_dtype_size((fm_dtype)read.dtype), what, err);
  if (!status) *known = read;
  return status;
}

fm_status fm__volume_read(fm_volume *known, const fm_volume *volume, unsigned types,
                          const char *what, fm_error *err) {
  if (!volume) return fm__fail(err, FM_ERR_ARGUMENT, "%s: is NULL", what);
  fm_status status = check_pixels(volume->data, volume->dtype, volume->device, volume->height,
                                  volume->width, types, what, err);
  if (status) return status;
  if (volume->channels < 1 || volume->channels > MOST_CHANNELS)
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: has %" PRId64 " channels, expected 1 to 65536", what,
                    volume->channels);
  fm_volume read = *volume;
  axis axes[] = {{"col_stride", read.width, &read.col_stride},
                 {"row_stride", read.height, &read.row_stride},
                 {"channel_stride", read.channels, &read.channel_stride}};
  status = read_strides(axes, 3, (int64_t)fm_dtype_size((fm_dtype)read.dtype), what, err);
  if (!status) *known = read;
  return status;
}

fm_status fm__same_size(const fm_plane *a, const char *a_name, const fm_plane *b,
                        const char *b_name, fm_error *err) {
  if (a->height == b->height && a->width == b->width) return FM_OK;
  return fm__fail(err, FM_ERR_SHAPE,
                  "%s is %" PRId64 "x%" PRId64 ", %s is %" PRId64 "x%" PRId64
                  " (width x height): they have to be equal",
                  a_name, a->width, a->height, b_name, b->width, b->height);
}

enum { MOST_SIBLINGS = 65536 };

static fm_status read_siblings(fm__reference *reference, const fm_extra_planes *known,
                               const fm_plane *mask, fm_error *err) {
  if (known->reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_extra_planes: reserved is %d, expected 0",
                    (int)known->reserved);
  if (known->sibling_count < 0 || known->sibling_count > MOST_SIBLINGS ||
      !known->sibling_count != !known->siblings)
    return fm__fail(
        err, FM_ERR_ARGUMENT,
        "fm_extra_planes: sibling_count is %d and siblings is %s, expected 0 and NULL or "
        "1 to %d planes",
        (int)known->sibling_count, known->siblings ? "set" : "NULL", MOST_SIBLINGS);
  if (known->siblings && !known->reference)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_extra_planes: siblings are set, but reference is NULL: where all synthetic "
                    "images of a mask are wrong alike, only the real one can tell");
  fm_status status = FM_OK;
  for (int32_t i = 0; i < known->sibling_count && !status; i++) {
    fm_plane sibling;
    status = fm__plane_read(&sibling, &known->siblings[i], FM__LOSS_TYPES, "sibling", err);
    if (!status) status = fm__same_size(mask, "mask", &sibling, "sibling", err);
  }
  reference->siblings = known->siblings;
  reference->sibling_count = known->sibling_count;
  return status;
}

static fm_status read_reference(fm__reference *reference, const fm_extra_planes *known,
                                const fm_plane *mask, fm_error *err) {
  if (!reference && (known->reference || known->siblings))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_extra_planes: %s set, but the score is the loss, which is compared with "
                    "none",
                    known->reference ? "reference is" : "siblings are");
  if (!reference) return FM_OK;
  memset(reference, 0, sizeof *reference);
  fm_status status = read_siblings(reference, known, mask, err);
  if (status || !known->reference) return status;
  status = fm__plane_read(&reference->real, known->reference, FM__LOSS_TYPES | FM__BIT(FM_U8),
                          "reference", err);
  if (status) return status;
  if (!known->reference_ranks != (reference->real.dtype != FM_U8))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_extra_planes: reference is of %s and reference_ranks is %s, expected codes "
                    "of u8 with the ranks that they were made with, or losses and 0",
                    fm__dtype_name(reference->real.dtype), known->reference_ranks ? "set" : "0");
  reference->ranks = known->reference_ranks;
  return FM_OK;
}

fm_status fm__reference_check_output(const fm__reference *reference, const fm_plane *out,
                                     const char *out_name, fm_error *err) {
  if (!reference->real.data) return FM_OK;
  fm_status status = fm__check_output(out, out_name, &reference->real, "reference", false, err);
  for (int32_t i = 0; i < reference->sibling_count && !status; i++) {
    fm_plane sibling;
    status = fm__plane_read(&sibling, &reference->siblings[i], FM__LOSS_TYPES, "sibling", err);
    if (!status) status = fm__check_output(out, out_name, &sibling, "sibling", false, err);
  }
  return status;
}

fm_status fm__extra_read(fm_plane *strata, fm__reference *reference, const fm_extra_planes *extra,
                         int32_t strata_count, const fm_plane *mask, fm_error *err) {
  fm_extra_planes known;
  fm_status status = FM__OPTIONS_READ(&known, extra, fm_extra_planes, reference_ranks, err);
  if (!status) status = read_reference(reference, &known, mask, err);
  if (status) return status;
  memset(strata, 0, sizeof *strata);
  if (!known.strata && strata_count == 1) return FM_OK;
  if (!known.strata)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_extra_planes: strata is NULL, but there are %d strata", (int)strata_count);
  if (strata_count == 1)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_extra_planes: strata is set, but there is only one stratum");
  status = fm__plane_read(strata, known.strata, FM__BIT(FM_U8), "strata", err);
  return status ? status : fm__same_size(mask, "mask", strata, "strata", err);
}

/* ---- Overlap -------------------------------------------------------------------- */

enum { MOST_AXES = 3 };

/* The bytes of a view: elements at `low` plus multiples of positive strides. */
typedef struct footprint {
  uintptr_t low;
  uint64_t element;
  int axes; /* those of more than one element, the longest stride first */
  uint64_t count[MOST_AXES], stride[MOST_AXES];
} footprint;

static void add_axis(footprint *f, int64_t count, int64_t stride) {
  if (count == 1) return;
  if (stride < 0) f->low -= (uintptr_t)(count - 1) * (uintptr_t)-stride;
  uint64_t length = (uint64_t)(stride < 0 ? -stride : stride);
  int at = f->axes++;
  for (; at > 0 && f->stride[at - 1] < length; at--) {
    f->stride[at] = f->stride[at - 1];
    f->count[at] = f->count[at - 1];
  }
  f->stride[at] = length;
  f->count[at] = (uint64_t)count;
}

static footprint of_plane(const fm_plane *p) {
  footprint f = {.low = (uintptr_t)p->data, .element = fm_dtype_size((fm_dtype)p->dtype)};
  add_axis(&f, p->height, p->row_stride);
  add_axis(&f, p->width, p->col_stride);
  return f;
}

static footprint of_volume(const fm_volume *v) {
  footprint f = {.low = (uintptr_t)v->data, .element = fm_dtype_size((fm_dtype)v->dtype)};
  add_axis(&f, v->channels, v->channel_stride);
  add_axis(&f, v->height, v->row_stride);
  add_axis(&f, v->width, v->col_stride);
  return f;
}

/* Bytes from the first to the last one of all axes but the `outer` longest. */
static uint64_t span_of(const footprint *f, int outer) {
  uint64_t span = f->element;
  for (int i = outer; i < f->axes; i++) span += (f->count[i] - 1) * f->stride[i];
  return span;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b) {
  while (b) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* The largest number that divides the `outer` longest strides of both. */
static uint64_t period_of(const footprint *a, const footprint *b, int outer) {
  uint64_t period = 0;
  for (int i = 0; i < outer && i < a->axes; i++) period = greatest_divisor(period, a->stride[i]);
  for (int i = 0; i < outer && i < b->axes; i++) period = greatest_divisor(period, b->stride[i]);
  return period;
}

/* With the outer axes folded to one period, each view lies within one run of bytes. If the runs do
 * not meet on the circle, the views share no byte. With no axis folded these are plain ranges. */
static bool overlaps(const footprint *a, const footprint *b) {
  uint64_t span_a = span_of(a, 0), span_b = span_of(b, 0);
  if (a->low <= b->low ? b->low - a->low >= span_a : a->low - b->low >= span_b) return false;
  for (int outer = 1; outer <= MOST_AXES; outer++) {
    uint64_t period = period_of(a, b, outer);
    if (!period) return true;
    uint64_t distance =
        a->low <= b->low ? (b->low - a->low) % period : period - 1 - (a->low - b->low - 1) % period;
    span_a = span_of(a, outer);
    span_b = span_of(b, outer);
    if (span_a <= distance && span_b <= period - distance) return false;
  }
  return true;
}

bool fm__overlaps(const fm_plane *a, const fm_plane *b) {
  footprint of_a = of_plane(a), of_b = of_plane(b);
  return overlaps(&of_a, &of_b);
}

bool fm__overlaps_volume(const fm_plane *a, const fm_volume *b) {
  footprint of_a = of_plane(a), of_b = of_volume(b);
  return overlaps(&of_a, &of_b);
}

bool fm__same_memory(const fm_plane *a, const fm_plane *b) {
  return a->data == b->data && a->dtype == b->dtype && a->height == b->height &&
         a->width == b->width && a->row_stride == b->row_stride && a->col_stride == b->col_stride;
}

static fm_status fail_overlap(const char *out_name, const char *in_name, bool in_place,
                              fm_error *err) {
  return fm__fail(err, FM_ERR_ARGUMENT, "%s: overlaps the %s%s: give it memory of its own",
                  out_name, in_name, in_place ? " without being the very same plane" : "");
}

fm_status fm__check_output(const fm_plane *out, const char *out_name, const fm_plane *in,
                           const char *in_name, bool in_place, fm_error *err) {
  if ((in_place && fm__same_memory(out, in)) || !fm__overlaps(out, in)) return FM_OK;
  return fail_overlap(out_name, in_name, in_place, err);
}

fm_status fm__check_output_volume(const fm_plane *out, const char *out_name, const fm_volume *in,
                                  const char *in_name, fm_error *err) {
  if (!fm__overlaps_volume(out, in)) return FM_OK;
  return fail_overlap(out_name, in_name, false, err);
}

fm_status fm__output_read(fm_plane *known, const fm_plane *plane, unsigned types, const char *what,
                          fm_error *err) {
  fm_plane read;
  fm_status status = fm__plane_read(&read, plane, types, what, err);
  if (status) return status;
  footprint f = of_plane(&read);
  for (int i = 0; i < f.axes; i++)
    if (f.stride[i] < span_of(&f, i + 1))
      return fm__fail(err, FM_ERR_ARGUMENT, "%s: its pixels overlap each other", what);
  *known = read;
  return FM_OK;
}
