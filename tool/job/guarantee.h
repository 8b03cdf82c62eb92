/* job/guarantee.h - what a calibrated filter promises, and the sentence that says so. */
#ifndef FREEMASK_TOOL_GUARANTEE_H
#define FREEMASK_TOOL_GUARANTEE_H

#include <jansson.h>

#include "base/fault.h"

/* In filter.json the member "guarantee", null without a calibration:
 *   {"calibration": path, "lose": the share of a class that may be lost, "confidence": 1 - delta, or
 *    null: in expectation, "images": held-out ones, "images_needed": of a class, "too_few": [{"name",
 *    "images"}] of the classes that keep everything because they have fewer, "sentence": what holds
 *    and what does not, for people} */
typedef struct guarantee {
  char *calibration;       /* NULL: there is no guarantee */
  double lose, confidence; /* the latter 0: in expectation */
  int64_t images, needed;
  char *sentence;
  json_t *too_few;
} guarantee;

/* Of the calibration in the file at `path`. */
int guarantee_make(const fm_calibration *calibration, const fm_promise *promise, const char *path,
                   guarantee *out, fault *f);

json_t *guarantee_save(const guarantee *g, const char *path); /* new reference */
int guarantee_load(const json_t *object, const char *path, guarantee *out, fault *f);
void guarantee_free(guarantee *g);

#endif
