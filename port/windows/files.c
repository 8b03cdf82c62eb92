/* files.c - opening, describing, locking, naming files. */
#include "names.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whoever has a file open does not keep others from it, as on POSIX. */
#define SHARED (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

enum {
  RENAME_TRIES = 100 /* milliseconds that scanners of viruses and the like may hold a file */
};

static HANDLE handle_of(int number) { return (HANDLE)_get_osfhandle(number); }

/* ---- What a file is ---------------------------------------------------------------------- */

static struct timespec time_of(int64_t units) {
  const int64_t second = 10000000, to_1970 = INT64_C(11644473600);
  struct timespec time = {.tv_sec = units / second - to_1970,
                          .tv_nsec = (long)(units % second) * 100};
  return time;
}

static bool is_link(HANDLE handle) {
  FILE_ATTRIBUTE_TAG_INFO tag;
  return GetFileInformationByHandleEx(handle, FileAttributeTagInfo, &tag, sizeof tag) &&
         (tag.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) &&
         (tag.ReparseTag == IO_REPARSE_TAG_SYMLINK || tag.ReparseTag == IO_REPARSE_TAG_MOUNT_POINT);
}

static int describe(HANDLE handle, struct stat *out) {
  memset(out, 0, sizeof *out);
  DWORD type = GetFileType(handle);
  if (type != FILE_TYPE_DISK) {
    out->st_mode = type == FILE_TYPE_PIPE ? _S_IFIFO : S_IFCHR;
    return 0;
  }
  BY_HANDLE_FILE_INFORMATION info;
  FILE_BASIC_INFO basic;
  if (!GetFileInformationByHandle(handle, &info) ||
      !GetFileInformationByHandleEx(handle, FileBasicInfo, &basic, sizeof basic))
    return fm__port_fail(NULL);
  bool folder = info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY;
  bool fixed = info.dwFileAttributes & FILE_ATTRIBUTE_READONLY;
  unsigned kind = is_link(handle) ? S_IFLNK : folder ? S_IFDIR : S_IFREG;
  out->st_mode = kind | (folder ? 0777U : fixed ? 0444U : 0666U);
  out->st_dev = info.dwVolumeSerialNumber;
  out->st_ino = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
  out->st_nlink = info.nNumberOfLinks;
  out->st_size = (int64_t)((uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow);
  out->st_atim = time_of(basic.LastAccessTime.QuadPart);
  out->st_mtim = time_of(basic.LastWriteTime.QuadPart);
  out->st_ctim = time_of(basic.ChangeTime.QuadPart);
  return 0;
}

/* What POSIX would say of a path that ends in a slash and is no folder. */
static bool ends_in_slash(const char *path) {
  size_t length = strlen(path);
  return length && (path[length - 1] == '/' || path[length - 1] == '\\');
}

static int stat_path(const char *path, DWORD flags, struct stat *out) {
  wchar_t *wide = fm__port_wide(path);
  if (!wide) return -1;
  HANDLE handle = CreateFileW(wide, FILE_READ_ATTRIBUTES, SHARED, NULL, OPEN_EXISTING,
                              FILE_FLAG_BACKUP_SEMANTICS | flags, NULL);
  int result = handle == INVALID_HANDLE_VALUE ? fm__port_fail(wide) : describe(handle, out);
  if (handle != INVALID_HANDLE_VALUE) CloseHandle(handle);
  free(wide);
  if (!result && ends_in_slash(path) && !S_ISDIR(out->st_mode)) {
    errno = ENOTDIR;
    return -1;
  }
  return result;
}

int fm__stat(const char *path, struct stat *out) { return stat_path(path, 0, out); }

int fm__lstat(const char *path, struct stat *out) {
  return stat_path(path, FILE_FLAG_OPEN_REPARSE_POINT, out);
}

int fm__fstat(int handle, struct stat *out) {
  HANDLE own = handle_of(handle);
  if (own == INVALID_HANDLE_VALUE) return -1;
  return describe(own, out);
}

int fm__fstatat(int folder, const char *path, struct stat *out, int flags) {
  char *whole = fm__port_path_in(folder, path);
  int result = !whole ? -1 : flags & AT_SYMLINK_NOFOLLOW ? lstat(whole, out) : stat(whole, out);
  free(whole);
  return result;
}

int fm__access(const char *path, int mode) {
  struct stat info;
  if (stat(path, &info)) return -1;
  if (!(mode & W_OK) || info.st_mode & 0200) return 0;
  errno = EACCES;
  return -1;
}

/* ---- Opening ------------------------------------------------------------------------------ */

static HANDLE create(const wchar_t *path, int flags) {
  int how = flags & (O_WRONLY | O_RDWR);
  DWORD access = how == O_RDWR     ? GENERIC_READ | GENERIC_WRITE
                 : how == O_WRONLY ? GENERIC_WRITE
                                   : GENERIC_READ;
  DWORD disposition = !(flags & O_CREAT) ? OPEN_EXISTING
                      : flags & O_EXCL   ? CREATE_NEW
                                         : OPEN_ALWAYS;
  DWORD attributes = FILE_ATTRIBUTE_NORMAL | FILE_FLAG_BACKUP_SEMANTICS;
  if (flags & O_NOFOLLOW) attributes |= FILE_FLAG_OPEN_REPARSE_POINT;
  return CreateFileW(path, access, SHARED, NULL, disposition, attributes, NULL);
}

/* errno of what must not be opened so; 0: it may be. */
static int refusal(HANDLE handle, int flags) {
  struct stat info;
  if (describe(handle, &info)) return errno;
  if (S_ISLNK(info.st_mode)) return ELOOP;
  if (S_ISDIR(info.st_mode)) return flags & (O_WRONLY | O_RDWR | O_CREAT) ? EISDIR : 0;
  return flags & O_DIRECTORY ? ENOTDIR : 0;
}

int fm__open(const char *path, int flags, ...) {
  wchar_t *wide = !strcmp(path, "/dev/null") ? _wcsdup(L"NUL") : fm__port_wide(path);
  if (!wide) return -1;
  HANDLE handle = create(wide, flags);
  if (handle == INVALID_HANDLE_VALUE) (void)fm__port_fail(wide);
  free(wide);
  if (handle == INVALID_HANDLE_VALUE) return -1;
  int code = refusal(handle, flags), number = -1;
  if (!code && flags & O_TRUNC && !SetEndOfFile(handle)) code = EIO;
  if (!code) {
    number = _open_osfhandle((intptr_t)handle, (flags & O_APPEND) | _O_NOINHERIT | _O_BINARY);
    if (number >= 0) return number;
    code = EMFILE;
  }
  CloseHandle(handle);
  errno = code;
  return -1;
}

int fm__fcntl(int handle, int command, ...) {
  if (handle_of(handle) == INVALID_HANDLE_VALUE) return -1; /* EBADF */
  if (command == F_GETFD) return 0;
  va_list rest;
  va_start(rest, command);
  int least = va_arg(rest, int), below[16], count = 0, copy;
  va_end(rest);
  while ((copy = _dup(handle)) >= 0 && copy < least && count < 16) below[count++] = copy;
  while (count) _close(below[--count]);
  return copy;
}

int fm__pipe(int ends[2]) { return _pipe(ends, 4096, _O_BINARY | _O_NOINHERIT); }

int fm__openat(int folder, const char *path, int flags, ...) {
  char *whole = fm__port_path_in(folder, path);
  int handle = whole ? open(whole, flags, 0666) : -1;
  free(whole);
  return handle;
}

/* What fdopen takes: the mode, and that nothing is translated. */
static const char *binary(const char *mode, char *room) {
  size_t length = strcspn(mode, "bext");
  if (length > 4) length = 4;
  memcpy(room, mode, length);
  if (strchr(mode, '+') && !memchr(mode, '+', length)) room[length++] = '+';
  strcpy(room + length, "b");
  return room;
}

FILE *fm__fdopen(int handle, const char *mode) {
  char room[8];
  return _fdopen(handle, binary(mode, room));
}

FILE *fm__fopen(const char *path, const char *mode) {
  int flags = strchr(mode, '+') ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;
  if (*mode != 'r') flags |= O_CREAT | (*mode == 'w' ? O_TRUNC : O_APPEND);
  if (strchr(mode, 'x')) flags |= O_EXCL;
  int handle = open(path, flags, 0666);
  if (handle < 0) return NULL;
  FILE *file = fm__fdopen(handle, mode);
  if (!file) _close(handle);
  return file;
}

/* ---- Bytes -------------------------------------------------------------------------------- */

int fm__fsync(int handle) {
  struct stat info;
  HANDLE own = handle_of(handle);
  if (own == INVALID_HANDLE_VALUE || describe(own, &info)) return -1;
  if (!S_ISREG(info.st_mode) || FlushFileBuffers(own)) return 0;
  if (GetLastError() != ERROR_ACCESS_DENIED) return fm__port_fail(NULL);
  /* It was opened to be read. */
  HANDLE again = ReOpenFile(own, GENERIC_WRITE, SHARED, 0);
  if (again == INVALID_HANDLE_VALUE) return fm__port_fail(NULL);
  int result = FlushFileBuffers(again) ? 0 : fm__port_fail(NULL);
  CloseHandle(again);
  return result;
}

enum { MOST_AT_ONCE = 1 << 30 };

ssize_t fm__read(int handle, void *to, size_t size) {
  return _read(handle, to, size < MOST_AT_ONCE ? (unsigned)size : MOST_AT_ONCE);
}

ssize_t fm__write(int handle, const void *from, size_t size) {
  return _write(handle, from, size < MOST_AT_ONCE ? (unsigned)size : MOST_AT_ONCE);
}

static OVERLAPPED at_offset(uint64_t offset) {
  OVERLAPPED at;
  memset(&at, 0, sizeof at);
  at.Offset = (DWORD)offset;
  at.OffsetHigh = (DWORD)(offset >> 32);
  return at;
}

/* Both move the place where reading goes on, which POSIX leaves: it is put back. */
static ssize_t transfer(int handle, void *to, const void *from, size_t size, int64_t offset) {
  HANDLE own = handle_of(handle);
  OVERLAPPED at = at_offset((uint64_t)offset);
  LARGE_INTEGER none = {.QuadPart = 0}, place;
  DWORD most = size < MOST_AT_ONCE ? (DWORD)size : MOST_AT_ONCE, count = 0;
  if (own == INVALID_HANDLE_VALUE) return -1;
  if (!SetFilePointerEx(own, none, &place, FILE_CURRENT)) return fm__port_fail(NULL);
  BOOL done = to ? ReadFile(own, to, most, &count, &at) : WriteFile(own, from, most, &count, &at);
  bool at_end = !done && GetLastError() == ERROR_HANDLE_EOF;
  ssize_t result = done || at_end ? (ssize_t)count : fm__port_fail(NULL);
  (void)SetFilePointerEx(own, place, NULL, FILE_BEGIN);
  return result;
}

ssize_t fm__pread(int handle, void *to, size_t size, int64_t offset) {
  return transfer(handle, to, NULL, size, offset);
}

ssize_t fm__pwrite(int handle, const void *from, size_t size, int64_t offset) {
  return transfer(handle, NULL, from, size, offset);
}

int fm__ftruncate(int handle, int64_t size) {
  int code = _chsize_s(handle, size);
  if (code) errno = code;
  return code ? -1 : 0;
}

int fm__flock(int handle, int operation) {
  HANDLE own = handle_of(handle);
  OVERLAPPED at = at_offset(UINT64_C(0x7FFFFFFF00000000));
  if (own == INVALID_HANDLE_VALUE) return -1;
  if (operation & LOCK_UN) return UnlockFileEx(own, 0, 1, 0, &at) ? 0 : fm__port_fail(NULL);
  DWORD how = (operation & LOCK_EX ? LOCKFILE_EXCLUSIVE_LOCK : 0) |
              (operation & LOCK_NB ? LOCKFILE_FAIL_IMMEDIATELY : 0);
  return LockFileEx(own, how, 0, 1, 0, &at) ? 0 : fm__port_fail(NULL);
}

/* ---- Names -------------------------------------------------------------------------------- */

static bool is_folder(const wchar_t *path) {
  DWORD attributes = GetFileAttributesW(path);
  return attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY;
}

static bool is_read_only(const wchar_t *path) {
  DWORD attributes = GetFileAttributesW(path);
  return attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_READONLY &&
         !(attributes & FILE_ATTRIBUTE_DIRECTORY);
}

/* Another program may look into either file for a moment; then Windows refuses. */
static bool move(const wchar_t *from, const wchar_t *to) {
  for (int tries = 0; !MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING); tries++) {
    DWORD why = GetLastError();
    bool later = why == ERROR_ACCESS_DENIED || why == ERROR_SHARING_VIOLATION;
    if (!later || tries == RENAME_TRIES || is_folder(to)) return false;
    Sleep(1);
  }
  return true;
}

