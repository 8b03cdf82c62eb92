/* convert/replicator.c - masks of Isaac Sim Replicator's BasicWriter. Colors are drawn at random for
 * each run; a JSON file next to each mask names them:
 *   {"(140, 25, 255, 255)": {"class": "cube"}, "(0, 0, 0, 0)": {"class": "BACKGROUND"}}
 * or, in masks of numbers, {"2": {"class": "cube"}}. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "convert/convert.h"

enum { LARGEST = 1 << 26 };

char *replicator_partner(const char *mask) {
  const char *slash = strrchr(mask, '/'), *name = slash ? slash + 1 : mask;
  const char *dot = strrchr(name, '.'), *line = strrchr(name, '_');
  text t = {0};
  if (!dot || !line || line > dot || strncmp(name, "semantic_segmentation", 21) != 0) return NULL;
  text_add_bytes(&t, mask, (size_t)(line - mask));
  text_add(&t, "_labels");
  text_add_bytes(&t, line, (size_t)(dot - line));
  text_add(&t, ".json");
  return t.data;
}

bool replicator_has_partner(const char *masks, const char *relative) {
  char *path = path_join(masks, relative), *partner = replicator_partner(path);
  bool there = partner && path_exists(partner);
  free(partner);
  free(path);
  return there;
}

static int load(const char *path, json_t **out, fault *f) {
  char *data;
  size_t length;
  json_error_t error;
  int code = path_read(path, LARGEST, &data, &length, f);
  if (code) return code;
  *out = json_loadb(data, length, JSON_REJECT_DUPLICATES, &error);
  free(data);
  if (*out && json_is_object(*out)) return EXIT_FINE;
  code = fault_set(f, EXIT_DATA, "%s: line %d: %s", path, *out ? 1 : error.line,
                   *out ? "expected an object of colors and classes" : error.text);
  json_decref(*out);
  return code;
}

/* "class" of an entry, or the entry itself; NULL: there is none. */
static const char *name_of(const json_t *entry) {
  const json_t *name = json_is_object(entry) ? json_object_get(entry, "class") : entry;
  return json_string_value(name);
}

/* "(140, 25, 255, 255)" or "2". */
static bool parse_key(const char *key, uint32_t *out, bool *number) {
  unsigned long part[4] = {0, 0, 0, 255};
  int count = 0;
  const char *at = key + strspn(key, " ([");
  for (; count < 4 && *at >= '0' && *at <= '9'; count++) {
    char *end;
    errno = 0;
    part[count] = strtoul(at, &end, 10);
    if (errno || part[count] > UINT32_MAX) return false;
    at = end + strspn(end, " ,)]");
  }
  *number = count == 1;
  if (*at || (count != 1 && count != 3 && count != 4)) return false;
  *out = (uint32_t)part[0];
  if (*number) return true;
  for (int i = 0; i < 4; i++)
    if (part[i] > 255) return false;
  *out = (uint32_t)(part[0] | part[1] << 8 | part[2] << 16 | part[3] << 24);
  return true;
}

/* What the writer itself calls pixels without a class. */
static bool is_nothing(const char *name) {
  return !strcasecmp(name, "BACKGROUND") || !strcasecmp(name, "UNLABELLED") ||
         !strcasecmp(name, "UNLABELED");
}

/* A label by the whole name, or by the parts between commas, if they agree. */
static int32_t find_label(const fm_labels *labels, const char *name) {
  int32_t label = label_by_name(labels, name), found = -1;
  if (label >= 0) return label;
  char *copy = alloc_text(name), *rest = copy, *part;
  while (found != -2 && (part = strtok_r(rest, ",", &rest))) {
    label = label_by_name(labels, part + strspn(part, " "));
    if (label >= 0) found = found < 0 || found == label ? label : -2;
  }
  free(copy);
  if (found >= 0) return found;
  return is_nothing(name) ? (int32_t)fm_labels_ignore_label_in(labels, FM_U16) : -1;
}

