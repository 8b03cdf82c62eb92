/* cuda/hardness.c - the hardness of masks on the device. */
#include <freemask/hardness.h>
#include <stdlib.h>

#include "core/fail.h"
#include "cuda/device.h"
#include "cuda/planes.h"

struct fm_cuda_hardness {
  fm__cu_space space; /* extra: the means of the classes */
  int32_t width, height;
};

static fm_status open_hardness(fm_cuda_hardness *known, fm_cuda *cuda, const fm_hardness *hardness,
                               fm_error *err) {
  fm_hardness_options o = {.size = sizeof o};
  fm_status status = fm_hardness_get_options(hardness, &o, err);
  if (status) return status;
  if (o.measure != FM_MEASURE_MEAN)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "fm_cuda_hardness_create: measure is %d, but the device computes "
                    "FM_MEASURE_MEAN only: use fm_hardness_measure, on a copy in the host's memory",
                    (int)o.measure);
  known->width = o.resize_width;
  known->height = o.resize_height;
  const fm_labels *labels = fm_hardness_labels(hardness);
  int32_t classes = fm_labels_class_count(labels);
  size_t size = (size_t)classes * sizeof(double);
  double *means = malloc(size);
  if (!means) return fm__fail_memory(err, size);
  status = fm_hardness_means(hardness, means, classes, err);
  if (!status) status = fm__cu_space_open(&known->space, cuda, labels, means, size, err);
  free(means);
  return status;
}

fm_status fm_cuda_hardness_create(fm_cuda *cuda, const fm_hardness *hardness,
                                  fm_cuda_hardness **out, fm_error *err) {
  if (!cuda || !hardness || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_hardness_create: an argument is NULL");
  fm_cuda_hardness *known = calloc(1, sizeof *known);
  if (!known) return fm__fail_memory(err, sizeof *known);
  fm_status status = open_hardness(known, cuda, hardness, err);
  if (status)
    free(known);
  else
    *out = known;
  return status;
}

void fm_cuda_hardness_destroy(fm_cuda_hardness *hardness) {
  if (!hardness) return;
  fm__cu_space_close(&hardness->space);
  free(hardness);
}

size_t fm_cuda_hardness_workspace(const fm_cuda_hardness *hardness, int64_t height, int64_t width) {
  if (!hardness || height < 1 || width < 1 || height > INT32_MAX || width > INT32_MAX) return 0;
  return (size_t)(height + width) * sizeof(uint32_t);
}

static fm_status read_inputs(fm__cu_job *job, const fm_cuda_hardness *hardness,
                             const fm_volume *mask, void *workspace, size_t workspace_size,
                             fm_error *err) {
  fm__cu_batch masks;
  fm_status status = fm__cu_read_mask(job, &masks, mask, err);
  if (status) return status;
  job->resized_width = hardness->width == FM_NO_RESIZE ? job->width : hardness->width;
  job->resized_height = hardness->height == FM_NO_RESIZE ? job->height : hardness->height;
  size_t needed = fm_cuda_hardness_workspace(hardness, job->height, job->width);
  return fm__cu_check_workspace(workspace, workspace_size, needed, err);
}

fm_status fm_cuda_hardness_measure(const fm_cuda_hardness *hardness, const fm_volume *mask,
                                   int64_t *class_pixels, double *out, fm_cuda_status *statuses,
                                   void *workspace, size_t workspace_size, void *stream,
                                   fm_error *err) {
  if (!hardness)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_hardness_measure: hardness is NULL");
  fm__cu_call call = {.cuda = hardness->space.cuda, .stream = stream, .err = err};
  fm__cu_job *job = &call.job;
  fm__cu_space_use(&hardness->space, job);
  fm_status status = read_inputs(job, hardness, mask, workspace, workspace_size, err);
  if (!status) status = fm__cu_check_memory(class_pixels, 8, "class_pixels", err);
  if (!status) status = fm__cu_check_memory(out, 8, "out", err);
  if (!status) status = fm__cu_check_memory(statuses, 8, "status", err);
  if (!status) status = fm__cu_begin(&call);
  if (status) return status;
  job->strata_count = 1;
  job->status = statuses;
  job->repeats = workspace;
  job->zeros = job->class_pixels = class_pixels;
  job->zero_count = (int64_t)job->class_count * job->images;
  job->means = (const double *)(const void *)hardness->space.extra;
  job->hardness = out;
  fm__cu_start(&call);
  fm__cu_launch(&call, FM__CU_repeats, 1, 1, 0);
  fm__cu_launch(&call, FM__CU_classes, fm__cu_tiles(job), job->images, 0);
  fm__cu_launch(&call, FM__CU_hardness, 1, job->images, 0);
  fm__cu_finish(&call);
  return fm__cu_end(&call);
}
