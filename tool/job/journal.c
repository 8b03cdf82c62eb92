/* job/journal.c - a line for each finished mask. */
#include "job/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"

enum { CHECK_DIGITS = 16 };
static const char first_word[] = "freemask-filter-1 ", revoked[] = "-,";

/* ---- Reading ------------------------------------------------------------------------ */

/* Takes a whole number and the character after it off the front. */
static bool take_number(char **at, char separator, int64_t *out) {
  char *end;
  errno = 0;
  long long number = strtoll(*at, &end, 10);
  if (end == *at || *end != separator || errno || number < 0) return false;
  *out = number;
  *at = end + 1;
  return true;
}

/* Takes the stem off the front, quoted or not, in place. */
static bool take_stem(char **at, const char **out) {
  char *start = *at, *write = start;
  if (*start != '"') {
    char *comma = strchr(start, ',');
    if (!comma) return false;
    *comma = '\0';
    *out = start;
    *at = comma + 1;
    return true;
  }
  char *read = start + 1;
  for (; *read && (*read != '"' || read[1] == '"'); read++) {
    if (*read == '"') read++;
    *write++ = *read;
  }
  if (*read != '"' || read[1] != ',') return false;
  *write = '\0';
  *out = start;
  *at = read + 2;
  return true;
}

/* Is it a whole line? Cuts off its checksum, which is that of all before it. */
static bool check_line(char *line, size_t length) {
  if (length < CHECK_DIGITS + 1 || memchr(line, 0, length)) return false;
  size_t body = length - CHECK_DIGITS;
  char *end;
  if (strtoull(line + body, &end, 16) != text_hash(line, body) || *end) return false;
  line[body] = '\0';
  return true;
}

static bool read_line(char *line, journal_entry *entry, int32_t class_count) {
  char *at = line;
  memset(entry->class_valid, 0, (size_t)class_count * sizeof(int64_t));
  memset(entry->class_dropped, 0, (size_t)class_count * sizeof(int64_t));
  if (!take_stem(&at, &entry->stem)) return false;
  entry->revoked = !strcmp(at, revoked);
  if (entry->revoked) return true;
  if (!take_number(&at, ',', &entry->valid) || !take_number(&at, ',', &entry->dropped))
    return false;
  while (*at) {
    int64_t k, valid, dropped;
    if (!take_number(&at, ':', &k) || k >= class_count || !take_number(&at, ':', &valid) ||
        !take_number(&at, ',', &dropped))
      return false;
    entry->class_valid[k] = valid;
    entry->class_dropped[k] = dropped;
  }
  return true;
}

/* Finds the whole lines after the first; `*good` gets the length up to their end. */
static size_t find_lines(char *data, size_t length, char ***lines, size_t *good) {
  size_t count = 0, room = 0;
  *lines = NULL;
  for (size_t at = *good; at < length; at = *good) {
    char *end = memchr(data + at, '\n', length - at);
    if (!end) break;
    *end = '\0';
    if (!check_line(data + at, (size_t)(end - data) - at)) break;
    *good = (size_t)(end - data) + 1;
    if (count == room) *lines = alloc_resize(*lines, room = room ? 2 * room : 64, sizeof **lines);
    (*lines)[count++] = data + at;
  }
  return count;
}

/* Backwards: a mask that was done again has two lines, and the later one counts. */
static int replay(char *data, size_t length, int32_t class_count, journal_entry_fn entry,
                  void *user, size_t *good, fault *f) {
  char **lines;
  journal_entry e = {0};
  int code = EXIT_FINE;
  e.class_valid = alloc_zeroed((size_t)class_count, sizeof(int64_t));
  e.class_dropped = alloc_zeroed((size_t)class_count, sizeof(int64_t));
  for (size_t left = find_lines(data, length, &lines, good); left-- && !code;)
    if (read_line(lines[left], &e, class_count)) code = entry(&e, user, f);
  free(lines);
  free(e.class_valid);
  free(e.class_dropped);
  return code;
}

