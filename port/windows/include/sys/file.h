/* sys/file.h - see freemask_port.h. */
#ifndef FREEMASK_PORT_SYS_FILE_H
#define FREEMASK_PORT_SYS_FILE_H
#include "../freemask_port.h"

enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
#define flock fm__flock

#endif