static int fail_name(const char *path, const char *name, const fm_labels *labels, fault *f) {
  text names = {0};
  for (int32_t k = 0; k < fm_labels_class_count(labels) && k < 8; k++)
    text_add(&names, "%s%s", k ? ", " : "", fm_labels_class_name(labels, k));
  int code = fault_set(f, EXIT_DATA,
                       "%s: class '%s' is not in label space %s (%s%s): add a row for it, or say "
                       "with --unknown where it goes",
                       path, name, fm_labels_name(labels), names.data,
                       fm_labels_class_count(labels) > 8 ? ", ..." : "");
  text_free(&names);
  return code;
}

static int add_entry(const char *path, const char *key, const json_t *entry,
                     const fm_labels *labels, int32_t unknown, color_rules *out, bool *numbers,
                     fault *f) {
  uint32_t color;
  bool number;
  const char *name = name_of(entry);
  if (!parse_key(key, &color, &number))
    return fault_set(f, EXIT_DATA, "%s: key '%s', expected a color such as \"(140, 25, 255, 255)\"",
                     path, key);
  if (!name) return fault_set(f, EXIT_DATA, "%s: '%s' has no \"class\"", path, key);
  int32_t label = find_label(labels, name);
  if (label < 0) label = unknown;
  if (label < 0) return fail_name(path, name, labels, f);
  *numbers = number;
  rules_add(out, color, label);
  return EXIT_FINE;
}

int replicator_read(const char *path, const fm_labels *labels, int32_t unknown, color_rules *out,
                    bool *numbers, fault *f) {
  json_t *root, *entry;
  const char *key;
  int code = load(path, &root, f);
  if (code) return code;
  *numbers = false;
  json_object_foreach(root, key, entry) {
    if (!code) code = add_entry(path, key, entry, labels, unknown, out, numbers, f);
  }
  json_decref(root);
  rules_sort(out);
  return code;
}

/* ---- A label space of all names --------------------------------------------------------- */

typedef struct names {
  char **items;
  size_t count, capacity;
} names;

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_name(names *all, const char *name) {
  if (!name || is_nothing(name)) return;
  for (size_t i = 0; i < all->count; i++)
    if (!strcasecmp(all->items[i], name)) return;
  all->items = alloc_grow(all->items, all->count, &all->capacity, sizeof *all->items);
  all->items[all->count++] = alloc_text(name);
}

static int add_names(names *all, const char *path, fault *f) {
  json_t *root, *entry;
  const char *key;
  int code = load(path, &root, f);
  if (code) return code;
  json_object_foreach(root, key, entry) add_name(all, name_of(entry));
  json_decref(root);
  return EXIT_FINE;
}

int replicator_make_labels(fm_context *context, const folder *masks, fm_labels **out, fault *f) {
  static const int64_t ignored[] = {255};
  names all = {0};
  fm_error err;
  int code = EXIT_FINE;
  for (size_t i = 0; i < masks->count && !code; i++) {
    char *path = folder_path(masks, &masks->files[i]), *partner = replicator_partner(path);
    code = add_names(&all, partner, f);
    free(partner);
    free(path);
  }
  if (!code && (!all.count || all.count > 255))
    code = fault_set(f, EXIT_DATA, "%s: the JSON files name %zu classes, expected 1 to 255",
                     masks->path, all.count);
  if (!code) {
    qsort(all.items, all.count, sizeof *all.items, by_name);
    fm_labels_options o = {.size = sizeof o, .name = "replicator", .ignored_labels = ignored};
    o.ignored_count = 1;
    o.class_count = (int32_t)all.count;
    o.class_names = (const char *const *)all.items;
    if (fm_labels_create(context, &o, out, &err)) code = fault_library(f, &err, NULL);
  }
  for (size_t i = 0; i < all.count; i++) free(all.items[i]);
  free(all.items);
  return code;
}
