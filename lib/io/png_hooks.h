/* io/png_hooks.h - libpng's memory, errors and warnings, taken over. */
#ifndef FM_IO_PNG_HOOKS_H
#define FM_IO_PNG_HOOKS_H

#include <freemask/context.h>
#include <png.h>
#include <setjmp.h>
#include <stdbool.h>

/* Whoever calls libpng sets `jump` first: errors come back there. All that has to be
 * cleaned up lives in a structure around this one, never in locals of the function
 * that calls setjmp. */
typedef struct fm__png_hooks {
  const fm_context *context;
  size_t refused;    /* size of the request that the allocator refused; 0: none */
  bool too_much;     /* there were more rows than the header says: libpng leaves them out */
  char message[128]; /* libpng's error */
  jmp_buf jump;
} fm__png_hooks;

png_structp fm__png_reader(fm__png_hooks *hooks);
png_structp fm__png_writer(fm__png_hooks *hooks);

/* The status of what brought us to `jump`: a damaged file or no memory. */
fm_status fm__png_failed(const fm__png_hooks *hooks, fm_error *err);

#endif
