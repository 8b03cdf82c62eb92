/* cuda/device.h - a device, what is copied to it once, and launches. */
#ifndef FM_CUDA_DEVICE_H
#define FM_CUDA_DEVICE_H

#include <stdatomic.h>

#include "cuda/driver.h"
#include "cuda/job.h"

struct fm_cuda {
  atomic_size_t holds;
  fm__cu_driver driver;
  fm__cu_device device;
  fm__cu_handle context, module;
  fm__cu_handle kernels[FM__CU_KERNEL_COUNT];
  char name[128];
};

/* The kernels for devices, in cuda/image.c or made by the build; NULL: this build has none. */
extern const unsigned char *const fm__cu_image;

/* What handles of this library have in common: a label space and tables, on the device. */
typedef struct fm__cu_space {
  fm_cuda *cuda;
  fm__cu_memory memory;   /* labels' classes, then `extra` */
  const int32_t *classes; /* on the device: of label 0 */
  char *extra;            /* on the device, aligned to 8 bytes */
  uint64_t fingerprint;
  int32_t class_count;
} fm__cu_space;

/* Copies the labels and `extra_size` more bytes to the device. On failure nothing is left. */
fm_status fm__cu_space_open(fm__cu_space *space, fm_cuda *cuda, const fm_labels *labels,
                            const void *extra, size_t extra_size, fm_error *err);
void fm__cu_space_close(fm__cu_space *space);

/* Puts the label space into a job. */
void fm__cu_space_use(const fm__cu_space *space, fm__cu_job *job);

/* ---- Launches. A call makes several, all in the device's context ------------------------- */

typedef struct fm__cu_call {
  const fm_cuda *cuda;
  fm__cu_job job;
  void *stream;
  fm_status status; /* after a failure nothing more is launched */
  fm_error *err;
} fm__cu_call;

fm_status fm__cu_begin(fm__cu_call *call);
fm_status fm__cu_end(fm__cu_call *call);

/* `kernel` is one of FM__CU_KERNELS; `own` are bytes of a block's own memory. */
void fm__cu_launch(fm__cu_call *call, int kernel, int64_t blocks, int32_t images, size_t own);

/* Blocks for all pixels by tiles, and for all columns of FM__CU_ROWS pixels. */
int64_t fm__cu_tiles(const fm__cu_job *job);
int64_t fm__cu_columns(const fm__cu_job *job);

/* Whether the inputs are what cuda/plain.h takes. */
bool fm__cu_is_plain(const fm__cu_job *job);

/* Launches that calls begin and end with. */
void fm__cu_start(fm__cu_call *call);
void fm__cu_finish(fm__cu_call *call);

/* Empties memory of a workspace; `size` is a multiple of 8. Statuses stay. */
void fm__cu_clear(fm__cu_call *call, void *memory, size_t size);

/* The kernels of means over windows, with the memory that fm_cuda_window_workspace tells. */
void fm__cu_window(fm__cu_call *call, char *memory);

/* The workspace of a filter's floor: its bytes, and its use by a job. All of it begins as 0. */
size_t fm__cu_floor_size(int32_t classes, int32_t strata, int32_t images);
void fm__cu_floor_use(fm__cu_job *job, char *workspace);

/* The shift of a histogram's bins (dsp/bins.h); -1: there is none. */
int fm__cu_bin_shift(int32_t histogram);

/* What outputs of queries need before pixels are looked at. */
void fm__cu_prepare(fm__cu_call *call);

#endif
