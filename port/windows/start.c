/* start.c - the program's words in UTF-8, nothing translated on its way in and out. The program's
 * own main is fm__main: see meson.build. */
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>

#include "names.h"
/* After windows.h. */
#include <shellapi.h>

#undef main
int fm__main(int argc, char **argv);

static UINT console_before;

static void console_back(void) { SetConsoleOutputCP(console_before); }

/* Text on a console is UTF-8, and escape sequences work there. */
static void prepare_console(void) {
  DWORD mode;
  HANDLE errors = GetStdHandle(STD_ERROR_HANDLE);
  if (GetConsoleMode(errors, &mode))
    SetConsoleMode(errors, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
  console_before = GetConsoleOutputCP();
  if (console_before && SetConsoleOutputCP(CP_UTF8)) atexit(console_back);
}

int main(void) {
  for (int handle = 0; handle < 3; handle++) _setmode(handle, _O_BINARY);
  prepare_console();
  int count = 0;
  wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);
  char **words = wide ? calloc((size_t)count + 1, sizeof *words) : NULL;
  if (!words) return 4;
  /* No file of Windows has a backslash in its name: it is a slash everywhere. */
  for (int i = 0; i < count; i++)
    if (!(words[i] = fm__port_narrow(wide[i]))) return 4;
  LocalFree(wide);
  return fm__main(count, words);
}
