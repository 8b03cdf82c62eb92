/* freemask/view.h - borrowed windows on the host's pixels.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_VIEW_H
#define FREEMASK_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/error.h>
#include <freemask/export.h>

FM_BEGIN_DECLS

/** Element types, in the machine's byte order. Masks take the integers, loss maps
 *  F32, F16 and BF16, images U8. */
typedef enum fm_dtype {
  FM_U8 = 1,
  FM_U16 = 2,
  FM_I16 = 3,
  FM_I32 = 4,
  FM_I64 = 5,
  FM_F32 = 6,
  FM_F16 = 7, /**< IEEE 754 binary16 */
  FM_BF16 = 8 /**< the upper half of an F32 */
} fm_dtype;

/** A 2-D array [height, width] in memory of somebody else: a mask, a loss map, a
 *  weight map. A view owns nothing; the pixels stay where they are and are only
 *  looked at during the call, unless a function says otherwise.
 *
 *  Strides are in *bytes* (as NumPy has them; PyTorch and DLPack count elements),
 *  may be negative, and need not be multiples of anything: pixels may lie
 *  unaligned. A stride of 0 means packed. Calls that only read never write through
 *  `data`. Width and height are 1 to 2^31 - 1, their product at most 2^40.
 *  The layout is frozen: 48 bytes on 64-bit machines. */
typedef struct fm_plane {
  void *data;         /**< pixel (0, 0) */
  int32_t dtype;      /**< an fm_dtype */
  int32_t reserved;   /**< 0 */
  int64_t height;     /**< rows, from the top */
  int64_t width;      /**< pixels of a row */
  int64_t row_stride; /**< bytes from a row to the next; 0: width times col_stride */
  int64_t col_stride; /**< bytes from a pixel to the next; 0: the element's size */
} fm_plane;

/** A 3-D array [channels, height, width] in memory of somebody else, in any memory
 *  order: an RGB image (interleaved: channel_stride 1, col_stride 3) or a network's
 *  output. Rules as for fm_plane; all three strides 0 mean packed CHW.
 *  The layout is frozen: 64 bytes on 64-bit machines. */
typedef struct fm_volume {
  void *data;
  int32_t dtype;
  int32_t reserved;
  int64_t channels;
  int64_t height;
  int64_t width;
  int64_t channel_stride; /**< bytes */
  int64_t row_stride;     /**< bytes */
  int64_t col_stride;     /**< bytes */
} fm_volume;

/** A packed plane over `data`. Cannot fail; a bad shape or dtype is found by the
 *  call that gets the plane. */
FM_API fm_plane fm_plane_make(const void *data, fm_dtype dtype, int64_t height, int64_t width);

/** A packed CHW volume over `data`, as fm_plane_make. */
FM_API fm_volume fm_volume_make(const void *data, fm_dtype dtype, int64_t channels, int64_t height,
                                int64_t width);

/** Views a DLPack tensor on the CPU as a plane, without a copy.
 *
 *  `dl_tensor` points to a `DLTensor` (of a DLManagedTensor of any version: its
 *  `dl_tensor` member). Two dimensions, or more whose leading ones are 1; NULL
 *  strides mean row-major. The plane borrows the tensor's memory: keep the tensor.
 *  Errors: ARGUMENT, SHAPE, UNSUPPORTED (another device, lanes or type). */
FM_API fm_status fm_plane_from_dlpack(const void *dl_tensor, fm_plane *out, fm_error *err);

/** Bytes of one element, 0 for a number that is no fm_dtype. */
FM_API size_t fm_dtype_size(fm_dtype dtype);

FM_END_DECLS

#endif
