/* cuda/loss.h - an fm_network_loss on a device, for the calls that take losses from an output. */
#ifndef FM_CUDA_LOSS_H
#define FM_CUDA_LOSS_H

#include "cuda/device.h"
#include "cuda/planes.h"

struct fm_cuda_loss {
  fm__cu_space space; /* extra: the channels of the classes, if there are such */
  fm_network_loss_options options;
};

/* Where losses come from: a map, or a network's output. */
typedef struct fm__cu_source {
  const fm_volume *map;
  const fm_cuda_loss *network_loss;
  const fm_cuda_output *output;
} fm__cu_source;

/* Reads them into the job; `space` is that of the call. `batch` is what outputs must not overlap. */
fm_status fm__cu_read_source(fm__cu_job *job, fm__cu_batch *batch, const fm__cu_batch *mask,
                             const fm__cu_source *source, const fm__cu_space *space, fm_error *err);

#endif
