/* job/census.h - which values masks contain, and which label convention that suggests. */
#ifndef FREEMASK_TOOL_CENSUS_H
#define FREEMASK_TOOL_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/text.h"

enum { CENSUS_VALUES = 65536 };

typedef struct census {
  int64_t counts[CENSUS_VALUES]; /* pixels by value */
  int64_t outside;               /* values below 0 or above 65535 */
  int64_t pixels;
} census;

void census_add(census *c, const fm_plane *mask);
void census_merge(census *into, const census *from);

/* One sentence: the values, and whether they look like `labels` as stored or like something
 * else. `*misfit` if the latter. */
void census_describe(const census *c, fm_context *context, const fm_labels *labels, text *out,
                     bool *misfit);

/* Names of the presets that have all values, at most `most`, best covered first, with ", "
 * between; the one named `but` is left out. */
void census_presets(const census *c, fm_context *context, const char *but, size_t most, text *out);

#endif