int fm__rename(const char *from, const char *to) {
  wchar_t *old = fm__port_wide(from), *new = old ? fm__port_wide(to) : NULL;
  int result = new ? 0 : -1;
  /* A folder: Windows refuses if a file in it is open, and wine loses track of that file. */
  if (new && (is_read_only(new) || is_folder(old))) {
    result = -1;
    errno = EACCES;
  } else if (new && !move(old, new)) {
    result = fm__port_fail(new);
    if (errno == EACCES && is_folder(new)) errno = EISDIR;
  }
  free(old);
  free(new);
  return result;
}

int fm__renameat(int from_folder, const char *from, int to_folder, const char *to) {
  char *old = fm__port_path_in(from_folder, from);
  char *new = old ? fm__port_path_in(to_folder, to) : NULL;
  int result = new ? fm__rename(old, new) : -1;
  free(old);
  free(new);
  return result;
}

int fm__unlink(const char *path) {
  wchar_t *wide = fm__port_wide(path);
  if (!wide) return -1;
  int result = DeleteFileW(wide) ? 0 : fm__port_fail(wide);
  if (result && errno == EACCES && is_folder(wide)) errno = EISDIR;
  free(wide);
  return result;
}

int fm__rmdir(const char *path) {
  wchar_t *wide = fm__port_wide(path);
  if (!wide) return -1;
  int result = RemoveDirectoryW(wide) ? 0 : fm__port_fail(wide);
  free(wide);
  return result;
}

