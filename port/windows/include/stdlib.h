/* stdlib.h - see freemask_port.h. */
#pragma GCC system_header
#include_next <stdlib.h>

#ifndef FREEMASK_PORT_STDLIB_H
#define FREEMASK_PORT_STDLIB_H
#include "freemask_port.h"

#define realpath fm__realpath
#define at_quick_exit(function) ((void)(function), 0) /* there is no quick_exit */

#endif
