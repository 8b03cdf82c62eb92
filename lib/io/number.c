/* io/number.c - numbers as text, the same in every locale: what printf and strtod write and take
 * for a decimal point is never looked at. */
#include "io/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Significant digits that tell any two doubles apart. */
enum { DIGITS = 17 };

const char *fm__whole_text(int64_t number, char *text) {
  char digits[FM__NUMBER_TEXT], *at = digits + sizeof digits;
  uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  *--at = '\0';
  do *--at = (char)('0' + rest % 10);
  while (rest /= 10);
  if (number < 0) *--at = '-';
  return memcpy(text, at, (size_t)(digits + sizeof digits - at));
}

/* A number as 0.d1 d2 ... times ten to some power. */
typedef struct decimal {
  char digits[DIGITS];
  int count;    /* without the zeros at the end, at least 1 */
  int exponent; /* of d1 */
  bool negative;
} decimal;

/* printf rounds. Between the first digit and the other 16 stands the locale's decimal point, which
 * may be several bytes long. */
static decimal split(double number) {
  char text[64];
  decimal d = {.negative = signbit(number) != 0};
  snprintf(text, sizeof text, "%.*e", DIGITS - 1, fabs(number));
  const char *mark = strrchr(text, 'e');
  d.digits[0] = text[0];
  memcpy(d.digits + 1, mark - (DIGITS - 1), DIGITS - 1);
  d.exponent = (int)strtol(mark + 1, NULL, 10);
  for (d.count = DIGITS; d.count > 1 && d.digits[d.count - 1] == '0';) d.count--;
  return d;
}

static char *put(char *to, const char *bytes, int count) {
  if (count > 0) memcpy(to, bytes, (size_t)count);
  return to + (count > 0 ? count : 0);
}

const char *fm__real_text(double number, char *text) {
  static const char zeros[DIGITS + 1] = "00000000000000000";
  decimal d = split(number);
  char *to = text;
  if (d.negative) *to++ = '-';
  bool scientific = d.exponent < -4 || d.exponent >= DIGITS;
  int before = scientific ? 1 : d.exponent + 1; /* digits before the point; 0 or less: a zero */
  int whole = before < d.count ? before : d.count;
  if (before <= 0) *to++ = '0';
  to = put(to, d.digits, whole);
  to = put(to, zeros, before - whole);
  if (before < d.count) *to++ = '.';
  if (before < 0) to = put(to, zeros, -before);
  if (whole < 0) whole = 0;
  to = put(to, d.digits + whole, d.count - whole);
  if (scientific)
    snprintf(to, (size_t)(text + FM__NUMBER_TEXT - to), "e%+03d", d.exponent);
  else
    *to = '\0';
  return text;
}

bool fm__whole_parse(const char *text, int64_t *out) {
  bool negative = *text == '-';
  const char *at = text + negative;
  uint64_t number = 0, most = (uint64_t)INT64_MAX + negative;
  if (!*at) return false;
  for (; *at >= '0' && *at <= '9'; at++) {
    unsigned digit = (unsigned)(*at - '0');
    if (number > (most - digit) / 10) return false;
    number = number * 10 + digit;
  }
  if (*at) return false;
  *out = negative && number ? -(int64_t)(number - 1) - 1 : (int64_t)number;
  return true;
}

bool fm__real_parse(const char *text, double *out) {
  enum { MOST = 400 }; /* digits; no double needs more */
  char plain[MOST + 16];
  const char *at = text;
  size_t count = 0;
  int behind = 0; /* digits behind the point */
  bool point = false;
  if (*at == '+' || *at == '-') plain[count++] = *at++;
  size_t first = count;
  for (; (*at >= '0' && *at <= '9') || (*at == '.' && !point); at++) {
    if (*at == '.') {
      point = true;
      continue;
    }
    if (count == MOST) return false;
    plain[count++] = *at;
    behind += point;
  }
  if (count == first) return false;
  int64_t exponent = 0;
  if (*at == 'e' || *at == 'E') {
    at++;
    if (*at == '+' && *++at == '-') return false;
    if (!fm__whole_parse(at, &exponent)) return false;
    at += strlen(at);
  }
  if (*at || exponent > 9999 || exponent < -9999) return false;
  /* Without a decimal point strtod reads the same number in every locale. */
  snprintf(plain + count, sizeof plain - count, "e%d", (int)exponent - behind);
  double number = strtod(plain, NULL);
  if (!isfinite(number)) return false;
  *out = number;
  return true;
}
