/* unistd.h - see freemask_port.h. */
#ifndef FREEMASK_PORT_UNISTD_H
#define FREEMASK_PORT_UNISTD_H
#pragma GCC system_header
#include <direct.h>
#include <io.h>
#include_next <unistd.h>

#include "freemask_port.h"

#ifndef STDIN_FILENO
#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#endif
#define _SC_PAGESIZE 30
#define _SC_NPROCESSORS_ONLN 84

#undef ftruncate
#define fsync fm__fsync
#define pread fm__pread
#define pwrite fm__pwrite
#define ftruncate fm__ftruncate
#define unlink fm__unlink
#define unlinkat fm__unlinkat
#define rmdir fm__rmdir
#define access fm__access
#define link fm__link
#define fchdir fm__fchdir
#define pipe fm__pipe
#define symlink fm__symlink
#define readlink fm__readlink
#define sysconf fm__sysconf

#endif
