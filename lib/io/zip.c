/* io/zip.c - the directory of a ZIP archive and its members, read warily. The central directory is
 * believed; a member's own header has to agree with it, and no two members may share a byte. */
#include "io/zip.h"

#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/inflate.h"

/* Bytes of the records without their variable parts, and the longest comment behind the last one.
 */
enum { END = 22, LOCATOR = 20, END64 = 56, ENTRY = 46, LOCAL = 30, COMMENT = 65535 };

/* No network puts out more arrays. */
enum { MOST_ENTRIES = 65536, MOST_DIRECTORY = 16 << 20 };

/* Deflate expands by at most 1032. */
enum { MOST_EXPANSION = 1032 };

enum { STORED = 0, DEFLATED = 8, ENCRYPTED = 1 };

static unsigned get2(const unsigned char *b) { return (unsigned)b[0] | (unsigned)b[1] << 8; }
static uint32_t get4(const unsigned char *b) {
  return (uint32_t)get2(b) | (uint32_t)get2(b + 2) << 16;
}
static uint64_t get8(const unsigned char *b) {
  return (uint64_t)get4(b) | (uint64_t)get4(b + 4) << 32;
}

static fm_status damaged(const char *what, fm_error *err) {
  return fm__fail(err, FM_ERR_FORMAT, "the archive is damaged: %s", what);
}

/* ---- The directory --------------------------------------------------------------- */

/* What the last record says. */
typedef struct ending {
  uint64_t count, size, at; /* of the directory */
  uint64_t behind;          /* the directory ends here at the latest */
} ending;

/* ZIP64: numbers that do not fit the last record are in another one, which is found by a third.
 */
static fm_status read_end64(fm__input *input, uint64_t end_at, ending *out, fm_error *err) {
  static const char missing[] = "a ZIP64 record that should be there is not";
  unsigned char locator[LOCATOR], end[END64];
  if (end_at < LOCATOR || !fm__input_at(input, end_at - LOCATOR, locator, LOCATOR) ||
      get4(locator) != 0x07064B50)
    return damaged(missing, err);
  uint64_t at = get8(locator + 8);
  if (at > end_at - LOCATOR || end_at - LOCATOR - at < END64 ||
      !fm__input_at(input, at, end, END64) || get4(end) != 0x06064B50)
    return damaged(missing, err);
  if (get4(locator + 4) || get4(locator + 16) > 1 || get4(end + 16) || get4(end + 20) ||
      get8(end + 24) != get8(end + 32))
    return fm__fail(err, FM_ERR_UNSUPPORTED, "the archive comes in several parts, expected one");
  *out = (ending){get8(end + 32), get8(end + 40), get8(end + 48), at};
  return FM_OK;
}

static fm_status read_end(fm__input *input, const unsigned char *end, uint64_t end_at, ending *out,
                          fm_error *err) {
  if (get2(end + 4) || get2(end + 6) || get2(end + 8) != get2(end + 10))
    return fm__fail(err, FM_ERR_UNSUPPORTED, "the archive comes in several parts, expected one");
  *out = (ending){get2(end + 10), get4(end + 12), get4(end + 16), end_at};
  if (out->count != UINT16_MAX && out->size != UINT32_MAX && out->at != UINT32_MAX) return FM_OK;
  return read_end64(input, end_at, out, err);
}

/* The last record, searched from the end: nothing but its comment follows it. */
static fm_status find_end(const fm_context *context, fm__input *input, ending *out, fm_error *err) {
  uint64_t all = (uint64_t)input->size;
  size_t size = all < END + COMMENT ? (size_t)all : END + COMMENT;
  unsigned char *tail = fm__alloc(context, size);
  if (!tail) return fm__fail_memory(err, size);
  fm_status status = FM_OK;
  size_t at = size < END ? 0 : size - END + 1;
  if (!fm__input_at(input, all - size, tail, size)) status = damaged("it became shorter", err);
  while (!status && at > 0)
    if (get4(tail + --at) == 0x06054B50 && get2(tail + at + 20) == size - at - END) {
      status = read_end(input, tail + at, all - size + at, out, err);
      fm__free(context, tail);
      return status;
    }
  fm__free(context, tail);
  return status ? status
                : fm__fail(err, FM_ERR_FORMAT,
                           "the archive was cut off, or is none: it has no directory");
}

