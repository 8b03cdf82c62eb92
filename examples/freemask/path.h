/* freemask/path.h - names of files. */
#ifndef FREEMASK_TOOL_PATH_H
#define FREEMASK_TOOL_PATH_H

#include <stdbool.h>
#include <stddef.h>

char *path_join(const char *folder, const char *name); /* caller frees */
bool path_ends_with(const char *path, const char *suffix);
bool path_exists(const char *path);
bool path_is_folder(const char *path);

/* The relative name of a mask, image or loss without its extension and, if it ends in it,
 * without `suffix`. Caller frees. */
char *path_stem(const char *relative, const char *suffix);

/* The same folder, or one below the other (by realpath)? */
bool path_same_or_inside(const char *inner, const char *outer);

#endif
