/* stdio.h - see freemask_port.h. */
#pragma GCC system_header
#include_next <stdio.h>

#ifndef FREEMASK_PORT_STDIO_H
#define FREEMASK_PORT_STDIO_H
#include "freemask_port.h"

#define fopen fm__fopen
#define fdopen fm__fdopen
#define rename fm__rename
#define renameat fm__renameat
#define remove fm__remove

#endif
