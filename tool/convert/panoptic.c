/* convert/panoptic.c - COCO's panoptic masks: a pixel's red + 256 green + 65536 blue is the id of a
 * segment, whose category the JSON file tells; 0 is no segment. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "convert/convert.h"

enum { LARGEST_JSON = 1 << 30 }; /* bytes */

typedef struct category {
  json_int_t id;
  const char *name;
  int32_t color; /* 0xRRGGBB; -1: none */
  int32_t label;
} category;

/* Of a mask: its name without extension, and its segments. */
typedef struct annotation {
  char *stem;
  const json_t *segments;
} annotation;

struct panoptic {
  char *path;
  json_t *root;
  category *categories; /* by id */
  size_t category_count;
  annotation *annotations; /* by stem */
  size_t annotation_count;
  int32_t nothing; /* the label of no segment */
};

static int fail(const panoptic *p, fault *f, const char *what, size_t at) {
  return fault_set(f, EXIT_DATA, "%s: %s %zu is not as COCO's panoptic format has it", p->path,
                   what, at);
}

static int by_id(const void *a, const void *b) {
  json_int_t left = ((const category *)a)->id, right = ((const category *)b)->id;
  return (left > right) - (left < right);
}

static int by_stem(const void *a, const void *b) {
  return strcmp(((const annotation *)a)->stem, ((const annotation *)b)->stem);
}

static int32_t color_of(const json_t *value) {
  int32_t color = 0;
  if (json_array_size(value) != 3) return -1;
  for (size_t i = 0; i < 3; i++) {
    json_int_t part = json_integer_value(json_array_get(value, i));
    if (part < 0 || part > 255) return -1;
    color = color << 8 | (int32_t)part;
  }
  return color;
}

static int read_categories(panoptic *p, fault *f) {
  const json_t *list = json_object_get(p->root, "categories");
  p->category_count = json_array_size(list);
  p->categories = alloc_zeroed(p->category_count, sizeof *p->categories);
  for (size_t i = 0; i < p->category_count; i++) {
    const json_t *item = json_array_get(list, i), *id = json_object_get(item, "id");
    category *c = &p->categories[i];
    c->name = json_string_value(json_object_get(item, "name"));
    c->id = json_integer_value(id);
    c->color = color_of(json_object_get(item, "color"));
    if (!json_is_integer(id) || !c->name) return fail(p, f, "category", i);
  }
  if (!p->category_count)
    return fault_set(f, EXIT_DATA, "%s: no categories, expected COCO's panoptic format", p->path);
  qsort(p->categories, p->category_count, sizeof *p->categories, by_id);
  return EXIT_FINE;
}

/* The name of a file, without folders and extension. */
static char *stem_of(const char *name) {
  const char *slash = strrchr(name, '/');
  char *stem = alloc_text(slash ? slash + 1 : name), *dot = strrchr(stem, '.');
  if (dot) *dot = '\0';
  return stem;
}

static int read_annotations(panoptic *p, fault *f) {
  const json_t *list = json_object_get(p->root, "annotations");
  p->annotations = alloc_zeroed(json_array_size(list), sizeof *p->annotations);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *item = json_array_get(list, i);
    const char *name = json_string_value(json_object_get(item, "file_name"));
    const json_t *segments = json_object_get(item, "segments_info");
    if (!name || !json_is_array(segments)) return fail(p, f, "annotation", i);
    p->annotations[p->annotation_count++] = (annotation){stem_of(name), segments};
  }
  if (p->annotation_count)
    qsort(p->annotations, p->annotation_count, sizeof *p->annotations, by_stem);
  return EXIT_FINE;
}

int panoptic_open(const char *path, panoptic **out, fault *f) {
  json_error_t error;
  panoptic *p = alloc_zeroed(1, sizeof *p);
  char *data = NULL;
  size_t length = 0;
  p->path = alloc_text(path);
  int code = path_read(path, LARGEST_JSON, &data, &length, f);
  if (!code) p->root = json_loadb(data, length, 0, &error);
  free(data);
  if (!code && !p->root)
    code = fault_set(f, EXIT_DATA, "%s: line %d: %s", path, error.line, error.text);
  if (!code) code = read_categories(p, f);
  if (!code) code = read_annotations(p, f);
  if (code)
    panoptic_close(p);
  else
    *out = p;
  return code;
}

