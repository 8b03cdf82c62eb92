/* cuda/driver.c - looks the driver up: libcuda.so.1 comes with it, never with this library. */
#include "cuda/driver.h"

#include <dlfcn.h>
#include <string.h>

#include "core/fail.h"

/* ---- Looking up --------------------------------------------------------------------- */

/* Where a function's address goes. A pointer to data and one to a function are one thing for dlsym, but
 * not for C: the bytes are copied. */
typedef struct symbol {
  const char *name;
  void *into;
} symbol;

static const char *find_all(void *library, const symbol *symbols, size_t count) {
  for (size_t i = 0; i < count; i++) {
    void *address = dlsym(library, symbols[i].name);
    if (!address) return symbols[i].name;
    memcpy(symbols[i].into, &address, sizeof address);
  }
  return NULL;
}

static fm_status find(fm__cu_driver *d, fm_error *err) {
  const symbol symbols[] = {
      {"cuInit", &d->init},
      {"cuDeviceGetCount", &d->device_count},
      {"cuDeviceGet", &d->device_get},
      {"cuDeviceGetName", &d->device_name},
      {"cuGetErrorString", &d->error_text},
      {"cuDevicePrimaryCtxRetain", &d->context_retain},
      {"cuDevicePrimaryCtxRelease_v2", &d->context_release},
      {"cuCtxPushCurrent_v2", &d->context_push},
      {"cuCtxPopCurrent_v2", &d->context_pop},
      {"cuCtxSynchronize", &d->context_wait},
      {"cuModuleLoadData", &d->module_load},
      {"cuModuleUnload", &d->module_unload},
      {"cuModuleGetFunction", &d->module_function},
      {"cuMemAlloc_v2", &d->memory_allocate},
      {"cuMemFree_v2", &d->memory_free},
      {"cuMemcpyHtoD_v2", &d->memory_write},
      {"cuLaunchKernel", &d->launch},
  };
  const char *missing = find_all(d->library, symbols, sizeof symbols / sizeof *symbols);
  if (!missing) return FM_OK;
  return fm__fail(err, FM_ERR_UNSUPPORTED,
                  "CUDA: the driver has no %s: it is too old, update NVIDIA's driver", missing);
}

static const char *text_of(const fm__cu_driver *d, fm__cu_result result) {
  const char *text = NULL;
  (void)d->error_text(result, &text);
  return text ? text : "unknown error";
}

static fm_status start(const fm__cu_driver *d, fm_error *err) {
  fm__cu_result result = d->init(0);
  if (result == FM__CU_SUCCESS) return FM_OK;
  return fm__fail(err, FM_ERR_UNSUPPORTED,
                  "CUDA: the driver is there but does not start: %s (CUresult %d)%s",
                  text_of(d, result), result,
                  result == FM__CU_NOT_STARTED
                      ? ": a process that was forked from one with CUDA cannot use it, start "
                        "workers with spawn"
                      : "");
}

fm_status fm__cu_driver_open(fm__cu_driver *driver, fm_error *err) {
  memset(driver, 0, sizeof *driver);
  /* The driver may have threads, and work to do when threads end: it stays once it is there. */
  driver->library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!driver->library)
    return fm__fail(err, FM_ERR_UNSUPPORTED,
                    "CUDA: this machine has no NVIDIA driver (libcuda.so.1 is not found): use the "
                    "calls for the CPU");
  fm_status status = find(driver, err);
  if (!status) status = start(driver, err);
  if (status) fm__cu_driver_close(driver);
  return status;
}

void fm__cu_driver_close(fm__cu_driver *driver) {
  if (driver->library) (void)dlclose(driver->library);
  driver->library = NULL;
}

fm_status fm__cu_check(const fm__cu_driver *driver, fm__cu_result result, const char *what,
                       fm_error *err) {
  if (result == FM__CU_SUCCESS) return FM_OK;
  if (result == FM__CU_OUT_OF_MEMORY)
    return fm__fail(err, FM_ERR_MEMORY, "CUDA: the device is out of memory (%s)", what);
  return fm__fail_host(err, FM_ERR_IO, result, "CUDA: %s failed: %s (CUresult %d)", what,
                       text_of(driver, result), result);
}
