/* baseline/baseline_mask.c - masks of any integer type as classes, for the baseline. */
#include <limits.h>
#include <string.h>

#include "base/pixel.h"
#include "baseline/baseline_model.h"

/* `class_of` begins with label -1. */
static int32_t class_of(const baseline *b, int64_t label) {
  return label < -1 || label >= b->label_count - 1 ? FM_CLASS_INVALID : b->class_of[label + 1];
}

fm_status baseline_classes(const baseline *b, const fm_plane *mask, int64_t y, int32_t *out,
                           fm_error *err) {
  const uint8_t *at = (const uint8_t *)mask->data + y * mask->row_stride;
  for (int64_t x = 0; x < mask->width; x++, at += mask->col_stride) {
    const int64_t label = mask->dtype == FM_U8 ? *at : pixel_label(at, mask->dtype);
    out[x] = class_of(b, label);
    if (out[x] == FM_CLASS_INVALID)
      return baseline_fail(err, FM_ERR_LABEL,
                           "pixel (%lld, %lld) has label %lld, which is not in label space %s",
                           (long long)x, (long long)y, (long long)label, b->labels_name);
  }
  return FM_OK;
}

fm_status baseline_check(fm_plane *mask, const fm_volume *image, fm_error *err) {
  if (!mask->data) return baseline_fail(err, FM_ERR_ARGUMENT, "there is no mask");
  if (mask->dtype < FM_U8 || mask->dtype > FM_I64)
    return baseline_fail(err, FM_ERR_UNSUPPORTED, "a mask holds whole numbers, not type %d",
                         (int)mask->dtype);
  if (mask->width != image->width || mask->height != image->height || mask->width < 1 ||
      mask->height < 1)
    return baseline_fail(err, FM_ERR_SHAPE, "the mask is %lld x %lld but the image %lld x %lld",
                         (long long)mask->width, (long long)mask->height, (long long)image->width,
                         (long long)image->height);
  if (!mask->col_stride) mask->col_stride = (int64_t)fm_dtype_size((fm_dtype)mask->dtype);
  if (!mask->row_stride) mask->row_stride = mask->width * mask->col_stride;
  return FM_OK;
}
