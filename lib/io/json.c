/* io/json.c - reading JSON by jansson, and trusting nothing in it. */
#include "io/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/fail.h"

/* ---- Members ---------------------------------------------------------------------- */

fm_status fm__json_not_a(const fm__json_object *o, const char *key, const char *expected,
                         fm_error *err) {
  return fm__fail(err, FM_ERR_FORMAT, "member %s%s is %s, expected %s", o->where, key,
                  json_object_get(o->json, key) ? "something else" : "missing", expected);
}

bool fm__json_is_whole(const json_t *value, int64_t lowest, int64_t highest) {
  return json_is_integer(value) && json_integer_value(value) >= lowest &&
         json_integer_value(value) <= highest;
}

fm_status fm__json_whole(const fm__json_object *o, const char *key, int64_t lowest, int64_t highest,
                         int64_t *out, fm_error *err) {
  const json_t *value = json_object_get(o->json, key);
  char expected[96];
  if (fm__json_is_whole(value, lowest, highest)) {
    *out = json_integer_value(value);
    return FM_OK;
  }
  snprintf(expected, sizeof expected, "a whole number from %" PRId64 " to %" PRId64, lowest,
           highest);
  return fm__json_not_a(o, key, expected, err);
}

fm_status fm__json_text(const fm__json_object *o, const char *key, const char **out,
                        fm_error *err) {
  *out = json_string_value(json_object_get(o->json, key));
  return *out ? FM_OK : fm__json_not_a(o, key, "a string", err);
}

fm_status fm__json_hex(const fm__json_object *o, const char *key, uint64_t *out, fm_error *err) {
  const char *text = json_string_value(json_object_get(o->json, key));
  if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
    return fm__json_not_a(o, key, "a string of 16 hexadecimal digits", err);
  *out = strtoull(text, NULL, 16);
  return FM_OK;
}

fm_status fm__json_list(const fm__json_object *o, const char *key, const json_t **out,
                        fm_error *err) {
  *out = json_object_get(o->json, key);
  return json_is_array(*out) ? FM_OK : fm__json_not_a(o, key, "a list", err);
}

fm_status fm__json_member(const fm__json_object *o, const char *key, fm__json_object *out,
                          fm_error *err) {
  out->json = json_object_get(o->json, key);
  snprintf(out->where, sizeof out->where, "%s.", key);
  return json_is_object(out->json) ? FM_OK : fm__json_not_a(o, key, "an object", err);
}

fm_status fm__json_class(const json_t *classes, int32_t k, fm__json_object *out, fm_error *err) {
  out->json = json_array_get(classes, (size_t)k);
  snprintf(out->where, sizeof out->where, "classes[%d].", (int)k);
  int64_t index = 0;
  return fm__json_whole(out, "index", k, k, &index, err);
}

/* A number, or +n for n zeros; returns what is behind it, and NULL if it is neither. */
static const char *read_word(const char *at, bool *zeros, int64_t *number) {
  int64_t value = 0;
  *zeros = *at == '+';
  at += *zeros;
  if (*at < '0' || *at > '9' || (*at == '0' && at[1] >= '0' && at[1] <= '9')) return NULL;
  for (; *at >= '0' && *at <= '9'; at++) {
    if (value > (INT64_MAX - (*at - '0')) / 10) return NULL;
    value = value * 10 + (*at - '0');
  }
  *number = value;
  return (*zeros && !value) || (*at && *at != ' ') ? NULL : at;
}

fm_status fm__json_words(const fm__json_object *row, int64_t *words, size_t count, fm_error *err) {
  const char *text = json_string_value(json_object_get(row->json, "words")), *at = text;
  uint64_t found = 0;
  if (!text) return fm__json_not_a(row, "words", "numbers in a string", err);
  do {
    bool zeros;
    int64_t number = 0;
    const char *start = at + (at > text); /* behind a blank */
    at = read_word(start, &zeros, &number);
    if (!at)
      return fm__fail(err, FM_ERR_FORMAT,
                      "member %swords, character %zu: expected a whole number below 2^63, or +n "
                      "for n zeros, and one blank between two",
                      row->where, (size_t)(start - text) + 1);
    uint64_t many = zeros ? (uint64_t)number : 1;
    if (words && found < count && many <= count - found)
      for (uint64_t i = 0; i < many; i++) words[found + i] = zeros ? 0 : number;
    found = many > UINT64_MAX - found ? UINT64_MAX : found + many;
  } while (*at);
  if (found == count) return FM_OK;
  return fm__fail(err, FM_ERR_FORMAT, "member %swords has %" PRIu64 " numbers, expected %zu",
                  row->where, found, count);
}

/* ---- Parsing ---------------------------------------------------------------------- */

static bool same_error(const json_error_t *a, const json_error_t *b) {
  return a->position == b->position && a->line == b->line && strcmp(a->text, b->text) == 0;
}

/* jansson has a code for lack of memory, but calls it a syntax error while it reads a word, and
 * nothing at all before the first one. What is broken is broken in the same place again. */
fm_status fm__json_parse(const char *data, size_t size, json_t **out, fm_error *err) {
  json_error_t error, again;
  *out = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
  if (!*out && error.text[0] && json_error_code(&error) != json_error_out_of_memory) {
    *out = json_loadb(data, size, JSON_REJECT_DUPLICATES, &again);
    if (!*out && same_error(&error, &again))
      return fm__fail(err, FM_ERR_FORMAT, "line %d, column %d: broken JSON, %s", error.line,
                      error.column, error.text);
  }
  if (*out) return FM_OK;
  return fm__fail(err, FM_ERR_MEMORY, "out of memory while %zu bytes of JSON were parsed", size);
}

/* Without memory jansson loses the ends of words, too, and goes on. */
static bool lost_something(const char *data, size_t size, const json_t *root) {
  json_t *again = json_loadb(data, size, JSON_REJECT_DUPLICATES, NULL);
  bool lost = !again || !json_equal(again, root);
  json_decref(again);
  return lost;
}

fm_status fm__json_blame(const char *data, size_t size, const json_t *root, fm_status status,
                         fm_error *err) {
  if (!status || status == FM_ERR_MEMORY || !lost_something(data, size, root)) return status;
  return fm__fail(err, FM_ERR_MEMORY, "out of memory while %zu bytes of JSON were parsed", size);
}
