/* freemask/io.h - masks, images, loss maps and networks' outputs in files. Optional: a host with a
 * data loader of its own needs nothing here.
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

/* All functions here exist in every build; those that need a library that this build lacks
 * (libpng, libjpeg-turbo, libtiff, libwebp, libdeflate) return FM_ERR_UNSUPPORTED.
 * Paths are bytes, on Windows UTF-8. A file's first bytes tell its format, never its name. No file is
 * opened as descriptor 0, 1 or 2, even where the host has closed these.
 *
 * Reading trusts nothing: a size in a header that the file's bytes cannot fulfil is refused before
 * memory is taken. A damaged file is refused, or read alike, in every build, and from memory as from a
 * file. Readers and writers know the same sizes: up to 2^31 - 1 pixels a side, 65,500 in a JPEG; to read
 * back what has more than 2^28 pixels, raise `max_pixels`.
 *
 * Memory comes from the context, but for the working memory of libjpeg-turbo (a few rows; all
 * coefficients of a progressive file), libtiff (a strip or tile and its tables), libwebp (a few rows; 4
 * bytes for each pixel of a lossless file) and libdeflate (about 40 KiB per call).
 *
 * On Windows (10 and later, 64 bits) a path may be longer than 260 characters, and `/` and `\` are the
 * same. What Windows would take for something else than the file of that name is refused (IO, EINVAL):
 * devices (NUL, com1.png), streams (a:b), names that end in a dot or blank. So is replacing a file that
 * is read-only, or that another program has open and keeps from others (EACCES). Names are converted
 * in memory from malloc.
 *
 * Thread-safety: any number of threads with one context. */

/** Pixels that the library read, with what is needed to write them back alike.
 *
 *  Thread-safety: one thread at a time; calls that take it as const may run side by side. */
typedef struct fm_raster fm_raster;

/** What becomes of an image that its file says is stored lying or mirrored (EXIF in JPEG, PNG and
 *  WebP; a tag of TIFF). */
typedef enum fm_orientation {
  FM_ORIENTATION_APPLY = 0, /**< it is turned upright, as viewers show it. That takes memory for a
                                 second copy of the pixels during the call */
  FM_ORIENTATION_KEEP = 1   /**< pixels come as they are stored */
} fm_orientation;

typedef struct fm_read_options {
  size_t size;
  int64_t max_pixels;  /**< width * height; 0: 2^28. Larger files are refused (FM_ERR_LIMIT) before
                           memory for pixels is taken. */
  int64_t max_bytes;   /**< of the file, and of an array unpacked from an archive; 0: 2^32 */
  const char *member;  /**< archives (.npz) of masks, losses and outputs: the name of the array to
                           read, "x" or "x.npy"; NULL: the only one. A file that is no archive is
                           refused then (FM_ERR_FORMAT) */
  int32_t orientation; /**< an fm_orientation: of images, and of masks in TIFF */
  int32_t reserved;    /**< 0 */
} fm_read_options;

/* Each call that reads takes `options` (NULL: the defaults). On success the caller owns `*out` and
 * destroys it with fm_raster_destroy. Memory: the pixels; an archive's array besides, packed and
 * unpacked. Errors (`*out` is untouched; messages of _read name the path): ARGUMENT,
 * MEMORY, UNSUPPORTED, FORMAT, LIMIT; _read also IO. The _decode calls read from memory, which is
 * not kept. */

/** Reads a mask: the stored numbers, never colors.
 *
 *  PNG: gray (1, 2, 4, 8 bits as U8, 16 bits as U16) and palette (the index as U8; the palette is
 *  kept for writing), interlaced or not. Three equal channels and opaque alpha, as some programs
 *  store gray, are read as the one number that they hold; where channels differ or a pixel is not
 *  opaque (UNSUPPORTED; the message names the first such pixel), the mask holds colors, and
 *  fm_colors_read reads them. JPEG and other formats that change numbers are refused with a
 *  sentence that says why.
 *
 *  TIFF and BigTIFF: one sample for each pixel, gray or palette, of 1, 2, 4 or 8 bits (U8; I8 if it
 *  has a sign), 16 (U16, I16) or 32 (U32, I32), in strips or tiles, compressed without losses; or up
 *  to four samples of 8 bits, as with PNG. Several pages, numbers that count from white, floating-point numbers and an orientation
 *  other than upright are refused (FM_ORIENTATION_KEEP reads the last as stored).
 *
 *  NPY, or one array of an NPZ: every integer type, in either byte order and in C or Fortran order,
 *  and bool as U8; [height, width], or more dimensions, all others of which are 1. */
