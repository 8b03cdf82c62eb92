/* plan/schedule.h - a schedule from inside: what its epochs are made of, and where an entry is. */
#ifndef FM_PLAN_SCHEDULE_H
#define FM_PLAN_SCHEDULE_H

#include <freemask/schedule.h>

#include "core/context.h"
#include "core/random.h"
#include "plan/permutation.h"
#include "plan/pieces.h"

/* Words. A position is a rank's. A place is where an entry is in the order of all ranks: an epoch
 * and an offset into it. The slot of a place is its offset after shuffling, and what is in which
 * slot follows from the mix: first the real images, then the synthetic ones. A number is an
 * image's, real images first, in the order of the plan. */

/* The generators, one for each kind of choice, so that choices are independent. */
typedef enum fm__stream {
  FM__STREAM_ORDER,     /* the order of an epoch's entries */
  FM__STREAM_REAL,      /* shuffles of the real set: RATIO, RANDOM */
  FM__STREAM_SYNTHETIC, /* of the synthetic one: RANDOM */
  FM__STREAM_MIX,       /* real or synthetic: RANDOM */
  FM__STREAM_WEIGHTS,   /* points on the line of weights: WEIGHTED, SHARES */
  FM__STREAMS
} fm__stream;

/* Epochs of one kind. `entries` is what all ranks together have, without padding. */
typedef struct fm__part {
  int32_t mix;
  uint64_t entries;
  uint64_t real;         /* slots of real images: JOINT, RATIO */
  uint64_t stride;       /* entries of one rank, with padding; FM_TAIL_STREAM: of all */
  fm__permutation order; /* its key is set for each epoch */
} fm__part;

struct fm_schedule {
  fm_context *context;
  fm_plan *plan; /* may be NULL */
  int32_t tail;
  bool in_order;
  uint64_t real, synthetic;       /* images */
  uint64_t real_share, share_sum; /* RANDOM: real with probability real_share / share_sum */
  uint64_t rank, world;
  uint64_t pretraining;     /* epochs */
  fm__part parts[2];        /* pre-training, and what follows */
  fm__permutation walks[2]; /* shuffles of the two sets, by fm_dataset */
  fm__random streams[FM__STREAMS];
  fm__pieces masks;           /* a piece for each mask of the plan, as long as its count */
  fm__pieces weights;         /* a piece for each image: WEIGHTED, SHARES */
  uint32_t *real_index;       /* with real_ids: the host's index of each real image, by number */
  uint32_t *real_rows;        /* likewise: the plan's row */
  const char **real_ids;      /* likewise: what the host gave, in the plan's memory */
  uint64_t plan_fingerprint;  /* 0 without a plan */
  uint64_t order_fingerprint; /* of all that decides about the order, the plan apart */
  int64_t position;
  fm_schedule_options options; /* resolved */
};

/* Positions are below this over `world`, so that no product or sum overflows. */
#define FM__SCHEDULE_END (INT64_C(1) << 62)

/* The offset may be beyond the part's entries: that is padding. */
typedef struct fm__place {
  uint64_t epoch, offset;
} fm__place;

/* ---- schedule_options.c ------------------------------------------------------------ */

/* Checks the options and works out everything but generators, tables and holds. */
fm_status fm__schedule_read(fm_schedule *schedule, const fm_plan *plan,
                            const fm_schedule_options *options, fm_error *err);

/* ---- schedule_place.c: from positions to places and back ---------------------------- */

const fm__part *fm__part_of(const fm_schedule *schedule, uint64_t epoch);
fm__place fm__place_of(const fm_schedule *schedule, int64_t position);
/* How far all ranks together have come when this one is at `position`. */
fm__place fm__progress_of(const fm_schedule *schedule, int64_t position);
/* The first position of this rank that is not before that progress, which may be the one behind its
 * last entry; -1 if too far. */
int64_t fm__position_of(const fm_schedule *schedule, fm__place progress);
/* Entries of this rank in an epoch from `place` on, with padding. */
uint64_t fm__rest_of_epoch(const fm_schedule *schedule, fm__place place);

/* ---- schedule_mix.c: the mixes ------------------------------------------------------- */

enum { FM__MIXES = 7, FM__CHUNK = 128 };

/* Entries on their way from offsets to slots to numbers. */
typedef struct fm__draws {
  uint64_t numbers[FM__CHUNK], repeats[FM__CHUNK];
} fm__draws;

/* One epoch, opened for drawing. */
typedef struct fm__epoch {
  const fm_schedule *schedule;
  const fm__part *part;
  uint64_t number; /* the epoch's */
  uint64_t start;  /* entries of the part in the epochs before it */
  bool shuffled;
  fm__permutation order; /* with the epoch's key */
  fm__random draws;      /* RANDOM, WEIGHTED, SHARES: the generator of the epoch */
  uint64_t first_point;  /* SHARES: where the first point is, times the entries */
} fm__epoch;

/* A mix. */
typedef struct fm__mix {
  const char *name;
  bool uses_repeats, uses_ratio, uses_length, uses_weights; /* of fm_schedule_options */
  bool needs_real, needs_synthetic; /* images of this set; neither: any image */
  bool unshuffled;   /* an entry's slot is its offset: draws are independent anyway */
  int32_t most_bits; /* an epoch has at most 2^most_bits entries */
  /* The number of entries of an epoch, from options that are filled in; sets part->real. */
  uint64_t (*entries)(const fm_schedule_options *options, fm__part *part);
  void (*open)(fm__epoch *epoch); /* may be NULL */
  /* Turns slots into numbers and, where they are not 0, repeats. NULL: the slot is the number. */
  void (*draw)(const fm__epoch *epoch, size_t count, fm__draws *draws);
} fm__mix;

extern const fm__mix fm__mixes[FM__MIXES];

/* dividend / divisor, half to even; the dividend is below 2^62. */
uint64_t fm__nearest(uint64_t dividend, uint64_t divisor);

fm__epoch fm__epoch_open(const fm_schedule *schedule, uint64_t number);
/* The entries at offset, offset + world, ... of the epoch; at most FM__CHUNK, none beyond its
 * end. `table` may be NULL. */
void fm__epoch_draw(const fm__epoch *epoch, const fm__permutation_table *table, uint64_t offset,
                    size_t count, fm__draws *draws);

#endif
