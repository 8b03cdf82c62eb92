/* freemask/files.h - label spaces, plans and statistics in files: those that the command-line tool
 * reads and writes, too. Optional, as io.h is.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_FILES_H
#define FREEMASK_FILES_H

#include <stddef.h>
#include <stdint.h>

#include <freemask/calibration.h>
#include <freemask/class_stats.h>
#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/io.h>
#include <freemask/labels.h>
#include <freemask/plan.h>

FM_BEGIN_DECLS

/* For each kind of file there are up to four calls:
 *
 *   _read    from a file, at most 2^30 bytes;
 *   _decode  the same from memory, which is not kept;
 *   _write   to a file, whole or not at all, as fm_file_write;
 *   _encode  the same, handing all bytes to `write` in one call.
 *
 * doc/formats.md describes the files. Text is UTF-8; names of masks are whatever bytes they are.
 * Tables are CSV (RFC 4180): fields are quoted or not, lines end in LF or CRLF, a byte order mark
 * is skipped, the first line has to be the names of the columns. Those of labels, which people
 * write, may be less tidy. Writing is deterministic: equal
 * objects give equal bytes, in every locale, and what was written is read back to the last bit.
 *
 * Reading trusts nothing: what is damaged, out of range or contradicts itself is FM_ERR_FORMAT, and
 * the message names the file, the line, the column, what was found and what was expected.
 *
 * Memory, all of it from the context: reading a table takes the file's size and what the object
 * takes besides; writing, the size of the file that results, twice while it grows.
 *
 * Errors of _read and _decode: ARGUMENT, MEMORY, FORMAT, LIMIT (size), and IO if it is a file; of
 * _write: ARGUMENT, MEMORY, IO; of _encode: ARGUMENT, MEMORY, CALLBACK. Further ones are stated
 * with each call. On errors of reading `*out` is untouched; on errors of writing a file that was
 * there before is still there, and nothing new.
 *
 * Thread-safety: any number of threads with one context; handles are only read. */

/* ---- Label spaces: label,class,name,color ----------------------------------------- */

/** Reads a label space from a table with the columns label, class and, where they are known, name
 *  and color, in any order:
 *
 *      label,class,name,color
 *      0,ignore,,
 *      1,0,wall,#787878
 *      2,1,floor,"80,50,50"
 *      3:9,1,,
 *
 *  `label` is 0 to 65,535, or down to -32,768 if it is ignored; a range such as 3:9 has both of its
 *  ends. `class` is 0, 1, ... without gaps, or `ignore` (also -1). Any number of labels may be
 *  ignored; the filter writes the first of them that a mask's type can hold
 *  (fm_labels_ignore_label_in), and there has to be one. A class has the first name that is given
 *  for it, else "class 1". `color` is `#rrggbb` or three numbers from 0 to 255; columns r, g and b do
 *  as well. The space's name is the file's, without folders and extension.
 *
 *  Tables may be untidy: fields may be separated by ; or tabs, with blanks around them; names of
 *  columns and `ignore` are taken in upper case, too, and label may be called id or value, class
 *  train_id; 3.0 is 3; fields that are missing at the end of a row are empty, other columns are not
 *  looked at, and lines that are empty or begin with # are skipped.
 *
 *  Two kinds of list without numbers are read as well, in which rows are classes 0, 1, ... and their
 *  labels, and 255 is ignored (65,535 if there are more than 255 rows): a table with the columns
 *  name and color (or r, g, b), and CVAT's labelmap.txt. A file of statistics
 *  (fm_class_stats_write) is read, too, since it has its label space with it, name included; see
 *  fm_class_stats_read for memory. Errors: also UNSUPPORTED (a build without jansson).
 *
 *  On success the caller owns `*out`. Memory: 3.2 MiB while it works, and the file. */
FM_API fm_status fm_labels_read(const fm_context *context, const char *path, fm_labels **out,
                                fm_error *err);

/** As fm_labels_read, from memory. `name` is the space's name; NULL: "custom". */
FM_API fm_status fm_labels_decode(const fm_context *context, const void *data, size_t size,
                                  const char *name, fm_labels **out, fm_error *err);

/** Writes a label space as a table that fm_labels_read reads to the same fingerprint and colors:
 *  32 and more labels of one class and color that follow each other as a range, and a column color
 *  if there are any. Errors: also UNSUPPORTED (a class has an empty name). */
FM_API fm_status fm_labels_write(const fm_labels *labels, const char *path, fm_error *err);

/** As fm_labels_write, to a callback. */
FM_API fm_status fm_labels_encode(const fm_labels *labels, fm_write_fn write, void *user,
                                  fm_error *err);

/* ---- Plans: mask,hardness,rank,count,seeds ---------------------------------------- */

/** Reads a plan from a table with the columns mask, hardness, rank, count and seeds, rows in any
 *  order:
 *
 *      mask,hardness,rank,count,seeds
 *      img_10,0.5,2,3,42 44 47
 *      img_9,0.25,1,0,
 *
 *  What the columns may hold is documented for fm_plan_rows: ranks are 1 to the number of rows,
 *  each once; `seeds` has as many whole numbers as `count` says, with a blank between two. A mask
 *  or a seed of a mask that occurs twice is FM_ERR_FORMAT.
 *
 *  On success the caller owns `*out`. Memory while it works: besides the file and what
 *  fm_plan_create takes, 32 bytes per row and 8 per seed, up to half as much again. */
FM_API fm_status fm_plan_read(const fm_context *context, const char *path, fm_plan **out,
                              fm_error *err);

/** As fm_plan_read, from memory. */
FM_API fm_status fm_plan_decode(const fm_context *context, const void *data, size_t size,
                                fm_plan **out, fm_error *err);

