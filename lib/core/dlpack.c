/* core/dlpack.c - DLPack tensors as views. The structure below restates the C layout of
 * DLTensor, which DLPack keeps in every version. */
#include <freemask/view.h>

#include "core/fail.h"
#include "core/view.h"

typedef struct dl_tensor {
  void *data;
  int32_t device_type;
  int32_t device_id;
  int32_t ndim;
  uint8_t type_code;
  uint8_t type_bits;
  uint16_t type_lanes;
  int64_t *shape;
  int64_t *strides; /* in elements */
  uint64_t byte_offset;
} dl_tensor;

enum { DL_CPU = 1, DL_CUDA_HOST = 3, DL_ROCM_HOST = 11 };
enum { DL_INT = 0, DL_UINT = 1, DL_FLOAT = 2, DL_BFLOAT = 4, DL_BOOL = 6 };

static fm_dtype dtype_of(const dl_tensor *tensor) {
  static const struct {
    uint8_t code, bits;
    fm_dtype dtype;
  } table[] = {{DL_UINT, 8, FM_U8},    {DL_INT, 8, FM_I8},       {DL_UINT, 16, FM_U16},
               {DL_INT, 16, FM_I16},   {DL_UINT, 32, FM_U32},    {DL_INT, 32, FM_I32},
               {DL_UINT, 64, FM_U64},  {DL_INT, 64, FM_I64},     {DL_FLOAT, 16, FM_F16},
               {DL_FLOAT, 32, FM_F32}, {DL_BFLOAT, 16, FM_BF16}, {DL_FLOAT, 64, FM_F64},
               {DL_BOOL, 8, FM_U8}};
  if (tensor->type_lanes != 1) return (fm_dtype)0;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].code == tensor->type_code && table[i].bits == tensor->type_bits)
      return table[i].dtype;
  return (fm_dtype)0;
}

/* "complex64", as DLPack's codes say it. */
static fm_status fail_type(const dl_tensor *tensor, fm_error *err) {
  static const char *const kinds[] = {"int",    "uint",    "float", "handle",
                                      "bfloat", "complex", "bool"};
  int code = tensor->type_code;
  const char *kind = code <= DL_BOOL ? kinds[code] : "type of code ";
  return fm__fail(err, FM_ERR_UNSUPPORTED,
                  "tensor: holds %s%d with %d lane%s, expected integers of 8 to 64 bits, bool, "
                  "float16, bfloat16, float32 or float64: convert it first",
                  kind, code <= DL_BOOL ? tensor->type_bits : code, tensor->type_lanes,
                  tensor->type_lanes == 1 ? "" : "s");
}

/* What a tensor is read as: the last `rank` dimensions. */
typedef struct reading {
  const char *function, *expected;
  int rank;
} reading;

static fm_status check_device(const dl_tensor *tensor, fm_error *err) {
  int device = tensor->device_type;
  if (device == DL_CPU || device == DL_CUDA_HOST || device == DL_ROCM_HOST) return FM_OK;
  return fm__fail(err, FM_ERR_UNSUPPORTED,
                  "tensor: lies on DLPack device %d, expected host memory: compute the losses on "
                  "the device and move those",
                  device);
}

static fm_status check_shape(const dl_tensor *tensor, const reading *as, fm_error *err) {
  int dims = tensor->ndim;
  if (dims < as->rank || dims > 64 || !tensor->shape)
    return fm__fail(err, FM_ERR_SHAPE, "tensor: has %d dimension%s, expected %s", dims,
                    dims == 1 ? "" : "s", as->expected);
  for (int i = 0; i < dims - as->rank; i++)
    if (tensor->shape[i] != 1)
      return fm__fail(err, FM_ERR_SHAPE, "tensor: leading dimension %d is %lld, expected %s", i,
                      (long long)tensor->shape[i], as->expected);
  return FM_OK;
}

/* Strides of the last dimensions in bytes; all 0 for a packed tensor. */
static fm_status read_strides(const dl_tensor *tensor, int rank, int64_t element, int64_t *out,
                              fm_error *err) {
  for (int i = 0; i < rank; i++) {
    out[i] = 0;
    if (!tensor->strides) continue;
    int64_t stride = tensor->strides[tensor->ndim - rank + i];
    int64_t extent = tensor->shape[tensor->ndim - rank + i];
    /* The stride along a single element means nothing, and may be anything. */
    if (extent == 1) stride = 1;
    if (stride > INT64_MAX / element || stride < -(INT64_MAX / element))
      return fm__fail(err, FM_ERR_ARGUMENT, "tensor: a stride is out of range");
    /* A view has no way to repeat an element. */
    if (stride == 0 && extent > 1)
      return fm__fail(err, FM_ERR_UNSUPPORTED,
                      "tensor: is broadcast (a stride is 0): make it contiguous first");
    out[i] = stride * element;
  }
  return FM_OK;
}

/* The checks that planes and volumes share. `sizes` and `strides` have `as->rank` elements. */
static fm_status read_tensor(const dl_tensor *tensor, const reading *as, fm_dtype *dtype,
                             int64_t *sizes, int64_t *strides, fm_error *err) {
  fm_status status = check_device(tensor, err);
  if (status) return status;
  *dtype = dtype_of(tensor);
  if (!*dtype) return fail_type(tensor, err);
  status = check_shape(tensor, as, err);
  if (status) return status;
  for (int i = 0; i < as->rank; i++) sizes[i] = tensor->shape[tensor->ndim - as->rank + i];
  return read_strides(tensor, as->rank, (int64_t)fm_dtype_size(*dtype), strides, err);
}

static void *data_of(const dl_tensor *tensor) {
  return tensor->data ? (char *)tensor->data + tensor->byte_offset : NULL;
}

fm_status fm_plane_from_dlpack(const void *dl, fm_plane *out, fm_error *err) {
  static const reading as = {"fm_plane_from_dlpack", "[height, width]", 2};
  if (!dl || !out) return fm__fail(err, FM_ERR_ARGUMENT, "%s: an argument is NULL", as.function);
  fm_dtype dtype;
  int64_t sizes[2], strides[2];
  fm_status status = read_tensor(dl, &as, &dtype, sizes, strides, err);
  if (status) return status;
  fm_plane plane = fm_plane_make(data_of(dl), dtype, sizes[0], sizes[1]);
  plane.row_stride = strides[0];
  plane.col_stride = strides[1];
  return fm__plane_read(out, &plane, FM__MASK_TYPES | FM__LOSS_TYPES, "tensor", err);
}

fm_status fm_volume_from_dlpack(const void *dl, fm_volume *out, fm_error *err) {
  static const reading as = {"fm_volume_from_dlpack", "[channels, height, width]", 3};
  if (!dl || !out) return fm__fail(err, FM_ERR_ARGUMENT, "%s: an argument is NULL", as.function);
  fm_dtype dtype;
  int64_t sizes[3], strides[3];
  fm_status status = read_tensor(dl, &as, &dtype, sizes, strides, err);
  if (status) return status;
  fm_volume volume = fm_volume_make(data_of(dl), dtype, sizes[0], sizes[1], sizes[2]);
  volume.channel_stride = strides[0];
  volume.row_stride = strides[1];
  volume.col_stride = strides[2];
  return fm__volume_read(out, &volume, FM__MASK_TYPES | FM__LOSS_TYPES, "tensor", err);
}
