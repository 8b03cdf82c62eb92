/* io/number.h - numbers as text, the same in every locale. */
#ifndef FM_IO_NUMBER_H
#define FM_IO_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

enum { FM__NUMBER_TEXT = 32 };

/* Decimal digits, into FM__NUMBER_TEXT bytes. Both return `text`. */
const char *fm__whole_text(int64_t number, char *text);
/* A finite number as C's %.17g has it: enough digits to read the same bits back. */
const char *fm__real_text(double number, char *text);

/* The whole text as a number. False if it is none, or out of range: [-]digits ... */
bool fm__whole_parse(const char *text, int64_t *out);
/* ... and [+-]digits[.digits][e[+-]digits], rounded once. */
bool fm__real_parse(const char *text, double *out);

#endif
