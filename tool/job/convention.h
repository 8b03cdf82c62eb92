/* job/convention.h - what the values of masks look like. Guesses, each with what speaks for it. */
#ifndef FREEMASK_TOOL_CONVENTION_H
#define FREEMASK_TOOL_CONVENTION_H

#include "base/text.h"
#include "job/census.h"

/* "values 0..149 and 255 (97 different), 0 = 3.1 %". */
void convention_values(const census *c, text *out);

/* One sentence: the values, and whether the label space has them all. With `own`, a table of the
 * person's, that is all that counts; a preset may also be doubted. `*misfit` if something is wrong
 * or doubtful: then the sentence ends with a guess and a way forward. */
void convention_describe(const census *c, fm_context *context, const fm_labels *labels, bool own,
                         text *out, bool *misfit);

/* Names of the presets that have all values and of whose classes enough occur, at most `most`, best
 * covered first, with ", " between. A preset that would ignore a class of the space `but` (may be
 * NULL) is not named. */
void convention_presets(const census *c, fm_context *context, const fm_labels *but, size_t most,
                        text *out);

/* Are there two values, and between them many others with few pixels each, as at soft edges? */
typedef struct soft_edges {
  int64_t low, high; /* the two values */
  int64_t others;    /* values between */
  double share;      /* of all pixels */
} soft_edges;
bool convention_soft_edges(const census *c, soft_edges *out);

/* The pixels of a value in percent. */
double convention_share(const census *c, int64_t value);

#endif
