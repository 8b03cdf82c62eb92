/* io/json.h - reading JSON by jansson: members whose absence is told by name. */
#ifndef FM_IO_JSON_H
#define FM_IO_JSON_H

#include <freemask/class_stats.h>
#include <freemask/error.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What messages call an object: "", "labels." or "classes[3].". */
typedef struct fm__json_object {
  const json_t *json;
  char where[32];
} fm__json_object;

bool fm__json_is_whole(const json_t *value, int64_t lowest, int64_t highest);

fm_status fm__json_not_a(const fm__json_object *o, const char *key, const char *expected,
                         fm_error *err);
fm_status fm__json_whole(const fm__json_object *o, const char *key, int64_t lowest, int64_t highest,
                         int64_t *out, fm_error *err);
fm_status fm__json_text(const fm__json_object *o, const char *key, const char **out, fm_error *err);
fm_status fm__json_hex(const fm__json_object *o, const char *key, uint64_t *out, fm_error *err);
fm_status fm__json_list(const fm__json_object *o, const char *key, const json_t **out,
                        fm_error *err);
fm_status fm__json_member(const fm__json_object *o, const char *key, fm__json_object *out,
                          fm_error *err);

/* Row `k` of a list of classes, whose member index is k. */
fm_status fm__json_class(const json_t *classes, int32_t k, fm__json_object *out, fm_error *err);

/* Fills words[count] with the row's member `words`, a string of as many numbers as fm__bytes_words
 * writes them; with NULL they are only looked at. */
fm_status fm__json_words(const fm__json_object *row, int64_t *words, size_t count, fm_error *err);

/* The caller releases `*out` by json_decref. */
fm_status fm__json_parse(const char *data, size_t size, json_t **out, fm_error *err);

/* The status of what was made of `root`, or FM_ERR_MEMORY if the parser had lost something. */
fm_status fm__json_blame(const char *data, size_t size, const json_t *root, fm_status status,
                         fm_error *err);

/* The statistics over `labels` that an object holds, of format freemask-stats. */
fm_status fm__stats_of_json(const fm_labels *labels, const json_t *root, fm_class_stats **out,
                            fm_error *err);

#endif
