/* freemask/io.h - masks, images and loss maps in files. Optional: a host with a data
 * loader of its own needs nothing here.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_IO_H
#define FREEMASK_IO_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/view.h>

FM_BEGIN_DECLS

/* All functions here exist in every build; what was built without libpng or
 * libjpeg-turbo answers FM_ERR_UNSUPPORTED. Paths are UTF-8 on Windows and bytes
 * elsewhere. The format of a file is told by its first bytes, never by its name.
 * Thread-safety: any number of threads with one context. */

/** Pixels that the library read, with what is needed to write them back alike.
 *  Thread-safety: one thread at a time; const use may be shared. */
typedef struct fm_raster fm_raster;

typedef struct fm_read_options {
  size_t size;
  int64_t max_pixels; /**< width * height; 0: 2^28. Larger files are refused with
                           FM_ERR_LIMIT before memory for pixels is taken. */
  int64_t max_bytes;  /**< bytes of the file; 0: 2^32 */
} fm_read_options;

/** Reads a mask: the stored numbers, never colours.
 *
 *  PNG: grey (1, 2, 4, 8 bits as U8, 16 bits as U16) and palette (the index as U8; the
 *  palette is kept for writing), interlaced or not. Colour PNG and JPEG are refused
 *  with a sentence that says why. NPY: integers and bool (as U8) of any size in either
 *  byte order, 2-D (or more with leading ones). On success the caller owns `*out`.
 *  Errors (with the path): ARGUMENT, MEMORY, UNSUPPORTED, FORMAT, LIMIT, IO. */
FM_API fm_status fm_mask_read(const fm_context *context, const char *path,
                              const fm_read_options *options, fm_raster **out, fm_error *err);

/** As fm_mask_read, from memory, which is not kept. */
FM_API fm_status fm_mask_decode(const fm_context *context, const void *data, size_t size,
                                const fm_read_options *options, fm_raster **out, fm_error *err);

/** Reads a loss map from an NPY file (versions 1 to 3; f2, f4, f8, either byte order, C or
 *  Fortran order), 2-D or with leading ones. f8 is rounded to F32; f4 and f2 come as
 *  they are. Values are not judged here. On success the caller owns `*out`. Errors: as
 *  fm_mask_read. */
FM_API fm_status fm_loss_read(const fm_context *context, const char *path,
                              const fm_read_options *options, fm_raster **out, fm_error *err);

/** As fm_loss_read, from memory, which is not kept. */
FM_API fm_status fm_loss_decode(const fm_context *context, const void *data, size_t size,
                                const fm_read_options *options, fm_raster **out, fm_error *err);

/** Reads a network's output for fm_network_loss: an NPY file as fm_loss_read takes it, of the
 *  shape [C, h, w], or more with leading ones. What was saved as [h, w, C] comes as that: the
 *  host gives the volume's axes their names. 2-D arrays, as class logits of queries, are
 *  fm_loss_read's. `max_pixels` is about the last two sizes. On success the caller owns
 *  `*out`. Errors: as fm_mask_read. */
FM_API fm_status fm_output_read(const fm_context *context, const char *path,
                                const fm_read_options *options, fm_raster **out, fm_error *err);

/** As fm_output_read, from memory, which is not kept. */
FM_API fm_status fm_output_decode(const fm_context *context, const void *data, size_t size,
                                  const fm_read_options *options, fm_raster **out, fm_error *err);

/** Reads a photograph as RGB, U8, interleaved: JPEG (grey and colour) and PNG of any type
 *  (16 bits reduced to 8, transparency dropped). On success the caller owns `*out`.
 *  Errors: as fm_mask_read. */
FM_API fm_status fm_image_read(const fm_context *context, const char *path,
                               const fm_read_options *options, fm_raster **out, fm_error *err);