int fm__remove(const char *path) { return unlink(path) ? errno == EISDIR ? rmdir(path) : -1 : 0; }

int fm__unlinkat(int folder, const char *path, int flags) {
  char *whole = fm__port_path_in(folder, path);
  int result = !whole ? -1 : flags & AT_REMOVEDIR ? rmdir(whole) : unlink(whole);
  free(whole);
  return result;
}

int fm__mkdir(const char *path, unsigned mode) {
  (void)mode;
  wchar_t *wide = fm__port_wide(path);
  if (!wide) return -1;
  int result = CreateDirectoryW(wide, NULL) ? 0 : fm__port_fail(wide);
  free(wide);
  return result;
}

mode_t fm__umask(mode_t mask) {
  (void)mask;
  return 0;
}

int fm__mkdirat(int folder, const char *path, unsigned mode) {
  char *whole = fm__port_path_in(folder, path);
  int result = whole ? mkdir(whole, mode) : -1;
  free(whole);
  return result;
}

int fm__link(const char *from, const char *to) {
  wchar_t *old = fm__port_wide(from), *new = old ? fm__port_wide(to) : NULL;
  int result = !new ? -1 : CreateHardLinkW(new, old, NULL) ? 0 : fm__port_fail(new);
  free(old);
  free(new);
  return result;
}

int fm__symlink(const char *target, const char *path) {
  (void)target;
  (void)path;
  errno = EPERM;
  return -1;
}

ssize_t fm__readlink(const char *path, char *to, size_t room) {
  struct stat info;
  (void)to;
  (void)room;
  if (!lstat(path, &info)) errno = EINVAL;
  return -1;
}

char *fm__realpath(const char *path, char *resolved) {
  (void)resolved;
  wchar_t *wide = fm__port_wide(path);
  if (!wide) return NULL;
  HANDLE handle = CreateFileW(wide, FILE_READ_ATTRIBUTES, SHARED, NULL, OPEN_EXISTING,
                              FILE_FLAG_BACKUP_SEMANTICS, NULL);
  if (handle == INVALID_HANDLE_VALUE) (void)fm__port_fail(wide);
  char *real = handle == INVALID_HANDLE_VALUE ? NULL : fm__port_path_of(handle);
  if (handle != INVALID_HANDLE_VALUE) CloseHandle(handle);
  free(wide);
  return real;
}

int fm__strerror_r(int number, char *text, size_t room) { return strerror_s(text, room, number); }
