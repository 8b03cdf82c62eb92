/* abi/consumer.c - somebody's program of the day of a release: `./dev abi --record` compiles it, and every later
 * library has to run what was compiled then (tests/abi/releases).
 *
 * It hands over each options structure at the size of its day, and then runs example programs, which compute and print
 * what the library is for: statistics, filter, hardness, plan, network outputs, a training order. */
#include <stdio.h>
#include <stdlib.h>

#include "calls.h"

/* The examples' main functions, renamed by the compiler's command line. */
int example_02(void);
int example_04(void);
int example_06(void);

static fm_context *context;

static int try_call(const options_call *row) {
  fm_error err = {.message = ""};
  void *options = calloc(1, row->size);
  if (!options) return 1;
  row->fill(options);
  *(size_t *)options = row->size;
  fm_status status = row->call(context, options, &err);
  free(options);
  /* A build without PNG. */
  if (status == FM_ERR_UNSUPPORTED && row->call(context, NULL, NULL) == FM_ERR_UNSUPPORTED)
    status = FM_OK;
  if (status)
    fprintf(stderr, "%s: %s\n", row->name, err.message);
  else
    printf("%s of %zu bytes is taken\n", row->name, row->size);
  return status != FM_OK;
}

int main(void) {
  int failed = fm_abi_version() != FM_ABI_VERSION || fm_context_create(NULL, &context, NULL);
  for (size_t i = 0; i < options_call_count && !failed; i++) failed = try_call(&options_calls[i]);
  fm_context_destroy(context);
  return failed || example_02() || example_04() || example_06();
}
