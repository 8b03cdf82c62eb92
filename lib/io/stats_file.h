/* io/stats_file.h - class statistics in JSON: what writing and reading share. */
#ifndef FM_IO_STATS_FILE_H
#define FM_IO_STATS_FILE_H

#include "io/bytes.h"
#include "io/input.h"
#include "labels/class_stats.h"

#define FM__STATS_FORMAT "freemask-stats"
enum { FM__STATS_VERSION = 2 };

/* The member of a calibration that is statistics. */
#define FM__CALIBRATION_STATS "statistics"

/* Appends the statistics as a JSON object, and a line break. Fails where a name is not UTF-8. */
fm_status fm__stats_put(fm__bytes *out, const fm_class_stats *stats, fm_error *err);

/* What a pixel's score is, as the file spells it: an fm_score. */
const char *fm__stats_score_name(int32_t score);

/* The most bytes of a file: parsed, it takes many times as much. */
#define FM__LARGEST_JSON (INT64_C(1) << 28)

/* The most numbers that statistics in a file have: a run of zeros is short however long it is. */
enum { FM__MOST_WORDS = 100000000 };

/* FNV-1a of the label space's fingerprint, the numbers of strata and bins, the name of the score
 * and all words; and, if it has ranks, their fingerprint. */
uint64_t fm__stats_checksum(const fm_class_stats *stats, const int64_t *words);

/* Parses statistics over `labels`; or the label space that the statistics in the file have. Without
 * jansson FM_ERR_UNSUPPORTED. */
fm_status fm__stats_parse(const fm_labels *labels, const char *data, size_t size,
                          fm_class_stats **out, fm_error *err);
fm_status fm__stats_parse_labels(const fm_context *context, const char *data, size_t size,
                                 fm_labels **out, fm_error *err);

#endif