/* ---- Opening ------------------------------------------------------------------------ */

static int write_all(const journal *j, const char *data, size_t length, fault *f) {
  while (length) {
    ssize_t count = write(j->handle, data, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fault_system(f, errno, "write", j->path);
    data += count;
    length -= (size_t)count;
  }
  return EXIT_FINE;
}

/* Is the first line whole, and this run's? */
static int check_first(const journal *j, const char *data, size_t length, uint64_t run,
                       size_t *good, fault *f) {
  text first = {0};
  int code = EXIT_FINE;
  text_add(&first, "%s%016" PRIx64 "\n", first_word, run);
  *good = 0;
  if (length >= first.length && !memcmp(data, first.data, first.length))
    *good = first.length;
  else if (length >= first.length)
    code = fault_set(f, EXIT_USAGE,
                     "%s: started with other flags, statistics or inputs, expected the same with "
                     "--resume (or --overwrite)",
                     j->path);
  text_free(&first);
  return code;
}

static int read_back(const journal *j, char **data, size_t *length, fault *f) {
  struct stat info;
  if (fstat(j->handle, &info)) return fault_system(f, errno, "read", j->path);
  size_t size = (size_t)info.st_size, at = 0;
  *data = alloc_zeroed(size + 1, 1);
  while (at < size) {
    ssize_t count = pread(j->handle, *data + at, size - at, (off_t)at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fault_system(f, errno, "read", j->path);
    if (!count) break;
    at += (size_t)count;
  }
  *length = at;
  return EXIT_FINE;
}

static int start(journal *j, uint64_t run, int32_t class_count, journal_entry_fn entry, void *user,
                 fault *f) {
  char *data = NULL;
  size_t length = 0, good = 0;
  text first = {0};
  int code = read_back(j, &data, &length, f);
  if (!code) code = check_first(j, data, length, run, &good, f);
  if (!code && good) code = replay(data, length, class_count, entry, user, &good, f);
  free(data);
  if (!code && ftruncate(j->handle, (off_t)good)) code = fault_system(f, errno, "cut", j->path);
  if (!code && !good) {
    text_add(&first, "%s%016" PRIx64 "\n", first_word, run);
    code = write_all(j, first.data, first.length, f);
    text_free(&first);
  }
  return code;
}

int journal_open(const char *path, uint64_t run, int32_t class_count, journal_entry_fn entry,
                 void *user, journal *out, fault *f) {
  out->handle = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (out->handle < 0) return fault_system(f, errno, "open", path);
  out->path = alloc_text(path);
  pthread_mutex_init(&out->lock, NULL);
  int code = start(out, run, class_count, entry, user, f);
  if (code) journal_close(out);
  return code;
}

/* Ends the line and writes all of it. */
static int add_line(journal *j, text *line, fault *f) {
  text_add(line, "%016" PRIx64 "\n", text_hash(line->data, line->length));
  pthread_mutex_lock(&j->lock);
  int code = write_all(j, line->data, line->length, f);
  pthread_mutex_unlock(&j->lock);
  text_free(line);
  return code;
}

int journal_add(journal *j, const journal_entry *entry, int32_t class_count, fault *f) {
  text line = {0};
  text_add_csv(&line, entry->stem);
  text_add(&line, ",%" PRId64 ",%" PRId64 ",", entry->valid, entry->dropped);
  for (int32_t k = 0; k < class_count; k++)
    if (entry->class_valid[k])
      text_add(&line, "%d:%" PRId64 ":%" PRId64 ",", (int)k, entry->class_valid[k],
               entry->class_dropped[k]);
  return add_line(j, &line, f);
}

int journal_revoke(journal *j, const char *stem, fault *f) {
  text line = {0};
  text_add_csv(&line, stem);
  text_add(&line, ",%s", revoked);
  return add_line(j, &line, f);
}

void journal_close(journal *j) {
  if (j->handle < 0) return;
  close(j->handle);
  free(j->path);
  pthread_mutex_destroy(&j->lock);
  j->handle = -1;
}
