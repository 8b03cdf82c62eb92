/* cuda/fake_driver.c - a libcuda.so.1 for machines without a device: memory is the host's, kernels are their
 * source, compiled for the host and run block by block, thread by thread. It keeps count of what is called, so
 * that a test sees what a graph would refuse, and fails where it is told to. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cuda/kernels.cu"

#define EXPORT __attribute__((visibility("default")))

typedef int result;

/* ---- What tests ask and set ------------------------------------------------------------------ */

typedef struct fake_counts {
  int64_t allocations, frees, copies, waits, launches, pushed;
} fake_counts;

static fake_counts counts;
static char failing[64];
static int failure, devices = 1;
static uint32_t first_thread, thread_step = 1;
static void *last_stream;

/* Where the driver's memory starts, as it does on a device. */
enum { ALIGN = 256 };

EXPORT void fake_cuda_read(fake_counts *out);
void fake_cuda_read(fake_counts *out) { *out = counts; }

/* Where the last kernel was put. */
EXPORT void *fake_cuda_stream(void);
void *fake_cuda_stream(void) { return last_stream; }

/* The next calls of a function return this. */
EXPORT void fake_cuda_fail(const char *function, int value);
void fake_cuda_fail(const char *function, int value) {
  strncpy(failing, function, sizeof failing - 1);
  failure = value;
}

EXPORT void fake_cuda_devices(int count);
void fake_cuda_devices(int count) { devices = count; }

/* The order of a block's threads; `step` is odd. */
EXPORT void fake_cuda_order(uint32_t first, uint32_t step);
void fake_cuda_order(uint32_t first, uint32_t step) {
  first_thread = first;
  thread_step = step;
}

static result done(const char *function) { return strcmp(function, failing) ? 0 : failure; }

/* Launches on a stream that is captured, which run when the graph does. */
typedef struct captured {
  size_t kernel, own;
  int64_t blocks;
  int32_t images;
  fm__cu_job job;
} captured;

enum { MOST_CAPTURED = 64, REFUSED_IN_CAPTURE = 900 };

static captured graph[MOST_CAPTURED];
static size_t graph_size;
static void *capturing; /* the stream */

/* What a capture does not allow. */
static result done_outside(const char *function) {
  return capturing ? REFUSED_IN_CAPTURE : done(function);
}

/* ---- Kernels ------------------------------------------------------------------------------------ */

typedef void kernel_fn(const fm__cu_host *host, const fm__cu_job *job);

static const struct {
  const char *name;
  kernel_fn *run;
} kernels[] = {
#define ROW(name) {"fm_cu_" #name, fm_cu_##name},
    FM__CU_KERNELS(ROW)
#undef ROW
};

static void run(kernel_fn *kernel, int64_t blocks, int32_t images, size_t own,
                const fm__cu_job *job) {
  void *memory = malloc(own + 1);
  if (!memory) abort();
  for (int32_t image = 0; image < images; image++)
    for (int64_t block = 0; block < blocks; block++) {
      fm__cu_host host = {block, blocks, image, first_thread, thread_step, memory};
      memset(memory, 0xa5, own + 1);
      kernel(&host, job);
    }
  free(memory);
}

/* ---- The driver ----------------------------------------------------------------------------------- */

typedef struct opaque *handle;

EXPORT result cuInit(unsigned flags);
EXPORT result cuDeviceGetCount(int *count);
EXPORT result cuDeviceGet(int *device, int ordinal);
EXPORT result cuDeviceGetName(char *name, int length, int device);
EXPORT result cuGetErrorString(result value, const char **text);
EXPORT result cuDevicePrimaryCtxRetain(handle *context, int device);
EXPORT result cuDevicePrimaryCtxRelease_v2(int device);
EXPORT result cuCtxPushCurrent_v2(handle context);
EXPORT result cuCtxPopCurrent_v2(handle *context);
EXPORT result cuCtxSynchronize(void);
EXPORT result cuModuleLoadData(handle *module, const void *image);
EXPORT result cuModuleUnload(handle module);
EXPORT result cuModuleGetFunction(handle *function, handle module, const char *name);
EXPORT result cuMemAlloc_v2(unsigned long long *memory, size_t size);
EXPORT result cuMemFree_v2(unsigned long long memory);
EXPORT result cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t size);
/* What the tests call themselves. */
EXPORT result cuDriverGetVersion(int *version);
EXPORT result cuDeviceGetAttribute(int *value, int attribute, int device);
EXPORT result cuCtxSetCurrent(handle context);
EXPORT result cuMemGetInfo_v2(size_t *free, size_t *whole);
EXPORT result cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t size);
EXPORT result cuMemcpyDtoDAsync_v2(unsigned long long to, unsigned long long from, size_t size,
                                   handle stream);
