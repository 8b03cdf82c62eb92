/* job/outdir.h - output folders: made, locked, and removed when a command fails. */
#ifndef FREEMASK_TOOL_OUTDIR_H
#define FREEMASK_TOOL_OUTDIR_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/folder.h"
#include "base/folder_lock.h"

/* Remembers which folders and files this command made. Thread-safety: any thread. */
typedef struct outdir {
  char *path;       /* NULL: not open */
  folder_lock lock; /* nothing if the calling command holds it */
  char **made;      /* folders end in '/', in the order they were made */
  size_t count, capacity;
  char *ready;           /* the folder of the last file */
  pthread_mutex_t mutex; /* of what was made */
} outdir;

/* How a command ends. */
typedef enum outdir_end {
  OUTDIR_KEEP = 0,   /* what it made stays */
  OUTDIR_KEEP_FILES, /* files stay, empty folders go */
  OUTDIR_UNDO        /* all that it made goes */
} outdir_end;

/* Makes the folder and its parents and locks it; a command does this before anything else there.
 * EXIT_USAGE if another process has the lock. `held`: the lock of the same folder, if this command
 * runs as a part of one that has it; NULL: none. */
int outdir_open(const char *path, const folder_lock *held, outdir *out, fault *f);

/* Makes the folder that holds `relative`. Returns the full path in `*path` (caller frees). Links below
 * the output folder are not followed: EXIT_USAGE. */
int outdir_path(outdir *dir, const char *relative, char **path, fault *f);

/* EXIT_USAGE if `relative`, or a folder above it below the output folder, is a link: what is written
 * or cleared there would be somebody else's. One that does not exist is fine. */
int outdir_check_real(const outdir *dir, const char *relative, fault *f);

/* Remembers a file that was made, by its full path. */
void outdir_made(outdir *dir, const char *path);

/* Ends it and releases the lock. One that is not open is fine. */
void outdir_close(outdir *dir, outdir_end end);

/* Makes one folder and its parents, remembering nothing. */
int outdir_make(const char *path, fault *f);

/* EXIT_IO if a file cannot be written: its folder is missing, or it is a folder itself. Removes
 * what killed processes left of it. */
int outdir_check_file(const char *path, fault *f);

/* Removes what killed processes left unfinished below a folder, or right in it only: files
 * NAME.<process>-....fm-part of processes that are not alive, or had the number of this one, which must not be writing
 * there. A folder that does not exist is fine.
 */
void outdir_sweep(const char *path);
void outdir_sweep_top(const char *path);

/* The same below a folder into which the shards of a job write side by side, maybe on other machines, whose processes
 * nobody here knows: what this shard left there. Files are named as the stems of its masks. */
void outdir_sweep_shard(const char *path, folder_shard shard);

/* Removes the PNG files below a folder, unfinished ones as outdir_sweep does, and folders that are
 * empty then. Links are neither followed nor removed. */
int outdir_clear_masks(const char *path, fault *f);
int outdir_clear_weights(const char *path, fault *f); /* NPY files, too */

/* Is there any file below the folder? */
bool outdir_has_files(const char *path);

/* Is there nothing in the folder but its lock? One that is not there is empty. */
int outdir_is_empty(const char *path, bool *empty, fault *f);

#endif
