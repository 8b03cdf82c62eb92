/* io/calibration_file.h - calibrations in JSON: what writing and reading share. */
#ifndef FM_IO_CALIBRATION_FILE_H
#define FM_IO_CALIBRATION_FILE_H

#include "filter/calibration.h"

#define FM__CALIBRATION_FORMAT "freemask-calibration"
enum { FM__CALIBRATION_VERSION = 1 };

/* FNV-1a of the layout's label space, score, bins and ranks, and of all words. */
uint64_t fm__calibration_checksum(const fm_calibration *calibration, const int64_t *words);

/* Without jansson FM_ERR_UNSUPPORTED. */
fm_status fm__calibration_parse(const fm_labels *labels, const char *data, size_t size,
                                fm_calibration **out, fm_error *err);

#endif
