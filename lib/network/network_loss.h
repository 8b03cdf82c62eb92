/* network/network_loss.h - the inside of fm_network_loss, shared by its files. */
#ifndef FM_NETWORK_LOSS_H
#define FM_NETWORK_LOSS_H

#include <freemask/network_loss.h>
#include <math.h>

#include "dsp/loss_kernels.h"
#include "labels/labels.h"
#include "network/axis.h"

struct fm_network_loss {
  fm_labels *labels;
  atomic_size_t holds;
  fm_network_loss_options options; /* channels points to the copy below, or is NULL */
  int32_t *channels;
  const fm__loss_kernels *kernels;
};

fm_network_loss *fm__network_loss_hold(const fm_network_loss *model);

/* Columns of a strip, at most: a multiple of the lanes of every level. */
enum { FM__STRIP = 1024, FM__STRIP_ROOM = FM__STRIP + FM__STAGE_ALIGN };

/* Bytes of parts of a call's memory, unless channels are very many. */
enum { FM__STAGE_BYTES = 384 << 10, FM__PART_BYTES = 192 << 10, FM__WORK_BYTES = 1020 << 10 };

/* Losses that a fused call keeps at a time, and columns of a strip where rows of the output and of
 * the mask are the same pixels. */
enum { FM__PART_PIXELS = FM__PART_BYTES / sizeof(float), FM__FLAT_STRIP = FM__PART_PIXELS };

/* Two rows of the output, those columns that a strip needs, with a pixel's channels side by side. */
typedef struct fm__stage {
  float *rows[2];    /* [columns][padded] */
  uint8_t *state[2]; /* [columns]: an fm__staged */
  float *tops[2];    /* [columns]: the largest values; 0 if negated */
  int64_t tags[2];   /* the row that is there; -1: none */
  int64_t first;     /* the column that is column 0 here */
  int64_t columns, capacity;
  size_t padded;
} fm__stage;

typedef struct fm__job fm__job;

/* Writes the losses of row y + j, j < ny, columns x to end - 1, to out[j * FM__STRIP_ROOM]. */
typedef fm_status fm__strip_fn(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                               fm_error *err);

/* One call: its views, with strides filled in, and its memory. */
struct fm__job {
  const fm_network_loss *model;
  const fm__loss_kernels *kernels;
  fm_volume values;
  fm_plane class_logits; /* of queries; else data is NULL */
  fm_plane mask;
  fm__axis down, across;
  fm__strip_fn *strip;
  fm__stage stage;
  fm__span *columns; /* [FM__STRIP]: the strip's, from left to right */
  int32_t *classes;  /* [FM__BLOCK][FM__STRIP_ROOM] */
  float *sums;       /* the same */
  float *losses;     /* the same */
  double *base;      /* the same */
  float *scratch;    /* [4 * padded] */
  void *queries;     /* what queries.c keeps */
  void *memory;
  size_t memory_size;
};

/* ---- Pieces --------------------------------------------------------------------- */

static inline int32_t fm__channel_of(const fm_network_loss *model, int32_t k) {
  return model->channels ? model->channels[k] : k;
}

static inline char *fm__voxel(const fm_volume *v, int64_t c, int64_t y, int64_t x) {
  return (char *)v->data + c * v->channel_stride + y * v->row_stride + x * v->col_stride;
}

/* Element (c, y, x). */
float fm__voxel_value(const fm_volume *v, int64_t c, int64_t y, int64_t x);

/* Whether each row of the output begins where the one above ends, so that pixel numbers may run
 * past the end of a row. */
static inline bool fm__is_flat(const fm__job *job) {
  return job->values.row_stride == job->values.width * job->values.col_stride;
}

/* n elements, the first one at `at`, `stride` bytes apart. */
void fm__load_floats(const char *at, int64_t stride, int32_t dtype, size_t n, float *out);

/* n values of a row of the output, n <= FM__STRIP, as floats: where they are, or converted in
 * job->sums. */
const float *fm__floats(const fm__job *job, const char *at, size_t n);

/* Puts row `row` of the output into the stage if it is not there, never in place of row `keep`.
 * Returns which of the two rows it is. `negated`: with the opposite sign. */
int fm__stage_row(fm__job *job, int64_t row, int64_t keep, bool negated);

/* The worst state of four staged pixels. `slots`: the upper and the lower row. */
fm__staged fm__stage_state(const fm__stage *stage, const int slots[2], int64_t left, int64_t right);

/* A block that begins at the spans' first pixels, its corners in the stage. */
fm__block fm__stage_block(const fm__stage *stage, const int slots[2], const fm__span *rows,
                          const fm__span *columns);

