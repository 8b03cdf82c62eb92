/* export/export_commit.h - staged files are put in place together, or not at all.
 *
 * Files are made in `.freemask.staged` below the output folder. A commit is a file, `.freemask.commit`: an
 * object with the names to `place` and to `remove`, and the `exports` that are there afterwards. Before it exists,
 * the output folder is as it was; from then on the new files are in place, or whoever opens the folder next puts
 * them there. What they replace is in `.freemask.replaced` until all are. `.freemask.exports` lists the files of all
 * exports in the folder, by format. Whoever calls has the folder's lock. */
#ifndef FREEMASK_TOOL_EXPORT_COMMIT_H
#define FREEMASK_TOOL_EXPORT_COMMIT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/fault.h"

/* Where the file or folder `name` is made. Caller frees. */
char *export_commit_staged(const char *output, const char *name);

/* Removes what is staged, as far as that is possible. */
void export_commit_drop_staged(const char *output);

/* Carries out a commit. If it fails, what was there before is there again, or the next one finishes it. */
int export_commit_make(const char *output, json_t *commit, fault *f);

/* Finishes a commit that was cut off, and removes what else was left. */
int export_commit_finish(const char *output, fault *f);

/* Is there a commit that was cut off? */
int export_commit_was_cut_off(const char *output, bool *out, fault *f);

/* The exports that are there: an object of lists of names, by format. Caller releases. */
int export_commit_exports(const char *output, json_t **out, fault *f);

/* Is there anything at all, a link as well? */
int export_commit_find(const char *path, bool *there, fault *f);

/* Makes the folder of a file. */
int export_commit_make_above(const char *path, fault *f);

#endif
