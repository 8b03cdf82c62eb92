/* base/disk.h - when files are safe from a crash of the machine. */
#ifndef FREEMASK_TOOL_DISK_H
#define FREEMASK_TOOL_DISK_H

#include "base/fault.h"

/* Waits until all that was written below the folder is on the disk: once for thousands of
 * files, instead of milliseconds for each of them. */
int disk_flush(const char *folder, fault *f);

#endif