EXPORT result cuEventCreate(handle *event, unsigned flags);
EXPORT result cuEventRecord(handle event, handle stream);
EXPORT result cuEventSynchronize(handle event);
EXPORT result cuEventElapsedTime(float *milliseconds, handle start, handle end);
EXPORT result cuStreamCreate(handle *stream, unsigned flags);
EXPORT result cuStreamBeginCapture_v2(handle stream, int mode);
EXPORT result cuStreamEndCapture(handle stream, handle *graph);
EXPORT result cuGraphInstantiateWithFlags(handle *run, handle graph, unsigned long long flags);
EXPORT result cuGraphLaunch(handle run, handle stream);
EXPORT result cuLaunchKernel(handle function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                             unsigned block_x, unsigned block_y, unsigned block_z, unsigned own,
                             handle stream, void **arguments, void **extra);

static char something[64];

result cuInit(unsigned flags) {
  (void)flags;
  return done("cuInit");
}

result cuDeviceGetCount(int *count) {
  *count = devices;
  return done("cuDeviceGetCount");
}

result cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return done("cuDeviceGet");
}

result cuDeviceGetName(char *name, int length, int device) {
  (void)device;
  strncpy(name, "a device that is none", (size_t)length);
  return done("cuDeviceGetName");
}

result cuGetErrorString(result value, const char **text) {
  *text = value ? "as the test wants it" : "no error";
  return 0;
}

result cuDevicePrimaryCtxRetain(handle *context, int device) {
  (void)device;
  *context = (handle)(void *)something;
  return done("cuDevicePrimaryCtxRetain");
}

result cuDevicePrimaryCtxRelease_v2(int device) {
  (void)device;
  return done("cuDevicePrimaryCtxRelease_v2");
}

result cuCtxPushCurrent_v2(handle context) {
  (void)context;
  result value = done("cuCtxPushCurrent_v2");
  if (!value) counts.pushed++;
  return value;
}

result cuCtxPopCurrent_v2(handle *context) {
  *context = NULL;
  counts.pushed--;
  return done("cuCtxPopCurrent_v2");
}

result cuCtxSynchronize(void) {
  counts.waits++;
  return done_outside("cuCtxSynchronize");
}

result cuModuleLoadData(handle *module, const void *image) {
  if (!image) return 1;
  *module = (handle)(void *)something;
  return done("cuModuleLoadData");
}

result cuModuleUnload(handle module) {
  (void)module;
  return done("cuModuleUnload");
}

result cuModuleGetFunction(handle *function, handle module, const char *name) {
  (void)module;
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
    if (strcmp(name, kernels[i].name) == 0) {
      *function = (handle)(void *)(something + i);
      return done("cuModuleGetFunction");
    }
  return 500;
}

result cuMemAlloc_v2(unsigned long long *memory, size_t size) {
  counts.allocations++;
  result value = done_outside("cuMemAlloc_v2");
  size_t whole = (size + ALIGN - 1) / ALIGN * ALIGN;
  void *at = value ? NULL : aligned_alloc(ALIGN, whole);
  if (at) memset(at, 0xa5, whole);
  *memory = (unsigned long long)(uintptr_t)at;
  return value;
}

result cuMemFree_v2(unsigned long long memory) {
  counts.frees++;
  free((void *)(uintptr_t)memory);
  return done("cuMemFree_v2");
}

result cuMemcpyHtoD_v2(unsigned long long to, const void *from, size_t size) {
  counts.copies++;
  memcpy((void *)(uintptr_t)to, from, size);
  return done_outside("cuMemcpyHtoD_v2");
}

