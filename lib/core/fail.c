/* core/fail.c - one-line messages in caller-owned memory. */
#define FM_CORE_FAIL_C
#include "core/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Lines ---------------------------------------------------------------------- */

size_t fm__utf8_at(const unsigned char *at, size_t left) {
  unsigned char lead = *at, least = 0x80, most = 0xBF;
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length > left) return 0;
  if (lead == 0xE0) least = 0xA0;
  if (lead == 0xED) most = 0x9F;
  if (lead == 0xF0) least = 0x90;
  if (lead == 0xF4) most = 0x8F;
  for (size_t i = 1; i < length; i++, least = 0x80, most = 0xBF)
    if (at[i] < least || at[i] > most) return 0;
  return length;
}

/* How a character, or a byte that is none, is spelled where it cannot stay: in at most 8 bytes. ""
 * where it can. */
static const char *escape(const unsigned char *at, size_t length, char spelled[8]) {
  spelled[0] = '\0';
  if (length == 0 || (length == 1 && (*at < 0x20 || *at == 0x7F)))
    snprintf(spelled, 8, "\\x%02X", *at);
  else if (length == 2 && at[0] == 0xC2 && at[1] < 0xA0) /* C1 controls, with the next line */
    snprintf(spelled, 8, "\\u00%02X", at[1]);
  else if (length == 3 && at[0] == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9))
    snprintf(spelled, 8, "\\u20%02X", at[2] - 0x80); /* line and paragraph separators */
  return spelled;
}

/* ---- Decimal points --------------------------------------------------------------- */

/* printf writes that of the host's locale, which may be several bytes long. Returns how many. */
static size_t point_of_locale(char point[16]) {
  char half[sizeof "0" "5" + 16];
  int length = snprintf(half, sizeof half, "%.1f", 0.5);
  if (length < 3 || length >= (int)sizeof half) return 0;
  memcpy(point, half + 1, (size_t)length - 2);
  return (size_t)length - 2;
}

/* Bytes of a conversion, which begins with a '%'. */
static size_t conversion_size(const char *at) {
  size_t size = 1 + strspn(at + 1, "-+ #0123456789.*hlLzjtI");
  return size + (at[size] != '\0');
}

/* How long the text of the first `length` bytes of the format is. 0 as well where it is not to be
 * told: nothing is replaced then. */
FM__PRINTF(1, 0)
static size_t printed(const char *format, size_t length, va_list args) {
  char begin[FM__LINE];
  va_list again;
  if (length >= sizeof begin) return 0;
  memcpy(begin, format, length);
  begin[length] = '\0';
  va_copy(again, args);
  int size = vsnprintf(NULL, 0, begin, again);
  va_end(again);
  return size < 0 ? 0 : (size_t)size;
}

/* Replaces the first mark between two places by a point. Returns how many bytes went. */
static size_t put_point(char *text, size_t begin, size_t end, const char *mark, size_t size) {
  const size_t length = strlen(text);
  for (size_t at = begin; at + size <= end && at + size <= length; at++) {
    if (memcmp(text + at, mark, size) != 0) continue;
    text[at] = '.';
    memmove(text + at + 1, text + at + size, length + 1 - at - size);
    return size - 1;
  }
  return 0;
}

/* Sentences are the same in every locale: of `text`, which the format and the arguments made. */
FM__PRINTF(2, 0)
static void use_points(char *text, const char *format, va_list args) {
  char mark[16];
  const size_t mark_size = point_of_locale(mark);
  size_t gone = 0, size;
  if (!mark_size || (mark_size == 1 && *mark == '.')) return;
  for (const char *at = format; (at = strchr(at, '%')); at += size) {
    size = conversion_size(at);
    if (!strchr("aefgAEFG", at[size - 1])) continue;
    size_t before = (size_t)(at - format);
    size_t begin = printed(format, before, args), end = printed(format, before + size, args);
    if (begin < end) gone += put_point(text, begin - gone, end - gone, mark, mark_size);
  }
}

/* ---- Lines of text ---------------------------------------------------------------- */

void fm__line(char *out, const char *format, va_list args) {
  char text[FM__LINE];
  va_list again;
  va_copy(again, args);
  if (vsnprintf(text, sizeof text, format, args) < 0) text[0] = '\0';
  use_points(text, format, again);
  va_end(again);
  const unsigned char *at = (const unsigned char *)text;
  size_t left = strlen(text), used = 0;
  while (left) {
    char spelled[8];
    size_t length = fm__utf8_at(at, left);
    const char *from = escape(at, length, spelled);
    size_t size = *from ? strlen(from) : length;
    /* A character that vsnprintf cut is seen as bytes that are none, which do not fit, either: each
     * would take four. */
    if (size >= FM__LINE - used) break;
    memcpy(out + used, *from ? (const void *)from : at, size);
    used += size;
    at += length ? length : 1;
    left -= length ? length : 1;
  }
  out[used] = '\0';
}

int fm__fit(const char *text, int most) {
  const unsigned char *at = (const unsigned char *)text;
  size_t left = strlen(text);
  int used = 0;
  while (left) {
    size_t length = fm__utf8_at(at + used, left), size = length ? length : 1;
    if (size > (size_t)(most - used)) break;
    used += (int)size;
    left -= size;
  }
  return used;
}

/* ---- Errors --------------------------------------------------------------------- */

static void write_error(fm_error *err, fm_status status, int host_code, const char *format,
                        va_list args) {
  if (!err) return;
  err->code = status;
  err->host_code = host_code;
  fm__line(err->message, format, args);
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

fm_status fm__fail_pixels(fm_error *err, int64_t height, int64_t width) {
  return fm__fail(err, FM_ERR_MEMORY, "out of memory for a plane of %" PRId64 "x%" PRId64 " pixels",
                  width, height);
}

/* fm__line with arguments of its own. */
FM__PRINTF(2, 3)
static void write_line(char *out, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fm__line(out, format, args);
  va_end(args);
}

void fm__fail_prefix(fm_error *err, const char *format, ...) {
  if (!err) return;
  char rest[sizeof err->message], prefix[sizeof err->message];
  memcpy(rest, err->message, sizeof rest);
  va_list args;
  va_start(args, format);
  int length = vsnprintf(prefix, sizeof prefix, format, args);
  va_end(args);
  if (length < 0 || (size_t)length + 3 > sizeof prefix) return;
  write_line(err->message, "%s: %s", prefix, rest);
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
