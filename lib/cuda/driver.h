/* cuda/driver.h - the CUDA driver, looked up at run time: the few functions that are used, declared here so
 * that nothing of CUDA is needed to build the host's side. */
#ifndef FM_CUDA_DRIVER_H
#define FM_CUDA_DRIVER_H

#include <freemask/error.h>
#include <stddef.h>

/* As cuda.h has them. */
typedef int fm__cu_result;
typedef int fm__cu_device;
typedef unsigned long long fm__cu_memory;
typedef struct fm__cu_opaque *fm__cu_handle; /* CUcontext, CUmodule, CUfunction, CUstream */

enum {
  FM__CU_SUCCESS = 0,
  FM__CU_OUT_OF_MEMORY = 2,
  FM__CU_NOT_STARTED = 3, /* of cuInit: also in a process that was forked from one that uses CUDA */
  FM__CU_BAD_IMAGE = 200,
  FM__CU_NO_BINARY = 209,
  FM__CU_BAD_PTX = 218,
  FM__CU_NEW_PTX = 222
};

typedef struct fm__cu_driver {
  void *library;
  fm__cu_result (*init)(unsigned flags);
  fm__cu_result (*device_count)(int *count);
  fm__cu_result (*device_get)(fm__cu_device *device, int ordinal);
  fm__cu_result (*device_name)(char *name, int length, fm__cu_device device);
  fm__cu_result (*error_text)(fm__cu_result result, const char **text);
  fm__cu_result (*context_retain)(fm__cu_handle *context, fm__cu_device device);
  fm__cu_result (*context_release)(fm__cu_device device);
  fm__cu_result (*context_push)(fm__cu_handle context);
  fm__cu_result (*context_pop)(fm__cu_handle *context);
  fm__cu_result (*context_wait)(void);
  fm__cu_result (*module_load)(fm__cu_handle *module, const void *image);
  fm__cu_result (*module_unload)(fm__cu_handle module);
  fm__cu_result (*module_function)(fm__cu_handle *function, fm__cu_handle module, const char *name);
  fm__cu_result (*memory_allocate)(fm__cu_memory *memory, size_t size);
  fm__cu_result (*memory_free)(fm__cu_memory memory);
  fm__cu_result (*memory_write)(fm__cu_memory to, const void *from, size_t size);
  fm__cu_result (*launch)(fm__cu_handle function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                          unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared,
                          fm__cu_handle stream, void **arguments, void **extra);
} fm__cu_driver;

/* Finds and starts the driver. UNSUPPORTED, with the reason, where there is none; nothing is left open. */
fm_status fm__cu_driver_open(fm__cu_driver *driver, fm_error *err);
void fm__cu_driver_close(fm__cu_driver *driver);

/* FM_OK, or the driver's refusal to do `what`: MEMORY, or IO with the CUresult as host code. */
fm_status fm__cu_check(const fm__cu_driver *driver, fm__cu_result result, const char *what,
                       fm_error *err);

#endif
