/* dsp/judge.h - the noise filter's walks over an image. */
#ifndef FM_DSP_JUDGE_H
#define FM_DSP_JUDGE_H

#include "dsp/image.h"

/* What the second walk writes: numbers, of which an element holds the lowest bytes. */
typedef struct fm__verdicts {
  fm_plane out;
  bool weights;  /* weights; else labels, where `kept` is the pixel's own */
  uint64_t kept; /* of a pixel that has a class and is not dropped */
  uint64_t dropped;
  uint64_t ignored; /* weights only: a label that is ignored stays */
} fm__verdicts;

/* One application of a filter to one image. The caller fills the first part, with planes as
 * fm__plane_read gives them. */
typedef struct fm__judge {
  const fm_dsp *dsp;
  fm__image image;
  fm__verdicts verdicts;
  const float *thresholds; /* [cells] */
  int64_t *counts;         /* [2 * cells], zeroed: valid and dropped; NULL: not wanted */

  fm__tally *tally; /* memory, zeroed */
  uint64_t *bits;   /* memory of fm__judge_words; NULL if these are 0 */

  /* Private. */
  bool bits_are_current;
  int64_t width; /* of the image, before it was made into one row */
  size_t row_words;
  fm__limits limits;
  unsigned ignored_count;
  uint8_t ignored[FM__BYTES]; /* the label bytes that are ignored */
} fm__judge;

/* The words of `bits` that save the second walk from judging again; 0 for an image for which they
 * would take too much memory. */
size_t fm__judge_words(const fm_plane *mask);

/* Prepares the walks. Comes first. */
void fm__judge_start(fm__judge *j);

/* Judges and counts every pixel; writes nothing. False: `*bad` is the first bad pixel. */
bool fm__judge_count(fm__judge *j, fm__yx *bad);

/* Sets other thresholds for the same image. */
void fm__judge_change(fm__judge *j, const float *thresholds);

/* Writes the output. The image has been judged, and its labels fit the output. */
void fm__judge_write(fm__judge *j);

#endif
