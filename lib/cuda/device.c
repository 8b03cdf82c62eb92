/* cuda/device.c - opens a device, copies tables to it, launches kernels. */
#include "cuda/device.h"

#include <stdlib.h>
#include <string.h>

#include "core/fail.h"
#include "dsp/tile.h"

int fm_cuda_abi_version(void) { return FM_CUDA_ABI_VERSION; }

/* ---- The context, pushed for the time of a call ------------------------------------------- */

static fm_status push(const fm_cuda *cuda, fm_error *err) {
  return fm__cu_check(&cuda->driver, cuda->driver.context_push(cuda->context),
                      "making the device's context current", err);
}

static void pop(const fm_cuda *cuda) {
  fm__cu_handle last;
  (void)cuda->driver.context_pop(&last);
}

/* ---- Opening -------------------------------------------------------------------------------- */

static fm_status find_device(fm_cuda *cuda, int32_t ordinal, fm_error *err) {
  const fm__cu_driver *d = &cuda->driver;
  int count = 0;
  fm_status status = fm__cu_check(d, d->device_count(&count), "counting devices", err);
  if (status) return status;
  if (!count)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "CUDA: the driver is there, but this machine has no device");
  if (ordinal < 0 || ordinal >= count)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_create: device is %d, expected 0 to %d",
                    (int)ordinal, count - 1);
  status = fm__cu_check(d, d->device_get(&cuda->device, ordinal), "asking for the device", err);
  if (status) return status;
  return fm__cu_check(d, d->device_name(cuda->name, (int)sizeof cuda->name - 1, cuda->device),
                      "asking for the device's name", err);
}

/* What drivers say of kernels that are newer or of other devices than theirs. */
static bool is_unknown(fm__cu_result result) {
  return result == FM__CU_BAD_IMAGE || result == FM__CU_NO_BINARY || result == FM__CU_BAD_PTX ||
         result == FM__CU_NEW_PTX;
}

static fm_status load_kernels(fm_cuda *cuda, fm_error *err) {
  static const char *const names[] = {
#define NAME(name) "fm_cu_" #name,
      FM__CU_KERNELS(NAME)
#undef NAME
  };
  const fm__cu_driver *d = &cuda->driver;
  fm__cu_result result = d->module_load(&cuda->module, fm__cu_image);
  if (is_unknown(result))
    return fm__fail(
        err, FM_ERR_UNSUPPORTED,
        "CUDA: no kernel of this build runs on %s with this driver (CUresult %d): update "
        "NVIDIA's driver, or build the library for this device",
        cuda->name, result);
  fm_status status = fm__cu_check(d, result, "loading the kernels", err);
  for (int i = 0; i < FM__CU_KERNEL_COUNT && !status; i++)
    status = fm__cu_check(d, d->module_function(&cuda->kernels[i], cuda->module, names[i]),
                          names[i], err);
  return status;
}

static fm_status open_context(fm_cuda *cuda, fm_error *err) {
  const fm__cu_driver *d = &cuda->driver;
  fm_status status =
      fm__cu_check(d, d->context_retain(&cuda->context, cuda->device), "opening the device", err);
  if (!status) status = push(cuda, err);
  if (status) return status;
  status = load_kernels(cuda, err);
  pop(cuda);
  return status;
}

fm_status fm_cuda_create(int32_t device, fm_cuda **out, fm_error *err) {
  if (!out) return fm__fail(err, FM_ERR_ARGUMENT, "fm_cuda_create: out is NULL");
  if (!fm__cu_image)
    return fm__fail(err, FM_ERR_UNSUPPORTED, "CUDA: this build holds no kernels: it had no nvcc");
  fm_cuda *cuda = calloc(1, sizeof *cuda);
  if (!cuda) return fm__fail_memory(err, sizeof *cuda);
  atomic_init(&cuda->holds, 1);
  fm_status status = fm__cu_driver_open(&cuda->driver, err);
  if (!status) status = find_device(cuda, device, err);
  if (!status) status = open_context(cuda, err);
  if (status)
    fm_cuda_destroy(cuda);
  else
    *out = cuda;
  return status;
}

static void unload(fm_cuda *cuda) {
  if (!cuda->module || push(cuda, NULL)) return;
  (void)cuda->driver.module_unload(cuda->module);
  pop(cuda);
}

void fm_cuda_destroy(fm_cuda *cuda) {
  if (!cuda || atomic_fetch_sub(&cuda->holds, 1) > 1) return;
  unload(cuda);
  if (cuda->context) (void)cuda->driver.context_release(cuda->device);
  fm__cu_driver_close(&cuda->driver);
  free(cuda);
}

const char *fm_cuda_name(const fm_cuda *cuda) { return cuda ? cuda->name : ""; }

/* ---- Tables ----------------------------------------------------------------------------------- */

enum { LABELS = FM__LAST_LABEL - FM__FIRST_LABEL + 1, LABELS_SIZE = LABELS * sizeof(int32_t) };

