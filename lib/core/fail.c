/* core/fail.c - one-line messages in caller-owned memory. */
#define FM_CORE_FAIL_C
#include "core/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cuts an overlong UTF-8 text before the character that does not fit, and takes
 * control characters out: names of files may hold them, lines of logs may not. */
static void tidy(char *text, size_t capacity, int wanted) {
  size_t length = strlen(text);
  if (wanted >= 0 && (size_t)wanted >= capacity) {
    while (length && ((unsigned char)text[length - 1] & 0xC0) == 0x80) length--;
    if (length && (unsigned char)text[length - 1] >= 0xC0) length--;
    text[length] = '\0';
  }
  for (char *c = text; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7F) *c = ' ';
}

static void write_error(fm_error *err, fm_status status, int host_code, const char *format,
                        va_list args) {
  if (!err) return;
  err->code = status;
  err->host_code = host_code;
  int wanted = vsnprintf(err->message, sizeof err->message, format, args);
  tidy(err->message, sizeof err->message, wanted);
}

fm_status fm__fail(fm_error *err, fm_status status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  write_error(err, status, 0, format, args);
  va_end(args);
  return status;
}

fm_status fm__fail_host(fm_error *err, fm_status status, int host_code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  write_error(err, status, host_code, format, args);
  va_end(args);
  return status;
}

fm_status fm__fail_memory(fm_error *err, size_t size) {
  return fm__fail(err, FM_ERR_MEMORY, "out of memory: the allocator refused %zu bytes", size);
}

void fm__fail_prefix(fm_error *err, const char *format, ...) {
  if (!err) return;
  char rest[sizeof err->message];
  memcpy(rest, err->message, sizeof rest);
  va_list args;
  va_start(args, format);
  int length = vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  if (length < 0 || (size_t)length + 3 > sizeof err->message) length = 0;
  int wanted = snprintf(err->message + length, sizeof err->message - (size_t)length, "%s%s",
                        length ? ": " : "", rest);
  tidy(err->message, sizeof err->message, wanted < 0 ? wanted : length + wanted);
}

#define NAME(status) \
  case status:       \
    return #status

const char *fm_status_name(fm_status status) {
  switch (status) {
    NAME(FM_OK);
    NAME(FM_ERR_ARGUMENT);
    NAME(FM_ERR_MEMORY);
    NAME(FM_ERR_UNSUPPORTED);
    NAME(FM_ERR_SHAPE);
    NAME(FM_ERR_LABEL);
    NAME(FM_ERR_LOSS);
    NAME(FM_ERR_FORMAT);
    NAME(FM_ERR_LIMIT);
    NAME(FM_ERR_IO);
    NAME(FM_ERR_CALLBACK);
    NAME(FM_ERR_MISMATCH);
    NAME(FM_ERR_DUPLICATE);
    NAME(FM_ERR_EMPTY);
  }
  return "FM_ERR_?";
}
