/* freemask/view.h - borrowed windows on the host's pixels.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_VIEW_H
#define FREEMASK_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/error.h>
#include <freemask/export.h>

FM_BEGIN_DECLS

/** Element types, in the machine's byte order.
 *
 *  - Masks take all integers.
 *  - Loss maps take F16, BF16, F32 and F64. An F64 loss is rounded to F32 once, when it is
 *    read; everything after that is exact.
 *  - Outputs of networks take F16, BF16 and F32.
 *  - Images and strata take U8.
 *
 *  A call that is given another type refuses it (FM_ERR_UNSUPPORTED), and its message names
 *  both the type and those that it takes. */
typedef enum fm_dtype {
  FM_U8 = 1,
  FM_I8 = 2,
  FM_U16 = 3,
  FM_I16 = 4,
  FM_U32 = 5,
  FM_I32 = 6,
  FM_U64 = 7,
  FM_I64 = 8,
  FM_F16 = 9,   /**< IEEE 754 binary16 */
  FM_BF16 = 10, /**< the upper half of an F32 */
  FM_F32 = 11,
  FM_F64 = 12
} fm_dtype;

/** Where memory lies. All other numbers are reserved. */
enum {
  FM_DEVICE_HOST = 0, /**< this machine's memory */
  FM_DEVICE_CUDA = 2  /**< that of a CUDA device; only the calls of freemask/cuda.h take it */
};

/** A 2-D array [height, width] in memory that belongs to someone else: a mask, a loss map,
 *  a weight map. A view owns nothing. The library reads the pixels during the call and keeps
 *  no pointer to them, unless a function says otherwise. A call that only reads never writes
 *  through `data`.
 *
 *  Width and height are 1 to 2^31 - 1, their product is at most 2^40.
 *
 *  Strides are in *bytes* (as in NumPy; PyTorch and DLPack count elements). They may be
 *  negative and need not be multiples of anything: pixels may lie unaligned. One rule holds for
 *  planes and volumes:
 *
 *  - If all strides are 0, the view is packed, in row-major order.
 *  - Otherwise each stride is taken literally. A stride of 0 along an axis of more than one
 *    element (a broadcast view, or a stride that was forgotten) is refused (FM_ERR_ARGUMENT).
 *    The stride of an axis of one element does not matter.
 *
 *  Overlap: the planes that a call reads may overlap in any way. A plane that a call writes
 *  must have distinct pixels, and relative to each plane that the call reads it must either
 *  be the very same memory (the same data, size, strides and dtype; only where the call
 *  allows that) or share no byte with it. Otherwise the call refuses it (FM_ERR_ARGUMENT)
 *  and changes nothing. Interleaved planes of one buffer share no byte and are accepted where
 *  that follows from the strides: one plane in the even columns and one in the odd ones, two
 *  halves of the same rows, channels of interleaved pixels. Planes that interleave with
 *  unrelated strides may be refused although they share no byte.
 *
 *  The layout is frozen: 48 bytes on 64-bit machines. */
typedef struct fm_plane {
  void *data;         /**< pixel (0, 0) */
  int32_t dtype;      /**< an fm_dtype */
  int32_t device;     /**< FM_DEVICE_HOST; anything else is refused (FM_ERR_UNSUPPORTED) */
  int64_t height;     /**< rows, the top one first */
  int64_t width;      /**< pixels per row */
  int64_t row_stride; /**< bytes from one row to the next */
  int64_t col_stride; /**< bytes from one pixel to the next */
} fm_plane;

/** A 3-D array [channels, height, width] in memory that belongs to someone else, in any order:
 *  an RGB image (interleaved: channel_stride 1, row_stride 3 * width, col_stride 3) or a
 *  network's output. The rules are those of fm_plane; packed means channel after channel.
 *  Channels are 1 to 65,536. The layout is frozen: 64 bytes on 64-bit machines. */
