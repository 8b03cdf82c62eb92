/* base/json_file.h - JSON files and their members, with sentences for what is wrong. */
#ifndef FREEMASK_TOOL_JSON_FILE_H
#define FREEMASK_TOOL_JSON_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/text.h"

/* Reads a file whose root is an object with "format" and "version" as given. EXIT_DATA names
 * line and column of broken JSON. The caller owns the object (json_decref). */
int json_file_read(const char *path, const char *format, int64_t version, json_t **out, fault *f);

/* The same from memory; `path` is for messages. */
int json_data_read(const char *data, size_t length, const char *path, const char *format,
                   int64_t version, json_t **out, fault *f);

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

/* `size` counts of a class k, at most `most` together, as json_counts has them. */
int json_member_counts(const json_t *object, const char *path, const char *key, int32_t k,
                       size_t size, int64_t most, int64_t *out, fault *f);

/* A path, as path_from_store has it; null gives NULL. The caller frees. */
int json_member_path(const json_t *object, const char *path, const char *key, char **out, fault *f);
int json_member_path_or_null(const json_t *object, const char *path, const char *key, char **out,
                             fault *f);

/* A string (new reference): NULL gives null, and what is not UTF-8 gives U+FFFD. */
json_t *json_text(const char *string);
json_t *json_hex(uint64_t number);                            /* 16 digits */
json_t *json_stored_path(const char *file, const char *path); /* as path_to_store has it */

/* Counts, none negative, in a string: "+100 5 3 2 +37 7", with +n for n zeros (new reference). */
json_t *json_counts(const int64_t *counts, size_t size);

/* Adds a value in one line and a line end, and releases it. The second form is ASCII alone, for
 * readers that end lines at U+2028 and its like. */
void json_add_line(json_t *value, text *t);
void json_add_ascii_line(json_t *value, text *t);

/* Adds a string in quotes, as JSON, Python and YAML take it. */
void json_add_string(const char *string, text *t);

/* An object as text, member by member, each in a line of its own; a table has a line for each row,
 * so that rows need not be held as values. Zero-initialize; values are released. */
typedef struct json_writer {
  text text;
  size_t members, rows;
  bool in_table;
} json_writer;

void json_write_member(json_writer *w, const char *key, json_t *value);
void json_write_table(json_writer *w, const char *key); /* up to the next member or the end */
void json_write_row(json_writer *w, json_t *row);
void json_write_end(json_writer *w);

/* Writes an object as a file in this way, whole or not at all, and releases it. */
int json_file_write(fm_context *context, json_t *object, const char *path, fault *f);

#endif
