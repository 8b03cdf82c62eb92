/* cuda/planes.c - shapes, strides, alignment and overlaps of what lies on the device. */
#include "cuda/planes.h"

#include <inttypes.h>

#include "core/fail.h"
#include "core/options.h"

static const int64_t MOST_IMAGES = 65535, MOST_PIXELS = INT64_C(1) << 30;

/* What fm__volume_read checks; it speaks of the host's memory alone. */
static fm_status read_volume(fm_volume *known, const fm_volume *volume, unsigned types,
                             const char *what, fm_error *err) {
  if (!volume) return fm__fail(err, FM_ERR_ARGUMENT, "%s: is NULL", what);
  if (volume->device != FM_DEVICE_CUDA)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "%s: device is %d, expected 2, memory of a CUDA device (FM_DEVICE_CUDA)", what,
                    (int)volume->device);
  fm_volume host = *volume;
  host.device = FM_DEVICE_HOST;
  return fm__volume_read(known, &host, types, what, err);
}

static fm_status check_aligned(const void *data, const int64_t *strides, int count, int32_t dtype,
                               const char *what, fm_error *err) {
  int64_t element = (int64_t)fm_dtype_size((fm_dtype)dtype);
  bool aligned = (uintptr_t)data % (uintptr_t)element == 0;
  for (int i = 0; i < count; i++) aligned = aligned && strides[i] % element == 0;
  if (aligned) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "%s: data or a stride is no multiple of the %" PRId64
                  " bytes of an element, as a device needs it",
                  what, element);
}

fm_status fm__cu_read(fm__cu_batch *batch, const fm_volume *volume, unsigned types,
                      const char *what, fm_error *err) {
  fm_volume known;
  fm_status status = read_volume(&known, volume, types, what, err);
  if (status) return status;
  if (known.channels > MOST_IMAGES)
    return fm__fail(err, FM_ERR_LIMIT, "%s: %" PRId64 " images at once, expected 65,535 or less",
                    what, known.channels);
  if (known.height > MOST_PIXELS / known.width)
    return fm__fail(err, FM_ERR_LIMIT, "%s: size is %" PRId64 "x%" PRId64 ", more than 2^30 pixels",
                    what, known.width, known.height);
  *batch = (fm__cu_batch){.volume = known, .what = what};
  const int64_t strides[] = {known.channel_stride, known.row_stride, known.col_stride};
  return check_aligned(known.data, strides, 3, known.dtype, what, err);
}

/* Whether an image's pixels follow each other without gaps, and those of all images begin at 16 bytes. */
static bool is_dense(const fm_volume *v) {
  int64_t element = (int64_t)fm_dtype_size((fm_dtype)v->dtype);
  return v->col_stride == element && v->row_stride == v->width * element &&
         (v->channels == 1 || v->channel_stride % 16 == 0) && (uintptr_t)v->data % 16 == 0;
}

fm__cu_planes fm__cu_planes_of(const fm_volume *v) {
  return (fm__cu_planes){v->data,       v->channel_stride,
                         v->row_stride, v->col_stride,
                         v->dtype,      (int32_t)fm_dtype_size((fm_dtype)v->dtype),
                         is_dense(v)};
}

fm_status fm__cu_read_mask(fm__cu_job *job, fm__cu_batch *batch, const fm_volume *volume,
                           fm_error *err) {
  fm_status status = fm__cu_read(batch, volume, FM__MASK_TYPES, "mask", err);
  if (status) return status;
  job->images = (int32_t)batch->volume.channels;
  job->height = batch->volume.height;
  job->width = batch->volume.width;
  job->mask = fm__cu_planes_of(&batch->volume);
  return FM_OK;
}

fm_status fm__cu_read_like(fm__cu_planes *planes, fm__cu_batch *batch, const fm__cu_batch *mask,
                           const fm_volume *volume, unsigned types, const char *what,
                           fm_error *err) {
  fm_status status = fm__cu_read(batch, volume, types, what, err);
  if (status) return status;
  const fm_volume *a = &mask->volume, *b = &batch->volume;
  if (a->channels != b->channels || a->height != b->height || a->width != b->width)
    return fm__fail(err, FM_ERR_SHAPE,
                    "mask has %" PRId64 " images of %" PRId64 "x%" PRId64 ", %s %" PRId64
                    " of %" PRId64 "x%" PRId64 ": they have to be equal",
                    a->channels, a->width, a->height, what, b->channels, b->width, b->height);
  *planes = fm__cu_planes_of(b);
  return FM_OK;
}

fm_status fm__cu_read_strata(fm__cu_job *job, fm__cu_batch *batch, const fm__cu_batch *mask,
                             const fm_volume *strata, fm_error *err) {
  const int32_t count = job->score_strata ? job->score_strata : job->strata_count;
  batch->volume.data = NULL;
  if (!strata && count == 1) return FM_OK;
  if (!strata)
    return fm__fail(err, FM_ERR_ARGUMENT, "strata: is NULL, but there are %d strata", (int)count);
  if (count == 1) return fm__fail(err, FM_ERR_ARGUMENT, "strata: is set, but there is one stratum");
  return fm__cu_read_like(&job->strata, batch, mask, strata, FM__BIT(FM_U8), "strata", err);
}

/* ---- Overlap -------------------------------------------------------------------------------- */

/* First byte and the one behind the last. */
typedef struct extent {
  uintptr_t first, end;
} extent;

static void stretch(extent *e, int64_t stride, int64_t count) {
  int64_t reach = stride * (count - 1);
  if (reach > 0) e->end += (uintptr_t)reach;
  if (reach < 0) e->first -= (uintptr_t)-reach;
}

