/* core/view.h - views checked and with their strides filled in. */
#ifndef FM_CORE_VIEW_H
#define FM_CORE_VIEW_H

#include <freemask/view.h>
#include <stdbool.h>

/* Which dtypes a call accepts. */
#define FM__BIT(dtype) (1U << (dtype))
#define FM__MASK_TYPES \
  (FM__BIT(FM_U8) | FM__BIT(FM_U16) | FM__BIT(FM_I16) | FM__BIT(FM_I32) | FM__BIT(FM_I64))
#define FM__LOSS_TYPES (FM__BIT(FM_F32) | FM__BIT(FM_F16) | FM__BIT(FM_BF16))

/* Copies a caller's plane with strides made explicit, after checking it.
 * `what` names it in messages: "mask". */
fm_status fm__plane_read(fm_plane *known, const fm_plane *plane, unsigned types, const char *what,
                         fm_error *err);
fm_status fm__volume_read(fm_volume *known, const fm_volume *volume, unsigned types,
                          const char *what, fm_error *err);

/* Both sizes, if they differ, in one sentence. */
fm_status fm__same_size(const fm_plane *a, const char *a_name, const fm_plane *b,
                        const char *b_name, fm_error *err);

/* No gaps between pixels of a row. */
static inline bool fm__rows_packed(const fm_plane *plane, size_t element) {
  return plane->col_stride == (int64_t)element;
}

#endif
