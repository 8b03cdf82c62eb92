/* report/report_pixels.h - thumbnails of images, masks and losses, embedded in a page. */
#ifndef FREEMASK_TOOL_REPORT_PIXELS_H
#define FREEMASK_TOOL_REPORT_PIXELS_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/text.h"

/* The report's color of a class: the first twenty are chosen, further ones spread over the wheel.
 */
void class_color(int32_t k, uint8_t rgb[3]);

/* A thumbnail: U8 RGB, interleaved. */
typedef struct picture {
  int64_t width, height;
  uint8_t *rgb;
} picture;

/* Thumbnails are at most this wide and high; smaller sources stay as they are. */
enum { PICTURE_SIDE = 320 };

void picture_free(picture *p);

/* An image, averaged down. */
picture picture_of_image(const fm_volume *image);

/* A mask in the colors of its classes; ignored pixels are gray. */
picture picture_of_mask(const fm_labels *labels, const fm_plane *mask);

/* The same; pixels that `filtered` ignores and the mask does not are hatched in red and white. */
picture picture_of_filtered(const fm_labels *labels, const fm_plane *mask,
                            const fm_plane *filtered);

/* Losses from black (0) to pale yellow (`top` nats and more); ignored pixels are gray. */
picture picture_of_loss(const fm_labels *labels, const fm_plane *mask, const fm_plane *loss,
                        float top);

/* Adds an <img> that holds the picture: JPEG where `photograph` and the library can, else PNG. */
int picture_embed(fm_context *context, const picture *p, bool photograph, const char *alt, text *t,
                  fault *f);

#endif
