/* freemask/class_stats.h - the class-wise mean loss over the real set, exactly.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_CLASS_STATS_H
#define FREEMASK_CLASS_STATS_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/labels.h>
#include <freemask/view.h>

FM_BEGIN_DECLS

/** Per class and stratum: the number of pixels, the exact sum of their losses and, if asked for,
 *  a histogram of the losses.
 *
 *  The state is a flat array of int64 words whose element-wise *sum is the merge*, so MPI_SUM,
 *  all_reduce(SUM) or a shell loop can bring shards together. No loss is ever rounded: the sum
 *  of any set of F32 losses is held to its last bit, hence any split over threads, shards and
 *  machines, in any order, gives the same words.
 *
 *  *Strata* divide the pixels of a class further (near a boundary or not, say), so that like is
 *  compared with like. The paper has one stratum.
 *
 *  Memory: 96 bytes, plus 8 per histogram bin, for each class and stratum, twice; 35 KB besides.
 *  Thread-safety: one thread at a time; functions with a const handle may run side by side. For
 *  speed, one per thread, merged at the end. */
typedef struct fm_class_stats fm_class_stats;

/** What statistics add up for each pixel, and what a filter compares.
 *
 *  FM_SCORE_RANK is made from statistics of the real losses with a histogram, the *ranks* (options):
 *
 *      u_k(l)    = (pixels of class k in bins below that of l + half of those in its bin) / n_k
 *      e_k(l)    = -ln(1 - u_k(l) + 0.002)            at most 6.2; of a class without pixels u = 1
 *      e_(k,s)   the same in stratum s, as if it held 200 pixels more, spread as the class's; with
 *                one stratum e_k
 *      g_k(p)    = e_k(reference(p)), or with siblings the less of this and the mean over them of
 *                e_k(sibling(p)), rounded to 2^-12 first, halves away from 0; g_(k,s) likewise
 *      d_k(p)    = e_k(loss(p)) - 0.8 * g_k(p), or without a reference e_k(loss(p)); d_(k,s) likewise
 *      c_k       = the level of class k in this image: the less of 1.5 and (n a_k + w a) / (n + w), where n
 *                of the image's N pixels with a class are of k, a_k is what a tenth of their d_k does not
 *                exceed, a the same of all N pixels, and w = floor(N / 32)
 *      score(p)  = max(0, d_k(p) - c_k + mean of d_(k,s) - c_k over the pixels of p's class in the square
 *                of side 2r + 1 around p), r = max(1, floor(height / 8)), at most 1023
 *
 *  Ranks and their 0.8-folds are rounded to multiples of 2^-12; a_k and a are the middle of the first of
 *  equal parts of 2^-7 that d_k up to its end make a tenth; c_k is rounded down to a multiple of 2^-12.
 *  What is left after c_k is held within -8 + 2^-12 and 8 - 2^-12. The mean is that of
 *  fm_map_window_mean, in regions of one class.
 *
 *  The level is what the style of an image does to a class: it moves the least odd pixels as well, which
 *  errors do not as long as they leave a tenth of the class alone. Where a class is wrong as a whole
 *  the level is at most 1.5, and its pixels stay odd.
 *
 *  The reference is what the real image of the same mask loses at this very place
 *  (fm_extra_planes). Statistics of the real set are made without one, so
 *  that a filter's thresholds are those of real pixels: a place that is hard on the real image too
 *  has to be odder before it is dropped. Siblings, the other synthetic images of the mask, can only
 *  lower what a place is expected to lose, never raise it: what all of them get wrong alike would
 *  otherwise be taken for hard. doc/policies.md has the reasons and what it is worth. */
typedef enum fm_score {
  FM_SCORE_LOSS = 0, /**< the loss itself */
  FM_SCORE_RANK = 1  /**< how odd the pixel and its neighbourhood are among real pixels */
} fm_score;

/** Sized structure, see freemask/context.h. */
typedef struct fm_class_stats_options {
  size_t size;
  int32_t strata;    /**< 1 to 255; 0: 1 */
  int32_t histogram; /**< bins per factor of two of the loss: 1, 2, 4, 8, 16 or 32; 0: none. There
                          are 32 times as many, which span [2^-24, 2^8) nats, and one more
                          below and one above. */
  int32_t score;     /**< an fm_score; with FM_SCORE_RANK `strata` is 0 or 1 */
  int32_t reserved;  /**< 0 */
  const fm_class_stats
      *ranks; /**< FM_SCORE_RANK: statistics of losses that are not empty and have a
                                    histogram; copied (about 2 bytes per bin and 512 per
                                    class more). Parts that are
                                    to be merged need the same: those of the whole real set. Else
                                    NULL. */
} fm_class_stats_options;

