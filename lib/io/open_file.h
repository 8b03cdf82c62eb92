/* io/open_file.h - files under numbers that nobody takes for standard input, output or error. */
#ifndef FM_IO_OPEN_FILE_H
#define FM_IO_OPEN_FILE_H

/* As open(), but never 0, 1 or 2, even where the host has closed these: what is printed, or closed
 * as if it were one of them, must not hit a file of ours. That holds while other threads close
 * them. O_CREAT goes with O_EXCL, since the file may be made again; its mode is 0666. -1: errno
 * tells why. */
int fm__open_file(const char *path, int flags);

#endif