void panoptic_close(panoptic *p) {
  if (!p) return;
  for (size_t i = 0; i < p->annotation_count; i++) free(p->annotations[i].stem);
  free(p->annotations);
  free(p->categories);
  json_decref(p->root);
  free(p->path);
  free(p);
}

int panoptic_make_labels(const panoptic *p, fm_context *context, fm_labels **out, fault *f) {
  enum { LABELS = 65536 };
  const json_int_t last = p->categories[p->category_count - 1].id;
  const int64_t ignored = p->categories[0].id > 0 ? 0 : last < 255 ? 255 : LABELS - 1;
  int32_t *classes = alloc_zeroed(LABELS, sizeof *classes), count = 0;
  const char **names = alloc_zeroed(p->category_count, sizeof *names);
  fm_label_color *colors = alloc_zeroed(p->category_count, sizeof *colors);
  fm_labels_options o = {.size = sizeof o, .name = "panoptic", .ignored_labels = &ignored};
  fm_error err;
  int code = EXIT_FINE;
  for (size_t i = 0; i < LABELS; i++) classes[i] = FM_CLASS_INVALID;
  for (size_t i = 0; i < p->category_count && !code; i++) {
    const category *c = &p->categories[i];
    if (c->id < 0 || c->id >= LABELS - 1 || classes[c->id] >= 0) {
      code = fail(p, f, "category", i);
      break;
    }
    classes[c->id] = count;
    names[count++] = c->name;
    if (c->color >= 0) colors[o.color_count++] = (fm_label_color){(int32_t)c->id, c->color};
  }
  o.ignored_count = 1;
  o.class_count = count;
  o.label_count = LABELS;
  o.classes = classes;
  o.class_names = names;
  o.colors = colors;
  if (!code && fm_labels_create(context, &o, out, &err)) code = fault_library(f, &err, p->path);
  free(colors);
  free(names);
  free(classes);
  return code;
}

int panoptic_bind(panoptic *p, const fm_labels *labels, int32_t unknown, fault *f) {
  p->nothing = (int32_t)fm_labels_ignore_label_in(labels, FM_U16);
  for (size_t i = 0; i < p->category_count; i++) {
    category *c = &p->categories[i];
    c->label = label_by_name(labels, c->name);
    if (c->label < 0 && c->id >= 0 && c->id < 65536 &&
        fm_labels_class_of(labels, c->id) != FM_CLASS_INVALID)
      c->label = (int32_t)c->id;
    if (c->label < 0) c->label = unknown;
    if (c->label < 0)
      return fault_set(f, EXIT_DATA,
                       "%s: category %" JSON_INTEGER_FORMAT
                       " '%s' is not in label space %s, neither by name nor by number: add a row "
                       "for it, or say with --unknown where it goes",
                       p->path, c->id, c->name, fm_labels_name(labels));
  }
  return EXIT_FINE;
}

int panoptic_rules(const panoptic *p, const char *mask, color_rules *out, fault *f) {
  annotation wanted = {.stem = stem_of(mask)};
  const annotation *found =
      p->annotation_count
          ? bsearch(&wanted, p->annotations, p->annotation_count, sizeof *p->annotations, by_stem)
          : NULL;
  free(wanted.stem);
  if (!found) return fault_set(f, EXIT_DATA, "%s has no annotation of mask %s", p->path, mask);
  rules_add(out, 0, p->nothing);
  for (size_t i = 0; i < json_array_size(found->segments); i++) {
    const json_t *segment = json_array_get(found->segments, i);
    const json_t *id = json_object_get(segment, "id"),
                 *of = json_object_get(segment, "category_id");
    category wanted_category = {.id = json_integer_value(of)};
    const category *c =
        bsearch(&wanted_category, p->categories, p->category_count, sizeof *p->categories, by_id);
    if (!json_is_integer(id) || !json_is_integer(of) || !c)
      return fault_set(f, EXIT_DATA, "%s: a segment of mask %s has no id or no known category_id",
                       p->path, mask);
    rules_add(out, (uint32_t)json_integer_value(id), c->label);
  }
  rules_sort(out);
  return EXIT_FINE;
}
