/* losses/zip_file.h - members of a ZIP archive in memory: what np.savez writes. */
#ifndef FREEMASK_TOOL_ZIP_FILE_H
#define FREEMASK_TOOL_ZIP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/* An archive; bytes and name are borrowed. */
typedef struct zip_file {
  const unsigned char *data;
  size_t size;
  const char *name;         /* for messages */
  size_t directory, behind; /* offsets: the central directory, and what follows it */
  size_t count;             /* its entries */
} zip_file;

typedef struct zip_member {
  uint64_t stored, size; /* bytes in the archive, bytes unpacked */
  uint64_t offset;       /* of its local header */
  uint32_t checksum;
  unsigned method, flags;
} zip_member;

/* Finds the directory and walks it once. EXIT_DATA for what is no archive or is damaged. Archives
 * of several parts and those beyond 4 GiB are refused. */
int zip_open(const char *bytes, size_t size, const char *name, zip_file *out, fault *f);

/* Looks a member up by its name; `*found` is false if there is none. */
int zip_find(const zip_file *zip, const char *member, bool *found, zip_member *out, fault *f);

/* Unpacks a member of at most `limit` bytes and verifies its checksum. A claim that its bytes could
 * not fulfil costs no memory. Caller frees; a NUL stands behind the bytes. */
int zip_unpack(const zip_file *zip, const zip_member *member, const char *name, uint64_t limit,
               char **out, size_t *size, fault *f);

#endif
