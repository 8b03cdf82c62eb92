/* io/zip.h - members of a ZIP archive: what np.savez writes. */
#ifndef FM_IO_ZIP_H
#define FM_IO_ZIP_H

#include "io/input.h"

/* An archive whose directory has been read and walked. */
typedef struct fm__zip {
  const fm_context *context;
  fm__input *input;
  unsigned char *directory;
  size_t size;           /* bytes of the directory */
  uint64_t directory_at; /* its place in the file: members lie before it */
  uint64_t count;        /* its entries */
} fm__zip;

typedef struct fm__zip_member {
  const char *name; /* in the directory, not terminated; any bytes */
  size_t name_size;
  uint64_t stored, size; /* bytes in the archive, bytes unpacked */
  uint64_t offset;       /* of its local header */
  uint32_t checksum;
  unsigned method, flags;
} fm__zip_member;

/* Finds and reads the directory (APPNOTE 6.3.10, with ZIP64). Archives of several parts are
 * FM_ERR_UNSUPPORTED; directories beyond 16 MiB or 65,536 entries, FM_ERR_LIMIT. */
fm_status fm__zip_open(const fm_context *context, fm__input *input, fm__zip *out, fm_error *err);
void fm__zip_close(fm__zip *zip);

/* Walks the directory: `*at` is 0 at first. False behind the last entry. */
bool fm__zip_next(const fm__zip *zip, size_t *at, fm__zip_member *out);

/* Reads a member of at most `most` bytes, unpacks it and verifies its checksum. A claim that its
 * bytes cannot fulfil costs no memory. The caller frees `*out`. */
fm_status fm__zip_load(const fm__zip *zip, const fm__zip_member *member, uint64_t most,
                       unsigned char **out, fm_error *err);

#endif
