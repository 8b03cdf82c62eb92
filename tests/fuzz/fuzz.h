/* fuzz/fuzz.h - what the fuzzers share.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_FUZZ_FUZZ_H
#define FM_TESTS_FUZZ_FUZZ_H

#include <freemask/freemask.h>
#include <stddef.h>
#include <stdint.h>

/* Ends the process if it is not true. */
void fuzz_expect(int truth, const char *what);

/* Ends the process unless a message is one line of valid UTF-8 for people. */
void fuzz_expect_sentence(const char *message);

typedef fm_status (*fuzz_decoder)(const fm_context *, const void *, size_t, const fm_read_options *,
                                  fm_raster **, fm_error *);

/* Decodes with small limits. A success has to have pixels that can all be read; a failure,
 * one of the documented codes, a sentence and an output that was left alone; and neither
 * may keep memory. Anything else ends the process. */
int fuzz_decode(fuzz_decoder decode, const uint8_t *data, size_t size);

/* Encodes a decoded mask or image again and compares what that gives. */
void fuzz_round_trip(fm_context *context, const fm_raster *raster);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
