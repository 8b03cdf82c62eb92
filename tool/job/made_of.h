/* job/made_of.h - all that determines a command's results, by name. */
#ifndef FREEMASK_TOOL_MADE_OF_H
#define FREEMASK_TOOL_MADE_OF_H

#include <jansson.h>

#include "base/fault.h"
#include "base/folder.h"
#include "cmd/network_flags.h"
#include "job/jobs.h"

/* An object whose values are texts: of flags as they count, of inputs as hashes of what they hold,
 * never of where they are. Equal objects: equal results. New reference. */
json_t *made_of_new(void);

void made_of_add(json_t *made_of, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void made_of_add_hash(json_t *made_of, const char *name, const void *data, size_t size);
void made_of_add_masks(json_t *made_of, const char *name, uint64_t identity, int64_t count);
void made_of_add_json(json_t *made_of, const char *name, json_t *value); /* releases it */

uint64_t made_of_hash(const json_t *made_of);

/* A provider: plug-ins and files that their options name by content. EXIT_IO if one cannot be
 * read. */
int made_of_add_provider(json_t *made_of, const char *provider, fault *f);

/* EXIT_USAGE if they differ, naming the first difference: "<output> was <begun> with ...". */
int made_of_check(const json_t *before, const json_t *now, const char *output, const char *begun,
                  fault *f);

/* EXIT_DATA if two results, at `path` and `other`, are not of one job, naming the first difference. */
int made_of_same(const json_t *a, const json_t *b, const char *path, const char *other, fault *f);

/* All that differs, by name: [{"name", "a", "b"}] with the values as texts, null where one has none; values
 * that are hashes are "some" and "others". New reference. */
json_t *made_of_differences(const json_t *a, const json_t *b);

#endif
