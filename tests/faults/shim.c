/* faults/shim.c - a library to preload: the n-th call to the system, or for memory, fails or is the last.
 * SPDX-License-Identifier: MIT
 *
 * Environment:
 *   FREEMASK_FAULT_CALLS  names of the calls that count, with commas; `files` or `memory` for all of a kind
 *   FREEMASK_FAULT_AT     which of them fails, from 1; 0: none
 *   FREEMASK_FAULT_ON     if set, all later ones fail as well
 *   FREEMASK_FAULT_HOW    an errno by number; `kill`: SIGKILL in place of the call; `short`: half of the
 *                         bytes; `torn`: half of the bytes, then SIGKILL
 *   FREEMASK_FAULT_LOG    a file that gets a line for each call that counts: name, caller's object, path; for an
 *                         allocation, in place of the path, a number that says which calls led to it; that of
 *                         a call which fails begins with "!"
 * Nothing is flushed to the disk, which takes time and shows only when a machine crashes. */
#define _GNU_SOURCE
#undef _FILE_OFFSET_BITS /* each name of a call is defined here, with and without 64 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
enum { LOG_HANDLE = 900, STREAM_FAILED = 0x20 /* _IO_ERR_SEEN of glibc */ };
enum { FRAMES = 100, OBJECTS = 100 };  /* as many are looked at */
enum { NO_FILE = -1, ITS_STACK = -2 }; /* in place of a descriptor */

typedef enum how { HOW_ERROR, HOW_KILL, HOW_SHORT, HOW_TORN } how;

/* What the environment says. */
static char calls[1024];
static long at;
static bool on, ready;
static how way;
static int error_number, log_handle = -1;

static atomic_long counted;
/* Calls that this library makes itself do not count. */
static __thread int inside;

/* Where the program and its libraries lie, which is elsewhere in each process. */
static struct { uintptr_t start, end; } objects[OBJECTS];
static int object_count;

static int remember_object(struct dl_phdr_info *info, size_t size, void *user) {
  (void)size, (void)user;
  uintptr_t end = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type == PT_LOAD && part->p_vaddr + part->p_memsz > end)
      end = part->p_vaddr + part->p_memsz;
  }
  objects[object_count].start = info->dlpi_addr;
  objects[object_count].end = info->dlpi_addr + end;
  return ++object_count == OBJECTS;
}

__attribute__((constructor)) static void begin(void) {
  const char *value = getenv("FREEMASK_FAULT_CALLS"), *text = getenv("FREEMASK_FAULT_HOW");
  const char *log = getenv("FREEMASK_FAULT_LOG");
  if (!value) return;
  snprintf(calls, sizeof calls, ",%s,", value);
  value = getenv("FREEMASK_FAULT_AT");
  at = value ? atol(value) : 0;
  on = getenv("FREEMASK_FAULT_ON") != NULL;
  if (!text) text = "5";
  way = !strcmp(text, "kill")    ? HOW_KILL
        : !strcmp(text, "short") ? HOW_SHORT
        : !strcmp(text, "torn")  ? HOW_TORN
                                 : HOW_ERROR;
  error_number = atoi(text);
  if (log) {
    int handle = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    log_handle = (int)syscall(SYS_fcntl, handle, F_DUPFD_CLOEXEC, LOG_HANDLE);
    syscall(SYS_close, handle);
    void *frame;
    backtrace(&frame, 1); /* the first one loads a library, which allocates */
    dl_iterate_phdr(remember_object, NULL);
  }
  ready = true;
}

static void die(void) {
  syscall(SYS_kill, (long)getpid(), (long)SIGKILL);
  for (;;) pause();
}

/* FNV-1a of the return addresses in their objects: a number for each way to here, the same in each process. */
static uint64_t stack_number(void) {
  void *frames[FRAMES];
  int count = backtrace(frames, FRAMES);
  uint64_t number = 0xcbf29ce484222325;
  for (int i = 0; i < count; i++) {
    uintptr_t address = (uintptr_t)frames[i];
    int k = 0;
    while (k < object_count && (address < objects[k].start || address >= objects[k].end)) k++;
    if (k < object_count) address += (uintptr_t)k - objects[k].start;
    number = (number ^ address) * 0x100000001b3;
  }
  return number;
}