/** As fm_image_read, from memory, which is not kept. */
FM_API fm_status fm_image_decode(const fm_context *context, const void *data, size_t size,
                                 const fm_read_options *options, fm_raster **out, fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_raster_destroy(fm_raster *raster);

/** The pixels: a mask or loss map as a plane (else its data is NULL), an image or an
 *  output as a volume (else its data is NULL). They live as long as the raster, and
 *  the host may write to them. */
FM_API fm_plane fm_raster_plane(const fm_raster *raster);
FM_API fm_volume fm_raster_volume(const fm_raster *raster);

/** Bits per pixel in the file, 1 to 64, and the palette's entries (0: none). */
FM_API int32_t fm_raster_bit_depth(const fm_raster *raster);
FM_API int32_t fm_raster_palette_size(const fm_raster *raster);

/** Copies an entry's red, green and blue to `rgb[3]`. Errors: ARGUMENT (no such entry). */
FM_API fm_status fm_raster_palette_entry(const fm_raster *raster, int32_t index, uint8_t *rgb,
                                         fm_error *err);

/* ---- Writing -------------------------------------------------------------------- */

/** Receives bytes of an encoded file. Returns 0, or a value that stops. */
typedef int (*fm_write_fn)(const void *data, size_t size, void *user);

/** Writes `size` bytes as the file `path`, whole or not at all: a file of another name
 *  beside it (ending in ".fm-part") is written, flushed to disk and renamed. Folders are
 *  not made. Errors (nothing left behind): ARGUMENT, MEMORY, IO. */
FM_API fm_status fm_file_write(const fm_context *context, const char *path, const void *data,
                               size_t size, fm_error *err);

/** When what was written is on the disk. */
typedef enum fm_flush {
  FM_FLUSH_FILE = 0, /**< before the call returns */
  FM_FLUSH_LATER = 1 /**< when the system gets to it. The name still stands for the whole file or
                          for none, whatever becomes of the process; but if the *machine* stops
                          before the host has flushed (syncfs, fsync), the file may be damaged.
                          A flush takes milliseconds: for hosts that write many files. */
} fm_flush;

typedef struct fm_write_options {
  size_t size;
  const fm_raster *like; /**< masks: written the way this one was stored, with its bit depth
                              and palette (and further entries, white, where the mask holds
                              larger indices), or wider where the mask's largest value demands
                              it; NULL: grey, 8 or 16 bits as the dtype */
  int32_t compression;   /**< PNG: 1 (fastest) to 9 (smallest); 0: what measured best */
  int32_t jpeg_quality;  /**< images: 1 to 100, as JPEG; 0: as PNG */
  int32_t flush;         /**< an fm_flush; of no account where the bytes are handed over */
  int32_t reserved;      /**< 0 */
} fm_write_options;

/** Writes a U8 or U16 mask as PNG, whole or not at all, as fm_file_write. `options` may be
 *  NULL. Errors: ARGUMENT, MEMORY, UNSUPPORTED, IO. */
FM_API fm_status fm_mask_write(const fm_context *context, const char *path, const fm_plane *mask,
                               const fm_write_options *options, fm_error *err);

/** As fm_mask_write, handing the encoded bytes to `write`. Errors: also CALLBACK. */
FM_API fm_status fm_mask_encode(const fm_context *context, const fm_plane *mask,
                                const fm_write_options *options, fm_write_fn write, void *user,
                                fm_error *err);

/** Writes a U8 RGB volume (3 channels) as PNG or JPEG, whole or not at all. `options` may be
 *  NULL. Errors: as fm_mask_write. */
FM_API fm_status fm_image_write(const fm_context *context, const char *path, const fm_volume *image,
                                const fm_write_options *options, fm_error *err);

/** As fm_image_write, handing the encoded bytes to `write`. Errors: also CALLBACK. */
FM_API fm_status fm_image_encode(const fm_context *context, const fm_volume *image,
                                 const fm_write_options *options, fm_write_fn write, void *user,
                                 fm_error *err);

/** Writes a plane of any dtype but BF16 as NPY, version 1.0, little-endian. Whole or not at
 *  all. Errors: ARGUMENT, MEMORY, UNSUPPORTED, IO. */
FM_API fm_status fm_npy_write(const fm_context *context, const char *path, const fm_plane *plane,
                              fm_error *err);

FM_END_DECLS

#endif
