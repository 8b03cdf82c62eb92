/* map/runs.c - a mask as runs of one region. */
#include "map/runs.h"

#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "core/view.h"
#include "dsp/map_kernels.h"

enum { FIRST_TABLE = 64, FIRST_RUNS = 256 };

/* ---- Regions by their keys -------------------------------------------------------- */

static size_t slot_of(const fm__runs *r, int64_t key) {
  size_t mask = r->table_size - 1,
         at = (size_t)((uint64_t)key * UINT64_C(0x9e3779b97f4a7c15) >> 32);
  for (at &= mask; r->table[at] >= 0 && r->keys[r->table[at]] != key;) at = (at + 1) & mask;
  return at;
}

/* Twice as many slots; a table is at most half full. */
static bool grow_table(fm__runs *r) {
  size_t size = r->table_size ? 2 * r->table_size : FIRST_TABLE;
  int32_t *table = fm__alloc_array(r->context, size, sizeof *table);
  int64_t *keys = fm__alloc_array(r->context, size / 2, sizeof *keys);
  if (!table || !keys) {
    fm__free(r->context, table);
    fm__free(r->context, keys);
    return false;
  }
  if (r->regions) memcpy(keys, r->keys, (size_t)r->regions * sizeof *keys);
  for (size_t i = 0; i < size; i++) table[i] = FM__NO_REGION;
  fm__free(r->context, r->table);
  fm__free(r->context, r->keys);
  r->table = table;
  r->keys = keys;
  r->table_size = size;
  for (int32_t i = 0; i < r->regions; i++) table[slot_of(r, keys[i])] = i;
  return true;
}

/* FM__NO_REGION: out of memory. */
static int32_t region_of(fm__runs *r, int64_t key) {
  if (r->table_size) {
    int32_t known = r->table[slot_of(r, key)];
    if (known >= 0) return known;
  }
  if ((size_t)r->regions >= r->table_size / 2 && !grow_table(r)) return FM__NO_REGION;
  r->keys[r->regions] = key;
  r->table[slot_of(r, key)] = r->regions;
  return r->regions++;
}

/* ---- Runs ------------------------------------------------------------------------- */

static bool grow_runs(fm__runs *r) {
  size_t capacity = r->capacity ? 2 * r->capacity : FIRST_RUNS;
  fm__run *runs = fm__alloc_array(r->context, capacity, sizeof *runs);
  if (!runs) return false;
  if (r->count) memcpy(runs, r->runs, r->count * sizeof *runs);
  fm__free(r->context, r->runs);
  r->runs = runs;
  r->capacity = capacity;
  return true;
}

/* A row being split: how far it got, and the last label with its region. */
typedef struct splitter {
  fm__runs *r;
  const fm__lookup *lookup;
  size_t first; /* run of the row */
  int64_t label;
  int32_t region;
  bool started;             /* `label` has been seen */
  uint8_t *ends;            /* [width] for rows of bytes */
  int32_t known[FM__BYTES]; /* regions of these labels; NOT_KNOWN */
} splitter;

enum { NOT_KNOWN = FM__NO_REGION - 1 };
enum { SPLIT_FINE, SPLIT_BAD, SPLIT_MEMORY };

static int look_up_region(splitter *s, int64_t label) {
  int64_t key = label;
  s->region = FM__NO_REGION;
  if (s->lookup) {
    bool known = label >= FM__FIRST_LABEL && label <= FM__LAST_LABEL;
    key = known ? s->lookup->classes[label] : FM__CLASS_INVALID;
    if (key == FM__CLASS_IGNORE) return SPLIT_FINE;
    if (key < 0) return SPLIT_BAD;
  }
  s->region = region_of(s->r, key);
  return s->region < 0 ? SPLIT_MEMORY : SPLIT_FINE;
}

