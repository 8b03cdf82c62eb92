/* cuda/floor.c - the workspace of a filter's floor. */
#include "cuda/device.h"

static size_t align(size_t size) { return (size + 255) / 256 * 256; }

/* Where each array begins, and where all of it ends. */
typedef struct layout {
  size_t left, digits, bits, limits, starved, end;
} layout;

/* `cells` are those of all images. */
static layout layout_of(size_t cells, size_t images) {
  layout l;
  l.left = align(cells * 2 * sizeof(int64_t));
  l.digits = l.left + align(cells * sizeof(int64_t));
  l.bits = l.digits + align(cells * FM__CU_DIGITS * sizeof(uint32_t));
  l.limits = l.bits + align(cells * sizeof(uint32_t));
  l.starved = l.limits + align(cells * sizeof(float));
  l.end = l.starved + align(images * sizeof(int32_t));
  return l;
}

size_t fm__cu_floor_size(int32_t classes, int32_t strata, int32_t images) {
  return layout_of((size_t)classes * (size_t)strata * (size_t)images, (size_t)images).end;
}

void fm__cu_floor_use(fm__cu_job *job, char *workspace) {
  size_t images = (size_t)job->images;
  layout l = layout_of((size_t)job->class_count * (size_t)job->strata_count * images, images);
  job->counts = (int64_t *)(void *)workspace;
  job->floor_left = (int64_t *)(void *)(workspace + l.left);
  job->floor_digits = (uint32_t *)(void *)(workspace + l.digits);
  job->floor_bits = (uint32_t *)(void *)(workspace + l.bits);
  job->floor_limits = (float *)(void *)(workspace + l.limits);
  job->starved = (int32_t *)(void *)(workspace + l.starved);
}
