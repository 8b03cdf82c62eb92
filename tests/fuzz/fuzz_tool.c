/* fuzz/fuzz_tool.c - files for the tool's readers, and what each failure has to look like.
 * SPDX-License-Identifier: MIT */
#include "fuzz_tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], input[96], beside[96];

static void leave(void) {
  unlink(input);
  unlink(beside);
  rmdir(folder);
}

static void make_folder(void) {
  if (*folder) return;
  snprintf(folder, sizeof folder, "%s/freemask-fuzz-XXXXXX", fuzz_folder());
  fuzz_expect(mkdtemp(folder) != NULL, "no folder can be made");
  snprintf(input, sizeof input, "%s/input", folder);
  snprintf(beside, sizeof beside, "%s/written", folder);
  atexit(leave);
}

const char *fuzz_path(const void *data, size_t size) {
  make_folder();
  FILE *file = fopen(input, "wb");
  fuzz_expect(file && fwrite(data, 1, size, file) == size && !fclose(file), "cannot write there");
  return input;
}

const char *fuzz_path_beside(void) {
  make_folder();
  return beside;
}

bool fuzz_succeeded(int code, const fault *f) {
  if (!code) return true;
  fuzz_expect(code == f->exit_code, "the code is not the fault's");
  fuzz_expect(code == EXIT_DATA || code == EXIT_USAGE, "neither success nor a damaged file");
  fuzz_expect_sentence(f->text);
  return false;
}

fm_context *fuzz_context(void) {
  static fm_context *context;
  fm_error err;
  if (!context) fuzz_expect(fm_context_create(NULL, &context, &err) == FM_OK, "context");
  return context;
}

char *fuzz_content(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  fuzz_expect(file && !fseek(file, 0, SEEK_END), "a file is missing");
  long length = ftell(file);
  char *data = malloc((size_t)length + 1);
  rewind(file);
  fuzz_expect(length >= 0 && data && fread(data, 1, (size_t)length, file) == (size_t)length,
              "a file is odd");
  fclose(file);
  data[length] = '\0';
  *size = (size_t)length;
  return data;
}
