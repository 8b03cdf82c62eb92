/* io/path.h - the parts of a path. */
#ifndef FM_IO_PATH_H
#define FM_IO_PATH_H

#if defined(_WIN32)
#define FM__IS_SLASH(c) ((c) == '/' || (c) == '\\')
#else
#define FM__IS_SLASH(c) ((c) == '/')
#endif

/* Where the name of the file begins. */
static inline const char *fm__path_name(const char *path) {
  const char *name = path;
  for (const char *at = path; *at; at++)
    if (FM__IS_SLASH(*at)) name = at + 1;
  return name;
}

#endif
