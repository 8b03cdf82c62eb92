/* core/view.h - views, checked and with their strides filled in. */
#ifndef FM_CORE_VIEW_H
#define FM_CORE_VIEW_H

#include <freemask/view.h>
#include <stdbool.h>

/* Which dtypes a call accepts. */
#define FM__BIT(dtype) (1U << (dtype))
#define FM__MASK_TYPES                                                                     \
  (FM__BIT(FM_U8) | FM__BIT(FM_I8) | FM__BIT(FM_U16) | FM__BIT(FM_I16) | FM__BIT(FM_U32) | \
   FM__BIT(FM_I32) | FM__BIT(FM_U64) | FM__BIT(FM_I64))
#define FM__LOSS_TYPES (FM__OUTPUT_TYPES | FM__BIT(FM_F64))
#define FM__OUTPUT_TYPES (FM__BIT(FM_F16) | FM__BIT(FM_BF16) | FM__BIT(FM_F32))

/* The smallest and the largest number of an integer type. `most` of U64 is above the range of
 * int64_t, hence unsigned. */
typedef struct fm__range {
  int64_t least;
  uint64_t most;
} fm__range;
fm__range fm__integer_range(int32_t dtype);

static inline bool fm__fits(int64_t number, fm__range range) {
  return number >= range.least && (number < 0 || (uint64_t)number <= range.most);
}

/* All numbers of the type do. */
static inline bool fm__range_fits(int32_t dtype, fm__range range) {
  fm__range inner = fm__integer_range(dtype);
  return inner.least >= range.least && inner.most <= range.most;
}

/* "u8"; "?" for a number that is not an fm_dtype. */
const char *fm__dtype_name(int32_t dtype);

/* Copies a caller's view after checking it, with strides made explicit; along an axis of one
 * element the stride becomes the packed one. `what` names the view in messages: "mask". */
fm_status fm__plane_read(fm_plane *known, const fm_plane *plane, unsigned types, const char *what,
                         fm_error *err);
fm_status fm__volume_read(fm_volume *known, const fm_volume *volume, unsigned types,
                          const char *what, fm_error *err);

/* As fm__plane_read for a plane that will be written: its pixels must be distinct. */
fm_status fm__output_read(fm_plane *known, const fm_plane *plane, unsigned types, const char *what,
                          fm_error *err);

/* What an image is compared with. */
typedef struct fm__reference {
  fm_plane real;            /* losses or codes (U8), of any size; data NULL: there is none */
  uint64_t ranks;           /* of codes: fingerprint of the ranks that they belong to */
  const fm_plane *siblings; /* as given, which are good; losses of the mask's size */
  int32_t sibling_count;
} fm__reference;

/* Reads the extra planes of a call on `mask`, which has been read. `strata->data` is NULL where
 * there is one stratum only. `reference` NULL: there must be none. */
fm_status fm__extra_read(fm_plane *strata, fm__reference *reference, const fm_extra_planes *extra,
                         int32_t strata_count, const fm_plane *mask, fm_error *err);

/* Refuses an output that overlaps one of them. */
fm_status fm__reference_check_output(const fm__reference *reference, const fm_plane *out,
                                     const char *out_name, fm_error *err);

/* Refuses two planes of different sizes in one sentence. */
fm_status fm__same_size(const fm_plane *a, const char *a_name, const fm_plane *b,
                        const char *b_name, fm_error *err);

/* ---- Overlap. Views as fm__plane_read and fm__volume_read give them. */

/* Do two views share a byte? False is certain; true may be said of views that interleave with
 * unrelated strides (the public header says which interleavings are recognized). */
bool fm__overlaps(const fm_plane *a, const fm_plane *b);
bool fm__overlaps_volume(const fm_plane *a, const fm_volume *b);

/* The same pixels of the same memory, element by element. */
bool fm__same_memory(const fm_plane *a, const fm_plane *b);

/* Refuses an output that overlaps an input; with `in_place` it may be the very same memory. */
fm_status fm__check_output(const fm_plane *out, const char *out_name, const fm_plane *in,
                           const char *in_name, bool in_place, fm_error *err);
fm_status fm__check_output_volume(const fm_plane *out, const char *out_name, const fm_volume *in,
                                  const char *in_name, fm_error *err);

/* No gaps between pixels of a row. */
static inline bool fm__rows_packed(const fm_plane *plane, size_t element) {
  return plane->col_stride == (int64_t)element;
}

#endif
