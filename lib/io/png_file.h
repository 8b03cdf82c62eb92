/* io/png_file.h - the chunks around a PNG's compressed pixels. */
#ifndef FM_IO_PNG_FILE_H
#define FM_IO_PNG_FILE_H

#include "io/png_layout.h"

/* Everything before the pixels, and the room for the length of theirs. Answers where
 * the chunk of pixels begins; 0 if memory is refused. */
size_t fm__png_begin(const fm__png_layout *layout, fm__bytes *out);

/* Closes the chunk that began at `chunk` and the file. */
fm_status fm__png_finish(size_t chunk, fm__bytes *out, fm_error *err);

#endif
