/* io/read.c - from a path or bytes to the decoder that the first bytes call for. */
#include "core/context.h"
#include "core/fail.h"
#include "core/options.h"
#include "io/format.h"

/* By content. */
static const struct {
  const char *call;     /* fm_mask_read is "mask" */
  const char *expected; /* to end "..., expected" */
  const char *why;      /* a format that other calls read is none for this one */
  bool member;          /* an archive's member may be named */
} contents[FM__CONTENTS] = {
    [FM__MASK] = {"mask", "a mask as PNG, TIFF, NPY or NPZ", "masks come as PNG, TIFF, NPY or NPZ",
                  true},
    [FM__LOSS] = {"loss", "a loss map as NPY or NPZ",
                  "loss maps are floating-point numbers in nats and come as NPY or NPZ", true},
    [FM__OUTPUT] = {"output", "a network's output as NPY or NPZ",
                    "networks' outputs are floating-point numbers and come as NPY or NPZ", true},
    [FM__QUERIES] = {"queries", "class logits and mask logits in an archive (.npz)",
                     "outputs with queries are two arrays and come in an archive (.npz)", false},
    [FM__IMAGE] = {"image", "an image as JPEG, PNG, TIFF or WebP",
                   "images come as JPEG, PNG, TIFF or WebP", false},
    [FM__COLORS] = {"colors", "a mask of colors as PNG or TIFF",
                    "masks of colors come as PNG or TIFF", false},
};

static fm_status read_options(fm__request *out, const fm_read_options *options, fm_error *err) {
  fm_read_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_read_options, reserved, err);
  if (status) return status;
  if (o.max_pixels < 0 || o.max_bytes < 0)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_read_options: %s is %lld, expected 0 or more",
                    o.max_pixels < 0 ? "max_pixels" : "max_bytes",
                    (long long)(o.max_pixels < 0 ? o.max_pixels : o.max_bytes));
  if (o.member && !contents[out->content].member)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_read_options: member is '%.60s', but fm_%s_read does not take one",
                    o.member, contents[out->content].call);
  if (o.orientation != FM_ORIENTATION_APPLY && o.orientation != FM_ORIENTATION_KEEP)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_read_options: orientation is %d, expected 0 or 1",
                    (int)o.orientation);
  if (o.reserved)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_read_options: reserved is %d, expected 0",
                    (int)o.reserved);
  out->keep_orientation = o.orientation == FM_ORIENTATION_KEEP;
  out->max_pixels = o.max_pixels ? o.max_pixels : INT64_C(1) << 28;
  out->max_bytes = o.max_bytes ? o.max_bytes : INT64_C(1) << 32;
  out->member = o.member;
  return FM_OK;
}

static fm_status refuse(const fm__format *format, fm__content content, const fm__input *input,
                        fm_error *err) {
  if (!input->size)
    return fm__fail(err, FM_ERR_FORMAT, "is empty, expected %s", contents[content].expected);
  if (format && (format->contents & FM__LOSSY) && (content == FM__MASK || content == FM__COLORS))
    return fm__fail(err, FM_ERR_FORMAT,
                    "is %s: its compression changes numbers, so that labels are lost: %s",
                    format->name, contents[content].why);
  if (format && format->decode)
    return fm__fail(err, FM_ERR_FORMAT, "is %s: %s", format->name, contents[content].why);
  return fm__fail(err, FM_ERR_FORMAT, "looks like %s, expected %s",
                  format ? format->name : fm__format_guess(input->next, input->ready),
                  contents[content].expected);
}

/* One call. */
typedef struct job {
  fm__request request;
  fm_raster **out;
} job;

static fm_status decode(const fm_context *context, fm__input *input, void *user, fm_error *err) {
  const job *j = user;
  const fm__request *request = &j->request;
  (void)fm__input_fill(input);
  const fm__format *format = fm__format_of(input->next, input->ready);
  if (!format || !(format->contents & FM__CONTENT(request->content)))
    return refuse(format, request->content, input, err);
  if (request->member && format->decode != fm__npz_read)
    return fm__fail(err, FM_ERR_FORMAT, "is %s, expected an archive (.npz) that holds '%.60s'",
                    format->name, request->member);
  return format->decode(context, input, request, j->out, err);
}

static fm_status check(fm__content content, const char *verb, const void *context,
                       const char *source_name, const void *source, const void *out,
                       fm_error *err) {
  const char *missing = !context ? "context" : !source ? source_name : !out ? "out" : NULL;
  if (!missing) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT, "fm_%s_%s: %s is NULL", contents[content].call, verb,
                  missing);
}

static fm_status from_file(fm__content content, const fm_context *context, const char *path,
                           const fm_read_options *options, fm_raster **out, fm_error *err) {
  job j = {{.content = content}, out};
  fm_status status = check(content, "read", context, "path", path, out, err);
  if (!status) status = read_options(&j.request, options, err);
  return status ? status : fm__parse_file(context, path, j.request.max_bytes, decode, &j, err);
}

static fm_status from_memory(fm__content content, const fm_context *context, const void *data,
                             size_t size, const fm_read_options *options, fm_raster **out,
                             fm_error *err) {
  job j = {{.content = content}, out};
  fm_status status = check(content, "decode", context, "data", size ? data : "", out, err);
  if (!status) status = read_options(&j.request, options, err);
  return status ? status
                : fm__parse_memory(context, data, size, j.request.max_bytes, decode, &j, err);
}

fm_status fm_mask_read(const fm_context *context, const char *path, const fm_read_options *options,
                       fm_raster **out, fm_error *err) {
  return from_file(FM__MASK, context, path, options, out, err);
}

fm_status fm_mask_decode(const fm_context *context, const void *data, size_t size,
                         const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_memory(FM__MASK, context, data, size, options, out, err);
}

fm_status fm_loss_read(const fm_context *context, const char *path, const fm_read_options *options,
                       fm_raster **out, fm_error *err) {
  return from_file(FM__LOSS, context, path, options, out, err);
}

fm_status fm_loss_decode(const fm_context *context, const void *data, size_t size,
                         const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_memory(FM__LOSS, context, data, size, options, out, err);
}

fm_status fm_output_read(const fm_context *context, const char *path,
                         const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_file(FM__OUTPUT, context, path, options, out, err);
}

fm_status fm_output_decode(const fm_context *context, const void *data, size_t size,
                           const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_memory(FM__OUTPUT, context, data, size, options, out, err);
}

fm_status fm_queries_read(const fm_context *context, const char *path,
                          const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_file(FM__QUERIES, context, path, options, out, err);
}

fm_status fm_queries_decode(const fm_context *context, const void *data, size_t size,
                            const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_memory(FM__QUERIES, context, data, size, options, out, err);
}

fm_status fm_image_read(const fm_context *context, const char *path, const fm_read_options *options,
                        fm_raster **out, fm_error *err) {
  return from_file(FM__IMAGE, context, path, options, out, err);
}

fm_status fm_image_decode(const fm_context *context, const void *data, size_t size,
                          const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_memory(FM__IMAGE, context, data, size, options, out, err);
}

fm_status fm_colors_read(const fm_context *context, const char *path,
                         const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_file(FM__COLORS, context, path, options, out, err);
}

fm_status fm_colors_decode(const fm_context *context, const void *data, size_t size,
                           const fm_read_options *options, fm_raster **out, fm_error *err) {
  return from_memory(FM__COLORS, context, data, size, options, out, err);
}