/* Sizes that do not fit 32 bits are in an extra field, those that do not, in this order. */
static bool read_wide(const unsigned char *extra, size_t length, fm__zip_member *m) {
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

bool fm__zip_next(const fm__zip *zip, size_t *at, fm__zip_member *out) {
  const unsigned char *e = zip->directory + *at;
  size_t left = zip->size - *at;
  if (left < ENTRY || get4(e) != 0x02014B50) return false;
  size_t name = get2(e + 28), extra = get2(e + 30), comment = get2(e + 32);
  if (name + extra + comment > left - ENTRY) return false;
  *out = (fm__zip_member){.name = (const char *)e + ENTRY, .name_size = name};
  out->flags = get2(e + 8);
  out->method = get2(e + 10);
  out->checksum = get4(e + 16);
  out->stored = get4(e + 20);
  out->size = get4(e + 24);
  out->offset = get4(e + 42);
  if (!read_wide(e + ENTRY + name, extra, out)) return false;
  *at += ENTRY + name + extra + comment;
  return true;
}

static fm_status check_directory(const fm__zip *zip, fm_error *err) {
  fm__zip_member member;
  uint64_t count = 0;
  size_t at = 0;
  while (count < zip->count && fm__zip_next(zip, &at, &member)) count++;
  if (count == zip->count && at == zip->size) return FM_OK;
  return damaged("its directory has other entries than it claims", err);
}

fm_status fm__zip_open(const fm_context *context, fm__input *input, fm__zip *out, fm_error *err) {
  ending end = {0};
  fm_status status = find_end(context, input, &end, err);
  if (status) return status;
  if (end.at > end.behind || end.size > end.behind - end.at)
    return damaged("its directory is not in it", err);
  if (end.count > MOST_ENTRIES || end.size > MOST_DIRECTORY)
    return fm__fail(err, FM_ERR_LIMIT,
                    "the archive has %" PRIu64 " members in a directory of %" PRIu64
                    " bytes, more than %d and 2^24",
                    end.count, end.size, MOST_ENTRIES);
  fm__zip zip = {.context = context,
                 .input = input,
                 .size = (size_t)end.size,
                 .directory_at = end.at,
                 .count = end.count};
  zip.directory = fm__alloc(context, zip.size);
  if (!zip.directory) return fm__fail_memory(err, zip.size);
  if (!fm__input_at(input, end.at, zip.directory, zip.size))
    status = damaged("it became shorter", err);
  else
    status = check_directory(&zip, err);
  if (status)
    fm__zip_close(&zip);
  else
    *out = zip;
  return status;
}

void fm__zip_close(fm__zip *zip) {
  fm__free(zip->context, zip->directory);
  zip->directory = NULL;
}

/* ---- A member --------------------------------------------------------------------- */

/* What is refused before any memory is taken. */
static fm_status check_member(const fm__zip_member *m, uint64_t most, fm_error *err) {
  if (m->flags & ENCRYPTED) return fm__fail(err, FM_ERR_UNSUPPORTED, "is encrypted");
  if (m->method != STORED && m->method != DEFLATED)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "is compressed by method %u, expected what np.savez or np.savez_compressed "
                    "writes",
                    m->method);
  uint64_t fits = m->method == STORED ? m->stored : m->stored * MOST_EXPANSION;
  if (m->stored <= UINT64_MAX / MOST_EXPANSION &&
      (m->method == STORED ? m->size != fits : m->size > fits))
    return fm__fail(err, FM_ERR_FORMAT,
                    "is damaged: it claims %" PRIu64 " bytes, but %" PRIu64 " are stored", m->size,
                    m->stored);
  if (m->size > most || m->size > PTRDIFF_MAX || m->stored > PTRDIFF_MAX)
    return fm__fail(err, FM_ERR_LIMIT,
                    "has %" PRIu64 " bytes, more than the limit of %" PRIu64
                    " (max_bytes, max_pixels)",
                    m->size, most);
  return FM_OK;
}

