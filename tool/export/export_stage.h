/* export/export_stage.h - an export appears as a whole, and replaces only files of earlier ones. */
#ifndef FREEMASK_TOOL_EXPORT_STAGE_H
#define FREEMASK_TOOL_EXPORT_STAGE_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

#include "base/fault.h"

/* Files are staged, each for a format, and put in place by a commit (export_commit.h). Files that no
 * export made are somebody else's.
 * Thread-safety: export_stage_path from any thread. */
typedef struct export_stage {
  char *output;   /* NULL: not open */
  json_t *owned;  /* format: list of names; of the exports that are there */
  json_t *names;  /* an object of all those names */
  json_t *staged; /* the same as `owned`, of the exports that are being made */
  pthread_mutex_t mutex;
} export_stage;

/* Opens the output folder, whose lock the caller has; finishes a commit that was cut off, and removes
 * what else was left. */
int export_stage_open(const char *output, export_stage *out, fault *f);

/* A format's files follow. */
void export_stage_begin(export_stage *stage, const char *format);

/* Forgets a format's files that were staged: a commit removes those of its earlier export. */
void export_stage_drop(export_stage *stage, const char *format);

/* Where to write the file `name` of a format: its folder exists. EXIT_USAGE if what is in its place
 * is not from an earlier export. Caller frees. */
int export_stage_path(export_stage *stage, const char *format, const char *name, char **path,
                      fault *f);

/* The folder `name` as it is being made. Caller frees. */
char *export_stage_folder(const export_stage *stage, const char *name);

/* EXIT_USAGE if a file has a name that is wanted, and is not from an earlier export; names that end
 * in '/' are not looked at. `names` ends in NULL. */
int export_stage_check_free(const export_stage *stage, const char *const *names, fault *f);

/* Puts all files in place and removes those of the formats' earlier exports that are not among them.
 * EXIT_USAGE if a file would change that another format's export has as well. If that fails, what
 * was there before is there again. */
int export_stage_commit(export_stage *stage, fault *f);

/* Removes what was not committed. One that is not open is fine. */
void export_stage_close(export_stage *stage);

#endif
