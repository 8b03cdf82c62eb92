/* names.c - see names.h. */
#include "names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum {
  LONGEST_PLAIN = 240, /* Windows' own limit is 260, and 12 less for folders */
  WHOLE_PATH = 32768
};

/* ---- Errors ------------------------------------------------------------------------------ */

static int code_of(DWORD error) {
  switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_DRIVE:
    case ERROR_BAD_NETPATH:
    case ERROR_BAD_NET_NAME:
    case ERROR_BAD_PATHNAME:
    case ERROR_INVALID_NAME:
      return ENOENT;
    case ERROR_DIRECTORY:
      return ENOTDIR;
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS:
      return EEXIST;
    case ERROR_DIR_NOT_EMPTY:
      return ENOTEMPTY;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
    case ERROR_WRITE_PROTECT:
    case ERROR_DELETE_PENDING:
      return EACCES;
    case ERROR_PRIVILEGE_NOT_HELD:
      return EPERM;
    case ERROR_LOCK_VIOLATION:
    case ERROR_IO_PENDING:
      return EWOULDBLOCK;
    case ERROR_TOO_MANY_OPEN_FILES:
      return EMFILE;
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
      return ENOMEM;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL:
      return ENOSPC;
    case ERROR_FILENAME_EXCED_RANGE:
      return ENAMETOOLONG;
    case ERROR_NOT_SAME_DEVICE:
      return EXDEV;
    case ERROR_TOO_MANY_LINKS:
      return EMLINK;
    case ERROR_INVALID_HANDLE:
      return EBADF;
    case ERROR_INVALID_PARAMETER:
      return EINVAL;
    case ERROR_NOT_SUPPORTED:
    case ERROR_INVALID_FUNCTION:
    case ERROR_CALL_NOT_IMPLEMENTED:
      return ENOTSUP;
    case ERROR_NO_UNICODE_TRANSLATION:
      return EILSEQ;
    case ERROR_CANT_RESOLVE_FILENAME:
      return ELOOP;
    default:
      return EIO;
  }
}

/* Windows does not tell a file that stands where a folder is needed from nothing. */
static bool below_a_file(const wchar_t *path) {
  wchar_t *above = _wcsdup(path);
  bool found = false;
  while (above && !found) {
    wchar_t *end = wcsrchr(above, L'\\');
    if (!end || end == above) break;
    *end = L'\0';
    DWORD attributes = GetFileAttributesW(above);
    if (attributes == INVALID_FILE_ATTRIBUTES) continue;
    found = !(attributes & FILE_ATTRIBUTE_DIRECTORY);
    break;
  }
  free(above);
  return found;
}

int fm__port_fail(const wchar_t *path) {
  int code = code_of(GetLastError());
  if (code == ENOENT && path && below_a_file(path)) code = ENOTDIR;
  errno = code;
  return -1;
}

/* ---- Names ------------------------------------------------------------------------------- */

static bool is_device(const wchar_t *name, size_t length) {
  static const wchar_t *const devices[] = {L"CON", L"PRN", L"AUX", L"NUL", L"CONIN$", L"CONOUT$"};
  size_t stem = 0;
  while (stem < length && name[stem] != L'.') stem++;
  while (stem && name[stem - 1] == L' ') stem--;
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
    if (stem == wcslen(devices[i]) && !_wcsnicmp(name, devices[i], stem)) return true;
  /* COM1, and with the superscripts 1, 2 and 3, which count as digits here. */
  return stem == 4 && (!_wcsnicmp(name, L"COM", 3) || !_wcsnicmp(name, L"LPT", 3)) &&
         ((name[3] >= L'0' && name[3] <= L'9') || name[3] == 0xB9 || name[3] == 0xB2 ||
          name[3] == 0xB3);
}

static bool is_name(const wchar_t *name, size_t length) {
  if (length == 1 && name[0] == L'.') return true;
  if (length == 2 && name[0] == L'.' && name[1] == L'.') return true;
  for (size_t i = 0; i < length; i++)
    if (name[i] < 32 || wcschr(L"<>:\"|?*", name[i])) return false;
  return !length ||
         (name[length - 1] != L'.' && name[length - 1] != L' ' && !is_device(name, length));
}

