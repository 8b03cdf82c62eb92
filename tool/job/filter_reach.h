/* job/filter_reach.h - a warning where losses never exceed the tolerance. */
#ifndef FREEMASK_TOOL_FILTER_REACH_H
#define FREEMASK_TOOL_FILTER_REACH_H

#include "base/fault.h"
#include "base/text.h"
#include "job/filter_file.h"
#include "job/stats_file.h"

/* Both add one sentence without a line end, and nothing if there is no reason to warn. */

/* Of what was filtered: pixels of classes with a limit, and not one above it. A floor (--min-kept)
 * may be why, so with one there is no such sentence. */
void filter_reach_warn(const filter_file *file, text *t);

/* Of the real set, before anything is filtered. Needs statistics with a histogram. */
int filter_reach_expect(const filter_file *file, const fm_filter *filter, const stats_file *stats,
                        text *t, fault *f);

/* Prints a sentence, which may be empty, to stderr, quiet or not, and frees it. */
void filter_reach_print(text *t);

#endif
