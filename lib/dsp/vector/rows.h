/* dsp/vector/rows.h - GNU C's vector types of VECTOR bytes, 16, 32 or 64 (vector/chunks.h). */
#ifndef FM_DSP_VECTOR_ROWS_H
#define FM_DSP_VECTOR_ROWS_H

#include <stdint.h>

enum { LANES = VECTOR / 4 }; /* floats of a vector */

typedef uint8_t bytes __attribute__((vector_size(VECTOR)));
typedef int8_t signed_bytes __attribute__((vector_size(VECTOR)));
typedef uint16_t shorts __attribute__((vector_size(VECTOR)));
typedef int32_t ints __attribute__((vector_size(VECTOR)));
typedef uint32_t words __attribute__((vector_size(VECTOR)));
typedef uint64_t longs __attribute__((vector_size(VECTOR)));
typedef float floats __attribute__((vector_size(VECTOR)));

/* The same in memory, anywhere. */
typedef bytes loose_bytes __attribute__((aligned(1), may_alias));
typedef ints loose_ints __attribute__((aligned(1), may_alias));
typedef words loose_words __attribute__((aligned(1), may_alias));
typedef floats loose_floats __attribute__((aligned(1), may_alias));

TARGET static inline bytes same_bytes(uint8_t value) { return value - (bytes){0}; }
TARGET static inline ints same_ints(int32_t value) { return value - (ints){0}; }

#endif