/* Every name in the path, from behind the drive. */
static bool are_names(const wchar_t *path) {
  if (path[0] && path[1] == L':') path += 2;
  for (;;) {
    size_t length = wcscspn(path, L"\\");
    if (!is_name(path, length)) return false;
    if (!path[length]) return true;
    path += length + 1;
  }
}

/* Paths of any length are whole ones, behind \\?\ . */
static wchar_t *make_long(wchar_t *path) {
  wchar_t *whole = malloc((WHOLE_PATH + 8) * sizeof *whole);
  DWORD length = whole ? GetFullPathNameW(path, WHOLE_PATH, whole + 8, NULL) : 0;
  free(path);
  if (!length || length >= WHOLE_PATH) {
    free(whole);
    errno = whole ? ENAMETOOLONG : ENOMEM;
    return NULL;
  }
  bool network = whole[8] == L'\\' && whole[9] == L'\\';
  const wchar_t *start = network ? L"\\\\?\\UNC" : L"\\\\?\\";
  size_t skip = network ? 1 : 0, before = wcslen(start);
  memmove(whole + before, whole + 8 + skip, (length + 1 - skip) * sizeof *whole);
  wmemcpy(whole, start, before);
  return whole;
}

wchar_t *fm__port_wide(const char *path) {
  errno = ENOENT;
  if (!path || !*path) return NULL;
  int room = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
  errno = EILSEQ;
  if (room <= 0) return NULL;
  wchar_t *wide = malloc(((size_t)room + 1) * sizeof *wide);
  errno = ENOMEM;
  if (!wide) return NULL;
  MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, room);
  for (wchar_t *at = wide; *at; at++)
    if (*at == L'/') *at = L'\\';
  if (!wcsncmp(wide, L"\\\\?\\", 4)) return wide;
  if (room == 3 && wide[1] == L':') wcscpy(wide + 2, L"\\"); /* a drive is its top folder */
  if (!are_names(wide)) {
    free(wide);
    errno = EINVAL;
    return NULL;
  }
  return room > LONGEST_PLAIN ? make_long(wide) : wide;
}

char *fm__port_narrow(const wchar_t *path) {
  int room = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, path, -1, NULL, 0, NULL, NULL);
  errno = EILSEQ;
  if (room <= 0) return NULL;
  char *narrow = malloc((size_t)room);
  errno = ENOMEM;
  if (!narrow) return NULL;
  WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, path, -1, narrow, room, NULL, NULL);
  for (char *at = narrow; *at; at++)
    if (*at == '\\') *at = '/';
  return narrow;
}

char *fm__port_path_of(HANDLE handle) {
  wchar_t *wide = malloc(WHOLE_PATH * sizeof *wide);
  errno = ENOMEM;
  if (!wide) return NULL;
  DWORD length = GetFinalPathNameByHandleW(handle, wide, WHOLE_PATH, FILE_NAME_NORMALIZED);
  char *narrow = NULL;
  if (!length || length >= WHOLE_PATH) {
    (void)fm__port_fail(NULL);
  } else if (!wcsncmp(wide, L"\\\\?\\UNC\\", 8)) {
    wide[6] = L'\\';
    narrow = fm__port_narrow(wide + 6);
  } else {
    narrow = fm__port_narrow(wide + (wcsncmp(wide, L"\\\\?\\", 4) ? 0 : 4));
  }
  free(wide);
  return narrow;
}

char *fm__port_path_in(int folder, const char *path) {
  bool whole = *path == '/' || *path == '\\' || (*path && path[1] == ':');
  if (folder == AT_FDCWD || whole) return _strdup(path);
  char *above = fm__port_path_of((HANDLE)_get_osfhandle(folder));
  if (!above) return NULL;
  size_t left = strlen(above), right = strlen(path);
  char *joined = malloc(left + right + 2);
  if (joined) {
    memcpy(joined, above, left);
    joined[left] = '/';
    memcpy(joined + left + 1, path, right + 1);
  }
  free(above);
  return joined;
}
