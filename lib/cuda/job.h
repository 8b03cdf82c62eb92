/* cuda/job.h - what a launch hands to its kernel: plain numbers and pointers, one structure for all
 * kernels. The host fills it, nvcc compiles it too. */
#ifndef FM_CUDA_JOB_H
#define FM_CUDA_JOB_H

#include <freemask/cuda.h>
#include <stdbool.h>

#include "filter/weight.h"
#include "network/axis.h"

/* Threads of a block, pixels next to each other that a thread takes, and pixels of a block. Counters of
 * a block have 32 bits, and sums 13 to spare (cuda/sum.h). */
enum { FM__CU_THREADS = 256, FM__CU_RUN = 16, FM__CU_TILE = FM__CU_THREADS * FM__CU_RUN };

/* Pixels of a run that are loaded and stored together; a divisor of FM__CU_RUN. */
enum { FM__CU_PIECE = 4 };

/* Labels of a byte, what each comes to being in a block's own memory, and its bytes (cuda/plain.h). */
enum { FM__CU_LABELS_OF_BYTE = 256, FM__CU_TABLE_BYTES = FM__CU_LABELS_OF_BYTE * 8 };

/* Cells whose counters a block has in its own memory; of more, each pixel is counted in global memory. */
enum { FM__CU_OWN_CELLS = 2048 };

/* Counters of a cell of statistics in a block: its pixels, and the parts of its sum (cuda/sum.h). */
enum { FM__CU_SUM_PARTS = 3, FM__CU_SUM_COUNTERS = 1 + FM__CU_SUM_PARTS };

/* Digits of a loss's bits, of which a pass of the floor finds one. */
enum { FM__CU_DIGIT_BITS = 8, FM__CU_DIGITS = 1 << FM__CU_DIGIT_BITS };

/* Rows of a mask that a thread makes losses of together, which share what they are resized from. */
enum { FM__CU_ROWS = 4 };

/* Edges of strata that fit a launch. */
enum { FM__CU_EDGES = 32 };

/* Volumes with strides filled in. `data` NULL: there is none. */
typedef struct fm__cu_planes {
  char *data;
  int64_t image, row, col; /* bytes */
  int32_t dtype, element;
  bool dense; /* an image's pixels follow each other, from a multiple of 16 bytes on */
} fm__cu_planes;

/* What fm_cuda_status.what says. */
enum {
  FM__CU_GOOD = 0,
  FM__CU_BAD_LABEL,
  FM__CU_BAD_STRATUM,
  FM__CU_BAD_LOSS,
  FM__CU_MISFIT,
  FM__CU_BAD_NUMBER, /* of a plane that is not of losses */
  FM__CU_BAD_VALUE,
  FM__CU_NO_FLOAT,
  FM__CU_DOUBTFUL,
  FM__CU_BAD_QUERY,
  FM__CU_BAD_REFERENCE
};

typedef enum fm__cu_sink {
  FM__CU_NO_SINK,
  FM__CU_LABELS,
  FM__CU_WEIGHTS,
  FM__CU_LOSSES
} fm__cu_sink;

