/* bench/files.c - one mask from file to file.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

static int say(const fm_error *err) {
  fprintf(stderr, "%s\n", err->message);
  return err->code;
}

int bench_filter_files(const bench_files *f) {
  fm_error err;
  fm_raster *mask = NULL, *losses = NULL, *real = NULL;
  fm_filter_report report = {.size = sizeof report};
  fm_write_options options = {.size = sizeof options, .flush = FM_FLUSH_LATER};
  fm_status status = fm_mask_read(f->context, f->mask, NULL, &mask, &err);
  if (!status) status = fm_loss_read(f->context, f->losses, NULL, &losses, &err);
  if (!status && f->reference) status = fm_loss_read(f->context, f->reference, NULL, &real, &err);
  if (!status) {
    fm_plane pixels = fm_raster_plane(mask), values = fm_raster_plane(losses), reference;
    fm_extra_planes extra = {.size = sizeof extra, .reference = &reference};
    if (real) reference = fm_raster_plane(real);
    status =
        fm_filter_apply(f->filter, &pixels, &values, real ? &extra : NULL, &pixels, &report, &err);
    options.like = mask;
    if (!status) status = fm_mask_write(f->context, f->filtered, &pixels, &options, &err);
  }
  fm_raster_destroy(real);
  fm_raster_destroy(losses);
  fm_raster_destroy(mask);
  return status ? say(&err) : 0;
}

int bench_read_mask(const bench_files *f) {
  fm_error err;
  fm_raster *mask = NULL;
  if (fm_mask_read(f->context, f->mask, NULL, &mask, &err)) return say(&err);
  fm_raster_destroy(mask);
  return 0;
}

int bench_read_losses(const bench_files *f) {
  fm_error err;
  fm_raster *losses = NULL;
  if (fm_loss_read(f->context, f->losses, NULL, &losses, &err)) return say(&err);
  fm_raster_destroy(losses);
  return 0;
}

/* The file's bytes; NULL where it cannot be read. */
static unsigned char *read_all(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  unsigned char *data = NULL;
  long length = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
  if (length > 0 && !fseek(file, 0, SEEK_SET)) data = malloc((size_t)length);
  *size = data ? fread(data, 1, (size_t)length, file) : 0;
  fclose(file);
  return data;
}

/* The mask's own bytes are written: about as many as the filtered one's. */
int bench_copy_files(const bench_files *f) {
  size_t mask_size = 0, loss_size = 0;
  unsigned char *mask = read_all(f->mask, &mask_size), *losses = read_all(f->losses, &loss_size);
  FILE *file = mask && losses ? fopen(f->filtered, "wb") : NULL;
  size_t written = file ? fwrite(mask, 1, mask_size, file) : 0;
  int failed = !file || fclose(file) || written != mask_size;
  free(mask);
  free(losses);
  return failed;
}
