/* io/read.c - from a path or bytes to the decoder that the first bytes call for. */
#include "core/context.h"
#include "core/fail.h"
#include "core/options.h"
#include "io/decode.h"
#include "io/host_error.h"
#include "io/sniff.h"

typedef fm_status (*decoder)(const fm_context *, fm__input *, int64_t max_pixels, fm_raster **,
                             fm_error *);

/* One of the things that can be read. */
typedef struct reading {
  decoder png, jpeg, npy; /* NULL: not by this call */
  const char *expected;   /* to end "..., expected" */
  const char *not_png, *not_jpeg, *not_npy;
} reading;

static const reading MASK = {
    .png = fm__png_read_mask,
    .npy = fm__npy_read_mask,
    .expected = "a mask as PNG or NPY",
    .not_jpeg =
        "JPEG compression changes numbers, so that labels are lost: masks come as PNG or "
        "NPY",
};

static const reading LOSS = {
    .npy = fm__npy_read_loss,
    .expected = "a loss map as NPY",
    .not_png = "loss maps are floating-point numbers in nats and come as NPY",
    .not_jpeg = "loss maps are floating-point numbers in nats and come as NPY",
};

static const reading OUTPUT = {
    .npy = fm__npy_read_output,
    .expected = "a network's output as NPY",
    .not_png = "networks' outputs are floating-point numbers and come as NPY",
    .not_jpeg = "networks' outputs are floating-point numbers and come as NPY",
};

static const reading IMAGE = {
    .png = fm__png_read_image,
    .jpeg = fm__jpeg_read_image,
    .expected = "an image as JPEG or PNG",
    .not_npy = "images come as JPEG or PNG",
};

typedef struct limits {
  int64_t pixels, bytes;
} limits;

static fm_status read_limits(limits *out, const fm_read_options *options, fm_error *err) {
  fm_read_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_read_options, max_bytes, err);
  if (status) return status;
  if (o.max_pixels < 0 || o.max_bytes < 0)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_read_options: %s is %lld, expected 0 or more",
                    o.max_pixels < 0 ? "max_pixels" : "max_bytes",
                    (long long)(o.max_pixels < 0 ? o.max_pixels : o.max_bytes));
  out->pixels = o.max_pixels ? o.max_pixels : INT64_C(1) << 28;
  out->bytes = o.max_bytes ? o.max_bytes : INT64_C(1) << 32;
  return FM_OK;
}

static fm_status refuse(const reading *what, fm__file_kind kind, const fm__input *input,
                        fm_error *err) {
  const char *name = fm__sniff_name(input->next, input->ready);
  const char *why = kind == FM__FILE_PNG    ? what->not_png
                    : kind == FM__FILE_JPEG ? what->not_jpeg
                    : kind == FM__FILE_NPY  ? what->not_npy
                                            : NULL;
  if (why) return fm__fail(err, FM_ERR_FORMAT, "is %s: %s", name, why);
  if (!input->size) return fm__fail(err, FM_ERR_FORMAT, "is empty, expected %s", what->expected);
  return fm__fail(err, FM_ERR_FORMAT, "looks like %s, expected %s", name, what->expected);
}

static fm_status decode(const reading *what, const fm_context *context, fm__input *input,
                        const limits *limit, fm_raster **out, fm_error *err) {
  (void)fm__input_fill(input);
  fm__file_kind kind = fm__sniff(input->next, input->ready);
  decoder read = kind == FM__FILE_PNG    ? what->png
                 : kind == FM__FILE_JPEG ? what->jpeg
                 : kind == FM__FILE_NPY  ? what->npy
                                         : NULL;
  fm_status status =
      read ? read(context, input, limit->pixels, out, err) : refuse(what, kind, input, err);
  /* What a decoder takes for a truncated file may be a disk that does not answer. */
  if (status && input->host_code) return fm__fail_errno(err, input->host_code, "cannot be read");
  return status;
}

static fm_status check(const char *call, const void *context, const char *source_name,
                       const void *source, const void *out, fm_error *err) {
  const char *missing = !context ? "context" : !source ? source_name : !out ? "out" : NULL;
  if (!missing) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT, "%s: %s is NULL", call, missing);
}

static fm_status from_file(const char *call, const reading *what, const fm_context *context,
                           const char *path, const fm_read_options *options, fm_raster **out,
                           fm_error *err) {
  limits limit = {0, 0};
  fm_status status = check(call, context, "path", path, out, err);
  if (!status) status = read_limits(&limit, options, err);
  if (status) return status;
  fm__input input;
  status = fm__input_open(context, path, limit.bytes, &input, err);
  if (!status) {
    status = decode(what, context, &input, &limit, out, err);
    fm__input_close(context, &input);
  }
  if (status) fm__fail_prefix(err, "%s", path);
  return status;
}

static fm_status from_memory(const char *call, const reading *what, const fm_context *context,
                             const void *data, size_t size, const fm_read_options *options,
                             fm_raster **out, fm_error *err) {
  limits limit = {0, 0};
  fm_status status = check(call, context, "data", size ? data : "", out, err);
  if (!status) status = read_limits(&limit, options, err);
  if (status) return status;
  fm__input input;
  status = fm__input_memory(size ? data : "", size, limit.bytes, &input, err);
  if (!status) status = decode(what, context, &input, &limit, out, err);
  return status;
}

fm_status fm_mask_read(const fm_context *context, const char *path, const fm_read_options *options,
                       fm_raster **out, fm_error *err) {
  return from_file("fm_mask_read", &MASK, context, path, options, out, err);
}

fm_status fm_mask_decode(const fm_context *context, const void *data, size_t size,
                         const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_memory("fm_mask_decode", &MASK, context, data, size, options, out, err);
}

fm_status fm_loss_read(const fm_context *context, const char *path, const fm_read_options *options,
                       fm_raster **out, fm_error *err) {
  return from_file("fm_loss_read", &LOSS, context, path, options, out, err);
}

fm_status fm_loss_decode(const fm_context *context, const void *data, size_t size,
                         const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_memory("fm_loss_decode", &LOSS, context, data, size, options, out, err);
}

fm_status fm_output_read(const fm_context *context, const char *path,
                         const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_file("fm_output_read", &OUTPUT, context, path, options, out, err);
}

fm_status fm_output_decode(const fm_context *context, const void *data, size_t size,
                           const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_memory("fm_output_decode", &OUTPUT, context, data, size, options, out, err);
}

fm_status fm_image_read(const fm_context *context, const char *path, const fm_read_options *options,
                        fm_raster **out, fm_error *err) {
  return from_file("fm_image_read", &IMAGE, context, path, options, out, err);
}

fm_status fm_image_decode(const fm_context *context, const void *data, size_t size,
                          const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_memory("fm_image_decode", &IMAGE, context, data, size, options, out, err);
}
