/* dsp/guard.c - memory between two pages that nobody may touch.
 * SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "guard.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

guard guard_copy(const void *data, size_t size, bool at_end) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t inner = (size + page - 1) / page * page;
  guard g = {.size = size, .page_bytes = inner + 2 * page};
  g.pages = mmap(NULL, g.page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (g.pages == MAP_FAILED ||
      mprotect((unsigned char *)g.pages + page, inner, PROT_READ | PROT_WRITE)) {
    perror("guard pages");
    abort();
  }
  g.data = (unsigned char *)g.pages + page + (at_end ? inner - size : 0);
  memcpy(g.data, data, size);
  return g;
}

void guard_free(guard *g) { munmap(g->pages, g->page_bytes); }
