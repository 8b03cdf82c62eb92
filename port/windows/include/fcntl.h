/* fcntl.h - see freemask_port.h. */
#ifndef FREEMASK_PORT_FCNTL_H
#define FREEMASK_PORT_FCNTL_H
#pragma GCC system_header
#include_next <fcntl.h>
#include <io.h>

#include "freemask_port.h"

#define O_CLOEXEC _O_NOINHERIT
#define O_NONBLOCK 0
#define O_NOCTTY 0
#define O_NOFOLLOW 0x1000000
#define O_DIRECTORY 0x2000000
#define AT_FDCWD (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR 0x200

enum { F_GETFD = 1, F_DUPFD_CLOEXEC = 1030 };
#define fcntl fm__fcntl
#define open fm__open
#define openat fm__openat

#endif