/* `path`, or if that is NULL the file of `handle`, written to `target`; NULL if there is none. */
static const char *file_of(const char *path, int handle, char target[PATH_MAX]) {
  char link[40];
  if (path || handle < 0) return path;
  snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, target, (long)(PATH_MAX - 1));
  target[length > 0 ? length : 0] = '\0';
  return target;
}

/* What a program that counts its coverage writes at its end: many do at once, into the same file, and one that is
 * torn spoils the counts of all. */
static bool of_coverage(const char *path) {
  size_t length = path ? strlen(path) : 0;
  return length > 5 && !strcmp(&path[length - 5], ".gcda");
}

/* Whose call it is, and about which file; one that fails begins with "!". */
static void write_line(const char *name, const char *path, int handle, const void *caller,
                       bool fails) {
  char line[PATH_MAX + 300], number[20];
  Dl_info info = {0};
  inside++;
  if (handle == ITS_STACK) {
    snprintf(number, sizeof number, "%016llx", (unsigned long long)stack_number());
    path = number;
  }
  const char *object = dladdr(caller, &info) && info.dli_fname ? info.dli_fname : "?";
  const char *slash = strrchr(object, '/');
  snprintf(line, sizeof line, "%s%s\t%s\t%.*s\n", fails ? "!" : "", name,
           slash ? slash + 1 : object, PATH_MAX - 1, path ? path : "");
  syscall(SYS_write, log_handle, line, strlen(line));
  inside--;
}

static bool counts(const char *name, const char *kind) {
  char word[40] = ",";
  size_t length = 1;
  if (!ready || inside) return false;
  for (const char *c = name; *c && length + 2 < sizeof word; c++) word[length++] = *c;
  word[length] = ',';
  word[length + 1] = '\0';
  return strstr(calls, word) || strstr(calls, kind);
}

/* Does this call fail? `errno` is set, and a call that has no halves is refused or killed here. */
static bool hit(const char *name, const char *kind, const char *path, int handle, bool halves,
                const void *caller) {
  char target[PATH_MAX];
  if (!counts(name, kind)) return false;
  path = file_of(path, handle, target);
  if (of_coverage(path)) return false;
  long number = atomic_fetch_add(&counted, 1) + 1;
  bool fails = at && number >= at && (number == at || on) && (way != HOW_SHORT || halves);
  if (log_handle >= 0) write_line(name, path, handle, caller, fails);
  if (!fails) return false;
  if (way == HOW_KILL || (way == HOW_TORN && !halves)) die();
  errno = way == HOW_ERROR ? error_number : ENOSPC;
  return true;
}

#define CALLER __builtin_return_address(0)
#define FILE_HIT(name, path, handle) hit(name, ",files,", path, handle, false, CALLER)
#define HALF_HIT(name, handle) hit(name, ",files,", NULL, handle, true, CALLER)

/* The next function of that name. ISO C has no cast from objects to functions. */
static void find(const char *name, void *function) {
  inside++;
  void *symbol = dlsym(RTLD_NEXT, name);
  if (!symbol) abort();
  memcpy(function, &symbol, sizeof symbol);
  inside--;
}

