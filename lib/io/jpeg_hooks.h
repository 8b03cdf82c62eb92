/* io/jpeg_hooks.h - where libjpeg's errors and warnings go. */
#ifndef FM_IO_JPEG_HOOKS_H
#define FM_IO_JPEG_HOOKS_H

#include <freemask/context.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

/* A caller of libjpeg sets `jump` first: libjpeg's errors return there. Everything that has to be
 * released is in a structure around this one, never in locals of the function that calls setjmp.
 *
 * libjpeg's working memory (a few rows; all coefficients of a progressive file) comes
 * from malloc: it has no hook for memory. */
typedef struct fm__jpeg_hooks {
  struct jpeg_error_mgr manager;
  const fm_context *context;
  fm_status status;
  size_t refused; /* FM_ERR_MEMORY: size of the request; 0: libjpeg's own */
  char message[JMSG_LENGTH_MAX];
  jmp_buf jump;
} fm__jpeg_hooks;

/* For the `err` member of a libjpeg object. */
struct jpeg_error_mgr *fm__jpeg_hooks_init(fm__jpeg_hooks *hooks, const fm_context *context);

/* Leaves libjpeg with an error that it does not know of. */
void fm__jpeg_stop(j_common_ptr object, fm_status status, const char *message);
void fm__jpeg_stop_memory(j_common_ptr object, size_t refused);

/* The status of the error that led to `jump`. */
fm_status fm__jpeg_failed(const fm__jpeg_hooks *hooks, fm_error *err);

#endif
