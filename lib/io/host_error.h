/* io/host_error.h - errno as a sentence. */
#ifndef FM_IO_HOST_ERROR_H
#define FM_IO_HOST_ERROR_H

#include "core/fail.h"

/* FM_ERR_IO with errno as the host code: "<text>: No such file or directory". */
FM__PRINTF(3, 4)
fm_status fm__fail_errno(fm_error *err, int host_code, const char *format, ...);

#endif
