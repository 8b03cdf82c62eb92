/* io/calibration_file.c - calibrations in JSON: the calls, and writing, one class a line. */
#include "io/calibration_file.h"

#include <freemask/files.h>

#include "core/context.h"
#include "core/fail.h"
#include "core/random.h"
#include "io/deliver.h"
#include "io/stats_file.h"

uint64_t fm__calibration_checksum(const fm_calibration *c, const int64_t *words) {
  fm_class_stats_layout layout = {.size = sizeof layout};
  (void)fm_calibration_get_layout(c, &layout, NULL);
  uint64_t hash = fm__hash_u64(FM__HASH_START, layout.labels_fingerprint);
  hash = fm__hash_u64(hash, (uint64_t)layout.score);
  hash = fm__hash_u64(hash, (uint64_t)layout.histogram);
  hash = fm__hash_u64(hash, layout.ranks_fingerprint);
  for (int64_t i = 0; i < fm_calibration_word_count(c); i++)
    hash = fm__hash_u64(hash, (uint64_t)words[i]);
  return hash;
}

/* ---- Writing ---------------------------------------------------------------------- */

static void put_number(fm__bytes *out, const char *before, int64_t number) {
  fm__bytes_text(out, before);
  fm__bytes_whole(out, number);
}

/* `words` are the class's own: its images and a sum for each bin. */
static void put_class(fm__bytes *out, const fm_calibration *c, int32_t k, const int64_t *words) {
  put_number(out, k ? ",\n  {\"index\": " : "  {\"index\": ", k);
  fm__bytes_text(out, ", \"name\": ");
  fm__bytes_string(out, fm_labels_class_name(c->like->labels, k));
  put_number(out, ", \"images\": ", words[0]);
  fm__bytes_text(out, ", \"words\": ");
  fm__bytes_words(out, words + 1, c->bins);
  fm__bytes_text(out, "}");
}

static fm_status put_calibration(fm__bytes *out, const fm_calibration *c, fm_error *err) {
  size_t count = (size_t)fm_calibration_word_count(c);
  int64_t *words = fm__alloc_array(out->context, count, sizeof *words);
  if (!words) return fm__fail_memory(err, count * sizeof *words);
  fm_status status = fm_calibration_export(c, words, (int64_t)count, err);
  put_number(out,
             "{\"format\": \"" FM__CALIBRATION_FORMAT "\", \"version\": ", FM__CALIBRATION_VERSION);
  put_number(out, ",\n \"images\": ", c->images);
  fm__bytes_text(out, ", \"checksum\": ");
  fm__bytes_hex(out, fm__calibration_checksum(c, words));
  fm__bytes_text(out, ",\n \"classes\": [\n");
  for (int32_t k = 0; k < c->like->labels->class_count && !out->refused; k++)
    put_class(out, c, k, words + 1 + (size_t)k * (1 + c->bins));
  fm__bytes_text(out, "\n ],\n\"" FM__CALIBRATION_STATS "\":\n");
  fm__free(out->context, words);
  if (!status) status = fm__stats_put(out, c->like, err);
  fm__bytes_text(out, "}\n");
  return status;
}

static fm_status put(const char *call, const fm_calibration *c, const fm__target *to,
                     fm_error *err) {
  fm_status status = fm__target_check(call, c, "calibration", to, err);
  if (status) return status;
  fm__bytes bytes = {.context = c->like->labels->context};
  status = put_calibration(&bytes, c, err);
  return fm__deliver(&bytes, to, status, err);
}

fm_status fm_calibration_write(const fm_calibration *c, const char *path, fm_error *err) {
  fm__target to = {.to_file = true, .path = path, .flush = true};
  return put("fm_calibration_write", c, &to, err);
}

fm_status fm_calibration_encode(const fm_calibration *c, fm_write_fn write, void *user,
                                fm_error *err) {
  fm__target to = {.write = write, .user = user};
  return put("fm_calibration_encode", c, &to, err);
}

/* ---- Reading ---------------------------------------------------------------------- */

/* One call. */
typedef struct job {
  const fm_labels *labels;
  fm_calibration **out;
} job;

static fm_status read_calibration(const fm_context *context, fm__input *input, void *user,
                                  fm_error *err) {
  const job *j = user;
  if (input->memory)
    return fm__calibration_parse(j->labels, (const char *)input->memory, (size_t)input->size,
                                 j->out, err);
  char *data = NULL;
  size_t size = 0;
  fm_status status = fm__input_load(context, input, 0, &data, &size, err);
  if (!status) status = fm__calibration_parse(j->labels, data, size, j->out, err);
  if (data) fm__free(context, data);
  return status;
}

fm_status fm_calibration_read(const fm_labels *labels, const char *path, fm_calibration **out,
                              fm_error *err) {
  const char *missing = !labels ? "labels" : !path ? "path" : !out ? "out" : NULL;
  if (missing) return fm__fail(err, FM_ERR_ARGUMENT, "fm_calibration_read: %s is NULL", missing);
  job j = {labels, out};
  return fm__parse_file(labels->context, path, FM__LARGEST_JSON, read_calibration, &j, err);
}

fm_status fm_calibration_decode(const fm_labels *labels, const void *data, size_t size,
                                fm_calibration **out, fm_error *err) {
  const char *missing = !labels ? "labels" : !data && size ? "data" : !out ? "out" : NULL;
  if (missing) return fm__fail(err, FM_ERR_ARGUMENT, "fm_calibration_decode: %s is NULL", missing);
  job j = {labels, out};
  return fm__parse_memory(labels->context, data, size, FM__LARGEST_JSON, read_calibration, &j, err);
}
