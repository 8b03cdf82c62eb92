/* abi/calls.h - one call for every options structure. */
#ifndef FM_TESTS_ABI_CALLS_H
#define FM_TESTS_ABI_CALLS_H

#include <freemask/freemask.h>

typedef struct options_call {
  const char *name;
  size_t size; /* as this header has it */
  /* Writes the fields that have no default; the memory is zero and `size` long. */
  void (*fill)(void *options);
  fm_status (*call)(fm_context *context, const void *options, fm_error *err);
} options_call;

extern const options_call options_calls[];
extern const size_t options_call_count;

#endif
