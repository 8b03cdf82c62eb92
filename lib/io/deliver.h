/* io/deliver.h - where an encoded file goes: to a path or to the host's callback. */
#ifndef FM_IO_DELIVER_H
#define FM_IO_DELIVER_H

#include <freemask/io.h>

#include "io/bytes.h"

typedef struct fm__target {
  bool to_file;
  const char *path;  /* to_file */
  bool flush;        /* to_file: before the call returns */
  fm_write_fn write; /* else */
  void *user;
} fm__target;

/* FM_ERR_ARGUMENT unless the call's receiver (`name`: "context") and the target's path or callback
 * are there. */
fm_status fm__target_check(const char *call, const void *receiver, const char *name,
                           const fm__target *to, fm_error *err);

/* Hands the bytes over if `status`, that of the encoder, is FM_OK and no memory was refused.
 * Frees them whatever happens. */
fm_status fm__deliver(fm__bytes *bytes, const fm__target *to, fm_status status, fm_error *err);

#endif
