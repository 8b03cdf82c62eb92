/* plan/id_set.h - finds the index of an id in a list of ids that only grows. */
#ifndef FM_PLAN_ID_SET_H
#define FM_PLAN_ID_SET_H

#include "core/context.h"

/* A hash table by open addressing; all 0 is an empty set. 8 bytes for each of 4/3 to 8/3 times as
 * many cells as ids. */
typedef struct fm__id_set {
  uint64_t *cells;   /* 0: free; else the id's hash, and below it its index plus 1 */
  size_t cell_count; /* 0, or a power of two */
} fm__id_set;

uint32_t fm__id_hash(const char *id);

/* Makes room for `count` ids in all, up to 2^31. False: there is no memory, the set is as it was.
 */
bool fm__id_set_reserve(fm__id_set *set, const fm_context *context, size_t count);
void fm__id_set_free(fm__id_set *set, const fm_context *context);

/* Puts an id that is not in the set and for which there is room. */
void fm__id_set_put(fm__id_set *set, uint32_t hash, size_t index);

/* The index in `ids` of an id with this hash; -1 if the set does not have it. */
int64_t fm__id_set_find(const fm__id_set *set, const char *const *ids, const char *id,
                        uint32_t hash);

#endif
