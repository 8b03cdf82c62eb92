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
#include "base/json_file.h"
#include "base/path.h"
#include "job/made_of.h"

enum { CHECK_DIGITS = 16 };
static const char first_word[] = "freemask-filter-2 ", revoked[] = "-,",
                  tags[PARTS + 1] = "mlnsrghb";

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

char *journal_stem(const char *line) {
  char *copy = alloc_text(line), *at = copy;
  const char *stem;
  char *out = take_stem(&at, &stem) ? alloc_text(stem) : NULL;
  free(copy);
  return out;
}

/* 16 hexadecimal digits, not all 0. */
static bool take_hash(char **at, uint64_t *out) {
  if (strspn(*at, "0123456789abcdef") != 16) return false;
  *out = strtoull(*at, NULL, 16);
  *at += 16;
  return *out != 0;
}

/* "m:size:content:identity,": what a part was. The identity may be missing. */
static bool take_parts(char **at, input_parts *parts) {
  for (const char *tag; **at && (tag = strchr(tags, **at));) {
    input_seen *seen = &parts->of[tag - tags];
    *at += 1;
    if (*(*at)++ != ':' || !take_number(at, ':', &seen->size) || !take_hash(at, &seen->content))
      return false;
    if (*(*at)++ == ',') continue;
    if ((*at)[-1] != ':' || !take_hash(at, &seen->identity) || *(*at)++ != ',') return false;
  }
  return true;
}

/* "w:size:content," if there is one. */
static bool take_weights(char **at, input_seen *seen) {
  *seen = (input_seen){0};
  if (**at != 'w') return true;
  *at += 1;
  return *(*at)++ == ':' && take_number(at, ':', &seen->size) && take_hash(at, &seen->content) &&
         *(*at)++ == ',';
}

