/* io/host_error.c - errno as a sentence. */
#include "io/host_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

fm_status fm__fail_errno(fm_error *err, int host_code, const char *format, ...) {
  if (!err) return FM_ERR_IO;
  char text[sizeof err->message];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  char reason[128];
  if (strerror_r(host_code, reason, sizeof reason))
    (void)snprintf(reason, sizeof reason, "error %d", host_code);
  return fm__fail_host(err, FM_ERR_IO, host_code, "%s: %s", text, reason);
}
