/* base/folder.h - the files of a folder by stem. */
#ifndef FREEMASK_TOOL_FOLDER_H
#define FREEMASK_TOOL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/fault.h"

/* A part of a folder's files (--shard i/n). */
typedef struct folder_shard {
  int64_t index; /* 0 .. count - 1 */
  int64_t count; /* 1: not sharded */
} folder_shard;

typedef struct folder_file {
  char *relative; /* "sub/a_labelTrainIds.png" */
  char *stem;     /* "sub/a" */
} folder_file;

/* Files sorted by the bytes of their stems, which are distinct. */
typedef struct folder {
  char *path;
  folder_file *files;
  size_t count;
} folder;

typedef enum folder_kind {
  FOLDER_MASKS = 1,
  FOLDER_IMAGES,
  FOLDER_LOSSES,
  FOLDER_QUERIES,
  FOLDER_STRATA
} folder_kind;

/* Lists a folder and those below it. Hidden files, unfinished ones (*.fm-part) and other types
 * are skipped: masks and strata are .png or .npy, images .jpg, .jpeg or .png, losses .npy, queries
 * .npz or .npy (case-insensitively). Suffixes are the label space's. A folder that cannot be read
 * is EXIT_IO; two files with the same stem, or a name that cannot be a stem, EXIT_DATA. */
int folder_list(folder_kind kind, const char *path, const fm_labels *labels, folder *out, fault *f);
void folder_free(folder *files);

/* The file with that stem, or NULL. */
const folder_file *folder_find(const folder *files, const char *stem);

/* The file's path. Caller frees. */
char *folder_path(const folder *files, const folder_file *file);

/* Is the path of a type that is listed in folders of some kind? */
bool folder_takes(const char *path);

/* Is the file, which stat described, in the folder or below, whatever it is called there? */
bool folder_holds(const char *path, const struct stat *file);

/* Which shard of `count` a stem belongs to: depends on the stem alone. */
int64_t folder_shard_of(const char *stem, int64_t count);

/* Drops the files of other shards. */
void folder_keep_shard(folder *files, folder_shard shard);

/* A number for the set of stems, whatever their order. */
uint64_t folder_identity(const folder *files);

#endif
