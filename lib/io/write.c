/* io/write.c - from pixels to a file or to the host's callback. */
#include <stdbool.h>

#include "core/context.h"
#include "core/fail.h"
#include "core/options.h"
#include "core/view.h"
#include "io/encode.h"
#include "io/file_write.h"

/* Where an encoded file goes: one of the two. */
typedef struct target {
  const char *path;
  bool flush; /* a file, before the call returns */
  fm_write_fn write;
  void *user;
} target;

static fm_status check(const char *call, const void *context, const target *to, bool to_file,
                       fm_error *err) {
  const char *missing = !context                 ? "context"
                        : to_file && !to->path   ? "path"
                        : !to_file && !to->write ? "write"
                                                 : NULL;
  if (!missing) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT, "%s: %s is NULL", call, missing);
}

/* Hands the finished bytes over, or says what kept them from being finished. */
static fm_status deliver(fm__bytes *bytes, const target *to, fm_status status, fm_error *err) {
  if (status) {
    if (to->path) fm__fail_prefix(err, "%s", to->path);
  } else if (to->path) {
    status = fm__file_write(bytes->context, to->path, bytes->data, bytes->size, to->flush, err);
  } else {
    int answer = to->write(bytes->data, bytes->size, to->user);
    if (answer)
      status = fm__fail_host(err, FM_ERR_CALLBACK, answer,
                             "the write callback stopped the call with %d", answer);
  }
  fm__bytes_free(bytes);
  return status;
}

static fm_status read_options(fm_write_options *out, const fm_write_options *options,
                              fm_error *err) {
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
  if (out->reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_write_options: reserved is %d, expected 0",
                    (int)out->reserved);
  return FM_OK;
}

static fm_status write_mask(const fm_context *context, const fm_plane *mask,
                            const fm_write_options *options, target *to, fm_error *err) {
  fm_write_options o;
  fm_plane known;
  fm_status status = read_options(&o, options, err);
  if (!status) status = fm__plane_read(&known, mask, FM__BIT(FM_U8) | FM__BIT(FM_U16), "mask", err);
  if (status) return status;
  if (o.jpeg_quality)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_write_options: jpeg_quality is %d, but JPEG would change a mask's labels",
                    (int)o.jpeg_quality);
  if (o.like && o.like->volume.data)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_write_options: like is an image, expected a mask");
  fm__bytes bytes = {.context = context};
  to->flush = o.flush == FM_FLUSH_FILE;
  status = fm__png_write_mask(&known, o.like, o.compression, &bytes, err);
  return deliver(&bytes, to, status, err);
}

static fm_status write_image(const fm_context *context, const fm_volume *image,
                             const fm_write_options *options, target *to, fm_error *err) {
  fm_write_options o;
  fm_volume known;
  fm_status status = read_options(&o, options, err);
  if (!status) status = fm__volume_read(&known, image, FM__BIT(FM_U8), "image", err);
  if (status) return status;
  if (known.channels != 3)
    return fm__fail(err, FM_ERR_ARGUMENT, "image: has %lld channels, expected 3 (RGB)",
                    (long long)known.channels);
  fm__bytes bytes = {.context = context};
  to->flush = o.flush == FM_FLUSH_FILE;
  status = o.jpeg_quality ? fm__jpeg_write_image(&known, o.jpeg_quality, &bytes, err)
                          : fm__png_write_image(&known, o.compression, &bytes, err);
  return deliver(&bytes, to, status, err);
}

fm_status fm_mask_write(const fm_context *context, const char *path, const fm_plane *mask,
                        const fm_write_options *options, fm_error *err) {
  target to = {.path = path};
  fm_status status = check("fm_mask_write", context, &to, true, err);
  return status ? status : write_mask(context, mask, options, &to, err);
}

fm_status fm_mask_encode(const fm_context *context, const fm_plane *mask,
                         const fm_write_options *options, fm_write_fn write, void *user,
                         fm_error *err) {
  target to = {.write = write, .user = user};
  fm_status status = check("fm_mask_encode", context, &to, false, err);
  return status ? status : write_mask(context, mask, options, &to, err);
}

fm_status fm_image_write(const fm_context *context, const char *path, const fm_volume *image,
                         const fm_write_options *options, fm_error *err) {
  target to = {.path = path};
  fm_status status = check("fm_image_write", context, &to, true, err);
  return status ? status : write_image(context, image, options, &to, err);
}

fm_status fm_image_encode(const fm_context *context, const fm_volume *image,
                          const fm_write_options *options, fm_write_fn write, void *user,
                          fm_error *err) {
  target to = {.write = write, .user = user};
  fm_status status = check("fm_image_encode", context, &to, false, err);
  return status ? status : write_image(context, image, options, &to, err);
}
