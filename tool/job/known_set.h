/* job/known_set.h - are the inputs of a finished result what it was made of? */
#ifndef FREEMASK_TOOL_KNOWN_SET_H
#define FREEMASK_TOOL_KNOWN_SET_H

#include "job/input_parts.h"
#include "job/jobs.h"

/* The record of a result says what its inputs held, and nothing that differs between two results of
 * the same inputs. Their identities are kept beside it, in an extended attribute, where the file
 * system has those: without them, or where they differ, inputs are read again. */
typedef struct known_set {
  const job_common *common;
  const char *record; /* path */
  part_places places;
  const input_parts *before; /* of each mask */
  const struct stat
      *before_reading;              /* of a file that was written before inputs were read, or ... */
  const struct stat *after_reading; /* ... of those written when they had been, one for each mask;
                                        neither: what is the same file holds the same */
  int slack;                        /* seconds between reading and writing */

  /* Results: the first part that differs, or PARTS. */
  unsigned char *differs;
} known_set;

/* Looks at all masks. Caller frees `differs`, also on failure. Where nothing differs, the identities
 * are kept from now on. */
int known_set_look(known_set *set, fault *f);

/* Keeps identities that were seen when the inputs were read. Where this fails, it is as if they had
 * not been kept. */
void known_set_keep(const char *record, const input_parts *seen, size_t count);

#endif