/** All strata together, where a stratum is asked for. */
enum { FM_ALL_STRATA = -1 };

/** Makes empty statistics over a label space. `options` may be NULL. On success the caller owns
 *  `*out`. Errors: ARGUMENT, MEMORY, UNSUPPORTED (score; ranks without a histogram), MISMATCH (ranks
 *  of another label space), EMPTY (ranks without a pixel), LIMIT (larger than memory can be). */
FM_API fm_status fm_class_stats_create(const fm_labels *labels,
                                       const fm_class_stats_options *options, fm_class_stats **out,
                                       fm_error *err);

/** Releases the statistics; NULL is fine. */
FM_API void fm_class_stats_destroy(fm_class_stats *stats);

/** Fills `*out`, whose `size` the caller has set, with the options as they are in force.
 *  Errors: ARGUMENT, UNSUPPORTED (`size`). */
FM_API fm_status fm_class_stats_get_options(const fm_class_stats *stats,
                                            fm_class_stats_options *out, fm_error *err);

/** The label space; lives as long as `stats`. */
FM_API const fm_labels *fm_class_stats_labels(const fm_class_stats *stats);

/** The statistics of losses that the score is made of; live as long as `stats`. NULL if the score is
 *  the loss. */
FM_API const fm_class_stats *fm_class_stats_ranks(const fm_class_stats *stats);

/** Writes the ranks that FM_SCORE_RANK is made of, for code that computes the score elsewhere, as
 *  libfreemask-cuda does: `steps` [K][tables][bins], the e_k of each bin of the ranks' histogram, then, if
 *  the ranks have several strata, the e_(k,s) of each, in whole steps of 2^-12; there are 1 or 1 + strata
 *  tables, and 32 * histogram + 2 bins, of the ranks' options (fm_class_stats_ranks). `code_bins`
 *  [K][256]: the bin as which a code of fm_class_stats_code_map is read.
 *  Errors (nothing is written): ARGUMENT (counts), UNSUPPORTED (statistics of losses). */
FM_API fm_status fm_class_stats_rank_tables(const fm_class_stats *stats, int16_t *steps,
                                            int64_t step_count, uint16_t *code_bins,
                                            int64_t code_count, fm_error *err);

/** Adds one *real* image: a mask and the loss map of the same size. `extra` may be NULL; it
 *  brings the strata, and is required if there are several, here or of the ranks
 *  (fm_extra_planes). FM_SCORE_RANK takes a reference too: for statistics of a synthetic set.
 *
 *  Ignored pixels are decided by the label alone: neither their losses nor their strata are
 *  looked at. The losses of the others must be finite and not negative; what rounding leaves below
 *  0, above -1e-5, counts as 0, and so does -0.
 *  Allocates nothing; with FM_SCORE_RANK the memory of fm_class_stats_score_map and 4 bytes per pixel.
 *
 *  Errors (nothing has been added): ARGUMENT (also a stratum out of range), UNSUPPORTED (dtype,
 *  device), SHAPE, LABEL and LOSS (name the first bad pixel in reading order), LIMIT (2^62
 *  pixels). */
FM_API fm_status fm_class_stats_add(fm_class_stats *stats, const fm_plane *mask,
                                    const fm_plane *loss, const fm_extra_planes *extra,
                                    fm_error *err);

/** Writes the score of each pixel of an image, real or synthetic, and 0 where the mask is ignored:
 *  what fm_class_stats_add adds up and a filter compares.
 *
 *  `scores` is an F32 plane of the mask's size without a byte of any input. Reads `stats` alone.
 *  Memory: with FM_SCORE_RANK 8 bytes per pixel, 4 more if the ranks have several strata, 16 KiB for each
 *  class in the image and 16 KiB more, and what fm_map_window_mean takes.
 *  Errors (`scores` is untouched): as fm_class_stats_add. */
FM_API fm_status fm_class_stats_score_map(const fm_class_stats *stats, const fm_plane *mask,
                                          const fm_plane *loss, const fm_extra_planes *extra,
                                          const fm_plane *scores, fm_error *err);

/** Writes what a real image loses in a byte a pixel, to be kept as a reference of the synthetic images
 *  of its mask (fm_extra_planes) where loss maps would take too much: its codes. Needs statistics of
 *  FM_SCORE_RANK, whose fm_class_stats_layout has the `ranks_fingerprint` that belongs to the codes;
 *  no other score takes them.
 *
 *  The code of a pixel is its rank e_k, which is 0 to 6.2, in 255 equal steps, rounded; 0 where the
 *  mask is ignored. It is read as the bin of losses whose rank is nearest: e_k then differs by at most
 *  0.025 from that of the loss, and a score by at most 0.1, if the ranks have one stratum. With
 *  several, ranks within small strata may differ by more.
 *
 *  `codes` is a U8 plane of the mask's size without a byte of any input. Reads `stats` alone.
 *  Memory: 1 byte per pixel, 1 per class and bin. Stack: less than 8 KiB.
 *  Errors (`codes` is untouched): ARGUMENT, MEMORY, UNSUPPORTED (dtype, device; statistics of
 *  losses), SHAPE, LABEL and LOSS (name the first bad pixel in reading order). */
