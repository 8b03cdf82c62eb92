/* freemask/schedule.h - in which order to train on real and synthetic images.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_SCHEDULE_H
#define FREEMASK_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/plan.h>

FM_BEGIN_DECLS

/** An endless order over R real and S synthetic images, epoch after epoch.
 *
 *  The order is computed, not stored: which image is at a position follows from the
 *  options and the position alone, in constant time and memory, on every machine the
 *  same (doc/random.md defines it). Positions count from 0 and are those of one rank.
 *
 *  THE ORDER OF THE REAL IMAGES. Indices of real images are those of the host's own list. If the
 *  schedule has a plan, it takes that list to be sorted like the plan: by the BYTES of the ids, in
 *  which "img_10" comes before "img_9", and "B" before "a". A list in another order (natural
 *  sort, a directory's own order, a file of its own) pairs real images with the wrong rows of the
 *  plan, and two machines whose lists differ train on different images. So sort the list by its
 *  bytes (strcmp; sorted() in Python does for UTF-8), or give `real_ids`: then the list may be in
 *  any order, and the schedule finds each image by its id.
 *
 *  Memory: a few hundred bytes, 12 bytes per mask of the plan and per weight, and 16 per real
 *  id.
 *
 *  Thread-safety: functions that take it as const may run side by side, so that loader
 *  threads can share one schedule; those that move its own position (next, next_many,
 *  seek, restore) are for one thread at a time and not at the same time as each other or `position`
 *  and `save`. */
typedef struct fm_schedule fm_schedule;

/** What an epoch is made of. doc/schedule.md tells which to use when. */
typedef enum fm_schedule_mix {
  FM_MIX_JOINT = 0, /**< the paper's joint training: every real image `real_repeats` times, every
                         synthetic one once */
  FM_MIX_REAL = 1,  /**< every real image once */
  FM_MIX_SYNTHETIC = 2, /**< every synthetic image once */
  FM_MIX_RATIO = 3,     /**< every synthetic image once, and S * real_share / synthetic_share real
                             ones (to the nearest, half to even). These are taken from shuffles of
                             the real set, one after the other across epochs, so that after any
                             number of epochs no real image is more than one use ahead */
  FM_MIX_RANDOM = 4,    /**< each entry is real with probability real_share / (real_share +
                             synthetic_share), independently. The image is taken from a shuffle
                             of its set that moves on with every entry: among any |set| entries
                             of one shuffle no image comes twice, and all are equally likely */
  FM_MIX_WEIGHTED = 5,  /**< each entry is image i with probability weights[i] / sum,
                             independently: sampling with replacement */
  FM_MIX_SHARES = 6     /**< image i comes floor or ceil of its share, epoch_length * weights[i]
                             / sum, times, on average exactly that often. Where no share exceeds
                             1 this is sampling without replacement */
} fm_schedule_mix;

/** What happens where an epoch cannot be dealt out evenly to all ranks. */
typedef enum fm_schedule_tail {
  FM_TAIL_PAD = 0,      /**< its first entries fill it up, as PyTorch's DistributedSampler does */
  FM_TAIL_TRUNCATE = 1, /**< its last entries are left out (drop_last) */
  FM_TAIL_STREAM = 2    /**< neither: the ranks share one endless stream, the next epoch follows at
                             once. Epochs of a rank then differ in length by one */
} fm_schedule_tail;

/** Which data set an image is from. */
typedef enum fm_dataset { FM_DATASET_REAL = 0, FM_DATASET_SYNTHETIC = 1 } fm_dataset;

