/* io/png_hooks.h - libpng's memory, and where its errors and warnings go. */
#ifndef FM_IO_PNG_HOOKS_H
#define FM_IO_PNG_HOOKS_H

#include <freemask/context.h>
#include <png.h>
#include <setjmp.h>
#include <stdbool.h>

/* A caller of libpng sets `jump` first: libpng's errors return there. Everything that has to be
 * released is in a structure around this one, never in locals of the function that calls setjmp. */
typedef struct fm__png_hooks {
  const fm_context *context;
  size_t refused;    /* size of the request that the allocator refused; 0: none */
  bool too_much;     /* there are more rows than the header says; libpng skips them */
  char message[128]; /* libpng's error */
  jmp_buf jump;
} fm__png_hooks;

png_structp fm__png_reader(fm__png_hooks *hooks);
png_structp fm__png_writer(fm__png_hooks *hooks);

/* The status of the error that led to `jump`: a damaged file or no memory. */
fm_status fm__png_failed(const fm__png_hooks *hooks, fm_error *err);

#endif