static int find_region(splitter *s, int64_t label) {
  const bool byte = label >= 0 && label < FM__BYTES;
  s->started = true;
  s->label = label;
  if (byte && s->known[label] != NOT_KNOWN) {
    s->region = s->known[label];
    return SPLIT_FINE;
  }
  int result = look_up_region(s, label);
  if (byte && !result) s->known[label] = s->region;
  return result;
}

/* Pixels of one label up to column `end`. */
static int add_run(splitter *s, int64_t label, int64_t end) {
  fm__runs *r = s->r;
  if (!s->started || label != s->label) {
    int result = find_region(s, label);
    if (result) return result;
  }
  if (r->count > s->first && r->runs[r->count - 1].region == s->region) {
    r->runs[r->count - 1].end = (int32_t)end;
    return SPLIT_FINE;
  }
  if (r->count == r->capacity && !grow_runs(r)) return SPLIT_MEMORY;
  r->runs[r->count++] = (fm__run){(int32_t)end, s->region};
  return SPLIT_FINE;
}

/* A row of bytes, whose regions by label are known or FM__NO_REGION. */
static int split_bytes(splitter *s, const fm_plane *mask, fm__yx *at) {
  const uint8_t *row = (const uint8_t *)fm__pixel(mask, at->y, 0);
  const size_t n = (size_t)mask->width;
  s->r->context->dsp->maps->differ(row, row + 1, n - 1, s->ends);
  for (size_t x = 0, end; x < n; x = end) {
    const uint8_t *last = memchr(s->ends + x, 1, n - 1 - x);
    end = last ? (size_t)(last - s->ends) + 1 : n;
    at->x = (int64_t)x;
    int result = add_run(s, row[x], (int64_t)end);
    if (result) return result;
  }
  return SPLIT_FINE;
}

static int split_labels(splitter *s, const fm_plane *mask, fm__yx *at) {
  int64_t labels[FM__PIECE];
  for (int64_t first = 0; first < mask->width; first += FM__PIECE) {
    size_t n = fm__piece_length(mask, first);
    fm__tile_labels(mask, at->y, first, n, labels);
    for (size_t i = 0, end; i < n; i = end) {
      for (end = i + 1; end < n && labels[end] == labels[i];) end++;
      at->x = first + (int64_t)i;
      int result = add_run(s, labels[i], first + (int64_t)end);
      if (result) return result;
    }
  }
  return SPLIT_FINE;
}

fm_status fm__runs_make(const fm_context *context, const fm_plane *mask, const fm__lookup *lookup,
                        fm__runs *out, fm__yx *bad, fm_error *err) {
  fm__runs r = {.context = context, .height = mask->height, .width = mask->width};
  splitter s = {.r = &r, .lookup = lookup};
  bool bytes = mask->dtype == FM_U8 && fm__is_packed(mask);
  fm__yx at = {0, 0};
  for (int i = 0; i < FM__BYTES; i++) s.known[i] = NOT_KNOWN;
  r.rows = fm__alloc_array(context, (size_t)r.height + 1, sizeof *r.rows);
  s.ends = fm__alloc(context, (size_t)r.width);
  int result = r.rows && s.ends ? SPLIT_FINE : SPLIT_MEMORY;
  for (; at.y < r.height && !result; at.y += !result) {
    r.rows[at.y] = s.first = r.count;
    result = bytes ? split_bytes(&s, mask, &at) : split_labels(&s, mask, &at);
  }
  fm__free(context, s.ends);
  if (!result) {
    r.rows[r.height] = r.count;
    *out = r;
    return FM_OK;
  }
  fm__runs_free(&r);
  if (result == SPLIT_MEMORY) return fm__fail_pixels(err, mask->height, mask->width);
  *bad = at;
  return FM_ERR_LABEL;
}

void fm__runs_free(fm__runs *r) {
  fm__free(r->context, r->runs);
  fm__free(r->context, r->rows);
  fm__free(r->context, r->keys);
  fm__free(r->context, r->table);
}
