/* convert/color_rules.c - which label a color means. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "convert/convert.h"

void rules_add(color_rules *rules, uint32_t color, int32_t label) {
  rules->items = alloc_grow(rules->items, rules->count, &rules->capacity, sizeof *rules->items);
  rules->items[rules->count++] = (color_rule){color & rules->bits, label};
}

/* Merge sort would be stable; equal keys are told apart by their label, which ascends. */
static int by_key(const void *a, const void *b) {
  const color_rule *left = a, *right = b;
  if (left->key != right->key) return left->key < right->key ? -1 : 1;
  return (left->label > right->label) - (left->label < right->label);
}

void rules_sort(color_rules *rules) {
  size_t kept = 0;
  if (rules->count) qsort(rules->items, rules->count, sizeof *rules->items, by_key);
  for (size_t i = 0; i < rules->count; i++)
    if (!kept || rules->items[kept - 1].key != rules->items[i].key)
      rules->items[kept++] = rules->items[i];
  rules->count = kept;
}

void rules_free(color_rules *rules) {
  free(rules->items);
  *rules = (color_rules){.bits = rules->bits};
}

int32_t rules_find(const color_rules *rules, uint32_t color) {
  const uint32_t key = color & rules->bits;
  size_t low = 0, high = rules->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (rules->items[middle].key == key) return rules->items[middle].label;
    if (rules->items[middle].key < key)
      low = middle + 1;
    else
      high = middle;
  }
  return -1;
}

static int square_of(uint32_t a, uint32_t b, int shift) {
  int d = (int)(a >> shift & 0xFF) - (int)(b >> shift & 0xFF);
  return d * d;
}

const color_rule *rules_nearest(const color_rules *rules, uint32_t color, double *distance) {
  const color_rule *nearest = NULL;
  int least = INT32_MAX;
  for (size_t i = 0; i < rules->count; i++) {
    uint32_t key = rules->items[i].key;
    int square = square_of(key, color, 0) + square_of(key, color, 8) + square_of(key, color, 16);
    if (square >= least) continue;
    least = square;
    nearest = &rules->items[i];
  }
  *distance = sqrt((double)least);
  return nearest;
}

/* ---- Label spaces --------------------------------------------------------------------- */

/* Pascal VOC takes bits 0, 1 and 2 of a number for the highest bits of red, green and blue, bits 3
 * to 5 for the next ones, and so on: 1 is (128, 0, 0), 255 is (224, 224, 192). As 0xRRGGBB. */
static int32_t voc_color(uint32_t number) {
  uint32_t part[3] = {0, 0, 0};
  for (int bit = 7; bit >= 0 && number; bit--, number >>= 3)
    for (int c = 0; c < 3; c++) part[c] |= (number >> c & 1) << bit;
  return (int32_t)(part[0] << 16 | part[1] << 8 | part[2]);
}

/* 0xRRGGBB as planes have it. */
static uint32_t as_stored(int32_t rgb) {
  return (uint32_t)(rgb >> 16 & 0xFF) | (uint32_t)(rgb & 0xFF00) | (uint32_t)(rgb & 0xFF) << 16 |
         0xFF000000u;
}

static int check_shared(const fm_labels *labels, const char *source, const color_rules *rules,
                        uint32_t color, int64_t label, fault *f) {
  for (size_t i = 0; i < rules->count; i++) {
    const color_rule *other = &rules->items[i];
    if (other->key != (color & rules->bits) ||
        fm_labels_class_of(labels, other->label) == fm_labels_class_of(labels, label))
      continue;
    return fault_set(
        f, EXIT_DATA,
        "%s: labels %d and %" PRId64
        " have the same color #%02x%02x%02x, but are not the same class, so that masks "
        "in color cannot be read by it",
        source, (int)other->label, label, (unsigned)(color & 0xFF), (unsigned)(color >> 8 & 0xFF),
        (unsigned)(color >> 16 & 0xFF));
  }
  return EXIT_FINE;
}

int rules_of_labels(const fm_labels *labels, bool voc, const char *source, color_rules *out,
                    fault *f) {
  int code = EXIT_FINE;
  for (int64_t label = 0; label <= (voc ? 255 : 65535) && !code; label++) {
    if (fm_labels_class_of(labels, label) == FM_CLASS_INVALID) continue;
    int32_t rgb = voc ? voc_color((uint32_t)label) : fm_labels_color_of(labels, label);
    if (rgb < 0) continue;
    if (out->count < 4096) code = check_shared(labels, source, out, as_stored(rgb), label, f);
    rules_add(out, as_stored(rgb), (int32_t)label);
  }
  if (!code && !out->count)
    code = fault_set(f, EXIT_USAGE,
                     "label space %s has no colors: add a column color to its table (freemask "
                     "labels --masks DIR drafts one from masks in color), or take those of Pascal "
                     "VOC with --voc-colors",
                     source);
  rules_sort(out);
  return code;
}

int32_t label_by_name(const fm_labels *labels, const char *name) {
  for (int32_t k = 0; k < fm_labels_class_count(labels); k++)
    if (!strcasecmp(fm_labels_class_name(labels, k), name))
      return (int32_t)fm_labels_label_of(labels, k);
  return -1;
}
