/* process.c - signals, other processes, shared objects. */
#include "names.h"

#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#undef signal

/* Windows knows Ctrl-C as SIGINT and Ctrl-Break as SIGBREAK; nothing sends SIGTERM, and writing to
 * nobody is an error and no more. */
int fm__sigaction(int number, const struct sigaction *action, struct sigaction *old) {
  void (*before)(int) = SIG_DFL;
  if (number == SIGTERM) number = SIGBREAK;
  if (number == SIGINT || number == SIGBREAK) {
    before = signal(number, action ? action->sa_handler : SIG_GET);
    if (before == SIG_ERR) return -1;
  }
  if (old) *old = (struct sigaction){.sa_handler = before};
  return 0;
}

void (*fm__signal(int number, void (*handler)(int number)))(int number) {
  if (number == SIGPIPE) return SIG_DFL;
  return signal(number, handler);
}

int fm__kill(int process, int number) {
  DWORD access = number ? PROCESS_TERMINATE : PROCESS_QUERY_LIMITED_INFORMATION;
  HANDLE handle = OpenProcess(access, FALSE, (DWORD)process);
  errno = GetLastError() == ERROR_INVALID_PARAMETER ? ESRCH : EPERM;
  if (!handle) return -1;
  DWORD code = STILL_ACTIVE;
  BOOL done = number ? TerminateProcess(handle, 128 + (UINT)number)
                     : GetExitCodeProcess(handle, &code) && code == STILL_ACTIVE;
  CloseHandle(handle);
  errno = ESRCH;
  return done ? 0 : -1;
}

long fm__sysconf(int name) {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return name == _SC_NPROCESSORS_ONLN ? (long)GetActiveProcessorCount(ALL_PROCESSOR_GROUPS)
         : name == _SC_PAGESIZE       ? (long)info.dwPageSize
                                      : -1;
}

int fm__getrlimit(int what, struct rlimit *out) {
  ULONG_PTR low = 0, high = 0;
  (void)what;
  GetCurrentThreadStackLimits(&low, &high);
  *out = (struct rlimit){high - low, high - low};
  return 0;
}

/* A thread's locale is its own from here on. */
locale_t fm__uselocale(locale_t locale) {
  (void)_configthreadlocale(_ENABLE_PER_THREAD_LOCALE);
  return setlocale(LC_ALL, locale) ? locale : NULL;
}

/* ---- Shared objects ---------------------------------------------------------------------- */

static _Thread_local char why[512];

static void keep_reason(void) {
  wchar_t text[256];
  DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, error = GetLastError();
  DWORD length = FormatMessageW(flags, NULL, error, 0, text, 256, NULL);
  while (length && (text[length - 1] <= L' ' || text[length - 1] == L'.')) length--;
  int bytes = WideCharToMultiByte(CP_UTF8, 0, text, (int)length, why, sizeof why - 1, NULL, NULL);
  why[bytes > 0 ? bytes : 0] = '\0';
  if (!*why) snprintf(why, sizeof why, "error %lu", (unsigned long)error);
}

/* A whole path, so that its own folder is where Windows looks for what it needs. */
void *fm__dlopen(const char *path, int mode) {
  (void)mode;
  char *real = fm__realpath(path, NULL);
  wchar_t *wide = real ? fm__port_wide(real) : NULL;
  free(real);
  DWORD quiet;
  SetThreadErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX, &quiet);
  HMODULE object = wide ? LoadLibraryExW(wide, NULL, LOAD_WITH_ALTERED_SEARCH_PATH) : NULL;
  if (!object && wide) keep_reason();
  if (!wide) fm__strerror_r(errno, why, sizeof why);
  SetThreadErrorMode(quiet, NULL);
  free(wide);
  return (void *)object;
}

void *fm__dlsym(void *object, const char *name) {
  FARPROC function = GetProcAddress((HMODULE)object, name);
  void *symbol = NULL;
  if (function)
    memcpy(&symbol, &function, sizeof symbol);
  else
    keep_reason();
  return symbol;
}

char *fm__dlerror(void) { return why; }

int fm__dlclose(void *object) { return FreeLibrary((HMODULE)object) ? 0 : -1; }
