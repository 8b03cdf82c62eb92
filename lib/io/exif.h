/* io/exif.h - which way up an image is stored. */
#ifndef FM_IO_EXIF_H
#define FM_IO_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* The orientation that EXIF data tell, 1 to 8; 1 if they tell none, or are damaged: a flaw there is
 * no reason to refuse the pixels. The data begin with "II" or "MM", after "Exif\0\0" if that is
 * there. */
int32_t fm__exif_orientation(const unsigned char *data, size_t size);

#endif
