/* freemask_port.h - the functions of POSIX that our files call and Windows lacks, or has with other
 * letters: names are UTF-8 here, nothing is translated in files. The headers next to this one give
 * them their usual names; they are found on Windows only, before the compiler's own. */
#ifndef FREEMASK_PORT_H
#define FREEMASK_PORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

typedef uint64_t fm__ino_t;

/* st_ino and st_dev tell files apart, as on POSIX; st_mode has the kind, and whether the file is
 * read-only. Times are in units of 100 ns. */
struct fm__stat {
  uint64_t st_dev;
  fm__ino_t st_ino;
  unsigned st_mode;
  unsigned st_nlink;
  unsigned st_uid, st_gid; /* 0 */
  int64_t st_size;
  struct timespec st_atim, st_mtim, st_ctim;
};

int fm__stat(const char *path, struct fm__stat *out);
int fm__lstat(const char *path, struct fm__stat *out);
int fm__fstat(int handle, struct fm__stat *out);

/* Handles of files and folders. A file may be renamed and removed while it is open. `flags` take an
 * unsigned mode, which is not looked at: who may do what is inherited from the folder. */
int fm__open(const char *path, int flags, ...);
int fm__openat(int folder, const char *path, int flags, ...);
int fm__fstatat(int folder, const char *path, struct fm__stat *out, int flags);
int fm__unlinkat(int folder, const char *path, int flags);
int fm__mkdirat(int folder, const char *path, unsigned mode);
int fm__renameat(int from_folder, const char *from, int to_folder, const char *to);
FILE *fm__fopen(const char *path, const char *mode);
FILE *fm__fdopen(int handle, const char *mode);
/* Folders have nothing to flush: the file system keeps a journal of its names. */
int fm__fsync(int handle);
ssize_t fm__read(int handle, void *to, size_t size);
ssize_t fm__write(int handle, const void *from, size_t size);
ssize_t fm__pread(int handle, void *to, size_t size, int64_t offset);
ssize_t fm__pwrite(int handle, const void *from, size_t size, int64_t offset);
int fm__ftruncate(int handle, int64_t size);
/* Advisory, as on POSIX: the byte that is locked lies behind all that a file holds. */
int fm__flock(int handle, int operation);

int fm__fcntl(int handle, int command, ...); /* F_GETFD, F_DUPFD_CLOEXEC */
int fm__pipe(int ends[2]);
int fm__fchdir(int folder);

int fm__rename(const char *from, const char *to); /* replaces a file */
int fm__unlink(const char *path);
int fm__remove(const char *path);
int fm__mkdir(const char *path, unsigned mode);
mode_t fm__umask(mode_t mask); /* what it was; does nothing */
int fm__rmdir(const char *path);
int fm__access(const char *path, int mode);
int fm__link(const char *from, const char *to);
int fm__symlink(const char *target, const char *path); /* not without a privilege: EPERM */
ssize_t fm__readlink(const char *path, char *to, size_t room);
char *fm__realpath(const char *path, char *resolved); /* with slashes; `resolved` is NULL */

struct fm__dirent {
  char d_name[1024];
};
typedef struct fm__dir fm__dir;
fm__dir *fm__opendir(const char *path);
fm__dir *fm__fdopendir(int handle); /* which it closes */
struct fm__dirent *fm__readdir(fm__dir *dir);
int fm__closedir(fm__dir *dir);

void *fm__dlopen(const char *path, int mode);
void *fm__dlsym(void *object, const char *name);
char *fm__dlerror(void);
int fm__dlclose(void *object);

int fm__kill(int process, int number); /* number 0: whether it lives */
long fm__sysconf(int name);
int fm__strerror_r(int number, char *text, size_t room);

#endif
