/* base/fault.c - one sentence and an exit code. */
#define FREEMASK_TOOL_FAULT_C
#include "base/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

int fault_set(fault *f, int exit_code, const char *format, ...) {
  char raw[sizeof f->text];
  va_list args;
  va_start(args, format);
  vsnprintf(raw, sizeof raw, format, args);
  va_end(args);
  text_to_line(raw, f->text, sizeof f->text);
  f->exit_code = exit_code;
  f->status = 0;
  f->host_code = 0;
  return exit_code;
}

static int exit_code_of(int32_t status) {
  switch (status) {
    case FM_ERR_ARGUMENT:
      return EXIT_USAGE;
    case FM_ERR_MEMORY:
    case FM_ERR_IO:
      return EXIT_IO;
    default:
      return EXIT_DATA;
  }
}

/* What the library calls an option is a flag here. */
static void name_flag(fault *f) {
  static const char option[] = "(fm_read_options.member)", flag[] = "(--array NAME)";
  char *at = strstr(f->text, option);
  if (!at) return;
  memcpy(at, flag, sizeof flag - 1);
  memmove(at + sizeof flag - 1, at + sizeof option - 1, strlen(at + sizeof option - 1) + 1);
}

int fault_library(fault *f, const fm_error *err, const char *path) {
  int code = exit_code_of(err->code);
  char line[sizeof f->text] = "";
  if (path) text_to_line(path, line, sizeof line);
  if (strstr(err->message, line))
    fault_set(f, code, "%s", err->message);
  else
    fault_set(f, code, "%s: %s", path, err->message);
  name_flag(f);
  f->status = err->code;
  f->host_code = err->code == FM_ERR_IO ? err->host_code : 0;
  return code;
}

int fault_file(fault *f, const fm_error *err, const char *path) {
  fault_library(f, err, path);
  if (f->exit_code == EXIT_USAGE) f->exit_code = EXIT_DATA;
  return f->exit_code;
}

int fault_system(fault *f, int error_number, const char *deed, const char *path) {
  fault_set(f, EXIT_IO, "cannot %s %s: %s", deed, path, strerror(error_number));
  f->host_code = error_number;
  return EXIT_IO;
}

bool fault_means_absent(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR;
}

bool fault_is_of_machine(int error_number) {
  static const int of_files[] = {EACCES, EPERM, ELOOP, EISDIR, ENAMETOOLONG, EINVAL};
  if (fault_means_absent(error_number)) return false;
  for (size_t i = 0; i < sizeof of_files / sizeof *of_files; i++)
    if (error_number == of_files[i]) return false;
  return true;
}

bool fault_is_machine(const fault *f) {
  return f->exit_code == EXIT_IO && fault_is_of_machine(f->host_code);
}

int fault_stopped(fault *f) { return fault_set(f, EXIT_STOPPED, "interrupted"); }

int fault_print(const fault *f) {
  fprintf(stderr, "freemask: %s\n", f->text);
  return f->exit_code;
}
