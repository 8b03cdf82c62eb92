/* job/confusion.c - what dropped pixels show instead of what their mask says: whole numbers per pair of
 * classes. */
#include "job/confusion.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/pixel.h"
#include "job/loss_table.h"

static size_t all_of(const confusion *c) { return (size_t)c->class_count * (size_t)c->class_count; }

void confusion_open(int32_t class_count, confusion *out) {
  *out = (confusion){.class_count = class_count <= LOSS_CLASSES ? class_count : 0};
  if (out->class_count) out->cells = alloc_zeroed(all_of(out), sizeof *out->cells);
}

void confusion_free(confusion *c) {
  free(c->cells);
  *c = (confusion){0};
}

/* ---- Counting ------------------------------------------------------------------------------- */

int32_t *confusion_classes(const fm_labels *labels, const fm_plane *mask) {
  const fm_plane m = pixel_strides(mask);
  int32_t *classes = alloc_zeroed((size_t)(m.width * m.height), sizeof *classes), *to = classes;
  for (int64_t y = 0; y < m.height; y++) {
    const uint8_t *row = (const uint8_t *)m.data + y * m.row_stride;
    for (int64_t x = 0; x < m.width; x++)
      *to++ = fm_labels_class_of(labels, pixel_label(row + x * m.col_stride, m.dtype));
  }
  return classes;
}

void confusion_add(confusion *c, const fm_labels *labels, const int32_t *before,
                   const fm_plane *filtered, const int32_t *shown) {
  if (!c->class_count || !shown) return;
  int32_t *after = confusion_classes(labels, filtered);
  const int64_t pixels = filtered->width * filtered->height;
  for (int64_t i = 0; i < pixels; i++)
    if (before[i] >= 0 && after[i] < 0 && shown[i] >= 0)
      c->cells[(size_t)before[i] * (size_t)c->class_count + (size_t)shown[i]]++;
  free(after);
}

void confusion_merge(confusion *into, const confusion *from) {
  const size_t all = all_of(into);
  if (into->class_count != from->class_count)
    confusion_free(into);
  else
    for (size_t i = 0; i < all; i++) into->cells[i] += from->cells[i];
}

/* ---- Files ---------------------------------------------------------------------------------- */

static int64_t *row_of(const confusion *c, int32_t k) {
  return &c->cells[(size_t)k * (size_t)c->class_count];
}

json_t *confusion_save_class(const confusion *c, int32_t k) {
  return c->class_count ? json_counts(row_of(c, k), (size_t)c->class_count) : json_null();
}

int confusion_load_class(const json_t *item, const char *path, int32_t class_count, int32_t k,
                         int64_t dropped, confusion *out, fault *f) {
  const json_t *shown = json_object_get(item, "shown");
  if (!shown || json_is_null(shown)) return EXIT_FINE;
  if (!out->class_count) confusion_open(class_count, out);
  if (!out->class_count)
    return fault_set(f, EXIT_DATA, "%s: \"shown\" of class %d, expected null with %d classes", path,
                     (int)k, (int)class_count);
  return json_member_counts(item, path, "shown", k, (size_t)class_count, dropped, row_of(out, k),
                            f);
}

/* ---- The most frequent ---------------------------------------------------------------------- */

static void offer(confused_pair from, int most, confused_pair *list, int *count) {
  int at = *count;
  while (at > 0 && from.pixels > list[at - 1].pixels) at--;
  if (at == most) return;
  if (*count < most) (*count)++;
  for (int i = *count - 1; i > at; i--) list[i] = list[i - 1];
  list[at] = from;
}

int confusion_top(const confusion *c, int32_t k, int most, confused_pair *out) {
  int count = 0;
  for (int32_t mask = k < 0 ? 0 : k; mask < (k < 0 ? c->class_count : k + 1); mask++)
    for (int32_t shown = 0; shown < c->class_count; shown++) {
      const int64_t pixels = c->cells[(size_t)mask * (size_t)c->class_count + (size_t)shown];
      if (pixels && !(k < 0 && mask == shown))
        offer((confused_pair){mask, shown, pixels}, most, out, &count);
    }
  return count;
}
