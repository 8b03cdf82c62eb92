/* bench/bench.h - what the benchmarks need in C: timed calls, bounds, memory, whole files.
 *
 * A shared object of its own, loaded by run_bench.py together with libfreemask, NumPy and PyTorch.
 * SPDX-License-Identifier: MIT */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <freemask/freemask.h>

#if defined(_WIN32)
#define BENCH_API __declspec(dllexport)
#else
#define BENCH_API __attribute__((visibility("default")))
#endif

enum { BENCH_ARGUMENTS = 9 };

/* A function that takes up to nine pointers (or numbers as wide as one) and returns 0. */
typedef struct bench_call {
  void (*function)(void);
  int64_t argument_count;
  void *arguments[BENCH_ARGUMENTS];
} bench_call;

/* Seconds: from the first start to the last end, and on a processor, by the thread that had
 * most; these are the same where no other program wants the processors and no thread waits. */
typedef struct bench_time {
  double wall, cpu;
} bench_time;

/* Thread i of `threads` makes the calls i * per_thread .. of the list, in order, `repeats`
 * times. Threads start together. Returns the first result that is not 0; -1000 where a
 * thread cannot be started. */
BENCH_API int bench_run(const bench_call *calls, int64_t per_thread, int64_t threads,
                        int64_t repeats, bench_time *time);

/* ---- Bounds: what the memory allows ---------------------------------------------- */

/* out = loss > threshold ? ignore : label, for packed pixels: the same bytes as the filter,
 * no look-up and no count. `stream`: stores that go around the caches. */
typedef struct bench_pass {
  const void *labels; /* label_size bytes each */
  const void *losses; /* F32, or F16 as it lies there */
  void *out;          /* out_size bytes each */
  int64_t pixels;
  int32_t label_size, loss_size, out_size;
  int32_t stream;
} bench_pass;
BENCH_API int bench_filter_bound(const bench_pass *pass);

/* Reads `size` bytes. */
BENCH_API int bench_read_bound(const void *data, int64_t size, uint64_t *sum);

/* ---- Memory ---------------------------------------------------------------------- */

/* An allocator for fm_context_options: bytes in use, and the most since the last reset. */
typedef struct bench_meter bench_meter;
BENCH_API bench_meter *bench_meter_create(void);
BENCH_API void bench_meter_destroy(bench_meter *meter);
BENCH_API int64_t bench_meter_now(const bench_meter *meter);
BENCH_API int64_t bench_meter_peak(const bench_meter *meter);
BENCH_API void bench_meter_reset(bench_meter *meter);
BENCH_API void *bench_allocate(size_t size, void *user);
BENCH_API void bench_release(void *memory, void *user);

/* ---- Files ----------------------------------------------------------------------- */

/* One mask from file to file, as a host does it. */
typedef struct bench_files {
  fm_context *context;
  const fm_filter *filter;
  const char *mask, *losses, *filtered; /* paths */
  const char *reference;                /* losses of the mask's real image; NULL: not needed */
} bench_files;
BENCH_API int bench_filter_files(const bench_files *files);

/* The steps alone. */
BENCH_API int bench_read_mask(const bench_files *files);
BENCH_API int bench_read_losses(const bench_files *files);

/* The same bytes: both files read, the third written, nothing decoded. */
BENCH_API int bench_copy_files(const bench_files *files);

#endif
