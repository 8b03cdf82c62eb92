/* job/outdir.h - output folders: made when needed, unmade when a run fails. */
#ifndef FREEMASK_TOOL_OUTDIR_H
#define FREEMASK_TOOL_OUTDIR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"

/* Remembers which folders and files this run made. Thread-safety: any thread. */
typedef struct outdir {
  char *path;
  char **made; /* folders end in '/', in the order they were made */
  size_t count, capacity;
  pthread_mutex_t lock;
} outdir;

/* Makes the folder and its parents. */
int outdir_open(const char *path, outdir *out, fault *f);

/* Makes the folder that holds `relative`. Answers the full path in `*path` (caller frees). */
int outdir_place(outdir *dir, const char *relative, char **path, fault *f);

/* Remembers a file that was made, by its full path. */
void outdir_made(outdir *dir, const char *path);

/* Removes what this run made, newest first. */
void outdir_undo(outdir *dir);

void outdir_close(outdir *dir);

/* Makes one folder and its parents, remembering nothing. */
int outdir_make(const char *path, fault *f);

/* EXIT_USAGE if `output` is, contains or lies in the input folder `input` (may be NULL). */
int outdir_apart(const char *output, const char *input, fault *f);

/* Fails early, before hours of work, where a file could not be written: EXIT_IO if its folder is
 * missing or it is a folder itself. */
int outdir_check_file(const char *path, fault *f);

/* EXIT_USAGE if writing `output` would replace an input: the file `input`, or a mask, image or
 * loss map in the folder `input` (NULL is fine). */
int outdir_spare(const char *output, const char *input, fault *f);

/* Removes what a killed run left unfinished, *.fm-part: all below a folder; or those right in it
 * whose names begin with `prefix`. A folder that is not there is fine. */
void outdir_sweep(const char *path);
void outdir_sweep_prefix(const char *path, const char *prefix);

/* Removes what killed runs left beside the file `path` when they were writing it. Those of
 * processes that are alive stay. */
void outdir_sweep_file(const char *path);

/* Removes the PNG files below a folder, and folders that are empty then. */
void outdir_clear_masks(const char *path);

/* Is there any file below the folder? */
bool outdir_has_files(const char *path);

#endif
