/* string.h - see freemask_port.h. */
#pragma GCC system_header
#include_next <string.h>

#ifndef FREEMASK_PORT_STRING_H
#define FREEMASK_PORT_STRING_H
#include "freemask_port.h"

#define strerror_r fm__strerror_r

#endif
