/* io/without_json.c - what a build without jansson does: JSON is written, but not read. */
#include "core/fail.h"
#include "io/calibration_file.h"
#include "io/stats_file.h"

static fm_status refuse(fm_error *err) {
  return fm__fail(err, FM_ERR_UNSUPPORTED, "this libfreemask was built without JSON (jansson)");
}

fm_status fm__stats_parse(const fm_labels *labels, const char *data, size_t size,
                          fm_class_stats **out, fm_error *err) {
  (void)labels, (void)data, (void)size, (void)out;
  return refuse(err);
}

fm_status fm__stats_parse_labels(const fm_context *context, const char *data, size_t size,
                                 fm_labels **out, fm_error *err) {
  (void)context, (void)data, (void)size, (void)out;
  return refuse(err);
}

fm_status fm__calibration_parse(const fm_labels *labels, const char *data, size_t size,
                                fm_calibration **out, fm_error *err) {
  (void)labels, (void)data, (void)size, (void)out;
  return refuse(err);
}
