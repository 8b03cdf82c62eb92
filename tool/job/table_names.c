/* job/table_names.c - what names of files the rows of a table may have. */
#include "job/table_names.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names that no file below a folder can have: they would lead elsewhere, or break a list. */
static const char *fault_of_name(const char *name) {
  if (!*name) return "no name";
  if (strlen(name) > 4095) return "too long a name";
  for (const char *c = name; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7F) return "a name with a control character";
  for (const char *part = name; part; part = strchr(part, '/')) {
    part += *part == '/' && part > name;
    if (*part == '/' || (!strncmp(part, "..", 2) && (!part[2] || part[2] == '/')))
      return "a name that leads out of its folder";
  }
  return NULL;
}

int table_check_names(const char **names, size_t count, const char *path, fault *f) {
  if (!count) return EXIT_FINE;
  qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; i < count; i++) {
    const char *wrong = fault_of_name(names[i]);
    if (wrong) return fault_set(f, EXIT_DATA, "%s: a mask has %s: '%.80s'", path, wrong, names[i]);
    if (i && !strcmp(names[i - 1], names[i]))
      return fault_set(f, EXIT_DATA, "%s: mask '%s' occurs twice", path, names[i]);
  }
  return EXIT_FINE;
}
