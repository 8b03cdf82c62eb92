/* base/disk.h - when files are safe from a crash of the machine. */
#ifndef FREEMASK_TOOL_DISK_H
#define FREEMASK_TOOL_DISK_H

#include "base/fault.h"

/* Waits until all that was written below the folder is on the disk: once for thousands of
 * files, instead of milliseconds for each of them. */
int disk_flush(const char *folder, fault *f);

/* Waits until the names in the folder are on the disk as they are now. */
int disk_flush_names(const char *folder, fault *f);

/* Removes a file; one that is not there is fine. */
int disk_remove(const char *path, fault *f);

#endif
