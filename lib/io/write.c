/* io/write.c - from pixels to a file or to the host's callback. */
#include <stdbool.h>

#include "core/context.h"
#include "core/fail.h"
#include "core/options.h"
#include "core/view.h"
#include "io/deliver.h"
#include "io/encode.h"

static fm_status read_options(fm_write_options *out, const fm_write_options *options,
                              fm__target *to, fm_error *err) {
  fm_status status = FM__OPTIONS_READ(out, options, fm_write_options, reserved, err);
  if (status) return status;
  if (out->compression < 0 || out->compression > 9)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_write_options: compression is %d, expected 0 to 9",
                    (int)out->compression);
  if (out->jpeg_quality < 0 || out->jpeg_quality > 100)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_write_options: jpeg_quality is %d, expected 1 to 100, or 0 for PNG",
                    (int)out->jpeg_quality);
  if (out->flush != FM_FLUSH_FILE && out->flush != FM_FLUSH_LATER)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_write_options: flush is %d, expected an fm_flush",
                    (int)out->flush);
  if (out->flush && !to->to_file)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_write_options: flush is %d, but the callback decides what becomes of the "
                    "bytes",
                    (int)out->flush);
  if (out->reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_write_options: reserved is %d, expected 0",
                    (int)out->reserved);
  to->flush = out->flush == FM_FLUSH_FILE;
  return FM_OK;
}

static fm_status write_mask(const fm_context *context, const fm_plane *mask,
                            const fm_write_options *options, fm__target *to, fm_error *err) {
  fm_write_options o;
  fm_plane known;
  fm_status status = read_options(&o, options, to, err);
  if (!status) status = fm__plane_read(&known, mask, FM__BIT(FM_U8) | FM__BIT(FM_U16), "mask", err);
  if (status) return status;
  if (o.jpeg_quality)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_write_options: jpeg_quality is %d, but JPEG would change a mask's labels",
                    (int)o.jpeg_quality);
  if (o.like && o.like->volume.data)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_write_options: like is an image, expected a mask");
  fm__bytes bytes = {.context = context};
  status = fm__png_write_mask(&known, o.like, o.compression, &bytes, err);
  return fm__deliver(&bytes, to, status, err);
}

static fm_status write_image(const fm_context *context, const fm_volume *image,
                             const fm_write_options *options, fm__target *to, fm_error *err) {
  fm_write_options o;
  fm_volume known;
  fm_status status = read_options(&o, options, to, err);
  if (!status) status = fm__volume_read(&known, image, FM__BIT(FM_U8), "image", err);
  if (status) return status;
  if (known.channels != 3)
    return fm__fail(err, FM_ERR_ARGUMENT, "image: has %lld channels, expected 3 (RGB)",
                    (long long)known.channels);
  if (o.like)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_write_options: like is given, which is for masks");
  if (o.compression && o.jpeg_quality)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_write_options: compression is %d, which is for PNG, but jpeg_quality is %d",
                    (int)o.compression, (int)o.jpeg_quality);
  fm__bytes bytes = {.context = context};
  status = o.jpeg_quality ? fm__jpeg_write_image(&known, o.jpeg_quality, &bytes, err)
                          : fm__png_write_image(&known, o.compression, &bytes, err);
  return fm__deliver(&bytes, to, status, err);
}

fm_status fm_mask_write(const fm_context *context, const char *path, const fm_plane *mask,
                        const fm_write_options *options, fm_error *err) {
  fm__target to = {.to_file = true, .path = path};
  fm_status status = fm__target_check("fm_mask_write", context, "context", &to, err);
  return status ? status : write_mask(context, mask, options, &to, err);
}

fm_status fm_mask_encode(const fm_context *context, const fm_plane *mask,
                         const fm_write_options *options, fm_write_fn write, void *user,
                         fm_error *err) {
  fm__target to = {.write = write, .user = user};
  fm_status status = fm__target_check("fm_mask_encode", context, "context", &to, err);
  return status ? status : write_mask(context, mask, options, &to, err);
}

fm_status fm_image_write(const fm_context *context, const char *path, const fm_volume *image,
                         const fm_write_options *options, fm_error *err) {
  fm__target to = {.to_file = true, .path = path};
  fm_status status = fm__target_check("fm_image_write", context, "context", &to, err);
  return status ? status : write_image(context, image, options, &to, err);
}

fm_status fm_image_encode(const fm_context *context, const fm_volume *image,
                          const fm_write_options *options, fm_write_fn write, void *user,
                          fm_error *err) {
  fm__target to = {.write = write, .user = user};
  fm_status status = fm__target_check("fm_image_encode", context, "context", &to, err);
  return status ? status : write_image(context, image, options, &to, err);
}

fm_status fm_npy_write(const fm_context *context, const char *path, const fm_plane *plane,
                       const fm_write_options *options, fm_error *err) {
  fm__target to = {.to_file = true, .path = path};
  fm_write_options o;
  fm_plane known;
  const unsigned types = (FM__MASK_TYPES | FM__LOSS_TYPES) & ~FM__BIT(FM_BF16);
  fm_status status = fm__target_check("fm_npy_write", context, "context", &to, err);
  if (!status) status = read_options(&o, options, &to, err);
  if (!status) status = fm__plane_read(&known, plane, types, "plane", err);
  if (status) return status;
  if (o.like || o.compression || o.jpeg_quality)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_write_options: %s is given, which NPY has no use for",
                    o.like          ? "like"
                    : o.compression ? "compression"
                                    : "jpeg_quality");
  return fm__npy_write(context, path, &known, to.flush, err);
}