FM_API fm_status fm_mask_read(const fm_context *context, const char *path,
                              const fm_read_options *options, fm_raster **out, fm_error *err);

/** As fm_mask_read, from memory. */
FM_API fm_status fm_mask_decode(const fm_context *context, const void *data, size_t size,
                                const fm_read_options *options, fm_raster **out, fm_error *err);

/** Reads a mask of colors as a U32 plane: red + 256 green + 65,536 blue + 2^24 opacity, each 0 to
 *  255. The lower 24 bits are what COCO's panoptic masks number their segments with. PNG of any
 *  type, and TIFF of 8 bits without transparency: gray has three equal parts, 16 bits are reduced
 *  to 8, and what has no opacity is opaque (255). Formats that change colors are refused. */
FM_API fm_status fm_colors_read(const fm_context *context, const char *path,
                                const fm_read_options *options, fm_raster **out, fm_error *err);

/** As fm_colors_read, from memory. */
FM_API fm_status fm_colors_decode(const fm_context *context, const void *data, size_t size,
                                  const fm_read_options *options, fm_raster **out, fm_error *err);

/** Reads a loss map from NPY, or one array of an NPZ: f2 as F16, f4 as F32, and f8 rounded to F32,
 *  as it would be when it is used; shapes and orders as for masks. The values are not judged here.
 */
FM_API fm_status fm_loss_read(const fm_context *context, const char *path,
                              const fm_read_options *options, fm_raster **out, fm_error *err);

/** As fm_loss_read, from memory. */
FM_API fm_status fm_loss_decode(const fm_context *context, const void *data, size_t size,
                                const fm_read_options *options, fm_raster **out, fm_error *err);

/** Reads a network's output for fm_network_loss from NPY, or one array of an NPZ, with the types of
 *  a loss map: [C, h, w], or more dimensions, all others of which are 1. What was saved as
 *  [h, w, C] comes as that: the host names the volume's axes itself. `max_pixels` limits the
 *  product of the last two sizes. */
FM_API fm_status fm_output_read(const fm_context *context, const char *path,
                                const fm_read_options *options, fm_raster **out, fm_error *err);

/** As fm_output_read, from memory. */
FM_API fm_status fm_output_decode(const fm_context *context, const void *data, size_t size,
                                  const fm_read_options *options, fm_raster **out, fm_error *err);

/** Reads the output of a network with queries from an NPZ, as np.savez or (in builds with
 *  libdeflate) np.savez_compressed writes it: class logits [Q, C + 1] and mask logits [Q, h, w],
 *  with the types of a loss map. The arrays are called class_logits and mask_logits, or
 *  class_queries_logits and masks_queries_logits (transformers), or pred_logits and pred_masks
 *  (detectron2); others are ignored. The raster has both: fm_raster_plane is the class logits,
 *  fm_raster_volume the mask logits. Two NPY files are read by fm_loss_read and fm_output_read. */
FM_API fm_status fm_queries_read(const fm_context *context, const char *path,
                                 const fm_read_options *options, fm_raster **out, fm_error *err);

/** As fm_queries_read, from memory. */
FM_API fm_status fm_queries_decode(const fm_context *context, const void *data, size_t size,
                                   const fm_read_options *options, fm_raster **out, fm_error *err);

/** Reads a photograph as RGB, U8, interleaved: JPEG (gray and color), PNG of any type (16 bits
 *  are reduced to 8, transparency is dropped), WebP that is no animation (transparency is dropped),
 *  and TIFF of the kinds that libtiff shows as a picture (the first page; 16 bits are reduced to 8;
 *  where it has alpha, colors come multiplied by it). It is turned upright unless
 *  FM_ORIENTATION_KEEP says otherwise. Memory: TIFF takes another 4 bytes for each pixel, TIFF and
 *  WebP the file's bytes, during the call. */
