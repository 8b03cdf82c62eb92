/* io.h - Microsoft's, but for three names of its own: read and write take sizes as POSIX has them,
 * tell is free. */
#ifndef FREEMASK_PORT_IO_H
#define FREEMASK_PORT_IO_H
#pragma GCC system_header
#define read fm__crt_read
#define write fm__crt_write
#define tell fm__crt_tell
#include_next <io.h>
#undef read
#undef write
#undef tell

#include <sys/types.h>

ssize_t read(int handle, void *to, size_t size) __asm__("fm__read");
ssize_t write(int handle, const void *from, size_t size) __asm__("fm__write");

#endif