/* The (up to four) output pixels that mask pixel (y, x) is made from. */
typedef struct fm__tap {
  int64_t y, x;
  double weight;
} fm__tap;

typedef struct fm__taps {
  fm__tap at[4];
  int count;
} fm__taps;

fm__taps fm__taps_of(const fm__job *job, int64_t y, int64_t x);

/* By how much rounding of weights, products and sums may move a sum of taps, in units of the sum of
 * their values' sizes; a doubt that needs no check. */
#define FM__BLEND_ERROR 0x1p-51
#define FM__DOUBT 2e-6

/* This far below the largest logit, all channels together have no part in a loss. */
#define FM__UNSEEN 60.0

/* FM_ERR_LOSS where rounding may have moved a loss by more than the promised bound allows: where
 * large values cancel. */
fm_status fm__check_doubt(double doubt, double loss, int64_t y, int64_t x, fm_error *err);

/* FM_ERR_LOSS for a value that is not what its kind allows. */
fm_status fm__value_fail(const fm__job *job, int64_t channel, int64_t y, int64_t x, fm_error *err);

/* ---- The kinds ------------------------------------------------------------------ */

fm_status fm__strip_logits(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                           fm_error *err);
/* Where fm__is_flat, pixel x of row y may lie in a row below. */
fm_status fm__strip_logits_full(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                                fm_error *err);
fm_status fm__strip_probs(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                          fm_error *err);
fm_status fm__strip_scores(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                           fm_error *err);
fm_status fm__strip_binary(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                           fm_error *err);
fm_status fm__strip_queries(fm__job *job, int64_t y, int ny, int64_t x, int64_t end, float *out,
                            fm_error *err);

static inline double fm__sigmoid(double z) {
  return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}

/* log(1 + exp(z)) without overflow. */
double fm__softplus(double z);

/* Writes the losses of n pixels, the first one number `at` of the strip, from their labels' parts of
 * 1 in job->base. */
void fm__finish_scores(fm__job *job, size_t at, size_t n, float *out);

/* The loss of one pixel from logits in double; any range of values. */
fm_status fm__exact_logits(const fm__job *job, int64_t y, int64_t x, int32_t class_index,
                           double *loss, fm_error *err);

/* Bytes that queries need, and their preparation in that memory. */
size_t fm__queries_size(const fm__job *job);
fm_status fm__queries_prepare(fm__job *job, void *memory, fm_error *err);

/* What a query's softmax gives a channel. */
float fm__query_part(const fm__job *job, size_t q, int32_t channel);

/* ---- The whole ------------------------------------------------------------------ */

/* Checks everything that can be checked before the first pixel, and allocates. */
fm_status fm__job_open(fm__job *job, const fm_network_loss *model, const fm_network_output *output,
                       const fm_plane *mask, fm_error *err);
void fm__job_close(fm__job *job);

/* Refuses an output plane that is not of the mask's size or that overlaps what the job reads; with
 * `in_place` it may be the mask itself. */
fm_status fm__job_check_output(const fm__job *job, const fm_plane *out, const char *out_name,
                               bool in_place, fm_error *err);

/* A call walks over the mask strip by strip, from the left, and over each strip block by block, from
 * the top. The last bits of a loss depend on where its block begins, so all calls must begin blocks
 * at the same pixels: fm__job_strip alone divides columns, fm__job_cut alone divides rows. */

/* Opens the strip that begins with column x, which is 0 or the end of another strip. Returns its
 * end. */
int64_t fm__job_strip(fm__job *job, int64_t x);

/* Returns the last row at which rows may be divided, at most `most` (FM__BLOCK or more) below row
 * `first`, which is 0 or such a row. */
int64_t fm__job_cut(const fm__job *job, int64_t first, int64_t most);

/* Writes the losses of an open strip, columns x to stop - 1, rows first to end - 1 between two such
 * rows, to `loss`, an F32 plane with strides filled in whose pixel (0, 0) is (first, x). data NULL:
 * writes nothing, to see whether it fails. */
fm_status fm__job_losses(fm__job *job, int64_t x, int64_t stop, int64_t first, int64_t end,
                         const fm_plane *loss, fm_error *err);

/* The same for all strips. Row 0 of `loss` is row `first`. */
fm_status fm__job_rows(fm__job *job, int64_t first, int64_t end, const fm_plane *loss,
                       fm_error *err);

/* Refuses values that belong to another kind than the one declared. */
fm_status fm__guard_output(const fm__job *job, fm_error *err);
fm_status fm__guard_queries(const fm__job *job, fm_error *err);

#endif