/** Options that the mix does not use are 0: others are refused. */
typedef struct fm_schedule_options {
  size_t size;
  int32_t mix;                 /**< an fm_schedule_mix */
  int32_t tail;                /**< an fm_schedule_tail */
  int64_t real_count;          /**< R, up to 2^40; 0: the number of masks of the plan */
  int64_t synthetic_count;     /**< S, up to 2^40; 0: the number of images of the plan */
  const char *const *real_ids; /**< [real_count], the mask ids of the host's real images in the
                                  host's own order, distinct and all in the plan (not all of the
                                  plan need be there). NULL: the order of the plan, see above */
  int64_t real_repeats;        /**< JOINT: up to 2^20; 0: round(S / R), half to even, at least 1:
                                    as many real entries as synthetic ones, as in the paper */
  int64_t real_share; /**< RATIO and RANDOM: real : synthetic, 1 to 2^20 each; both 0: 1 : 1 */
  int64_t synthetic_share;
  int64_t epoch_length;  /**< RANDOM, WEIGHTED (up to 2^40), SHARES (up to 2^31): entries of all
                              ranks in an epoch; 0: R + S */
  const double *weights; /**< WEIGHTED and SHARES: [weight_count], real images first, in the host's
                              order, finite and not negative, not all 0; else NULL. They are rounded
                              once, to integers: see doc/random.md */
  int64_t weight_count;  /**< R + S; 0 without `weights` */
  int64_t pretraining_epochs; /**< this many epochs of synthetic images only come first, up to
                                   2^31; `mix` follows. With FM_MIX_REAL: the paper's
                                   pre-training and fine-tuning */
  uint64_t seed;
  int32_t in_order; /**< 1: nothing is shuffled (draws of RANDOM and WEIGHTED remain) */
  int32_t rank;     /**< 0 to world - 1: has every world-th entry, from entry `rank` on */
  int32_t world;    /**< ranks, up to 2^20; 0: 1 */
  int32_t reserved; /**< 0 */
} fm_schedule_options;

/** Makes a schedule; its own position is 0.
 *
 *  `plan` says how many synthetic images there are and maps each to its mask and seed: they
 *  are numbered in the order of the plan's rows and, within a row, of its seeds. It
 *  is held by the schedule. NULL: the host numbers its images itself and sets both counts
 *  that the mix needs. `options` may be NULL with a plan: the paper's joint training, one
 *  real image for each mask of the plan.
 *
 *  On success the caller owns `*out`. Errors (`*out` is untouched): ARGUMENT, DUPLICATE (a real id
 *  occurs twice), EMPTY (a set that the mix needs has no image, or a rank would get no entry),
 *  MISMATCH (synthetic_count is not the plan's, or the plan lacks a real id), LIMIT (an epoch of
 *  more than 2^48 entries), MEMORY, UNSUPPORTED. */