bool journal_read_line(char *line, int32_t class_count, journal_entry *entry) {
  char *at = line;
  memset(entry->class_valid, 0, (size_t)class_count * sizeof(int64_t));
  memset(entry->class_dropped, 0, (size_t)class_count * sizeof(int64_t));
  entry->parts = (input_parts){0};
  if (!take_stem(&at, &entry->stem)) return false;
  entry->revoked = !strcmp(at, revoked);
  if (entry->revoked) return true;
  if (!take_number(&at, ',', &entry->valid) || !take_number(&at, ',', &entry->dropped) ||
      !take_number(&at, ',', &entry->bytes) || !take_weights(&at, &entry->weights) ||
      !take_parts(&at, &entry->parts))
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

void journal_lines_free(journal_lines *lines) {
  free(lines->lines);
  free(lines->data);
  *lines = (journal_lines){0};
}

/* ---- The first line ------------------------------------------------------------------- */

static void add_first(const json_t *made_of, text *t) {
  char *words = json_dumps(made_of, JSON_COMPACT);
  text_add(t, "%s%s\n", first_word, words ? words : "");
  free(words);
}

static int not_ours(const char *path, fault *f) {
  return fault_set(f, EXIT_DATA, "%s: not of this version of freemask, expected --overwrite", path);
}

/* Is the first line whole (`*good`: its length, or 0), and of the same? */
static int check_first(const char *path, const char *output, const char *begun, const char *data,
                       size_t length, const json_t *made_of, size_t *good, fault *f) {
  const char *end = length ? memchr(data, '\n', length) : NULL;
  size_t word = strlen(first_word);
  *good = 0;
  if (!end) return EXIT_FINE; /* cut off by a crash */
  if ((size_t)(end - data) < word || memcmp(data, first_word, word)) return not_ours(path, f);
  json_t *before =
      json_loadb(data + word, (size_t)(end - data) - word, JSON_REJECT_DUPLICATES, NULL);
  int code =
      json_is_object(before) ? made_of_check(before, made_of, output, begun, f) : not_ours(path, f);
  json_decref(before);
  if (!code) *good = (size_t)(end - data) + 1;
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

static int start(journal *j, const char *output, const json_t *made_of, journal_lines *lines,
                 bool *fresh, fault *f) {
  size_t length = 0, good = 0;
  int code = read_back(j, &lines->data, &length, f);
  if (!code) code = check_first(j->path, output, "begun", lines->data, length, made_of, &good, f);
  *fresh = !good;
  if (!code && good) lines->count = find_lines(lines->data, length, &lines->lines, &good);
  if (!code && ftruncate(j->handle, (off_t)good)) code = fault_system(f, errno, "cut", j->path);
  return code;
}

/* What other names lead to is not a journal: it is not written to. */
static int open_own(const char *path, int *handle, fault *f) {
  struct stat info;
  *handle = open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                 0666);
  if (*handle < 0 && errno == ELOOP)
    return fault_set(f, EXIT_IO, "cannot open %s: it is a link, expected a journal or nothing",
                     path);
  if (*handle < 0) return fault_system(f, errno, "open", path);
  int code = fstat(*handle, &info) ? fault_system(f, errno, "open", path) : EXIT_FINE;
  if (!code && (!S_ISREG(info.st_mode) || info.st_nlink > 1))
    code = fault_set(f, EXIT_IO, "cannot open %s: it is not a file with one name", path);
  if (!code) return EXIT_FINE;
  close(*handle);
  *handle = -1;
  return code;
}

int journal_open(const char *path, const char *output, const json_t *made_of, journal *out,
                 journal_lines *lines, bool *fresh, fault *f) {
  *lines = (journal_lines){0};
  int code = open_own(path, &out->handle, f);
  if (code) return code;
  out->path = alloc_text(path);
  pthread_mutex_init(&out->lock, NULL);
  code = start(out, output, made_of, lines, fresh, f);
  if (!code) return EXIT_FINE;
  journal_lines_free(lines);
  journal_close(out);
  return code;
}

int journal_lines_of(const journal *j, journal_lines *lines, fault *f) {
  size_t length = 0;
  *lines = (journal_lines){0};
  int code = read_back(j, &lines->data, &length, f);
  const char *end = code || !length ? NULL : memchr(lines->data, '\n', length);
  size_t good = end ? (size_t)(end - lines->data) + 1 : length;
  if (!code) lines->count = find_lines(lines->data, length, &lines->lines, &good);
  if (code) journal_lines_free(lines);
  return code;
}

int journal_clear(const char *path, fault *f) {
  int handle = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (handle < 0) return fault_system(f, errno, "open", path);
  int code = fsync(handle) && errno != EINVAL && errno != ENOTSUP
                 ? fault_system(f, errno, "flush", path)
                 : EXIT_FINE;
  close(handle);
  return code;
}

int journal_begin(journal *j, const json_t *made_of, fault *f) {
  text first = {0};
  add_first(made_of, &first);
  int code = write_all(j, first.data, first.length, f);
  text_free(&first);
  return code;
}

int journal_load(const char *path, const char *output, const char *begun, const json_t *made_of,
                 journal_lines *lines, fault *f) {
  size_t length, good;
  *lines = (journal_lines){0};
  int code = path_read(path, SIZE_MAX, &lines->data, &length, f);
  if (code) return code;
  code = check_first(path, output, begun, lines->data, length, made_of, &good, f);
  if (!code && !good) code = not_ours(path, f);
  if (!code) lines->count = find_lines(lines->data, length, &lines->lines, &good);
  if (!code && good != length)
    code = fault_set(f, EXIT_DATA, "%s is damaged, expected --overwrite", path);
  if (code) journal_lines_free(lines);
  return code;
}

int journal_save(const char *path, const json_t *made_of, const text *lines, fm_context *context,
                 fault *f) {
  text t = {0};
  add_first(made_of, &t);
  if (lines->length) text_add_bytes(&t, lines->data, lines->length);
  int code = text_write(&t, context, path, f);
  text_free(&t);
  return code;
}

/* ---- Adding --------------------------------------------------------------------------- */

/* Ends the line that begins at `first`. */
static void end_line(text *t, size_t first) {
  text_add(t, "%016" PRIx64 "\n", text_hash(t->data + first, t->length - first));
}

void journal_format(const journal_entry *entry, int32_t class_count, text *t) {
  size_t first = t->length;
  text_add_csv(t, entry->stem);
  text_add(t, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",", entry->valid, entry->dropped, entry->bytes);
  if (entry->weights.content)
    text_add(t, "w:%" PRId64 ":%016" PRIx64 ",", entry->weights.size, entry->weights.content);
  for (int part = 0; part < PARTS; part++) {
    const input_seen *seen = &entry->parts.of[part];
    if (!seen->content) continue;
    text_add(t, "%c:%" PRId64 ":%016" PRIx64, tags[part], seen->size, seen->content);
    if (seen->identity) text_add(t, ":%016" PRIx64, seen->identity);
    text_add(t, ",");
  }
  for (int32_t k = 0; k < class_count; k++)
    if (entry->class_valid[k])
      text_add(t, "%d:%" PRId64 ":%" PRId64 ",", (int)k, entry->class_valid[k],
               entry->class_dropped[k]);
  end_line(t, first);
}

int journal_add_lines(journal *j, const text *lines, fault *f) {
  if (!lines->length) return EXIT_FINE;
  pthread_mutex_lock(&j->lock);
  int code = write_all(j, lines->data, lines->length, f);
  pthread_mutex_unlock(&j->lock);
  return code;
}

int journal_add(journal *j, const journal_entry *entry, int32_t class_count, fault *f) {
  text line = {0};
  journal_format(entry, class_count, &line);
  int code = journal_add_lines(j, &line, f);
  text_free(&line);
  return code;
}

int journal_revoke(journal *j, const char *stem, fault *f) {
  text line = {0};
  text_add_csv(&line, stem);
  text_add(&line, ",%s", revoked);
  end_line(&line, 0);
  int code = journal_add_lines(j, &line, f);
  text_free(&line);
  return code;
}

void journal_close(journal *j) {
  if (j->handle < 0) return;
  close(j->handle);
  free(j->path);
  pthread_mutex_destroy(&j->lock);
  j->handle = -1;
}
