/* base/path.h - names of files. */
#ifndef FREEMASK_TOOL_PATH_H
#define FREEMASK_TOOL_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/stat.h>

#include "base/fault.h"

char *path_join(const char *folder, const char *name); /* caller frees */
bool path_ends_with(const char *path, const char *suffix);
bool path_exists(const char *path); /* also if the system does not say: opening it will */

/* Links followed. Where the system does not say what is there: no, and it is noted (base/unsaid.h). */
bool path_is_folder(const char *path);
bool path_is_file(const char *path, struct stat *info); /* a regular one; fills `info` */
bool path_same_file(const char *a, const char *b);      /* both have to be there */

/* What is at `path`, links followed; a fault if the system does not say. */
typedef enum path_kind { PATH_ABSENT, PATH_FILE, PATH_FOLDER } path_kind;
int path_look(const char *path, path_kind *out, fault *f);

/* EXIT_USAGE if something is there: "<path> is already there, expected <this>". */
int path_expect_free(const char *path, const char *expected, fault *f);

/* The relative name of a mask, image or loss without its extension and, if it ends in it,
 * without `suffix`. Caller frees. */
char *path_stem(const char *relative, const char *suffix);

/* The absolute path without links, as far as it exists; what the system does not say is noted (base/unsaid.h), here
 * and in the next functions. Caller frees. */
char *path_real(const char *path);

/* Bytes of an absolute path up to its first name ("/", on Windows also "C:/"); 0: it is relative. */
size_t path_root(const char *path);

/* The absolute path with the links in it as they were written. Caller frees. */
char *path_absolute(const char *path);

/* How a file in `folder` names `path`: "./x" or "../x". Links in the path stay as they were written,
 * below the last folder that is above both. Caller frees. */
char *path_relative(const char *folder, const char *path);

/* How the file `file` remembers an input, so that it is found from any working folder: absolute
 * paths as they are, others from the file's folder on ("./x", "../x"); and back, from the working folder on, without
 * going down and up again ("out/../x") where no link is passed. NULL gives NULL. Caller frees. */
char *path_to_store(const char *file, const char *path);
char *path_from_store(const char *file, const char *stored);

/* The same folder, or one below the other (by realpath)? */
bool path_same_or_inside(const char *inner, const char *outer);

/* Reads a whole file of at most `limit` bytes (and what memory can address); a NUL follows
 * them. Caller frees. */
int path_read(const char *path, uint64_t limit, char **data, size_t *length, fault *f);

#endif