FM_API fm_status fm_class_stats_code_map(const fm_class_stats *stats, const fm_plane *mask,
                                         const fm_plane *loss, const fm_plane *codes,
                                         fm_error *err);

/** Sums and counts that were made elsewhere, on a GPU or by another framework. All arrays are only
 *  read during the call. Sized structure, see freemask/context.h. */
typedef struct fm_class_sums {
  size_t size;
  int64_t image_count;       /**< images that these are the sums of, 0 or more */
  int32_t class_count;       /**< K of the label space */
  int32_t strata;            /**< those of the statistics; 0: 1 */
  const int64_t *pixels;     /**< [K][strata] pixels, 0 or more each. Required. */
  const double *loss_sums;   /**< [K][strata] sums of their losses in nats. Required. */
  const int64_t *histograms; /**< [K][strata][bins] pixels per bin, in sum `pixels`. Required if
                                  the statistics have a histogram, refused if they have none. A
                                  loss belongs to bin 0 if it is below 2^-24, to bin
                                  1 + floor(histogram * (24 + e + f)) otherwise, and to the last
                                  if that is beyond it; the loss is 2^e * (1 + f), 0 <= f < 1. */
} fm_class_sums;

/** Adds sums exactly: the statistics hold the very number that each double is. Whoever makes
 *  the sums in doubles rounds where the library does not; sums of one image in float64 are
 *  right to about 1e-13 of their size.
 *
 *  Errors (nothing has been added): ARGUMENT (the sizes differ from the statistics'; a negative
 *  number, NaN, infinity; a sum without pixels or above what finite F32 losses can have; a sum
 *  with bits below 2^-149, which no sum of F32 losses has; a histogram of another number of
 *  pixels), LIMIT (2^62 pixels or images). */
FM_API fm_status fm_class_stats_add_sums(fm_class_stats *stats, const fm_class_sums *sums,
                                         fm_error *err);

/** Adds all of `from` to `into`. Errors (nothing changed): ARGUMENT, LIMIT, MISMATCH (label
 *  spaces, strata, histograms, scores or their ranks differ). */
FM_API fm_status fm_class_stats_merge(fm_class_stats *into, const fm_class_stats *from,
                                      fm_error *err);

/** Empties the statistics. */
FM_API void fm_class_stats_clear(fm_class_stats *stats);

/* ---- The words ------------------------------------------------------------------ */

/** Number of words of the state: 1 + classes * strata * (12 + bins). The same for all
 *  statistics made with the same label space and options. Layout:
 *
 *      words[0]                                images added
 *      then, for each class, for each stratum:
 *        [0]                                   pixels
 *        [1 .. 11]                             digits d_0 .. d_10 of the sum,
 *                                              sum = 2^-149 * sum_i d_i * 2^(32 i)
 *        [12 ..]                               the histogram's bins, if there are any
 *
 *  Exported digits are 0 to 2^32 - 1. Up to 2^30 exports may be added word by word before the
 *  result is imported. The words say nothing of what they belong to: send an
 *  fm_class_stats_layout beside them, or use a blob (below) or a file (freemask/files.h). */
FM_API int64_t fm_class_stats_word_count(const fm_class_stats *stats);

/** Writes the words. `count` must be fm_class_stats_word_count. Errors: ARGUMENT. */
FM_API fm_status fm_class_stats_export(const fm_class_stats *stats, int64_t *words, int64_t count,
                                       fm_error *err);

/** What words belong to: plain numbers, the same on all machines. Sized structure, see
 *  freemask/context.h. */
typedef struct fm_class_stats_layout {
  size_t size;
  uint64_t labels_fingerprint; /**< fm_labels_fingerprint of the label space */
  int32_t class_count;
  int32_t strata;
  int32_t histogram;          /**< as in the options */
  int32_t score;              /**< an fm_score */
  uint64_t ranks_fingerprint; /**< of the ranks that the score is made of; 0: the loss */
} fm_class_stats_layout;

/** Fills `*out`, whose `size` the caller has set, with the layout of the statistics' words.
 *  Errors: ARGUMENT, UNSUPPORTED (`size`). */
FM_API fm_status fm_class_stats_get_layout(const fm_class_stats *stats, fm_class_stats_layout *out,
                                           fm_error *err);

