/* job/made_of.c - all that determines a command's results, by name. */
#include "job/made_of.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/input_file.h"
#include "base/json_file.h"
#include "base/text.h"
#include "losses/plugin_spec.h"

json_t *made_of_new(void) { return json_object(); }

void made_of_add(json_t *made_of, const char *name, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  json_object_set_new(made_of, name, json_vsprintf(format, arguments));
  va_end(arguments);
}

void made_of_add_hash(json_t *made_of, const char *name, const void *data, size_t size) {
  json_object_set_new(made_of, name, json_hex(text_hash(data, size)));
}

void made_of_add_masks(json_t *made_of, const char *name, uint64_t identity, int64_t count) {
  made_of_add(made_of, name, "%" PRId64 " named %016" PRIx64, count, identity);
}

static uint64_t hash_json(const json_t *value) {
  char *words = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
  uint64_t hash = words ? text_hash(words, strlen(words)) : 0;
  free(words);
  return hash;
}

uint64_t made_of_hash(const json_t *made_of) { return hash_json(made_of); }

void made_of_add_json(json_t *made_of, const char *name, json_t *value) {
  json_object_set_new(made_of, name, json_hex(hash_json(value)));
  json_decref(value);
}

/* A file by what it holds, another word as it is. */
static int add_value(const char *value, text *words, fault *f) {
  struct stat info;
  input_seen seen;
  const bool there = !stat(value, &info);
  if (!there && fault_is_of_machine(errno)) return fault_system(f, errno, "examine", value);
  if (!there || !S_ISREG(info.st_mode)) {
    text_add(words, "%s", value);
    return EXIT_FINE;
  }
  int code = input_look(value, &seen, f);
  if (!code) text_add(words, "%016" PRIx64, seen.content);
  return code;
}

static int add_plugin(const char *provider, text *words, fault *f) {
  plugin_spec spec;
  int code = plugin_spec_read(provider, &spec, f);
  if (code) return code;
  code = add_value(spec.file, words, f);
  for (size_t i = 0; i < spec.count && !code; i++) {
    text_add(words, ",%s=", spec.keys[i]);
    code = add_value(spec.values[i], words, f);
  }
  plugin_spec_free(&spec);
  return code;
}

int made_of_add_provider(json_t *made_of, const char *provider, fault *f) {
  text words = {0};
  int code = EXIT_FINE;
  if (!provider) return EXIT_FINE;
  if (loss_provider_is_plugin(provider))
    code = add_plugin(provider, &words, f);
  else
    text_add(&words, "%s", provider);
  if (!code) made_of_add_hash(made_of, "provider", words.data, words.length);
  text_free(&words);
  return code;
}

/* Values that are no hashes are worth showing. */
static bool is_shown(const char *value) { return value && strlen(value) < 16; }

/* The first thing that differs, by name and, in brackets, with its values. */
typedef struct difference {
  char name[80], values[80];
  bool before, now; /* which of both has it */
} difference;

static void describe(const char *name, const char *before, const char *now, const char *now_is,
                     difference *out) {
  *out = (difference){.before = before, .now = now};
  text_to_line(name, out->name, sizeof out->name);
  if (is_shown(before) && is_shown(now))
    snprintf(out->values, sizeof out->values, " (%s, %s %s)", before, now_is, now);
  if (before && now && strstr(before, " named "))
    snprintf(out->values, sizeof out->values, " (%d of them, %s %d)", (int)strtol(before, NULL, 10),
             now_is, (int)strtol(now, NULL, 10));
}

static bool find_difference(const json_t *before, const json_t *now, const char *now_is,
                            difference *out) {
  const char *name;
  json_t *value;
  json_t *all = json_copy((json_t *)now);
  bool differs = false;
  json_object_update_missing(all, (json_t *)before);
  json_object_foreach(all, name, value) {
    const json_t *was = json_object_get(before, name), *is = json_object_get(now, name);
    if (was && is && json_equal(was, is)) continue;
    describe(name, json_string_value(was), json_string_value(is), now_is, out);
    differs = true;
    break;
  }
  json_decref(all);
  return differs;
}

int made_of_check(const json_t *before, const json_t *now, const char *output, const char *begun,
                  fault *f) {
  difference it;
  if (!find_difference(before, now, "now", &it)) return EXIT_FINE;
  return fault_set(f, EXIT_USAGE,
                   "%s was %s with other flags or inputs: %s%s %s; expected the same with --resume "
                   "(or --overwrite)",
                   output, begun, it.name, it.values,
                   it.now ? it.before ? "differ" : "are new" : "are missing");
}

int made_of_same(const json_t *a, const json_t *b, const char *path, const char *other, fault *f) {
  difference it;
  if (!find_difference(a, b, "but", &it)) return EXIT_FINE;
  return fault_set(f, EXIT_DATA, "%s and %s are of different jobs: %s%s differ", path, other,
                   it.name, it.values);
}

/* A value for people: numbers have as many digits as they were given with. */
static json_t *for_people(const char *value, const char *hash) {
  char *end = NULL, words[32];
  if (!value) return json_null();
  if (strstr(value, " named ")) return json_sprintf("%ld", strtol(value, NULL, 10));
  if (is_shown(value)) return json_text(value);
  const double number = strtod(value, &end);
  if (strlen(value) == 16 && strspn(value, "0123456789abcdef") == 16) return json_string(hash);
  if (*end) return json_string(hash);
  snprintf(words, sizeof words, "%.9g", number);
  return json_string(words);
}

json_t *made_of_differences(const json_t *a, const json_t *b) {
  const char *name;
  json_t *value, *list = json_array();
  json_t *all = json_copy((json_t *)b);
  json_object_update_missing(all, (json_t *)a);
  json_object_foreach(all, name, value) {
    const json_t *was = json_object_get(a, name), *is = json_object_get(b, name);
    if (was && is && json_equal(was, is)) continue;
    json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "name", json_text(name), "a",
                                          for_people(json_string_value(was), "some"), "b",
                                          for_people(json_string_value(is), "others")));
  }
  json_decref(all);
  return list;
}
