/* base/folder.h - the files of a folder by stem. */
#ifndef FREEMASK_TOOL_FOLDER_H
#define FREEMASK_TOOL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/folder_names.h"

/* A part of a folder's files (--shard i/n). */
typedef struct folder_shard {
  int64_t index; /* 0 .. count - 1 */
  int64_t count; /* 1: not sharded */
} folder_shard;

typedef struct folder_file {
  char *relative; /* "sub/a_labelTrainIds.png" */
  char *stem;     /* "sub/a" */
  bool suffixed;  /* its name ends in a suffix that the user or the label space gave */
  ino_t node;     /* its number on its device, whatever it is called; 0: unknown */
} folder_file;

/* Files sorted by the bytes of their stems. The stems are distinct; but those of images, losses and
 * strata only once they are paired (folder_pair.h). */
typedef struct folder {
  char *path;
  folder_kind kind;
  folder_file *files;
  size_t count;
  char *passed; /* a sentence about files of types that are not read there; NULL: there are none */
} folder;

/* Lists a folder and those below it. Hidden files and unfinished ones (*.fm-part) are skipped, and
 * so are types that folders of that kind do not hold (folder_names.h), with a note where they could
 * be meant. Suffixes are those of folder_names_now, else the label space's; masks without either
 * may have one that is well known, which is noted. A folder that cannot be read is EXIT_IO; two
 * masks with the same stem, or a name that cannot be a stem, EXIT_DATA. */
int folder_list(folder_kind kind, const char *path, const fm_labels *labels, folder *out, fault *f);
void folder_free(folder *files);

/* The file with that stem, or NULL. */
const folder_file *folder_find(const folder *files, const char *stem);

/* EXIT_DATA if two files have the same stem. */
int folder_check_unique(const folder *files, fault *f);

/* Keeps the files whose `drop` is false; sorts them by stem. */
void folder_drop(folder *files, const bool *drop);
void folder_sort(folder *files);

/* Are both the same file on the disk? */
bool folder_same_file(const folder *one, const folder_file *a, const folder *other,
                      const folder_file *b);

/* The file's path. Caller frees. */
char *folder_path(const folder *files, const folder_file *file);

/* Is the path of a type that is listed in folders of some kind? */
bool folder_takes(const char *path);

/* Which of the files, which stat described, is in the folder or below, whatever it is called there?
 * NULL: none. */
const struct stat *folder_holds(const char *path, const struct stat *files, size_t count);

/* Which shard of `count` a stem belongs to: fm_shard_of its composed form (NFC). */
int64_t folder_shard_of(const char *stem, int64_t count);

bool folder_in_shard(const char *stem, folder_shard shard); /* a count of 0 or 1: all are */

/* Drops the files of other shards. */
void folder_keep_shard(folder *files, folder_shard shard);

/* A number for the set of stems, whatever their order: the sum of those of each. */
uint64_t folder_identity(const folder *files);
uint64_t folder_stem_identity(const char *stem);

#endif
