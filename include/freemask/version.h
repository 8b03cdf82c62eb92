/* freemask/version.h - which release was compiled against, which one is loaded.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_VERSION_H
#define FREEMASK_VERSION_H

#include <freemask/export.h>

/* The release. The build reads these lines: there is no second place to change. */
#define FM_VERSION_MAJOR 0
#define FM_VERSION_MINOR 1
#define FM_VERSION_PATCH 0

/* The binary interface: the number in the soname. It grows only when a program
 * that was compiled against the previous number could stop working; added
 * functions and appended option fields leave it alone. From 1.0 on that is rare;
 * a 0.x release may do it, doc/promises.md says what else. */
#define FM_ABI_VERSION 1

FM_BEGIN_DECLS

/** The release of the loaded library, "MAJOR.MINOR.PATCH". Static storage.
 *  Thread-safety: any thread, any time. */
FM_API const char *fm_version(void);

/** FM_ABI_VERSION of the loaded library. A binding that finds the library at run
 *  time compares it with its own number before it calls anything else.
 *  Thread-safety: any thread, any time. */
FM_API int fm_abi_version(void);

FM_END_DECLS

#endif