typedef struct fm__cu_job {
  int64_t height, width;
  int32_t images;
  fm__cu_planes mask, loss, strata, out;
  fm_cuda_status *status; /* [images]; NULL: nothing can be bad */
  int64_t *zeros;         /* [zero_count]: what begins as 0 */
  int64_t zero_count;
  bool fused; /* losses come from an output; in `loss` they are if they were put into memory */
  bool own_counters; /* a block has counters of its own */
  bool plain; /* packed U8 labels, into such where any are written, packed F32 losses, no strata */

  /* Labels. */
  const int32_t *classes; /* of label 0; 65,535 above and 32,768 below it */
  int32_t class_count, strata_count;

  /* Filter. */
  const float *thresholds; /* [images or 1][classes][strata] */
  int64_t limit_step;      /* from one image's to the next one's; 0: all have the same */
  int32_t sink;            /* an fm__cu_sink: what `out` is */
  bool narrows;            /* labels of the mask may not fit `out` */
  int64_t least;           /* the labels that `out` holds */
  uint64_t most;
  uint64_t kept, dropped; /* weights' bits; the label of dropped pixels */
  bool soft;              /* weights that are not one of these two */
  fm__weight_rule weigh;
  int64_t *counts; /* [images][cells][2]; NULL: not wanted */

  /* The floor: [images][cells], and for each a count of each digit. */
  double least_share;
  int32_t floor_shift; /* of the digit that is looked for */
  int32_t *starved;    /* [images]: whether some cell keeps too little */
  int64_t *floor_left; /* which of the losses that begin like `floor_bits`; 0: none is looked for */
  uint32_t *floor_bits, *floor_digits;
  float *floor_limits; /* the thresholds, as the floor raises them */

  /* FM_SCORE_RANK: steps of ranks, then scores, which take the losses' place. */
  int32_t score_strata; /* of the ranks; 0: losses are compared */
  int32_t rank_tables, rank_bins, rank_shift;
  const int16_t *rank_steps;    /* [class_count][rank_tables][rank_bins] */
  const uint16_t *code_bins;    /* [class_count][256] */
  fm__cu_planes reference;      /* data NULL: none */
  fm__cu_planes siblings;       /* image * sibling_count + i */
  const uint8_t *has_reference; /* [images]; NULL: all have */
  int32_t sibling_count;
  int64_t reference_height, reference_width;
  int32_t *places;    /* [width + height]: of the reference; NULL: it has the mask's size */
  int64_t score_room; /* pixels from one image's to the next one's, of the planes below */
  int16_t *own_steps; /* the pixel's own; those that windows take the mean of are floats */
  fm__cu_planes kinds, window_steps, scores; /* classes or -1; F32, F32 */
  uint32_t *level_counts;                    /* [images][class_count + 1][FM__LEVEL_BINS] */
  int64_t *level_pixels; /* [images][class_count + 1][2]: pixels, what a tenth lies below */

  /* Statistics. */
  int64_t *pending; /* [images][cells][cell_words] */
  int64_t *words;   /* 1 + [cells][cell_words] */
  int64_t cell_words;
  int32_t bin_shift;

  /* Maps. */
  uint16_t *gaps; /* [images][height][width]: distances within rows */
  int32_t edges[FM__CU_EDGES];
  int32_t edge_count;
  int32_t radius;
  int32_t window_part;    /* rows of a column that a thread slides along */
  uint32_t *window_sums;  /* [images][height][width] */
  uint16_t *window_reach; /* [images][height][width] */

  /* Hardness. */
  int64_t resized_height, resized_width;
  uint32_t *repeats; /* [width + height]: how often a column, a row is taken */
  int64_t *class_pixels;
  const double *means;
  double *hardness;

  /* Outputs: [images][channels][inner height][inner width]. */
  fm__cu_planes values;
  int64_t channel; /* bytes */
  int64_t inner_width, inner_height;
  const int32_t *channel_of; /* [class_count]; NULL: the channel is the class */
  int32_t channels, kind, binary;
  double floor;
  fm__axis down, across;
  bool flat;         /* the output has the mask's size */
  int32_t row_shift; /* rows of the first columns; 0: as many as of all */

  /* Queries. */
  fm__cu_planes queries; /* class logits [images][query_count][channels + 1]; data NULL: none */
  int32_t query_count, query_room;
  bool compose_first;
  char *query_memory; /* [images] of query_bytes */
  int64_t query_bytes;
} fm__cu_job;

/* The kernels, by number: X(name). */
/* clang-format off */
#define FM__CU_KERNELS(X)                                                 \
  X(start) X(finish) X(filter) X(filter_output)                           \
  X(sum) X(sum_output) X(sum_end) X(gaps) X(strata)                       \
  X(window_rows) X(window) X(repeats) X(classes) X(hardness) X(queries)  \
  X(floor_begin) X(floor_count) X(floor_take) X(shown)                    \
  X(rank) X(places) X(pair) X(level_count) X(level_find) X(level) X(score)
/* clang-format on */
#define FM__CU_NUMBER(name) FM__CU_##name,
enum { FM__CU_KERNELS(FM__CU_NUMBER) FM__CU_KERNEL_COUNT };

#endif
