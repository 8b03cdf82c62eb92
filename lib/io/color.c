/* io/color.c - colors as text. */
#include <ctype.h>
#include <string.h>

#include "io/labels_table.h"

static bool parse_hex(const char *text, int32_t *out) {
  static const char digits[] = "0123456789abcdef";
  int32_t color = 0;
  for (int i = 0; i < 6; i++) {
    const char *at = text[i] ? strchr(digits, tolower((unsigned char)text[i])) : NULL;
    if (!at) return false;
    color = color * 16 + (int32_t)(at - digits);
  }
  if (text[6]) return false;
  *out = color;
  return true;
}

/* Numbers from 0 to 255 with other characters between; their count, or -1. */
static int parse_numbers(const char *text, int32_t *out, int most) {
  int count = 0;
  for (;;) {
    text += strspn(text, " \t,;:()[]{}");
    if (!*text) return count;
    if (*text < '0' || *text > '9' || count == most) return -1;
    int32_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
      number = number * 10 + (*text - '0');
      if (number > 255) return -1;
    }
    out[count++] = number;
  }
}

bool fm__color_parse(const char *text, int32_t *out) {
  int32_t part[4];
  if (*text == '#') return parse_hex(text + 1, out);
  if (tolower((unsigned char)text[0]) == 'r' && tolower((unsigned char)text[1]) == 'g' &&
      tolower((unsigned char)text[2]) == 'b')
    text += tolower((unsigned char)text[3]) == 'a' ? 4 : 3;
  int count = parse_numbers(text, part, 4);
  if (count == 3 || (count == 4 && part[3] == 255)) {
    *out = part[0] << 16 | part[1] << 8 | part[2];
    return true;
  }
  return parse_hex(text, out);
}