static fm_status write_tables(fm__cu_space *space, const void *tables, size_t size, fm_error *err) {
  const fm__cu_driver *d = &space->cuda->driver;
  fm_status status = push(space->cuda, err);
  if (status) return status;
  status = fm__cu_check(d, d->memory_allocate(&space->memory, size), "allocating tables", err);
  if (!status)
    status = fm__cu_check(d, d->memory_write(space->memory, tables, size), "copying tables", err);
  /* Streams that do not wait for the default one may use them at once. */
  if (!status) status = fm__cu_check(d, d->context_wait(), "copying tables", err);
  if (status && space->memory) (void)d->memory_free(space->memory);
  pop(space->cuda);
  return status;
}

fm_status fm__cu_space_open(fm__cu_space *space, fm_cuda *cuda, const fm_labels *labels,
                            const void *extra, size_t extra_size, fm_error *err) {
  size_t size = LABELS_SIZE + extra_size;
  int32_t *tables = malloc(size);
  if (!tables) return fm__fail_memory(err, size);
  for (int32_t i = 0; i < LABELS; i++) tables[i] = fm_labels_class_of(labels, FM__FIRST_LABEL + i);
  if (extra_size) memcpy(tables + LABELS, extra, extra_size);
  space->cuda = cuda;
  space->memory = 0;
  fm_status status = write_tables(space, tables, size, err);
  free(tables);
  if (status) return status;
  char *memory;
  memcpy(&memory, &space->memory, sizeof memory);
  space->classes = (const int32_t *)(void *)memory - FM__FIRST_LABEL;
  space->extra = memory + LABELS_SIZE;
  space->fingerprint = fm_labels_fingerprint(labels);
  space->class_count = fm_labels_class_count(labels);
  atomic_fetch_add(&cuda->holds, 1);
  return FM_OK;
}

void fm__cu_space_close(fm__cu_space *space) {
  if (!push(space->cuda, NULL)) {
    (void)space->cuda->driver.memory_free(space->memory);
    pop(space->cuda);
  }
  fm_cuda_destroy(space->cuda);
}

int fm__cu_bin_shift(int32_t histogram) {
  int shift = -1;
  for (int32_t bins = histogram; bins; bins /= 2) shift++;
  return shift;
}

void fm__cu_space_use(const fm__cu_space *space, fm__cu_job *job) {
  job->classes = space->classes;
  job->class_count = space->class_count;
}

/* What kernels of all generations are given at once. */
_Static_assert(sizeof(fm__cu_job) <= 4096, "a job fits a launch");
_Static_assert(sizeof(fm_cuda_status) == 64, "as cuda.h says");

/* ---- Launches ------------------------------------------------------------------------------------ */

fm_status fm__cu_begin(fm__cu_call *call) { return call->status = push(call->cuda, call->err); }

fm_status fm__cu_end(fm__cu_call *call) {
  pop(call->cuda);
  return call->status;
}

void fm__cu_launch(fm__cu_call *call, int kernel, int64_t blocks, int32_t images, size_t own) {
  void *arguments[] = {&call->job};
  if (call->status) return;
  fm__cu_handle stream = call->stream;
  fm__cu_result result =
      call->cuda->driver.launch(call->cuda->kernels[kernel], (unsigned)blocks, (unsigned)images, 1,
                                FM__CU_THREADS, 1, 1, (unsigned)own, stream, arguments, NULL);
  call->status = fm__cu_check(&call->cuda->driver, result, "starting a kernel", call->err);
}

int64_t fm__cu_tiles(const fm__cu_job *job) {
  return (job->height * job->width + FM__CU_TILE - 1) / FM__CU_TILE;
}

int64_t fm__cu_columns(const fm__cu_job *job) {
  int64_t rows = (job->height + FM__CU_ROWS - 1) / FM__CU_ROWS + (job->row_shift > 0);
  return (rows * job->width + FM__CU_THREADS - 1) / FM__CU_THREADS;
}

bool fm__cu_is_plain(const fm__cu_job *job) {
  return job->mask.dtype == FM_U8 && job->mask.dense && job->loss.dtype == FM_F32 &&
         job->loss.dense && !job->strata.data;
}

/* Blocks of a kernel that clears memory: more would not be faster. */
static const int64_t MOST_BLOCKS = 1024;

void fm__cu_start(fm__cu_call *call) {
  int64_t most = call->job.zero_count > call->job.images ? call->job.zero_count : call->job.images;
  int64_t blocks = (most + FM__CU_THREADS - 1) / FM__CU_THREADS;
  fm__cu_launch(call, FM__CU_start, blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS, 1, 0);
}

void fm__cu_clear(fm__cu_call *call, void *memory, size_t size) {
  fm__cu_job saved = call->job;
  call->job.status = NULL;
  call->job.zeros = memory;
  call->job.zero_count = (int64_t)(size / sizeof(int64_t));
  fm__cu_start(call);
  call->job = saved;
}

void fm__cu_prepare(fm__cu_call *call) {
  size_t own = FM__CU_THREADS * (sizeof(double) + sizeof(float));
  if (call->job.queries.data)
    fm__cu_launch(call, FM__CU_queries, call->job.query_count, call->job.images, own);
}

void fm__cu_finish(fm__cu_call *call) {
  fm__cu_launch(call, FM__CU_finish, 1, call->job.images, 0);
}