static extent extent_of(const fm__cu_batch *batch) {
  const fm_volume *v = &batch->volume;
  extent e = {(uintptr_t)v->data, (uintptr_t)v->data + fm_dtype_size((fm_dtype)v->dtype)};
  stretch(&e, v->channel_stride, v->channels);
  stretch(&e, v->row_stride, v->height);
  stretch(&e, v->col_stride, v->width);
  if (batch->images) stretch(&e, batch->image_stride, batch->images);
  return e;
}

static bool is_same(const fm_volume *a, const fm_volume *b) {
  return a->data == b->data && a->dtype == b->dtype && a->channel_stride == b->channel_stride &&
         a->row_stride == b->row_stride && a->col_stride == b->col_stride;
}

fm_status fm__cu_check_output(const fm__cu_batch *out, const fm__cu_batch *in, bool in_place,
                              fm_error *err) {
  if (!in->volume.data || (in_place && is_same(&out->volume, &in->volume))) return FM_OK;
  if (in->class_logits.data) {
    fm__cu_batch logits = {.volume = in->class_logits, .what = "class logits"};
    fm_status status = fm__cu_check_output(out, &logits, false, err);
    if (status) return status;
  }
  extent a = extent_of(out), b = extent_of(in);
  if (a.end <= b.first || b.end <= a.first) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT, "%s: overlaps the %s%s", out->what, in->what,
                  in_place ? ", of which it may only be the very same memory" : "");
}

/* ---- Outputs of networks ------------------------------------------------------------------------ */

static fm_status fail_count(const fm_cuda_output *output, const fm__cu_batch *mask, fm_error *err) {
  return fm__fail(err, FM_ERR_SHAPE,
                  "output is of %" PRId64 " images, mask of %" PRId64 ": they have to be equal",
                  output->image_count, mask->volume.channels);
}

fm_status fm__cu_read_values(fm__cu_job *job, const fm_cuda_output *output, fm_cuda_output *known,
                             fm__cu_batch *batch, const fm__cu_batch *mask, int32_t channels,
                             fm_error *err) {
  if (!output) return fm__fail(err, FM_ERR_ARGUMENT, "output: is NULL");
  fm_status status = FM__OPTIONS_READ(known, output, fm_cuda_output, workspace_size, err);
  if (status) return status;
  bool queries = known->class_logits.data != NULL;
  fm_volume *v = &batch->volume;
  batch->class_logits.data = NULL;
  batch->what = queries ? "mask logits" : "output";
  status = read_volume(v, &known->values, FM__OUTPUT_TYPES, batch->what, err);
  if (status) return status;
  if (known->image_count != mask->volume.channels) return fail_count(known, mask, err);
  job->values = fm__cu_planes_of(v);
  job->channel = v->channel_stride;
  job->channels = channels;
  job->inner_height = v->height;
  job->inner_width = v->width;
  bool packed =
      !known->values.channel_stride && !known->values.row_stride && !known->values.col_stride;
  if (!known->image_stride && !packed && known->image_count > 1)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "output: image_stride is 0 although other strides are not");
  job->values.image = known->image_stride ? known->image_stride : v->channel_stride * v->channels;
  const int64_t strides[] = {job->values.image, v->channel_stride, v->row_stride, v->col_stride};
  batch->images = known->image_count;
  batch->image_stride = job->values.image;
  return check_aligned(v->data, strides, 4, v->dtype, batch->what, err);
}

fm_status fm__cu_read_class_logits(fm__cu_job *job, fm__cu_batch *values, const fm_volume *logits,
                                   const fm__cu_batch *mask, fm_error *err) {
  fm__cu_batch batch;
  fm_status status = fm__cu_read(&batch, logits, FM__OUTPUT_TYPES, "class logits", err);
  if (status) return status;
  const fm_volume *v = &batch.volume;
  int64_t queries = values->volume.channels;
  if (v->channels != mask->volume.channels)
    return fm__fail(err, FM_ERR_SHAPE,
                    "class logits are of %" PRId64 " images, mask of %" PRId64
                    ": they have to be equal",
                    v->channels, mask->volume.channels);
  if (v->height != queries)
    return fm__fail(err, FM_ERR_SHAPE,
                    "class logits have %" PRId64 " queries, mask logits %" PRId64
                    ": they have to be equal",
                    v->height, queries);
  if (v->width != (int64_t)job->channels + 1)
    return fm__fail(err, FM_ERR_SHAPE,
                    "class logits have %" PRId64
                    " columns, expected %d classes and 1 for no object",
                    v->width, (int)job->channels);
  if (queries > FM__CU_MOST_QUERIES)
    return fm__fail(err, FM_ERR_LIMIT, "mask logits: %" PRId64 " queries, expected 2^20 or less",
                    queries);
  values->class_logits = *v;
  job->query_count = (int32_t)queries;
  job->queries = fm__cu_planes_of(v);
  return FM_OK;
}

/* ---- Memory --------------------------------------------------------------------------------------- */

fm_status fm__cu_check_memory(const void *memory, size_t align, const char *what, fm_error *err) {
  if (memory && (uintptr_t)memory % align == 0) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT, "%s: is %s, expected device memory%s", what,
                  memory ? "not aligned" : "NULL", memory ? " as it is allocated" : "");
}

fm_status fm__cu_check_workspace(const void *workspace, size_t size, size_t needed, fm_error *err) {
  if (needed && size < needed)
    return fm__fail(err, FM_ERR_ARGUMENT, "workspace: has %zu bytes, expected %zu", size, needed);
  return needed ? fm__cu_check_memory(workspace, 256, "workspace", err) : FM_OK;
}