result cuDriverGetVersion(int *version) {
  *version = 13000;
  return 0;
}

result cuDeviceGetAttribute(int *value, int attribute, int device) {
  (void)attribute;
  (void)device;
  *value = 0;
  return 0;
}

result cuCtxSetCurrent(handle context) { return context ? 0 : 1; }

result cuMemGetInfo_v2(size_t *free, size_t *whole) {
  *free = *whole = (size_t)1 << 26;
  return 0;
}

result cuMemcpyDtoH_v2(void *to, unsigned long long from, size_t size) {
  memcpy(to, (const void *)(uintptr_t)from, size);
  return 0;
}

result cuMemcpyDtoDAsync_v2(unsigned long long to, unsigned long long from, size_t size,
                            handle stream) {
  (void)stream;
  memcpy((void *)(uintptr_t)to, (const void *)(uintptr_t)from, size);
  return 0;
}

/* Events: the time of the host. */
result cuEventCreate(handle *event, unsigned flags) {
  (void)flags;
  *event = calloc(1, sizeof(struct timespec));
  return *event ? 0 : 2;
}

result cuEventRecord(handle event, handle stream) {
  (void)stream;
  return timespec_get((struct timespec *)(void *)event, TIME_UTC) ? 0 : 1;
}

result cuEventSynchronize(handle event) { return event ? 0 : 1; }

result cuEventElapsedTime(float *milliseconds, handle start, handle end) {
  const struct timespec *a = (void *)start, *b = (void *)end;
  double seconds = difftime(b->tv_sec, a->tv_sec) + (double)(b->tv_nsec - a->tv_nsec) * 1e-9;
  *milliseconds = (float)(seconds * 1e3);
  return 0;
}

/* Graphs: one at a time, of one stream. */
result cuStreamCreate(handle *stream, unsigned flags) {
  (void)flags;
  *stream = (handle)(void *)something;
  return 0;
}

result cuStreamBeginCapture_v2(handle stream, int mode) {
  (void)mode;
  graph_size = 0;
  capturing = stream;
  return stream ? 0 : REFUSED_IN_CAPTURE;
}

result cuStreamEndCapture(handle stream, handle *made) {
  *made = (handle)(void *)graph;
  if (stream != capturing) return REFUSED_IN_CAPTURE;
  capturing = NULL;
  return 0;
}

result cuGraphInstantiateWithFlags(handle *made, handle from, unsigned long long flags) {
  (void)flags;
  *made = from;
  return 0;
}

result cuGraphLaunch(handle made, handle stream) {
  (void)stream;
  for (size_t i = 0; i < graph_size; i++)
    run(kernels[graph[i].kernel].run, graph[i].blocks, graph[i].images, graph[i].own,
        &graph[i].job);
  return made ? 0 : 1;
}

/* The limits of a device, which a host does not have. */
static bool is_launch(unsigned grid_x, unsigned grid_y, unsigned threads, unsigned own) {
  return grid_x > 0 && grid_x <= INT32_MAX && grid_y > 0 && grid_y <= 65535 &&
         threads == FM__CU_THREADS && own <= 48 * 1024;
}

result cuLaunchKernel(handle function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                      unsigned block_x, unsigned block_y, unsigned block_z, unsigned own,
                      handle stream, void **arguments, void **extra) {
  last_stream = stream;
  if (extra || grid_z != 1 || block_y != 1 || block_z != 1) return 1;
  if (!is_launch(grid_x, grid_y, block_x, own)) return 1;
  counts.launches++;
  result value = done("cuLaunchKernel");
  if (value) return value;
  const size_t kernel = (size_t)((char *)(void *)function - something);
  if (!capturing) {
    run(kernels[kernel].run, grid_x, (int32_t)grid_y, own, arguments[0]);
    return 0;
  }
  if (stream != capturing || graph_size == MOST_CAPTURED) return REFUSED_IN_CAPTURE;
  graph[graph_size] = (captured){kernel, own, grid_x, (int32_t)grid_y, {0}};
  memcpy(&graph[graph_size++].job, arguments[0], sizeof(fm__cu_job));
  return 0;
}
