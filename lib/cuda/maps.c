/* cuda/maps.c - strata and means over windows on the device. */
#include "core/fail.h"
#include "core/options.h"
#include "cuda/device.h"
#include "cuda/planes.h"
#include "map/edges.h"

static bool is_size(int64_t height, int64_t width) {
  return height > 0 && width > 0 && height <= (INT64_C(1) << 30) / width;
}

/* ---- Strata -------------------------------------------------------------------------------- */

size_t fm_cuda_boundary_workspace(int32_t images, int64_t height, int64_t width) {
  if (images < 1 || !is_size(height, width)) return 0;
  return (size_t)images * (size_t)height * (size_t)width * sizeof(uint16_t);
}

static fm_status read_edges(fm__cu_job *job, const fm_boundary_options *options, fm_error *err) {
  fm__edges edges;
  fm_status status = fm__edges_read(&edges, options, job->height, err);
  if (status) return status;
  if (edges.count > FM__CU_EDGES)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "fm_boundary_options: edge_count is %d, but the device takes %d at most",
                    (int)edges.count, (int)FM__CU_EDGES);
  for (int32_t i = 0; i < edges.count; i++) job->edges[i] = edges.edges[i];
  job->edge_count = edges.count;
  return FM_OK;
}

fm_status fm_cuda_boundary_strata(const fm_cuda *cuda, const fm_volume *mask,
                                  const fm_boundary_options *options, const fm_volume *strata,
                                  void *workspace, size_t workspace_size, void *stream,
                                  fm_error *err) {
  if (!cuda) return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_boundary_strata: cuda is NULL");
  fm__cu_call call = {.cuda = cuda, .stream = stream, .err = err};
  fm__cu_job *job = &call.job;
  fm__cu_batch masks, out;
  fm_status status = fm__cu_read_mask(job, &masks, mask, err);
  if (!status)
    status = fm__cu_read_like(&job->out, &out, &masks, strata, FM__BIT(FM_U8), "strata", err);
  if (!status) status = fm__cu_check_output(&out, &masks, false, err);
  if (!status) status = read_edges(job, options, err);
  if (status) return status;
  size_t needed = fm_cuda_boundary_workspace(job->images, job->height, job->width);
  status = fm__cu_check_workspace(workspace, workspace_size, needed, err);
  if (!status) status = fm__cu_begin(&call);
  if (status) return status;
  job->gaps = workspace;
  int64_t blocks = (job->height * job->width + FM__CU_THREADS - 1) / FM__CU_THREADS;
  fm__cu_launch(&call, FM__CU_gaps, job->height, job->images, 2 * FM__CU_THREADS * sizeof(int32_t));
  fm__cu_launch(&call, FM__CU_strata, blocks, job->images, 0);
  return fm__cu_end(&call);
}

/* ---- Windows ---------------------------------------------------------------------------------- */

enum { MOST_RADIUS = 1023, ALIGN = 256 };

/* Sums of all pixels, and then how far back their runs reach. */
static size_t window_sums_size(int32_t images, int64_t height, int64_t width) {
  size_t bytes = (size_t)images * (size_t)height * (size_t)width * sizeof(uint32_t);
  return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

size_t fm_cuda_window_workspace(int32_t images, int64_t height, int64_t width) {
  if (images < 1 || !is_size(height, width)) return 0;
  return window_sums_size(images, height, width) +
         (size_t)images * (size_t)height * (size_t)width * sizeof(uint16_t);
}

/* Rows of a column that a thread takes. It begins with a whole window, so more are worth more where windows are
 * high; fewer give a device more threads. */
static int32_t part_of(int32_t radius) { return radius < 16 ? 16 : 32; }

void fm__cu_window(fm__cu_call *call, char *memory) {
  fm__cu_job *job = &call->job;
  size_t sums = window_sums_size(job->images, job->height, job->width);
  job->window_sums = (uint32_t *)(void *)memory;
  job->window_reach = (uint16_t *)(void *)(memory + sums);
  job->window_part = part_of(job->radius);
  int64_t parts = (job->height + job->window_part - 1) / job->window_part;
  int64_t blocks = (parts * job->width + FM__CU_THREADS - 1) / FM__CU_THREADS;
  fm__cu_launch(call, FM__CU_window_rows, job->height, job->images,
                FM__CU_THREADS * (sizeof(uint32_t) + sizeof(int32_t)));
  fm__cu_launch(call, FM__CU_window, blocks, job->images, 0);
}

static fm_status read_window(fm__cu_job *job, const fm_volume *mask, const fm_volume *values,
                             const fm_volume *means, fm_error *err) {
  fm__cu_batch masks, in, out;
  fm_status status = fm__cu_read_mask(job, &masks, mask, err);
  if (!status)
    status = fm__cu_read_like(&job->loss, &in, &masks, values, FM__LOSS_TYPES, "values", err);
  if (!status)
    status = fm__cu_read_like(&job->out, &out, &masks, means, FM__BIT(FM_F32), "means", err);
  if (!status) status = fm__cu_check_output(&out, &masks, false, err);
  return status ? status : fm__cu_check_output(&out, &in, false, err);
}

fm_status fm_cuda_window_mean(const fm_cuda *cuda, const fm_volume *mask, const fm_volume *values,
                              int32_t radius, const fm_volume *means, fm_cuda_status *statuses,
                              void *workspace, size_t workspace_size, void *stream, fm_error *err) {
  if (!cuda) return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_window_mean: cuda is NULL");
  if (radius < 0 || radius > MOST_RADIUS)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_window_mean: radius is %d, expected 0 to %d",
                    (int)radius, (int)MOST_RADIUS);
  fm__cu_call call = {.cuda = cuda, .stream = stream, .err = err};
  fm__cu_job *job = &call.job;
  fm_status status = read_window(job, mask, values, means, err);
  if (!status) status = fm__cu_check_memory(statuses, 8, "status", err);
  if (status) return status;
  size_t needed = fm_cuda_window_workspace(job->images, job->height, job->width);
  status = fm__cu_check_workspace(workspace, workspace_size, needed, err);
  if (!status) status = fm__cu_begin(&call);
  if (status) return status;
  job->status = statuses;
  job->sink = FM__CU_LOSSES;
  job->radius = radius;
  fm__cu_start(&call);
  fm__cu_window(&call, workspace);
  fm__cu_finish(&call);
  return fm__cu_end(&call);
}
