/* base/pixel.h - single numbers out of planes. */
#ifndef FREEMASK_TOOL_PIXEL_H
#define FREEMASK_TOOL_PIXEL_H

#include <freemask/freemask.h>
#include <stdbool.h>
#include <stdint.h>

/* The plane with its strides spelled out. */
fm_plane pixel_strides(const fm_plane *plane);

/* The integer of type `dtype` at `at`; a U64 beyond the range becomes INT64_MAX. */
int64_t pixel_label(const void *at, int32_t dtype);

/* The loss of type `dtype` at `at`: F16, F32 or F64. */
float pixel_loss(const void *at, int32_t dtype);

/* Do two masks have the same labels, whatever their types? */
bool pixel_same(const fm_plane *left, const fm_plane *right);
/* Of a loss map, F16 or F32, with its strides spelled out: is any loss below 0 (-0 and NaN may count)? Is
 * one, but above -1e-5, so that the library takes it for 0? */
bool pixel_any_negative(const fm_plane *loss);
bool pixel_is_rounded(const fm_plane *loss, int64_t y, int64_t x);

#endif