typedef struct fm_volume {
  void *data;             /**< channel 0, pixel (0, 0) */
  int32_t dtype;          /**< an fm_dtype */
  int32_t device;         /**< FM_DEVICE_HOST; anything else is refused (FM_ERR_UNSUPPORTED) */
  int64_t channels;       /**< 1 to 65,536 */
  int64_t height;         /**< rows, the top one first */
  int64_t width;          /**< pixels per row */
  int64_t channel_stride; /**< bytes from one channel to the next */
  int64_t row_stride;     /**< bytes from one row to the next */
  int64_t col_stride;     /**< bytes from one pixel to the next */
} fm_volume;

/** A packed plane over `data` in this machine's memory. Cannot fail: the call that receives the
 *  plane checks its shape and type. Thread-safety: any thread, any time. */
FM_API fm_plane fm_plane_make(const void *data, fm_dtype dtype, int64_t height, int64_t width);

/** A packed volume over `data`, as fm_plane_make. */
FM_API fm_volume fm_volume_make(const void *data, fm_dtype dtype, int64_t channels, int64_t height,
                                int64_t width);

/** Views a DLPack tensor in host memory as a plane, without a copy.
 *
 *  `dl_tensor` points to a `DLTensor` (the `dl_tensor` member of a DLManagedTensor of any
 *  version). The tensor has two dimensions, [height, width], or more if the leading ones are 1;
 *  NULL strides mean row-major. Its device is the CPU or pinned host memory. Its type is one of
 *  fm_dtype; a bool tensor comes as U8 (0 and 1).
 *
 *  On success `*out` has its strides filled in and borrows the tensor's memory: keep the tensor
 *  for as long as the plane is used. On failure `*out` keeps its value. Allocates nothing.
 *
 *  Errors: ARGUMENT (NULL, a tensor without memory or without pixels, a stride out of range),
 *  SHAPE (dimensions), LIMIT (size), UNSUPPORTED (another device or type; a broadcast tensor).
 *  Thread-safety: any thread, any time. */
FM_API fm_status fm_plane_from_dlpack(const void *dl_tensor, fm_plane *out, fm_error *err);

/** Views a DLPack tensor in host memory as a volume: three dimensions, [channels, height,
 *  width], or more if the leading ones are 1. Everything else is as for
 *  fm_plane_from_dlpack. */
FM_API fm_status fm_volume_from_dlpack(const void *dl_tensor, fm_volume *out, fm_error *err);

/** Bytes of one element; 0 for a number that is not an fm_dtype. Thread-safety: any thread, any
 *  time. */
FM_API size_t fm_dtype_size(fm_dtype dtype);

/** Planes that some calls read in addition to the mask and its loss map. A call takes a pointer to
 *  this structure; NULL means that there are none. Sized structure, see freemask/context.h. */
typedef struct fm_extra_planes {
  size_t size;
  const fm_plane *strata;    /**< U8, of the mask's size: the stratum of each pixel, 0 to
                                  strata - 1. Required if the statistics or the filter have several strata, refused if they
                                  have one. Not read at ignored pixels. */
  const fm_plane *reference; /**< the loss map of the real image whose mask the synthetic image was
                                  made from, in any type of a loss map; or, U8, its codes
                                  (fm_class_stats_code_map). Another size is brought to the mask's by
                                  the nearest pixel, as fm_map_resize_nearest does. FM_SCORE_RANK
                                  alone compares with it; refused elsewhere. Must be a loss where
                                  the mask has a class. */
  const fm_plane *siblings;  /**< loss maps of other synthetic images of the same mask, of its size:
                                  `sibling_count` planes. Only together with a reference, and
                                  refused where that is. Must be losses where the mask has a class.
                                  NULL: none */
  int32_t sibling_count;     /**< 0 to 65,536 */
  int32_t reserved;          /**< 0 */
  uint64_t reference_ranks;  /**< of codes: the `ranks_fingerprint` of the statistics that they were
                                  made with (fm_class_stats_layout); those of another score are
                                  refused (MISMATCH). Of losses: 0 */
} fm_extra_planes;

FM_END_DECLS

#endif
