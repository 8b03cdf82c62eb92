/* core/dlpack.c - DLPack tensors as planes. The structure below restates the C layout
 * of DLTensor, which DLPack keeps in every version. */
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

enum { DL_CPU = 1, DL_CUDA_HOST = 3, DL_INT = 0, DL_UINT = 1, DL_FLOAT = 2, DL_BFLOAT = 4 };

static fm_dtype dtype_of(const dl_tensor *tensor) {
  static const struct {
    uint8_t code, bits;
    fm_dtype dtype;
  } table[] = {{DL_UINT, 8, FM_U8},    {DL_UINT, 16, FM_U16},   {DL_INT, 16, FM_I16},
               {DL_INT, 32, FM_I32},   {DL_INT, 64, FM_I64},    {DL_FLOAT, 32, FM_F32},
               {DL_FLOAT, 16, FM_F16}, {DL_BFLOAT, 16, FM_BF16}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].code == tensor->type_code && table[i].bits == tensor->type_bits)
      return table[i].dtype;
  return (fm_dtype)0;
}

fm_status fm_plane_from_dlpack(const void *dl, fm_plane *out, fm_error *err) {
  const dl_tensor *tensor = dl;
  if (!tensor || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_plane_from_dlpack: an argument is NULL");
  if (tensor->device_type != DL_CPU && tensor->device_type != DL_CUDA_HOST)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "tensor: lives on DLPack device %d, expected the CPU: compute the loss map on "
                    "the device and move that",
                    (int)tensor->device_type);
  fm_dtype dtype = tensor->type_lanes == 1 ? dtype_of(tensor) : (fm_dtype)0;
  if (!dtype)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "tensor: DLPack type (code %d, %d bits, %d lanes) is not supported",
                    tensor->type_code, tensor->type_bits, tensor->type_lanes);
  int dims = tensor->ndim;
  if (dims < 2 || dims > 64 || !tensor->shape)
    return fm__fail(err, FM_ERR_SHAPE, "tensor: has %d dimensions, expected [height, width]", dims);
  for (int i = 0; i < dims - 2; i++)
    if (tensor->shape[i] != 1)
      return fm__fail(err, FM_ERR_SHAPE,
                      "tensor: leading dimension %d is %lld, expected [height, width]", i,
                      (long long)tensor->shape[i]);

  fm_plane plane = fm_plane_make(NULL, dtype, tensor->shape[dims - 2], tensor->shape[dims - 1]);
  int64_t element = (int64_t)fm_dtype_size(dtype);
  plane.data = tensor->data ? (char *)tensor->data + tensor->byte_offset : NULL;
  if (tensor->strides) {
    const int64_t *strides = tensor->strides + dims - 2;
    int64_t limit = INT64_MAX / element;
    if (strides[0] > limit || strides[0] < -limit || strides[1] > limit || strides[1] < -limit)
      return fm__fail(err, FM_ERR_ARGUMENT, "tensor: a stride is out of range");
    /* A zero stride repeats a pixel, which a plane cannot say, unless there is but one. */
    if ((strides[0] == 0 && plane.height > 1) || (strides[1] == 0 && plane.width > 1))
      return fm__fail(err, FM_ERR_UNSUPPORTED,
                      "tensor: is broadcast (a stride is 0): make it contiguous first");
    plane.row_stride = strides[0] * element;
    plane.col_stride = strides[1] * element;
  }
  fm_plane checked;
  fm_status status =
      fm__plane_read(&checked, &plane, FM__MASK_TYPES | FM__LOSS_TYPES, "tensor", err);
  if (status) return status;
  *out = checked;
  return FM_OK;
}
