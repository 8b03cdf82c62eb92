/* plan/id_set.c - a hash table of ids that lie elsewhere. */
#include "plan/id_set.h"

#include <string.h>

#include "core/random.h"

enum { FEWEST_CELLS = 64 };

uint32_t fm__id_hash(const char *id) {
  return (uint32_t)(fm__finalize(fm__hash_bytes(FM__HASH_START, id, strlen(id))) >> 32);
}

static uint64_t *free_cell(const fm__id_set *set, uint32_t hash) {
  size_t at = hash & (set->cell_count - 1);
  while (set->cells[at]) at = (at + 1) & (set->cell_count - 1);
  return &set->cells[at];
}

bool fm__id_set_reserve(fm__id_set *set, const fm_context *context, size_t count) {
  if (count <= set->cell_count / 4 * 3) return true;
  fm__id_set larger = {.cell_count = set->cell_count ? set->cell_count : FEWEST_CELLS};
  while (count > larger.cell_count / 4 * 3) larger.cell_count *= 2;
  larger.cells = fm__alloc_zeroed(context, larger.cell_count, sizeof *larger.cells);
  if (!larger.cells) return false;
  for (size_t i = 0; i < set->cell_count; i++)
    if (set->cells[i]) *free_cell(&larger, (uint32_t)(set->cells[i] >> 32)) = set->cells[i];
  fm__free(context, set->cells);
  *set = larger;
  return true;
}

void fm__id_set_free(fm__id_set *set, const fm_context *context) { fm__free(context, set->cells); }

void fm__id_set_put(fm__id_set *set, uint32_t hash, size_t index) {
  *free_cell(set, hash) = (uint64_t)hash << 32 | (index + 1);
}

int64_t fm__id_set_find(const fm__id_set *set, const char *const *ids, const char *id,
                        uint32_t hash) {
  if (!set->cell_count) return -1;
  for (size_t at = hash & (set->cell_count - 1); set->cells[at];
       at = (at + 1) & (set->cell_count - 1)) {
    uint64_t cell = set->cells[at];
    size_t index = (size_t)(cell & UINT32_MAX) - 1;
    if (cell >> 32 == hash && strcmp(ids[index], id) == 0) return (int64_t)index;
  }
  return -1;
}