/* real(name, type, arguments): the function behind this one. */
#define REAL(type, name, ...)              \
  static type (*real_##name)(__VA_ARGS__); \
  if (!real_##name) find(#name, &real_##name)

/* ---- Names --------------------------------------------------------------------------- */

#define PATH_CALL(name)                       \
  EXPORT int name(const char *path) {         \
    REAL(int, name, const char *);            \
    if (FILE_HIT(#name, path, -1)) return -1; \
    return real_##name(path);                 \
  }
PATH_CALL(unlink)
PATH_CALL(rmdir)

#define TWO_PATHS(name)                               \
  EXPORT int name(const char *from, const char *to) { \
    REAL(int, name, const char *, const char *);      \
    if (FILE_HIT(#name, to, -1)) return -1;           \
    return real_##name(from, to);                     \
  }
TWO_PATHS(rename)
TWO_PATHS(link)
TWO_PATHS(symlink)

EXPORT int mkdir(const char *path, mode_t mode) {
  REAL(int, mkdir, const char *, mode_t);
  return FILE_HIT("mkdir", path, -1) ? -1 : real_mkdir(path, mode);
}

EXPORT int access(const char *path, int mode) {
  REAL(int, access, const char *, int);
  return FILE_HIT("access", path, -1) ? -1 : real_access(path, mode);
}

EXPORT ssize_t readlink(const char *path, char *to, size_t room) {
  REAL(ssize_t, readlink, const char *, char *, size_t);
  return FILE_HIT("readlink", path, -1) ? -1 : real_readlink(path, to, room);
}

EXPORT char *realpath(const char *path, char *to) {
  REAL(char *, realpath, const char *, char *);
  return FILE_HIT("realpath", path, -1) ? NULL : real_realpath(path, to);
}

#define STAT_CALL(name, counted_as, type)                \
  EXPORT int name(const char *path, struct type *info) { \
    REAL(int, name, const char *, struct type *);        \
    if (FILE_HIT(counted_as, path, -1)) return -1;       \
    return real_##name(path, info);                      \
  }
STAT_CALL(stat, "stat", stat)
STAT_CALL(stat64, "stat", stat64)
STAT_CALL(lstat, "lstat", stat)
STAT_CALL(lstat64, "lstat", stat64)

#define FSTAT_CALL(name, type)                      \
  EXPORT int name(int handle, struct type *info) {  \
    REAL(int, name, int, struct type *);            \
    if (FILE_HIT("fstat", NULL, handle)) return -1; \
    return real_##name(handle, info);               \
  }
FSTAT_CALL(fstat, stat)
FSTAT_CALL(fstat64, stat64)

/* ---- Calls relative to a folder ------------------------------------------------------- */

EXPORT int unlinkat(int folder, const char *path, int flags) {
  REAL(int, unlinkat, int, const char *, int);
  return FILE_HIT("unlinkat", path, -1) ? -1 : real_unlinkat(folder, path, flags);
}

EXPORT int mkdirat(int folder, const char *path, mode_t mode) {
  REAL(int, mkdirat, int, const char *, mode_t);
  return FILE_HIT("mkdirat", path, -1) ? -1 : real_mkdirat(folder, path, mode);
}

EXPORT int renameat(int from, const char *old, int to, const char *path) {
  REAL(int, renameat, int, const char *, int, const char *);
  return FILE_HIT("renameat", path, -1) ? -1 : real_renameat(from, old, to, path);
}

#define FSTATAT_CALL(name, type)                                                \
  EXPORT int name(int folder, const char *path, struct type *info, int flags) { \
    REAL(int, name, int, const char *, struct type *, int);                     \
    if (FILE_HIT("fstatat", path, -1)) return -1;                               \
    return real_##name(folder, path, info, flags);                              \
  }
FSTATAT_CALL(fstatat, stat)
FSTATAT_CALL(fstatat64, stat64)

/* ---- Opening and closing -------------------------------------------------------------- */

static mode_t mode_of(int flags, va_list arguments) {
  return flags & O_CREAT ? (mode_t)va_arg(arguments, int) : 0;
}

#define OPEN_CALL(name)                                                     \
  EXPORT int name(const char *path, int flags, ...) {                       \
    REAL(int, name, const char *, int, ...);                                \
    va_list arguments;                                                      \
    va_start(arguments, flags);                                             \
    mode_t mode = mode_of(flags, arguments);                                \
    va_end(arguments);                                                      \
    if (FILE_HIT(flags & O_CREAT ? "create" : "open", path, -1)) return -1; \
    return real_##name(path, flags, mode);                                  \
  }
OPEN_CALL(open)
OPEN_CALL(open64)

#define OPENAT_CALL(name)                                                   \
  EXPORT int name(int folder, const char *path, int flags, ...) {           \
    REAL(int, name, int, const char *, int, ...);                           \
    va_list arguments;                                                      \
    va_start(arguments, flags);                                             \
    mode_t mode = mode_of(flags, arguments);                                \
    va_end(arguments);                                                      \
    if (FILE_HIT(flags & O_CREAT ? "create" : "open", path, -1)) return -1; \
    return real_##name(folder, path, flags, mode);                          \
  }
OPENAT_CALL(openat)
OPENAT_CALL(openat64)

#define FOPEN_CALL(name)                                                     \
  EXPORT FILE *name(const char *path, const char *mode) {                    \
    REAL(FILE *, name, const char *, const char *);                          \
    if (FILE_HIT(mode[0] == 'r' ? "open" : "create", path, -1)) return NULL; \
    return real_##name(path, mode);                                          \
  }
FOPEN_CALL(fopen)
FOPEN_CALL(fopen64)

EXPORT FILE *fdopen(int handle, const char *mode) {
  REAL(FILE *, fdopen, int, const char *);
  return FILE_HIT("fdopen", NULL, handle) ? NULL : real_fdopen(handle, mode);
}

/* What fails to be closed is closed all the same. */
EXPORT int close(int handle) {
  REAL(int, close, int);
  if (handle == log_handle) return 0;
  bool fails = FILE_HIT("close", NULL, handle);
  int code = errno, result = real_close(handle);
  if (!fails) return result;
  errno = code;
  return -1;
}

EXPORT int fclose(FILE *file) {
  REAL(int, fclose, FILE *);
  bool fails = FILE_HIT("fclose", NULL, fileno(file));
  int code = errno, result = real_fclose(file);
  if (!fails) return result;
  errno = code;
  return EOF;
}

/* ---- Bytes ---------------------------------------------------------------------------- */

EXPORT ssize_t read(int handle, void *to, size_t count) {
  REAL(ssize_t, read, int, void *, size_t);
  if (!HALF_HIT("read", handle)) return real_read(handle, to, count);
  if (way == HOW_TORN) die();
  return way == HOW_ERROR ? -1 : real_read(handle, to, count > 1 ? count / 2 : count);
}

#define PREAD_CALL(name, offset)                                                                 \
  EXPORT ssize_t name(int handle, void *to, size_t count, offset from) {                         \
    REAL(ssize_t, name, int, void *, size_t, offset);                                            \
    if (!HALF_HIT("pread", handle)) return real_##name(handle, to, count, from);                 \
    if (way == HOW_TORN) die();                                                                  \
    return way == HOW_ERROR ? -1 : real_##name(handle, to, count > 1 ? count / 2 : count, from); \
  }
PREAD_CALL(pread, off_t)
PREAD_CALL(pread64, off64_t)

EXPORT ssize_t write(int handle, const void *from, size_t count) {
  REAL(ssize_t, write, int, const void *, size_t);
  if (handle <= STDERR_FILENO || !HALF_HIT("write", handle)) return real_write(handle, from, count);
  if (way == HOW_ERROR) return -1;
  ssize_t result = real_write(handle, from, count > 1 ? count / 2 : count);
  if (way == HOW_TORN) die();
  return result;
}

#define PWRITE_CALL(name, offset)                                                  \
  EXPORT ssize_t name(int handle, const void *from, size_t count, offset to) {     \
    REAL(ssize_t, name, int, const void *, size_t, offset);                        \
    if (!HALF_HIT("pwrite", handle)) return real_##name(handle, from, count, to);  \
    if (way == HOW_ERROR) return -1;                                               \
    ssize_t result = real_##name(handle, from, count > 1 ? count / 2 : count, to); \
    if (way == HOW_TORN) die();                                                    \
    return result;                                                                 \
  }
PWRITE_CALL(pwrite, off_t)
PWRITE_CALL(pwrite64, off64_t)

static bool is_standard(FILE *file) { return file == stdin || file == stdout || file == stderr; }

/* A stream has no short transfers: those of the descriptor below it are completed. */
EXPORT size_t fread(void *to, size_t size, size_t count, FILE *file) {
  REAL(size_t, fread, void *, size_t, size_t, FILE *);
  if (!FILE_HIT("fread", NULL, fileno(file))) return real_fread(to, size, count, file);
  file->_flags |= STREAM_FAILED;
  return 0;
}

EXPORT size_t fwrite(const void *from, size_t size, size_t count, FILE *file) {
  REAL(size_t, fwrite, const void *, size_t, size_t, FILE *);
  if (is_standard(file) || !HALF_HIT("fwrite", fileno(file)))
    return real_fwrite(from, size, count, file);
  if (way == HOW_SHORT) return real_fwrite(from, size, count, file);
  size_t half = size * count / 2;
  int code = errno;
  real_fwrite(from, 1, half, file);
  fflush_unlocked(file);
  if (way == HOW_TORN) die();
  file->_flags |= STREAM_FAILED;
  errno = code;
  return size ? half / size : 0;
}

EXPORT int fflush(FILE *file) {
  REAL(int, fflush, FILE *);
  if (!file || is_standard(file) || !FILE_HIT("fflush", NULL, fileno(file)))
    return real_fflush(file);
  file->_flags |= STREAM_FAILED;
  return EOF;
}

#define HANDLE_CALL(name) \
  EXPORT int name(int handle) { return FILE_HIT(#name, NULL, handle) ? -1 : 0; }
HANDLE_CALL(fsync)
HANDLE_CALL(fdatasync)
HANDLE_CALL(syncfs)

#define TRUNCATE_CALL(name, offset)                                                \
  EXPORT int name(int handle, offset length) {                                     \
    REAL(int, name, int, offset);                                                  \
    return FILE_HIT("ftruncate", NULL, handle) ? -1 : real_##name(handle, length); \
  }
TRUNCATE_CALL(ftruncate, off_t)
TRUNCATE_CALL(ftruncate64, off64_t)

EXPORT int flock(int handle, int operation) {
  REAL(int, flock, int, int);
  return FILE_HIT("flock", NULL, handle) ? -1 : real_flock(handle, operation);
}

/* ---- Folders -------------------------------------------------------------------------- */

EXPORT DIR *opendir(const char *path) {
  REAL(DIR *, opendir, const char *);
  return FILE_HIT("opendir", path, -1) ? NULL : real_opendir(path);
}

EXPORT DIR *fdopendir(int handle) {
  REAL(DIR *, fdopendir, int);
  return FILE_HIT("fdopendir", NULL, handle) ? NULL : real_fdopendir(handle);
}

#define READDIR_CALL(name, type)                                                  \
  EXPORT struct type *name(DIR *folder) {                                         \
    REAL(struct type *, name, DIR *);                                             \
    return FILE_HIT("readdir", NULL, dirfd(folder)) ? NULL : real_##name(folder); \
  }
READDIR_CALL(readdir, dirent)
READDIR_CALL(readdir64, dirent64)

/* ---- Threads and memory --------------------------------------------------------------- */

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument) {
  REAL(int, pthread_create, pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  return FILE_HIT("pthread_create", NULL, NO_FILE)
             ? errno
             : real_pthread_create(thread, attributes, start, argument);
}

/* glibc's own names: dlsym allocates. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

/* A test arms the thread that it runs on for one call. `left`: blocks that were taken since and not
 * released. */
static __thread long armed_at, armed_count, armed_refused, armed_left;
static __thread int armed_on;

EXPORT void freemask_faults_arm(long first, int all);
EXPORT long freemask_faults_disarm(long *left);
EXPORT void freemask_faults_pause(int deeper);

void freemask_faults_arm(long first, int all) {
  armed_count = armed_refused = armed_left = 0;
  armed_on = all;
  armed_at = first;
}

/* Calls between 1 and -1 do not count. */
void freemask_faults_pause(int deeper) { inside += deeper; }

long freemask_faults_disarm(long *left) {
  armed_at = 0;
  *left = armed_left;
  return armed_refused;
}

static bool armed_hit(void) {
  if (!armed_at || inside) return false;
  armed_count++;
  if (armed_count < armed_at || (armed_count > armed_at && !armed_on)) return false;
  armed_refused++;
  errno = ENOMEM;
  return true;
}

#define MEMORY_HIT(name) (armed_hit() || hit(name, ",memory,", NULL, ITS_STACK, false, CALLER))

static void *taken(void *memory) {
  if (armed_at && memory && !inside) armed_left++;
  return memory;
}

EXPORT void *malloc(size_t size) {
  return MEMORY_HIT("malloc") ? NULL : taken(__libc_malloc(size));
}

EXPORT void *calloc(size_t count, size_t size) {
  return MEMORY_HIT("calloc") ? NULL : taken(__libc_calloc(count, size));
}

EXPORT void *realloc(void *old, size_t size) {
  if (MEMORY_HIT("realloc")) return NULL;
  void *memory = __libc_realloc(old, size);
  return old ? memory : taken(memory);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
  return MEMORY_HIT("aligned_alloc") ? NULL : taken(__libc_memalign(alignment, size));
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size) {
  if (MEMORY_HIT("posix_memalign")) return ENOMEM;
  void *memory = taken(__libc_memalign(alignment, size));
  if (!memory) return ENOMEM;
  *out = memory;
  return 0;
}

EXPORT void free(void *memory) {
  if (armed_at && memory && !inside) armed_left--;
  __libc_free(memory);
}