/** Writes a plan as a table, rows sorted by the bytes of the mask ids, that fm_plan_read reads to
 *  the same fingerprint. */
FM_API fm_status fm_plan_write(const fm_plan *plan, const char *path, fm_error *err);

/** As fm_plan_write, to a callback. */
FM_API fm_status fm_plan_encode(const fm_plan *plan, fm_write_fn write, void *user, fm_error *err);

/* ---- Other tables: CSV -------------------------------------------------------------- */

/** A table in memory, as text: for files that the library has no handle for, as the tool's
 *  hardness.csv (mask,hardness,valid_pixels) and filter.csv (stem,valid,dropped,kept_share).
 *
 *  Thread-safety: immutable; share it freely. */
typedef struct fm_csv fm_csv;

/** Reads a table whose first line must be the `column_count` (1 to 64) names `columns`, which are
 *  copied; lines before it that begin with "# " are comments. On success the caller owns `*out`. Memory:
 *  the file, and 8 bytes per field and per row, up to half as much again, twice while it grows. */
FM_API fm_status fm_csv_read(const fm_context *context, const char *path,
                             const char *const *columns, int32_t column_count, fm_csv **out,
                             fm_error *err);

/** As fm_csv_read, from memory. */
FM_API fm_status fm_csv_decode(const fm_context *context, const void *data, size_t size,
                               const char *const *columns, int32_t column_count, fm_csv **out,
                               fm_error *err);

/** Destroys; NULL is fine. */
FM_API void fm_csv_destroy(fm_csv *csv);

/** The number of rows, the names of the columns not counted; 0 for NULL. */
FM_API int64_t fm_csv_row_count(const fm_csv *csv);

/** A field without its quotes, both indices from 0; "" if there is none. Lives as long as `csv`. */
FM_API const char *fm_csv_text(const fm_csv *csv, int64_t row, int32_t column);

/** The line in the file where a row begins, from 1; 0 if there is no such row. */
FM_API int64_t fm_csv_line(const fm_csv *csv, int64_t row);

/** A field as a whole number in decimal digits, or as a finite number with a decimal point, in
 *  every locale. Errors (`*out` is untouched): ARGUMENT (no such field), FORMAT (the field is
 *  something else, or out of range; the message names file, line, column and text). */
FM_API fm_status fm_csv_whole(const fm_csv *csv, int64_t row, int32_t column, int64_t lowest,
                              int64_t highest, int64_t *out, fm_error *err);
FM_API fm_status fm_csv_real(const fm_csv *csv, int64_t row, int32_t column, double *out,
                             fm_error *err);

/* ---- Class statistics: JSON ------------------------------------------------------- */

/** Reads the statistics that fm_class_stats_write wrote, to the last bit: an object with "format":
 *  "freemask-stats", which holds the label space, strata, histogram, score, images, pixels, means,
 *  and all words. doc/formats.md lists the members. Others are ignored, so that a host can add its
 *  own: the tool does, and reads them back itself.
 *
 *  `labels` is the label space that the statistics must have been made with. Where it is not at
 *  hand, fm_labels_read makes it from the same file.
 *
 *  On success the caller owns `*out`. The file has at most 2^28 bytes. Memory: the parser (jansson)
 *  takes its own from malloc, not from the context: 12 times the file's size for statistics, up to
 *  100 times for hostile files; it is released before the call returns. Stack: 256 KiB more than
 *  other calls for a hostile file, which may be nested 2,048 levels deep. Errors: also MISMATCH
 *  (another label space), UNSUPPORTED (another score, or a build without jansson). */
FM_API fm_status fm_class_stats_read(const fm_labels *labels, const char *path,
                                     fm_class_stats **out, fm_error *err);

/** As fm_class_stats_read, from memory. */
FM_API fm_status fm_class_stats_decode(const fm_labels *labels, const void *data, size_t size,
                                       fm_class_stats **out, fm_error *err);

/** Writes statistics as JSON, one class per line, in every build. Errors: also UNSUPPORTED (a name
 *  that is not UTF-8). */
FM_API fm_status fm_class_stats_write(const fm_class_stats *stats, const char *path, fm_error *err);

/** As fm_class_stats_write, to a callback. The last two bytes are a closing brace and a line break:
 *  a host that adds members puts a comma and them before these. */
FM_API fm_status fm_class_stats_encode(const fm_class_stats *stats, fm_write_fn write, void *user,
                                       fm_error *err);

/* ---- Calibrations: JSON ------------------------------------------------------------ */

/** Reads the calibration that fm_calibration_write wrote, to the last bit: an object with "format":
 *  "freemask-calibration" whose member "statistics" is as fm_class_stats_write writes them, without
 *  images but with the label space, the score and its ranks. `labels` must be that label space;
 *  fm_labels_read makes it from the same file. Others' members are ignored.
 *
 *  On success the caller owns `*out`. Size, memory, stack and errors: as fm_class_stats_read. */
FM_API fm_status fm_calibration_read(const fm_labels *labels, const char *path,
                                     fm_calibration **out, fm_error *err);

/** As fm_calibration_read, from memory. */
FM_API fm_status fm_calibration_decode(const fm_labels *labels, const void *data, size_t size,
                                       fm_calibration **out, fm_error *err);

/** Writes a calibration as JSON, in every build. Errors: also UNSUPPORTED (a name that is not
 *  UTF-8). */
FM_API fm_status fm_calibration_write(const fm_calibration *calibration, const char *path,
                                      fm_error *err);

/** As fm_calibration_write, to a callback. The last two bytes are a closing brace and a line break, as
 *  those of fm_class_stats_encode. */
FM_API fm_status fm_calibration_encode(const fm_calibration *calibration, fm_write_fn write,
                                       void *user, fm_error *err);

FM_END_DECLS

#endif
