/* io/png_fast.h - common kinds of mask without libpng, several times as fast. */
#ifndef FM_IO_PNG_FAST_H
#define FM_IO_PNG_FAST_H

#include <stdbool.h>

#include "io/input.h"
#include "io/raster.h"

/* Bytes of a chunk. Only the image's chunks are kept, so another long one costs nothing: only nonsense
 * is refused. */
enum { FM__PNG_MOST_CHUNK = 1 << 28 };

/* Reads a gray or palette PNG that is not interlaced, lies whole in the input's window and has no
 * flaw at all. Any other is left to libpng, which has messages for flaws: `*out` and the input are
 * untouched then. The only failure is FM_ERR_MEMORY.
 *
 * What this reads, libpng reads alike (tests/io and fuzz_png compare them), but for one kind of forged
 * file: a deflate stream that uses a code that its own table leaves out, or one of the four symbols
 * that deflate reserves, while all checksums are right. libdeflate takes these for the nearest code that
 * exists, zlib refuses them; no encoder writes them, and damage does not come with new checksums. */
fm_status fm__png_fast_mask(const fm_context *context, const fm__input *input, int64_t max_pixels,
                            fm_raster **out, fm_error *err);

#endif
