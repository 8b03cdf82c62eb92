/* fuzz/fuzz.h - what the fuzzers share.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_FUZZ_FUZZ_H
#define FM_TESTS_FUZZ_FUZZ_H

#include <freemask/freemask.h>
#include <stddef.h>
#include <stdint.h>

/* Ends the process if it is not true. */
void fuzz_expect(int truth, const char *what);

/* Where files are made: in memory where the system has such a folder, so that no fuzzer waits for a disk. */
const char *fuzz_folder(void);

/* Ends the process unless a message is one line of valid UTF-8 for people. */
void fuzz_expect_sentence(const char *message);

typedef fm_status (*fuzz_decoder)(const fm_context *, const void *, size_t, const fm_read_options *,
                                  fm_raster **, fm_error *);

/* Decodes with small limits. A success has to have pixels that can all be read; a failure,
 * one of the documented codes, a sentence and an output that was left alone; and neither
 * may keep memory. Anything else ends the process. */
int fuzz_decode(fuzz_decoder decode, const uint8_t *data, size_t size);

/* Puts the right sums into whatever chunks a PNG has: a fuzzer does not find them. */
void fuzz_repair_png(uint8_t *data, size_t size);

/* A context of little memory; closing it ends the process if any of it was not released. */
fm_context *fuzz_open(void);
void fuzz_close(fm_context *context);

/* Whether a call of the library that reads strangers' bytes succeeded. If not, its status must be
 * one that they may cause, with a sentence and an output that was left alone. */
int fuzz_read(fm_status status, const void *out, const fm_error *err);

/* An fm_write_fn that keeps what it gets in a fuzz_bytes. */
typedef struct fuzz_bytes {
  unsigned char *data;
  size_t size;
} fuzz_bytes;
int fuzz_keep(const void *data, size_t size, void *user);

/* Encodes a decoded mask or image again and compares what that gives. */
void fuzz_round_trip(fm_context *context, const fm_raster *raster);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
