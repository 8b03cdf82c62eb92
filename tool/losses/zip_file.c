/* losses/zip_file.c - the directory of a ZIP archive, read warily (APPNOTE 6.3). Only the central
 * directory is believed; of a member's own header no more than where its bytes begin. */
#include "losses/zip_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "losses/zip_inflate.h"

/* Fixed parts of the records, and the longest comment behind the last one. */
enum { END = 22, ENTRY = 46, LOCAL = 30, COMMENT = 65535 };

/* Members in one directory: more than any network's outputs, few enough to walk. */
enum { MOST_ENTRIES = 4096 };

static unsigned get2(const unsigned char *b) { return (unsigned)b[0] | (unsigned)b[1] << 8; }
static uint32_t get4(const unsigned char *b) {
  return (uint32_t)get2(b) | (uint32_t)get2(b + 2) << 16;
}
static uint64_t get8(const unsigned char *b) {
  return (uint64_t)get4(b) | (uint64_t)get4(b + 4) << 32;
}

static int damaged(const zip_file *zip, const char *what, fault *f) {
  return fault_set(f, EXIT_DATA, "%s: the archive is damaged: %s", zip->name, what);
}

/* The last record, searched from the end: nothing but its comment follows it. */
static const unsigned char *find_end(const unsigned char *data, size_t size) {
  size_t least = size > END + COMMENT ? size - END - COMMENT : 0;
  for (size_t at = size < END ? 0 : size - END + 1; at-- > least;)
    if (get4(data + at) == 0x06054B50 && get2(data + at + 20) == size - at - END) return data + at;
  return NULL;
}

/* The entry at `at`, and the offset of the next one; NULL if there is none whole. */
static const unsigned char *entry_at(const zip_file *zip, size_t at, size_t *next) {
  const unsigned char *e = zip->data + at;
  size_t left = zip->behind - at;
  if (left < ENTRY || get4(e) != 0x02014B50) return NULL;
  size_t rest = (size_t)get2(e + 28) + get2(e + 30) + get2(e + 32);
  if (rest > left - ENTRY) return NULL;
  *next = at + ENTRY + rest;
  return e;
}

static int check_directory(const zip_file *zip, fault *f) {
  size_t at = zip->directory;
  for (size_t i = 0; i < zip->count; i++)
    if (!entry_at(zip, at, &at))
      return damaged(zip, "its directory has fewer entries than it claims, or other ones", f);
  return EXIT_FINE;
}

int zip_open(const char *bytes, size_t size, const char *name, zip_file *out, fault *f) {
  *out = (zip_file){.data = (const unsigned char *)bytes, .size = size, .name = name};
  const unsigned char *end = find_end(out->data, size);
  if (!end)
    return fault_set(f, EXIT_DATA, "%s: is no ZIP archive, or was cut off: it has no directory",
                     name);
  uint32_t length = get4(end + 12), at = get4(end + 16);
  size_t behind = (size_t)(end - out->data);
  if (get2(end + 4) || get2(end + 6) || get2(end + 8) != get2(end + 10))
    return fault_set(f, EXIT_DATA, "%s: the archive comes in several parts, expected one", name);
  if (get2(end + 10) == 0xFFFF || length == UINT32_MAX || at == UINT32_MAX)
    return fault_set(f, EXIT_DATA, "%s: the archive is larger than 4 GiB", name);
  if (get2(end + 10) > MOST_ENTRIES)
    return fault_set(f, EXIT_DATA, "%s: the archive has %u members, expected two", name,
                     get2(end + 10));
  if (at > behind || length > behind - at) return damaged(out, "its directory is not in it", f);
  out->directory = at;
  out->behind = (size_t)at + length;
  out->count = get2(end + 10);
  return check_directory(out, f);
}

/* Sizes that do not fit 32 bits stand in an extra field, those that do not, in this order. */
static bool read_wide(const unsigned char *extra, size_t length, zip_member *m) {
  uint64_t *const fields[] = {&m->size, &m->stored, &m->offset};
  while (length >= 4) {
    size_t own = get2(extra + 2), at = 4;
    if (own > length - 4) return false;
    if (get2(extra) == 1) {
      for (int i = 0; i < 3; i++) {
        if (*fields[i] != UINT32_MAX) continue;
        if (at + 8 > own + 4) return false;
        *fields[i] = get8(extra + at);
        at += 8;
      }
      return true;
    }
    extra += own + 4;
    length -= own + 4;
  }
  return m->size != UINT32_MAX && m->stored != UINT32_MAX && m->offset != UINT32_MAX;
}