/** *Adds* exported words, or a sum of such, to the statistics; on empty ones this is loading.
 *
 *  `layout` says what the words belong to, as their exporter had it (fm_class_stats_get_layout);
 *  it must be the layout of `stats`. NULL: nothing is known of them, and words of another label
 *  space with as many classes are taken for ours.
 *
 *  Errors (nothing changed): ARGUMENT (count), MISMATCH (names what differs), FORMAT (words that
 *  no export gives: negative, sums without pixels, a histogram of another number of pixels),
 *  LIMIT. */
FM_API fm_status fm_class_stats_import(fm_class_stats *stats, const int64_t *words, int64_t count,
                                       const fm_class_stats_layout *layout, fm_error *err);

/* ---- A blob: the words and what they belong to, for messages and checkpoints -------- */

/** Bytes of a blob: 64 + 8 * fm_class_stats_word_count, and with FM_SCORE_RANK a blob of the ranks
 *  behind them. It consists of numbers of 64 bits, least
 *  significant byte first, the same on all machines:
 *
 *      [0] the bytes 0xAA, "STATS01"
 *      [1] fingerprint of the label space    [2] classes      [3] strata
 *      [4] histogram, as in the options      [5] score        [6] number of words
 *      [7] FNV-1a (64 bits) of the bytes of all other numbers, in their order
 *      [8 ..] the words
 */
FM_API size_t fm_class_stats_blob_size(const fm_class_stats *stats);

/** Writes a blob. `size` must be fm_class_stats_blob_size. Errors: ARGUMENT. */
FM_API fm_status fm_class_stats_save(const fm_class_stats *stats, void *blob, size_t size,
                                     fm_error *err);

/** Makes the statistics that were saved, over the label space that they were made with. `blob`
 *  need not be aligned and is not kept. On success the caller owns `*out`. Errors: ARGUMENT,
 *  MEMORY, MISMATCH (another label space), FORMAT (damaged, or not a blob of statistics),
 *  UNSUPPORTED (a score of a later version), LIMIT. */
FM_API fm_status fm_class_stats_load(const fm_labels *labels, const void *blob, size_t size,
                                     fm_class_stats **out, fm_error *err);

/* ---- Reading -------------------------------------------------------------------- */

/** Images added. */
FM_API int64_t fm_class_stats_image_count(const fm_class_stats *stats);

/** Pixels of a class in a stratum, or in all (FM_ALL_STRATA); 0 if there is no such class or
 *  stratum. */
FM_API int64_t fm_class_stats_pixel_count(const fm_class_stats *stats, int32_t class_index,
                                          int32_t stratum);

/** The class-wise mean loss in nats, h_k = sum of losses / (pixels + 1e-5) (FreeMask, NeurIPS
 *  2023, released code), in a stratum or in all (FM_ALL_STRATA). The sum is rounded to double
 *  once. 0 for a class without pixels and where there is no such class or stratum. */
FM_API double fm_class_stats_mean(const fm_class_stats *stats, int32_t class_index,
                                  int32_t stratum);

/** The means of all classes: fm_class_stats_mean of class k into out[k]. `class_count` must be
 *  K. Errors: ARGUMENT (also a stratum that does not exist). */
FM_API fm_status fm_class_stats_means(const fm_class_stats *stats, int32_t stratum, double *out,
                                      int32_t class_count, fm_error *err);

/** The loss below which a share `q` (0 to 1) of the class's pixels lies, in a stratum or in all
 *  (FM_ALL_STRATA), linear inside a histogram bin (error at most one bin). Losses beyond the
 *  bins count as 0 below and 2^8 above. Errors: ARGUMENT, UNSUPPORTED (made without a
 *  histogram), EMPTY (no pixel). */
FM_API fm_status fm_class_stats_quantile(const fm_class_stats *stats, int32_t class_index,
                                         int32_t stratum, double q, double *out, fm_error *err);

/* ---- Means from elsewhere --------------------------------------------------------- */

/** Class-wise mean losses that were computed outside of the library, for
 *  fm_filter_create_from_means and fm_hardness_create_from_means. Both arrays are
 *  [class_count][strata] and are only read during the call. Sized structure, see
 *  freemask/context.h. */
typedef struct fm_mean_table {
  size_t size;
  int32_t class_count;     /**< the label space's number of classes */
  int32_t strata;          /**< 1 to 255; 0: 1 */
  const double *mean_loss; /**< nats, finite and not negative; 0 where `pixels` is 0 */
  const int64_t *pixels;   /**< real pixels, 0 or more each, at most 2^62 together; NULL: unknown,
                                which several strata do not allow */
} fm_mean_table;

FM_END_DECLS

#endif
