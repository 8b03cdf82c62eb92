/* base/note.c - what the tool guessed or passed over. */
#include "base/note.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* Commands list a folder several times, `run` many times: each sentence is for a person, once. */
static struct {
  pthread_mutex_t mutex;
  char **items;
  size_t count, capacity;
} said = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool is_new(const char *line) {
  for (size_t i = 0; i < said.count; i++)
    if (!strcmp(said.items[i], line)) return false;
  return true;
}

void note_say(const char *format, ...) {
  fault f;
  char raw[sizeof f.text];
  va_list args;
  va_start(args, format);
  vsnprintf(raw, sizeof raw, format, args);
  va_end(args);
  text_to_line(raw, f.text, sizeof f.text);
  pthread_mutex_lock(&said.mutex);
  if (is_new(f.text)) {
    said.items = alloc_grow(said.items, said.count, &said.capacity, sizeof *said.items);
    said.items[said.count++] = alloc_text(f.text);
    fprintf(stderr, "freemask: note: %s\n", f.text);
  }
  pthread_mutex_unlock(&said.mutex);
}

size_t note_count(void) { return said.count; }

const char *note_get(size_t index) { return said.items[index]; }
