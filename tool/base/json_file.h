/* base/json_file.h - JSON files and their members, with sentences for what is wrong. */
#ifndef FREEMASK_TOOL_JSON_FILE_H
#define FREEMASK_TOOL_JSON_FILE_H

#include <jansson.h>
#include <stdint.h>

#include "base/fault.h"

/* Reads a file whose root is an object with "format" and "version" as given. EXIT_DATA names
 * line and column of broken JSON. The caller owns the object (json_decref). */
int json_file_read(const char *path, const char *format, int64_t version, json_t **out, fault *f);

/* Members of an object in file `path`; EXIT_DATA if they are missing, of another type or out of
 * range. Strings are copies that the caller frees. */
int json_member_whole(const json_t *object, const char *path, const char *key, int64_t lowest,
                      int64_t highest, int64_t *out, fault *f);
int json_member_real(const json_t *object, const char *path, const char *key, double *out,
                     fault *f); /* finite */
int json_member_text(const json_t *object, const char *path, const char *key, char **out, fault *f);
int json_member_text_or_null(const json_t *object, const char *path, const char *key, char **out,
                             fault *f);
int json_member_hex(const json_t *object, const char *path, const char *key, uint64_t *out,
                    fault *f); /* 16 digits */
int json_member_object(const json_t *object, const char *path, const char *key, json_t **out,
                       fault *f); /* borrowed */
int json_member_array(const json_t *object, const char *path, const char *key, json_t **out,
                      fault *f); /* borrowed */

#endif
