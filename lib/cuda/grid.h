/* cuda/grid.h - the words in which kernels are written, for nvcc and for a host's C compiler.
 *
 * A kernel is a row of phases: code for each thread of a block (FM__CU_EACH_THREAD), barriers between
 * them. Nothing of a thread lives from one phase to the next, so a host runs a phase as a loop over
 * the threads, in any order: the tests take several, to see that none is needed. */
#ifndef FM_CUDA_GRID_H
#define FM_CUDA_GRID_H

#include <math.h>

#include "core/bits.h"
#include "cuda/job.h"

#if defined(__CUDACC__)

/* 64 registers at most, so that a device has work for the time that loads take; 80 where several loads of a thread
 * are under way, and much is kept between them. */
#define FM__CU_BOUND_KERNEL(name, blocks)                              \
  extern "C" __global__ void __launch_bounds__(FM__CU_THREADS, blocks) \
      fm_cu_##name(const __grid_constant__ fm__cu_job job_)
#define FM__CU_KERNEL(name) FM__CU_BOUND_KERNEL(name, 4)
#define FM__CU_WIDE_KERNEL(name) FM__CU_BOUND_KERNEL(name, 3)
/* Before a loop whose rounds have enough to do: a row of copies would take registers. */
#define FM__CU_ROLLED _Pragma("unroll 1")
/* Before a loop over what is in registers. */
#define FM__CU_UNROLLED _Pragma("unroll")
/* Before a loop whose rounds do little but wait for loads: those of several are then under way. */
#define FM__CU_SEVERAL(rounds) FM__CU_PRAGMA(unroll rounds)
#define FM__CU_PRAGMA(text) _Pragma(#text)
#define FM__CU_ALIGN(n) __align__(n)
#define FM__CU_START const fm__cu_job *const job = &job_
#define FM__CU_FN static __device__
#define FM__CU_INLINE static __device__ __forceinline__
/* What is seldom needed: its registers are not those of the kernel. */
#define FM__CU_APART static __device__ __noinline__
#define FM__CU_EACH_THREAD(t) for (uint32_t t = threadIdx.x, once_ = 1; once_; once_ = 0)
#define FM__CU_BARRIER() __syncthreads()
#define FM__CU_OWN(type, name)                 \
  extern __shared__ unsigned long long own_[]; \
  type *const name = (type *)(void *)own_
#define FM__CU_BLOCK ((int64_t)blockIdx.x)
#define FM__CU_BLOCKS ((int64_t)gridDim.x)
#define FM__CU_IMAGE ((int32_t)blockIdx.y)

/* Of a block's own memory. */
FM__CU_FN void cu_add32(uint32_t *to, uint32_t n) {
  __builtin_assume(__isShared(to));
  (void)atomicAdd(to, n);
}
FM__CU_FN void cu_min32(int32_t *to, int32_t n) {
  __builtin_assume(__isShared(to));
  (void)atomicMin(to, n);
}
/* Of the device's. */
FM__CU_FN void cu_count32(uint32_t *to, uint32_t n) {
  __builtin_assume(__isGlobal(to));
  (void)atomicAdd(to, n);
}
FM__CU_FN void cu_add64(int64_t *to, int64_t n) {
  __builtin_assume(__isGlobal(to));
  (void)atomicAdd((unsigned long long *)(void *)to, (unsigned long long)n);
}
FM__CU_FN void cu_min64(uint64_t *to, uint64_t n) {
  __builtin_assume(__isGlobal(to));
  (void)atomicMin((unsigned long long *)(void *)to, (unsigned long long)n);
}

/* IEEE binary16, exactly; of what is not a number some such. */
FM__CU_INLINE float cu_half(uint16_t bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

/* Tells the compiler in which memory all planes are. */
FM__CU_INLINE char *cu_global(char *at) {
  __builtin_assume(__isGlobal(at));
  return at;
}

/* Byte i of words, in the order of memory. */
FM__CU_INLINE uint32_t cu_byte(const uint32_t *words, int i) {
  return words[i / 4] >> (i % 4 * 8) & 255;
}
FM__CU_INLINE void cu_put_byte(uint32_t *words, int i, uint32_t byte) {
  if (i % 4 == 0) words[i / 4] = 0;
  words[i / 4] |= byte << (i % 4 * 8);
}

/* 2 to the power x, to 2^-22 of it; below 2^-126 it may be 0. */
FM__CU_INLINE float cu_exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/* To 2^-22 of it. */
FM__CU_INLINE float cu_reciprocal(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

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
#define FM__CU_WIDE_KERNEL(name) FM__CU_KERNEL(name)
#define FM__CU_ROLLED
#define FM__CU_UNROLLED
#define FM__CU_SEVERAL(rounds)
#define FM__CU_ALIGN(n) __attribute__((aligned(n)))
#define FM__CU_START (void)0
#define FM__CU_FN static
#define FM__CU_INLINE static inline
#define FM__CU_APART static
#define FM__CU_EACH_THREAD(t)                                                   \
  for (uint32_t i_ = 0, t = host_->first % FM__CU_THREADS; i_ < FM__CU_THREADS; \
       i_++, t = (host_->first + i_ * host_->step) % FM__CU_THREADS)
#define FM__CU_BARRIER() (void)0
#define FM__CU_OWN(type, name) type *const name = (type *)host_->own
#define FM__CU_BLOCK (host_->block)
#define FM__CU_BLOCKS (host_->blocks)
#define FM__CU_IMAGE (host_->image)

FM__CU_FN void cu_add32(uint32_t *to, uint32_t n) { *to += n; }
FM__CU_FN void cu_count32(uint32_t *to, uint32_t n) { *to += n; }
FM__CU_FN void cu_add64(int64_t *to, int64_t n) { *to += n; }
FM__CU_FN void cu_min64(uint64_t *to, uint64_t n) { *to = n < *to ? n : *to; }
FM__CU_FN void cu_min32(int32_t *to, int32_t n) { *to = n < *to ? n : *to; }

FM__CU_INLINE float cu_half(uint16_t bits) { return fm__float_of_half(bits); }
FM__CU_INLINE char *cu_global(char *at) { return at; }

FM__CU_INLINE uint32_t cu_byte(const uint32_t *words, int i) {
  return ((const uint8_t *)(const void *)words)[i];
}
FM__CU_INLINE void cu_put_byte(uint32_t *words, int i, uint32_t byte) {
  ((uint8_t *)(void *)words)[i] = (uint8_t)byte;
}

/* As wrong as a device's may be, either way: what rests on it has to bear that. */
FM__CU_FN float cu_nearly(float exact, float x) {
  uint32_t bits = fm__float_bits(x) * UINT32_C(2654435761);
  return exact * (bits >> 31 ? 1 + 0x1p-22F : 1 - 0x1p-22F);
}

FM__CU_INLINE float cu_exp2(float x) {
  float exact = exp2f(x);
  return exact < 0x1p-126F ? 0 : cu_nearly(exact, x);
}

FM__CU_INLINE float cu_reciprocal(float x) {
  float exact = 1 / x;
  return exact < 0x1p-126F ? 0 : cu_nearly(exact, x);
}

#endif

#endif
