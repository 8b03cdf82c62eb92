/* names.h - between names in UTF-8 and Windows' own, and between its errors and errno. */
#ifndef FREEMASK_PORT_NAMES_H
#define FREEMASK_PORT_NAMES_H

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "freemask_port.h"

/* A path as Windows takes it, of any length; the caller frees it. NULL and errno if it is none:
 * EILSEQ: not UTF-8; EINVAL: Windows would take it for something else than the file of that name (a
 * device: NUL, COM1.png; a stream: a:b; a name without the dots or blanks at its end) or allows no
 * such name; ENOENT: empty. */
wchar_t *fm__port_wide(const char *path);

/* Back, with slashes; the caller frees it. NULL and errno. */
char *fm__port_narrow(const wchar_t *path);

/* The path of an open file or folder, without links in it; the caller frees it. NULL and errno. */
char *fm__port_path_of(HANDLE handle);

/* The path of `path` in an open folder; the caller frees it. NULL and errno. */
char *fm__port_path_in(int folder, const char *path);

/* Sets errno from GetLastError; returns -1. `path`, the wide one in question, may be NULL. */
int fm__port_fail(const wchar_t *path);

#endif
