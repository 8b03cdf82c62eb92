/* base/folder_lock.h - one process at a time writes into a folder. */
#ifndef FREEMASK_TOOL_FOLDER_LOCK_H
#define FREEMASK_TOOL_FOLDER_LOCK_H

#include "base/fault.h"

/* The file that is locked; meanwhile it holds the number of the process. */
#define FOLDER_LOCK_NAME ".freemask.lock"

typedef struct folder_lock {
  char *path; /* of the file; NULL: nothing is locked */
  int handle;
} folder_lock;

/* What folder_lock_take returns where the folder is not there (any more). */
enum { FOLDER_GONE = -1 };

/* Locks a folder, which sentences call `shown`. EXIT_USAGE if another process holds it: the folder is as
 * it was then. The kernel releases the lock of a process that dies, whatever becomes of the file. On a
 * file system without locks a warning is printed, and the folder counts as locked. */
int folder_lock_take(const char *folder, const char *shown, folder_lock *out, fault *f);

/* Removes the file and releases the lock. */
void folder_lock_release(folder_lock *lock);

#endif
