/* collect/collect_mask.c - the mask that belongs to a synthetic image. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/pixel.h"
#include "collect/collect.h"

static int keep(const void *data, size_t size, void *user) {
  text_add_bytes(user, data, size);
  return 0;
}

static int encode(fm_context *context, const fm_raster *mask, const job_row *row, text *out,
                  fault *f) {
  const fm_plane from = fm_raster_plane(mask);
  const fm_dtype dtype = from.dtype == FM_U8 ? FM_U8 : FM_U16; /* what a PNG holds */
  void *pixels = alloc_zeroed((size_t)(row->width * row->height), fm_dtype_size(dtype));
  fm_plane to = fm_plane_make(pixels, dtype, row->height, row->width);
  fm_error err;
  fm_write_options options = {.size = sizeof options, .like = mask};
  int code = EXIT_FINE;
  if (fm_map_resize_nearest(context, &from, &to, &err) ||
      fm_mask_encode(context, &to, &options, keep, out, &err))
    code = fault_library(f, &err, row->mask);
  free(pixels);
  return code;
}

/* Compares labels: another compression does not make a difference. */
static int same_labels(fm_context *context, const char *target, const text *bytes, bool *same,
                       fault *f) {
  fm_raster *old = NULL, *fresh = NULL;
  fm_error err;
  int code = EXIT_FINE;
  *same = !fm_mask_read(context, target, NULL, &old, &err) &&
          !fm_mask_decode(context, bytes->data, bytes->length, NULL, &fresh, &err);
  if (*same) {
    const fm_plane a = fm_raster_plane(old), b = fm_raster_plane(fresh);
    *same = pixel_same(&a, &b);
  } else {
    fault_library(f, &err, target);
    if (fault_is_machine(f)) code = f->exit_code;
  }
  fm_raster_destroy(old);
  fm_raster_destroy(fresh);
  return code;
}

/* Something is there already: the same? */
static int compare(fm_context *context, const char *target, const text *bytes, const job_row *row,
                   collected *what, findings *list, fault *f) {
  bool same;
  int code = same_labels(context, target, bytes, &same, f);
  if (code) return code;
  if (same) {
    *what = COLLECTED_THERE;
  } else {
    fault why;
    fault_set(&why, EXIT_DATA, "%s: a different mask is already here; it is left as it is", target);
    findings_add(list, FINDING_DIFFERS, row->name, why.text);
  }
  return EXIT_FINE;
}

int collect_mask(fm_context *context, const char *target, const fm_raster *mask, const job_row *row,
                 collected *what, findings *list, fault *f) {
  text bytes = {0};
  path_kind there = PATH_ABSENT;
  int code = path_look(target, &there, f);
  if (!code) code = encode(context, mask, row, &bytes, f);
  if (code == EXIT_DATA) { /* a label that no PNG holds */
    findings_add(list, FINDING_LABEL, row->name, f->text);
    code = EXIT_FINE;
  } else if (!code && there == PATH_ABSENT) {
    code = text_write(&bytes, context, target, f);
    *what = COLLECTED_NEW;
  } else if (!code) {
    code = compare(context, target, &bytes, row, what, list, f);
  }
  text_free(&bytes);
  return code;
}
