/* sys/mman.h - pages that no one may touch, and pages that one may.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_SUPPORT_SYS_MMAN_H
#define FM_TESTS_SUPPORT_SYS_MMAN_H

#include <stddef.h>
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2, MAP_PRIVATE = 2, MAP_ANONYMOUS = 32 };
#define MAP_FAILED NULL

static inline void *mmap(void *at, size_t size, int access, int flags, int handle, int offset) {
  (void)at, (void)access, (void)flags, (void)handle, (void)offset;
  return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_NOACCESS);
}

static inline int mprotect(void *pages, size_t size, int access) {
  DWORD old;
  (void)access;
  return VirtualProtect(pages, size, PAGE_READWRITE, &old) ? 0 : -1;
}

static inline int munmap(void *pages, size_t size) {
  (void)size;
  return VirtualFree(pages, 0, MEM_RELEASE) ? 0 : -1;
}

#endif
