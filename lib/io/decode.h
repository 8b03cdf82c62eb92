/* io/decode.h - the decoders: from an input at its first byte to a new raster. */
#ifndef FM_IO_DECODE_H
#define FM_IO_DECODE_H

#include "io/input.h"
#include "io/raster.h"

/* What a file is read as; each has its calls in freemask/io.h. */
typedef enum fm__content {
  FM__MASK,
  FM__LOSS,
  FM__OUTPUT,
  FM__QUERIES,
  FM__IMAGE,
  FM__COLORS
} fm__content;
enum { FM__CONTENTS = FM__COLORS + 1 };

/* What a caller asks for: fm_read_options with the defaults filled in. */
typedef struct fm__request {
  fm__content content;
  int64_t max_pixels;
  int64_t max_bytes;
  const char *member; /* of an archive; NULL: the only one */
  bool keep_orientation;
} fm__request;

/* All decoders refuse more than `max_pixels` before memory for pixels is taken, and write no
 * path into their messages. Every build has all of them. They are only asked for contents that the
 * table in format.c says. */
typedef fm_status (*fm__decoder)(const fm_context *context, fm__input *input,
                                 const fm__request *request, fm_raster **out, fm_error *err);

fm_status fm__png_read(const fm_context *context, fm__input *input, const fm__request *request,
                       fm_raster **out, fm_error *err);
fm_status fm__jpeg_read(const fm_context *context, fm__input *input, const fm__request *request,
                        fm_raster **out, fm_error *err);
fm_status fm__tiff_read(const fm_context *context, fm__input *input, const fm__request *request,
                        fm_raster **out, fm_error *err);
fm_status fm__webp_read(const fm_context *context, fm__input *input, const fm__request *request,
                        fm_raster **out, fm_error *err);
fm_status fm__npy_read(const fm_context *context, fm__input *input, const fm__request *request,
                       fm_raster **out, fm_error *err);
fm_status fm__npz_read(const fm_context *context, fm__input *input, const fm__request *request,
                       fm_raster **out, fm_error *err);

#endif