FM_API fm_status fm_schedule_create(const fm_context *context, const fm_plan *plan,
                                    const fm_schedule_options *options, fm_schedule **out,
                                    fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_schedule_destroy(fm_schedule *schedule);

/** The options with the defaults filled in (those that the mix does not use are 0): counts,
 *  repeats, shares, length, world. `real_ids` lives as long as the schedule. `weights` is NULL: the
 *  schedule keeps them as integers only; a schedule that is made with these options and the same
 *  weights is the same. Set `out->size`. Errors (`*out` is untouched): ARGUMENT, UNSUPPORTED. */
FM_API fm_status fm_schedule_get_options(const fm_schedule *schedule, fm_schedule_options *out,
                                         fm_error *err);

/** One entry of the order. */
typedef struct fm_schedule_entry {
  size_t size;    /**< set by the caller, kept */
  int64_t number; /**< in the joined list, real images first: 0 to R + S - 1, what a
                       concatenation of both data sets takes */
  int64_t index;  /**< in its data set: 0 to R - 1 in the host's list, 0 to S - 1 */
  int64_t mask; /**< the plan's row. Synthetic: with a plan. Real: with real_ids, or if the plan has
                     R rows, which then is `index` (see "The order of the real images"). Else -1 */
  int64_t seed; /**< synthetic, with a plan: the generator's seed; else 0 */
  int64_t repeat;  /**< JOINT: which of the epoch's `real_repeats` uses of the real image, in no
                        particular order; RATIO: how many shuffles of the real set came
                        before; else 0 */
  int64_t epoch;   /**< from 0, pre-training included */
  int32_t dataset; /**< an fm_dataset */
  int32_t padding; /**< 1: fills the epoch up (FM_TAIL_PAD), this image came before; else 0 */
} fm_schedule_entry;

/** The entry at a position of this rank, below 2^62 / world. Set `entry->size`. The
 *  schedule's own position does not matter and stays.
 *  Errors (`*entry` is untouched): ARGUMENT, UNSUPPORTED. */
FM_API fm_status fm_schedule_at(const fm_schedule *schedule, int64_t position,
                                fm_schedule_entry *entry, fm_error *err);

/** Where to write many entries: one array for each field of fm_schedule_entry, NULL where
 *  it is not wanted. */
typedef struct fm_schedule_arrays {
  size_t size;
  int64_t *numbers;
  int64_t *indices;
  int64_t *masks;
  int64_t *seeds;
  int64_t *repeats;
  int64_t *epochs;
  int32_t *datasets;
  int32_t *paddings;
} fm_schedule_arrays;

/** The entries at positions `position` to `position + count - 1`, written to the first
 *  `count` elements of each array; several times as fast as one by one, most so where a whole
 *  epoch of up to 2^20 entries is asked for: for these the call takes 16 KiB from the context's
 *  allocator while it works, and does without, more slowly, where there is none.
 *  Errors (nothing is written): ARGUMENT, UNSUPPORTED. */
FM_API fm_status fm_schedule_fill(const fm_schedule *schedule, int64_t position, int64_t count,
                                  const fm_schedule_arrays *arrays, fm_error *err);

/** The entry at the schedule's own position, which moves on by one. On failure it stays. Errors:
 *  those of fm_schedule_at. */
FM_API fm_status fm_schedule_next(fm_schedule *schedule, fm_schedule_entry *entry, fm_error *err);

/** fm_schedule_fill from the schedule's own position, which moves on by `count`; on failure it
 *  stays. */
FM_API fm_status fm_schedule_next_many(fm_schedule *schedule, int64_t count,
                                       const fm_schedule_arrays *arrays, fm_error *err);

/** The schedule's own position; -1 for NULL. */
FM_API int64_t fm_schedule_position(const fm_schedule *schedule);

/** Sets the schedule's own position, in constant time: 0 to 2^62 / world, the last of which is
 *  behind the last entry. Errors: ARGUMENT. */
FM_API fm_status fm_schedule_seek(fm_schedule *schedule, int64_t position, fm_error *err);

/** The position where an epoch begins for this rank; -1 if there is no such epoch (below 0
 *  or beyond the last position, 2^62 / world - 1). */
FM_API int64_t fm_schedule_epoch_start(const fm_schedule *schedule, int64_t epoch);

/** The number of entries that this rank has in an epoch; of the epoch that the last position is in,
 *  those up to there. -1 as above. */
FM_API int64_t fm_schedule_epoch_length(const fm_schedule *schedule, int64_t epoch);

/** A number that schedules share which have the same images in the same order, whatever
 *  their rank, world and tail, and whatever the order of `real_ids`. Equal on all machines. */
FM_API uint64_t fm_schedule_fingerprint(const fm_schedule *schedule);

/** Bytes of a saved position; never changes. */
enum { FM_SCHEDULE_STATE_SIZE = 48 };

/** Saves the schedule's own position: FM_SCHEDULE_STATE_SIZE bytes, the same on every
 *  machine, that hold how far all ranks together have come in which epoch, and the
 *  fingerprints of plan and options. All ranks that are at the same position save the same
 *  bytes, so one of them is enough. Errors (nothing is written): ARGUMENT (size). */
FM_API fm_status fm_schedule_save(const fm_schedule *schedule, void *state, size_t size,
                                  fm_error *err);

/** Goes to a saved position. Rank, world and tail may be others than when it was saved:
 *  with as many ranks the order goes on as it would have; with another number no entry of
 *  the epoch is missed, and up to world - 1 come twice.
 *  Errors (the position stays): ARGUMENT, FORMAT (damaged), MISMATCH (another plan or other
 *  options). */
FM_API fm_status fm_schedule_restore(fm_schedule *schedule, const void *state, size_t size,
                                     fm_error *err);

FM_END_DECLS

#endif
