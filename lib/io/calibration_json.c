/* io/calibration_json.c - reading calibrations from JSON by jansson, and trusting nothing in it. */
#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/calibration_file.h"
#include "io/host_error.h"
#include "io/json.h"
#include "io/stats_file.h"

static fm_status read_format(const fm__json_object *root, fm_error *err) {
  const char *text = json_string_value(json_object_get(root->json, "format"));
  int64_t version = 0;
  if (!text || strcmp(text, FM__CALIBRATION_FORMAT) != 0)
    return fm__fail(err, FM_ERR_FORMAT,
                    "is JSON, expected an object with \"format\": \"" FM__CALIBRATION_FORMAT "\"");
  fm_status status = fm__json_whole(root, "version", 1, INT32_MAX, &version, err);
  if (!status && version != FM__CALIBRATION_VERSION)
    status = fm__fail(err, FM_ERR_FORMAT, "is of version %" PRId64 ", expected %d", version,
                      FM__CALIBRATION_VERSION);
  return status;
}

static fm_status read_class(const fm_calibration *c, const json_t *classes, int32_t k,
                            int64_t *words, fm_error *err) {
  fm__json_object row;
  const char *name = NULL, *known = fm_labels_class_name(c->like->labels, k);
  fm_status status = fm__json_class(classes, k, &row, err);
  if (!status) status = fm__json_text(&row, "name", &name, err);
  if (!status && strcmp(name, known) != 0)
    status = fm__fail(err, FM_ERR_FORMAT, "member %sname is '%.*s', expected '%.60s'", row.where,
                      fm__fit(name, 60), name, known);
  if (!status) status = fm__json_whole(&row, "images", 0, INT64_C(1) << 32, &words[0], err);
  return status ? status : fm__json_words(&row, words + 1, c->bins, err);
}

static fm_status read_words(const fm_calibration *c, const fm__json_object *root, int64_t *words,
                            fm_error *err) {
  const json_t *classes = NULL;
  fm_status status = fm__json_whole(root, "images", 0, INT64_C(1) << 32, &words[0], err);
  if (!status) status = fm__json_list(root, "classes", &classes, err);
  if (!status && json_array_size(classes) != (size_t)c->like->labels->class_count)
    status = fm__fail(err, FM_ERR_FORMAT, "member classes has %zu rows, expected %d",
                      json_array_size(classes), (int)c->like->labels->class_count);
  for (int32_t k = 0; k < c->like->labels->class_count && !status; k++)
    status = read_class(c, classes, k, words + 1 + (size_t)k * (1 + c->bins), err);
  return status;
}

static fm_status import(fm_calibration *c, const fm__json_object *root, int64_t *words,
                        fm_error *err) {
  uint64_t checksum = 0;
  fm_status status = fm__json_hex(root, "checksum", &checksum, err);
  if (!status) status = read_words(c, root, words, err);
  if (status) return status;
  status = fm_calibration_import(c, words, fm_calibration_word_count(c), NULL, err);
  if (status) return fm__blame_file(status, err);
  uint64_t made = fm__calibration_checksum(c, words);
  if (made == checksum) return FM_OK;
  return fm__fail(err, FM_ERR_FORMAT,
                  "is damaged: member checksum is %016" PRIx64 ", but its words make %016" PRIx64,
                  checksum, made);
}

/* The score, its ranks and the bins are those of the statistics in it, which hold no pixel. */
static fm_status make_empty(const fm_labels *labels, const fm__json_object *root,
                            fm_calibration **out, fm_error *err) {
  fm__json_object member;
  fm_class_stats *stats = NULL;
  fm_status status = fm__json_member(root, FM__CALIBRATION_STATS, &member, err);
  if (status) return status;
  status = fm__stats_of_json(labels, member.json, &stats, err);
  if (!status && fm_class_stats_image_count(stats))
    status = fm__fail(err, FM_ERR_FORMAT, "they hold images, expected none");
  if (!status && (status = fm_calibration_create(stats, out, err)))
    status = fm__blame_file(status, err);
  fm_class_stats_destroy(stats);
  if (status) fm__fail_prefix(err, "member " FM__CALIBRATION_STATS);
  return status;
}

static fm_status read_all(const fm_labels *labels, const json_t *json, fm_calibration **out,
                          fm_error *err) {
  const fm__json_object root = {.json = json};
  fm_calibration *c = NULL;
  fm_status status = read_format(&root, err);
  if (!status) status = make_empty(labels, &root, &c, err);
  if (status) return status;
  size_t count = (size_t)fm_calibration_word_count(c);
  int64_t *words = fm__alloc_array(labels->context, count, sizeof *words);
  status = words ? import(c, &root, words, err) : fm__fail_memory(err, count * sizeof *words);
  fm__free(labels->context, words);
  if (status)
    fm_calibration_destroy(c);
  else
    *out = c;
  return status;
}

fm_status fm__calibration_parse(const fm_labels *labels, const char *data, size_t size,
                                fm_calibration **out, fm_error *err) {
  json_t *root = NULL;
  fm_status status = fm__json_parse(data, size, &root, err);
  if (status) return status;
  status = read_all(labels, root, out, err);
  status = fm__json_blame(data, size, root, status, err);
  json_decref(root);
  return status;
}
