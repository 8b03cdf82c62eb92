/* sys/stat.h - see freemask_port.h. */
#ifndef FREEMASK_PORT_SYS_STAT_H
#define FREEMASK_PORT_SYS_STAT_H
#pragma GCC system_header
#include <direct.h>
#include <io.h>
#include_next <sys/stat.h>

#include "../freemask_port.h"

#define S_IFLNK 0xA000
#define S_ISLNK(mode) (((mode)&S_IFMT) == S_IFLNK)

#undef stat
#undef fstat
#undef lstat
#define stat fm__stat
#define lstat fm__lstat
#define fstat fm__fstat
#define fstatat fm__fstatat
#define mkdir fm__mkdir
#define mkdirat fm__mkdirat
#define umask fm__umask
#define ino_t fm__ino_t
#define dev_t uint64_t

#endif
