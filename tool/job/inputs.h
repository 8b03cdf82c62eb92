/* job/inputs.h - what a command reads: no output may replace it or join it. */
#ifndef FREEMASK_TOOL_INPUTS_H
#define FREEMASK_TOOL_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "job/jobs.h"

typedef struct input {
  char *path;
  bool apart; /* a folder that no output folder may contain either */
} input;

/* Files and folders. Zero-initialize. Paths are copied; NULL is fine and adds nothing. */
typedef struct inputs {
  input *items;
  size_t count, capacity;
} inputs;

void inputs_add(inputs *list, const char *path);
void inputs_add_apart(inputs *list, const char *path);
void inputs_add_labels(inputs *list, const char *name_or_file);
void inputs_add_losses(inputs *list, const loss_options *losses); /* also a plug-in and its files */
void inputs_add_set(inputs *list, const job_set *set);            /* masks are apart */
void inputs_free(inputs *list);

/* EXIT_USAGE if writing the file `output` would replace an input, by whatever name, or would add
 * a mask, an image or an array to an input folder. */
int inputs_spare_file(const inputs *list, const char *output, fault *f);

/* EXIT_USAGE if the folder `output` is or lies in an input folder, or if what is written into it
 * would replace an input: `written` are names of files, and of folders, which end in '/', ending in
 * NULL. */
int inputs_spare_folder(const inputs *list, const char *output, const char *const *written,
                        fault *f);

/* Before a single file is written, and before hours of work: inputs_spare_file; EXIT_IO if the
 * file cannot be written there. Removes what killed processes left of it. */
int inputs_check_file(const inputs *list, const char *output, fault *f);

#endif
