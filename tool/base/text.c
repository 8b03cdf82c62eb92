/* base/text.c - building text files in memory. */
#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/unsaid.h"

static void reserve(text *t, size_t more) {
  if (t->capacity - t->length > more) return;
  size_t wanted = t->capacity ? t->capacity * 2 : 256;
  while (wanted - t->length <= more) wanted *= 2;
  t->data = alloc_resize(t->data, wanted, 1);
  t->capacity = wanted;
}

void text_add_bytes(text *t, const void *bytes, size_t count) {
  reserve(t, count);
  if (count) memcpy(t->data + t->length, bytes, count);
  t->length += count;
  t->data[t->length] = '\0';
}

void text_add_string(text *t, const char *string) { text_add_bytes(t, string, strlen(string)); }

void text_add_line(text *t, const char *string) {
  text_add_string(t, string);
  text_add_bytes(t, "\n", 1);
}

void text_add(text *t, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  size_t room = t->capacity - t->length;
  int length = vsnprintf(room ? t->data + t->length : NULL, room, format, args);
  va_end(args);
  if (length > 0 && (size_t)length >= room) {
    reserve(t, (size_t)length);
    vsnprintf(t->data + t->length, (size_t)length + 1, format, again);
  }
  if (length > 0) t->length += (size_t)length;
  va_end(again);
}

void text_add_whole(text *t, int64_t value) {
  char digits[24];
  size_t at = sizeof digits;
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  do digits[--at] = (char)('0' + rest % 10);
  while (rest /= 10);
  if (value < 0) digits[--at] = '-';
  text_add_bytes(t, digits + at, sizeof digits - at);
}

/* Bytes of the well-formed UTF-8 character at `s`, 0 if there is none. */
static size_t utf8_length(const unsigned char *s) {
  size_t length = s[0] < 0x80   ? 1
                  : s[0] < 0xC2 ? 0
                  : s[0] < 0xE0 ? 2
                  : s[0] < 0xF0 ? 3
                  : s[0] < 0xF5 ? 4
                                : 0;
  for (size_t i = 1; i < length; i++)
    if ((s[i] & 0xC0) != 0x80) return 0;
  if (length == 3 && ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F))) return 0;
  if (length == 4 && ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))) return 0;
  return length;
}

bool text_is_utf8(const char *string) {
  const unsigned char *s = (const unsigned char *)string;
  while (*s) {
    size_t length = utf8_length(s);
    if (!length) return false;
    s += length;
  }
  return true;
}

/* U+0080 to U+009F, U+2028 or U+2029 in a sequence of this length; otherwise 0. */
static unsigned line_breaker(const unsigned char *s, size_t length) {
  if (length == 2 && s[0] == 0xC2 && s[1] < 0xA0) return s[1];
  if (length == 3 && s[0] == 0xE2 && s[1] == 0x80 && (s[2] | 1) == 0xA9)
    return 0x2000U | (s[2] & 0x3F);
  return 0;
}

void text_to_line(const char *string, char *out, size_t room) {
  const unsigned char *s = (const unsigned char *)string;
  *out = '\0';
  for (size_t at = 0; *s;) {
    char escaped[8];
    size_t length = utf8_length(s), taken = length ? length : 1;
    const unsigned breaker = line_breaker(s, length);
    if (breaker)
      length = (size_t)snprintf(escaped, sizeof escaped, "\\u%04X", breaker);
    else if (!length || *s < 0x20 || *s == 0x7F)
      length = (size_t)snprintf(escaped, sizeof escaped, "\\x%02X", *s);
    else
      memcpy(escaped, s, length);
    if (length >= room - at) break;
    memcpy(out + at, escaped, length);
    out[at += length] = '\0';
    s += taken;
  }
}

uint64_t text_hash(const void *bytes, size_t count) {
  const unsigned char *b = bytes;
  uint64_t h = 0xCBF29CE484222325u;
  for (size_t i = 0; i < count; i++) h = (h ^ b[i]) * 0x100000001B3u;
  return h;
}

void text_add_utf8(text *t, const char *string) {
  const unsigned char *s = (const unsigned char *)string;
  reserve(t, 0);
  t->data[t->length] = '\0';
  while (*s) {
    size_t length = utf8_length(s);
    text_add_bytes(t, length ? (const char *)s : "\xEF\xBF\xBD", length ? length : 3);
    s += length ? length : 1;
  }
}

void text_add_csv(text *t, const char *field) {
  if (*field && !strpbrk(field, ",\"\r\n") && !strchr(" \t=+-@", *field)) {
    text_add_string(t, field);
    return;
  }
  text_add_bytes(t, "\"", 1);
  for (const char *s = field; *s; s++) {
    if (*s == '"') text_add_bytes(t, "\"", 1);
    text_add_bytes(t, s, 1);
  }
  text_add_bytes(t, "\"", 1);
}

void text_add_html(text *t, const char *string) {
  size_t length;
  for (const char *s = string; *s; s += length) {
    length = utf8_length((const unsigned char *)s);
    if (!length) {
      text_add(t, "&#xFFFD;");
      length = 1;
      continue;
    }
    switch (*s) {
      case '&':
        text_add(t, "&amp;");
        break;
      case '<':
        text_add(t, "&lt;");
        break;
      case '>':
        text_add(t, "&gt;");
        break;
      case '"':
        text_add(t, "&quot;");
        break;
      case '\'':
        text_add(t, "&#39;");
        break;
      default:
        text_add_bytes(t, s, length);
    }
  }
}

void text_add_real(text *t, double value) {
  char digits[40];
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, value);
    if (!(strtod(digits, NULL) < value) && !(strtod(digits, NULL) > value)) break;
  }
  text_add(t, "%s", digits);
}

void text_free(text *t) {
  free(t->data);
  *t = (text){0};
}

int text_write(const text *t, fm_context *context, const char *path, fault *f) {
  fm_error err;
  int code = unsaid_check(f);
  if (code) return code;
  if (fm_file_write(context, path, t->data ? t->data : "", t->length, &err))
    return fault_library(f, &err, path);
  return EXIT_FINE;
}
