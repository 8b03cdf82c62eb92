/* base/text.h - a string that grows; CSV and HTML are built in one. */
#ifndef FREEMASK_TOOL_TEXT_H
#define FREEMASK_TOOL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/* Zero-initialize; text_free releases the memory. `data` is NULL until something is added,
 * NUL-terminated from then on. */
typedef struct text {
  char *data;
  size_t length;
  size_t capacity;
} text;

TOOL_PRINTF(2, 3) void text_add(text *t, const char *format, ...);
void text_add_bytes(text *t, const void *bytes, size_t count);
void text_add_string(text *t, const char *string);
void text_add_line(text *t, const char *string); /* and a line end */
void text_add_whole(text *t, int64_t value);
void text_add_utf8(text *t, const char *string); /* what is not UTF-8 as U+FFFD */
void text_add_csv(text *t, const char *field);   /* quoted if it has to be (RFC 4180) or
                                                    begins like a formula */
void text_add_html(text *t, const char *string); /* & < > " ' escaped */
void text_add_real(text *t, double value);       /* shortest of %.15g %.16g %.17g that reads back */
/* One line of UTF-8 in `room` bytes, cut between characters if it is too long: what is no UTF-8 and
 * control characters become \xHH, what breaks lines in some viewers \uHHHH, as in the library. */
void text_to_line(const char *string, char *out, size_t room);
bool text_is_utf8(const char *string);               /* all of it well-formed */
uint64_t text_hash(const void *bytes, size_t count); /* FNV-1a, 64 bits */
void text_free(text *t);

/* Writes the text as a file, whole or not at all. */
int text_write(const text *t, fm_context *context, const char *path, fault *f);

#endif
