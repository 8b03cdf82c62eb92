/* folders.c - what is in folders, and below them. */
#include "names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <io.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

struct fm__dir {
  HANDLE search;
  WIN32_FIND_DATAW found;
  bool ready; /* `found` was not given out yet */
  struct dirent entry;
};

DIR *fm__opendir(const char *path) {
  struct stat info;
  if (stat(path, &info)) return NULL;
  errno = ENOTDIR;
  if (!S_ISDIR(info.st_mode)) return NULL;
  wchar_t *wide = fm__port_wide(path);
  size_t length = wide ? wcslen(wide) : 0;
  wchar_t *all = wide ? realloc(wide, (length + 3) * sizeof *wide) : NULL;
  if (!all) {
    free(wide);
    return NULL;
  }
  wmemcpy(all + length, length && all[length - 1] == L'\\' ? L"*\0" : L"\\*", 3);
  DIR *dir = calloc(1, sizeof *dir);
  if (dir) {
    dir->search = FindFirstFileExW(all, FindExInfoBasic, &dir->found, FindExSearchNameMatch, NULL,
                                   FIND_FIRST_EX_LARGE_FETCH);
    dir->ready = dir->search != INVALID_HANDLE_VALUE;
    /* The top folder of a drive may have nothing in it, not even itself. */
    if (!dir->ready && GetLastError() != ERROR_FILE_NOT_FOUND) {
      (void)fm__port_fail(all);
      free(dir);
      dir = NULL;
    }
  }
  free(all);
  return dir;
}

DIR *fm__fdopendir(int handle) {
  char *path = fm__port_path_of((HANDLE)_get_osfhandle(handle));
  DIR *dir = path ? opendir(path) : NULL;
  free(path);
  if (dir) _close(handle);
  return dir;
}

int fm__fchdir(int handle) {
  char *path = fm__port_path_of((HANDLE)_get_osfhandle(handle));
  wchar_t *wide = path ? fm__port_wide(path) : NULL;
  int result = wide && SetCurrentDirectoryW(wide) ? 0 : wide ? fm__port_fail(wide) : -1;
  free(wide);
  free(path);
  return result;
}

/* Half a character, which Windows allows in names, is told as U+FFFD. */
struct dirent *fm__readdir(DIR *dir) {
  if (!dir->ready) {
    if (dir->search == INVALID_HANDLE_VALUE) return NULL;
    if (!FindNextFileW(dir->search, &dir->found)) {
      if (GetLastError() != ERROR_NO_MORE_FILES) (void)fm__port_fail(NULL);
      return NULL;
    }
  }
  dir->ready = false;
  int room = (int)sizeof dir->entry.d_name;
  WideCharToMultiByte(CP_UTF8, 0, dir->found.cFileName, -1, dir->entry.d_name, room, NULL, NULL);
  return &dir->entry;
}

int fm__closedir(DIR *dir) {
  if (dir->search != INVALID_HANDLE_VALUE) FindClose(dir->search);
  free(dir);
  return 0;
}

/* ---- All that is below ------------------------------------------------------------------- */

typedef struct tree {
  fm__nftw_fn visit;
  int flags;
} tree;

static int walk(const tree *t, const char *path, int level);

static int walk_below(const tree *t, DIR *dir, const char *path, int level) {
  int result = 0;
  for (struct dirent *entry; !result && (entry = readdir(dir));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    size_t left = strlen(path), right = strlen(entry->d_name);
    char *next = malloc(left + right + 2);
    if (!next) return -1;
    memcpy(next, path, left);
    next[left] = '/';
    memcpy(next + left + 1, entry->d_name, right + 1);
    result = walk(t, next, level + 1);
    free(next);
  }
  return result;
}

static int walk(const tree *t, const char *path, int level) {
  struct stat info;
  const char *slash = strrchr(path, '/');
  struct FTW where = {slash ? (int)(slash - path) + 1 : 0, level};
  if (lstat(path, &info)) return t->visit(path, &info, FTW_NS, &where);
  if (S_ISLNK(info.st_mode)) return t->visit(path, &info, FTW_SL, &where);
  if (!S_ISDIR(info.st_mode)) return t->visit(path, &info, FTW_F, &where);
  DIR *dir = opendir(path);
  if (!dir) return t->visit(path, &info, FTW_DNR, &where);
  int result = t->flags & FTW_DEPTH ? 0 : t->visit(path, &info, FTW_D, &where);
  if (!result) result = walk_below(t, dir, path, level);
  closedir(dir);
  if (!result && t->flags & FTW_DEPTH) result = t->visit(path, &info, FTW_DP, &where);
  return result;
}

int fm__nftw(const char *path, fm__nftw_fn visit, int handles, int flags) {
  struct stat info;
  (void)handles;
  if (lstat(path, &info)) return -1;
  return walk(&(tree){visit, flags}, path, 0);
}