FM_API fm_status fm_image_read(const fm_context *context, const char *path,
                               const fm_read_options *options, fm_raster **out, fm_error *err);

/** As fm_image_read, from memory. */
FM_API fm_status fm_image_decode(const fm_context *context, const void *data, size_t size,
                                 const fm_read_options *options, fm_raster **out, fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_raster_destroy(fm_raster *raster);

/** The pixels: a mask, loss map or class logits as a plane, an image, output or mask logits as a
 *  volume; `data` is NULL where the raster has none. They live as long as the raster, and the host
 *  may write to them. */
FM_API fm_plane fm_raster_plane(const fm_raster *raster);
FM_API fm_volume fm_raster_volume(const fm_raster *raster);

/** Bits per pixel in the file, 1 to 64, and the number of the palette's entries (0: none). */
FM_API int32_t fm_raster_bit_depth(const fm_raster *raster);
FM_API int32_t fm_raster_palette_size(const fm_raster *raster);

/** Which way up the image's file says that it is stored, 1 to 8 as EXIF counts, whether that was
 *  applied or not; 1 (upright) where it says nothing, and for all but images. */
FM_API int32_t fm_raster_orientation(const fm_raster *raster);

/** Copies an entry's red, green and blue to `rgb[3]`. Errors: ARGUMENT (no such entry). */
FM_API fm_status fm_raster_palette_entry(const fm_raster *raster, int32_t index, uint8_t *rgb,
                                         fm_error *err);

/* ---- Writing -------------------------------------------------------------------- */

/** Receives the bytes of an encoded file, all of them in one call; they are valid during the call.
 *  Returns 0; any other value stops the library's call with FM_ERR_CALLBACK. */
typedef int (*fm_write_fn)(const void *data, size_t size, void *user);

/** Writes `size` bytes as the file `path`, whole or not at all: a file of another name next to it
 *  (ending in ".fm-part") is written, flushed to disk and renamed. Folders are not created. Errors
 *  (a file that was there before is unchanged, and nothing else is left): ARGUMENT, MEMORY, IO. */
FM_API fm_status fm_file_write(const fm_context *context, const char *path, const void *data,
                               size_t size, fm_error *err);

/** When what was written is on the disk. */
typedef enum fm_flush {
  FM_FLUSH_FILE = 0, /**< before the call returns */
  FM_FLUSH_LATER = 1 /**< when the system gets to it. If the process ends, the file is still whole
                        or not there; but if the *machine* stops before the host has flushed
                        (syncfs, fsync), it may be damaged. For hosts that write many files: a flush
                        takes milliseconds. */
} fm_flush;

typedef struct fm_write_options {
  size_t size;
  const fm_raster *like; /**< masks: write the way this one was stored, with its bit depth and
                              palette (with further entries, white, where the mask holds larger
                              indices), or wider where the mask's largest value demands it; NULL:
                              gray, 8 or 16 bits as the dtype. Images: NULL */
  int32_t compression;   /**< PNG: 1 (fastest) to 9 (smallest); 0: what measured best. JPEG: 0 */
  int32_t jpeg_quality;  /**< images: 1 to 100, as JPEG; 0: as PNG. Masks: 0 */
  int32_t flush;         /**< files: an fm_flush. Bytes for a callback: 0 */
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

/** Writes a plane of any dtype but BF16, which NumPy does not have, as NPY: version 1.0,
 *  little-endian, C order, [height, width]. Whole or not at all, as fm_file_write. What
 *  fm_mask_read and fm_loss_read return can be written. Of `options`, which may be NULL, only
 *  `flush` is for NPY. Errors: ARGUMENT (also: another option is given), MEMORY, UNSUPPORTED,
 *  IO. */
FM_API fm_status fm_npy_write(const fm_context *context, const char *path, const fm_plane *plane,
                              const fm_write_options *options, fm_error *err);

FM_END_DECLS

#endif