/* Where a member's bytes begin; all of them lie before the directory. */
static bool locate(const fm__zip *zip, const fm__zip_member *m, uint64_t *begin) {
  unsigned char local[LOCAL];
  if (m->offset > zip->directory_at || zip->directory_at - m->offset < LOCAL ||
      !fm__input_at(zip->input, m->offset, local, LOCAL) || get4(local) != 0x04034B50)
    return false;
  uint64_t head = (uint64_t)LOCAL + get2(local + 26) + get2(local + 28);
  uint64_t left = zip->directory_at - m->offset;
  if (head > left || m->stored > left - head) return false;
  *begin = m->offset + head;
  return true;
}

/* Does the member's own header have the name and the method that the directory has? */
static fm_status check_local(const fm__zip *zip, const fm__zip_member *m, fm_error *err) {
  unsigned char local[LOCAL], piece[256];
  bool same = fm__input_at(zip->input, m->offset, local, LOCAL) &&
              get2(local + 26) == m->name_size && get2(local + 8) == m->method;
  for (size_t at = 0; same && at < m->name_size; at += sizeof piece) {
    size_t size = m->name_size - at < sizeof piece ? m->name_size - at : sizeof piece;
    same = fm__input_at(zip->input, m->offset + LOCAL + at, piece, size) &&
           !memcmp(piece, m->name + at, size);
  }
  return same ? FM_OK : damaged("a member's own header contradicts its directory", err);
}

/* Members that share bytes are how a small file claims endless content. */
static fm_status check_apart(const fm__zip *zip, const fm__zip_member *m, uint64_t end,
                             fm_error *err) {
  fm__zip_member other;
  for (size_t at = 0; fm__zip_next(zip, &at, &other);) {
    if (other.name == m->name) continue;
    uint64_t least = other.offset + LOCAL; /* of where it ends */
    uint64_t other_end = other.stored > UINT64_MAX - least ? UINT64_MAX : least + other.stored;
    if (other.offset < end && m->offset < other_end)
      return damaged("two of its members overlap", err);
  }
  return FM_OK;
}

static fm_status unpack(const fm__zip *zip, const fm__zip_member *m, uint64_t begin,
                        unsigned char *out, fm_error *err) {
  if (m->method == STORED)
    return fm__input_at(zip->input, begin, out, (size_t)m->size)
               ? FM_OK
               : damaged("it became shorter", err);
  unsigned char *packed = fm__alloc(zip->context, (size_t)m->stored);
  if (!packed) return fm__fail_memory(err, (size_t)m->stored);
  fm_status status = fm__input_at(zip->input, begin, packed, (size_t)m->stored)
                         ? fm__inflate(packed, (size_t)m->stored, out, (size_t)m->size, err)
                         : damaged("it became shorter", err);
  fm__free(zip->context, packed);
  return status;
}

fm_status fm__zip_load(const fm__zip *zip, const fm__zip_member *m, uint64_t most,
                       unsigned char **out, fm_error *err) {
  uint64_t begin = 0;
  fm_status status = check_member(m, most, err);
  if (!status && !locate(zip, m, &begin))
    status = damaged("a member is not where its directory says", err);
  if (!status) status = check_local(zip, m, err);
  if (!status) status = check_apart(zip, m, begin + m->stored, err);
  if (status) return status;
  unsigned char *bytes = fm__alloc(zip->context, (size_t)m->size);
  if (!bytes) return fm__fail_memory(err, (size_t)m->size);
  status = unpack(zip, m, begin, bytes, err);
  if (!status && fm__crc32(bytes, (size_t)m->size) != m->checksum)
    status = fm__fail(err, FM_ERR_FORMAT, "is damaged: its checksum does not match");
  if (status)
    fm__free(zip->context, bytes);
  else
    *out = bytes;
  return status;
}