int zip_find(const zip_file *zip, const char *member, bool *found, zip_member *out, fault *f) {
  size_t at = zip->directory, wanted = strlen(member);
  *found = false;
  for (size_t i = 0; i < zip->count && !*found; i++) {
    const unsigned char *e = entry_at(zip, at, &at);
    size_t name = get2(e + 28), extra = get2(e + 30);
    if (name != wanted || memcmp(e + ENTRY, member, name) != 0) continue;
    *out = (zip_member){.stored = get4(e + 20), .size = get4(e + 24), .offset = get4(e + 42)};
    out->flags = get2(e + 8);
    out->method = get2(e + 10);
    out->checksum = get4(e + 16);
    if (!read_wide(e + ENTRY + name, extra, out))
      return damaged(zip, "a size that should be there is not", f);
    *found = true;
  }
  return EXIT_FINE;
}

/* Where the member's bytes begin, if all of them are there. */
static int locate(const zip_file *zip, const zip_member *m, const unsigned char **out, fault *f) {
  if (m->offset > zip->size || zip->size - m->offset < LOCAL ||
      get4(zip->data + m->offset) != 0x04034B50)
    return damaged(zip, "a member is not where its directory says", f);
  const unsigned char *local = zip->data + m->offset;
  uint64_t head = (uint64_t)LOCAL + get2(local + 26) + get2(local + 28);
  uint64_t left = zip->size - m->offset;
  if (head > left || m->stored > left - head)
    return damaged(zip, "a member reaches beyond its end", f);
  *out = local + head;
  return EXIT_FINE;
}

/* What is refused before any memory is taken. */
static int check(const zip_file *zip, const zip_member *m, const char *name, uint64_t limit,
                 fault *f) {
  if (m->flags & 1) return fault_set(f, EXIT_DATA, "%s: %s is encrypted", zip->name, name);
  if (m->method != 0 && m->method != 8)
    return fault_set(f, EXIT_DATA,
                     "%s: %s is compressed by method %u, expected np.savez or "
                     "np.savez_compressed",
                     zip->name, name, m->method);
  if (m->size > limit)
    return fault_set(f, EXIT_DATA, "%s: %s claims %" PRIu64 " bytes, expected at most %" PRIu64,
                     zip->name, name, m->size, limit);
  /* Deflate makes at most 258 bytes of 2 bits. */
  if (m->method ? m->size / 1032 > m->stored : m->size != m->stored)
    return fault_set(f, EXIT_DATA,
                     "%s: %s claims %" PRIu64 " bytes, more than %" PRIu64 " stored ones can hold",
                     zip->name, name, m->size, m->stored);
  return EXIT_FINE;
}

int zip_unpack(const zip_file *zip, const zip_member *member, const char *name, uint64_t limit,
               char **out, size_t *size, fault *f) {
  const unsigned char *bytes = NULL;
  int code = check(zip, member, name, limit < SIZE_MAX / 4 ? limit : SIZE_MAX / 4, f);
  if (!code) code = locate(zip, member, &bytes, f);
  if (code) return code;
  char *memory = alloc_resize(NULL, (size_t)member->size + 1, 1);
  const char *trouble = NULL;
  if (member->method)
    trouble = zip_inflate(bytes, (size_t)member->stored, memory, (size_t)member->size);
  else
    memcpy(memory, bytes, (size_t)member->size);
  if (!trouble && zip_checksum(memory, (size_t)member->size) != member->checksum)
    trouble = "its checksum does not match";
  if (trouble) {
    free(memory);
    return fault_set(f, EXIT_DATA, "%s: %s is damaged: %s", zip->name, name, trouble);
  }
  memory[member->size] = '\0';
  *out = memory;
  *size = (size_t)member->size;
  return EXIT_FINE;
}
