/* job/findings.h - what check found wrong. */
#ifndef FREEMASK_TOOL_FINDINGS_H
#define FREEMASK_TOOL_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/text.h"

typedef enum finding_kind {
  FINDING_UNREADABLE = 0, /* a file that cannot be read */
  FINDING_LABEL,          /* a label outside the space */
  FINDING_SIZE,           /* sizes that differ */
  FINDING_MISSING,        /* no partner */
  FINDING_LOSS,           /* a loss that is none */
  FINDING_EMPTY,          /* no valid pixel: harmless, but useless */
  FINDING_CONVENTION,     /* values that look like another convention */
  FINDING_DIFFERS,        /* another content is in its place */
  FINDING_COLORS          /* one number in several colors */
} finding_kind;

typedef struct finding {
  finding_kind kind;
  char *stem; /* NULL: the whole set */
  char *sentence;
  int exit_code; /* of a command that stops there */
} finding;

/* Zero-initialize. */
typedef struct findings {
  finding *items;
  size_t count, capacity;
} findings;

void findings_add(findings *list, finding_kind kind, const char *stem, const char *sentence);

/* Adds what is wrong with a file. What the machine refused (fault_is_machine) says nothing about
 * the file: then nothing is added, `f` gets it, and its exit code is returned. */
int findings_add_fault(findings *list, finding_kind kind, const char *stem, const fault *why,
                       fault *f);
void findings_move(findings *into, findings *from); /* appends and empties `from` */
void findings_free(findings *list);

/* Would stats or filter stop there? */
bool finding_is_fatal(finding_kind kind);
const char *finding_name(finding_kind kind); /* "label" */

json_t *findings_as_json(const findings *list);                      /* new reference */
void findings_as_text(const findings *list, size_t most, text *out); /* a line each */

#endif
