/* cuda/grid.h - the words in which kernels are written, for nvcc and for a host's C compiler.
 *
 * A kernel is a row of phases: code for each thread of a block (FM__CU_EACH_THREAD), barriers between
 * them. Nothing of a thread lives from one phase to the next, so a host runs a phase as a loop over
 * the threads, in any order: the tests take several, to see that none is needed. */
#ifndef FM_CUDA_GRID_H
#define FM_CUDA_GRID_H

#include "cuda/job.h"

#if defined(__CUDACC__)

#define FM__CU_KERNEL(name)                                    \
  extern "C" __global__ void __launch_bounds__(FM__CU_THREADS) \
      fm_cu_##name(const __grid_constant__ fm__cu_job job_)
#define FM__CU_START const fm__cu_job *const job = &job_
#define FM__CU_FN static __device__
#define FM__CU_EACH_THREAD(t) for (uint32_t t = threadIdx.x, once_ = 1; once_; once_ = 0)
#define FM__CU_BARRIER() __syncthreads()
#define FM__CU_OWN(type, name)                 \
  extern __shared__ unsigned long long own_[]; \
  type *const name = (type *)(void *)own_
#define FM__CU_BLOCK ((int64_t)blockIdx.x)
#define FM__CU_BLOCKS ((int64_t)gridDim.x)
#define FM__CU_IMAGE ((int32_t)blockIdx.y)

FM__CU_FN void cu_add32(uint32_t *to, uint32_t n) { (void)atomicAdd(to, n); }
FM__CU_FN void cu_add64(int64_t *to, int64_t n) {
  (void)atomicAdd((unsigned long long *)(void *)to, (unsigned long long)n);
}
FM__CU_FN void cu_min64(uint64_t *to, uint64_t n) {
  (void)atomicMin((unsigned long long *)(void *)to, (unsigned long long)n);
}
FM__CU_FN void cu_min32(int32_t *to, int32_t n) { (void)atomicMin(to, n); }

#else

/* Where a host is. The block's own memory is full of rubbish when it starts, as on a device. */
typedef struct fm__cu_host {
  int64_t block, blocks;
  int32_t image;
  uint32_t first, step; /* thread i is number (first + i * step) % FM__CU_THREADS; step is odd */
  void *own;
} fm__cu_host;

#define FM__CU_KERNEL(name) \
  static void fm_cu_##name(const fm__cu_host *host_, const fm__cu_job *job)
#define FM__CU_START (void)0
#define FM__CU_FN static
#define FM__CU_EACH_THREAD(t)                                                   \
  for (uint32_t i_ = 0, t = host_->first % FM__CU_THREADS; i_ < FM__CU_THREADS; \
       i_++, t = (host_->first + i_ * host_->step) % FM__CU_THREADS)
#define FM__CU_BARRIER() (void)0
#define FM__CU_OWN(type, name) type *const name = (type *)host_->own
#define FM__CU_BLOCK (host_->block)
#define FM__CU_BLOCKS (host_->blocks)
#define FM__CU_IMAGE (host_->image)

FM__CU_FN void cu_add32(uint32_t *to, uint32_t n) { *to += n; }
FM__CU_FN void cu_add64(int64_t *to, int64_t n) { *to += n; }
FM__CU_FN void cu_min64(uint64_t *to, uint64_t n) { *to = n < *to ? n : *to; }
FM__CU_FN void cu_min32(int32_t *to, int32_t n) { *to = n < *to ? n : *to; }

#endif

#endif
