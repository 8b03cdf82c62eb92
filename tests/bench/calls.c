/* bench/calls.c - calls in a loop, on several threads, with the time they take.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"

typedef int (*call0)(void);
typedef int (*call1)(void *);
typedef int (*call2)(void *, void *);
typedef int (*call3)(void *, void *, void *);
typedef int (*call4)(void *, void *, void *, void *);
typedef int (*call5)(void *, void *, void *, void *, void *);
typedef int (*call6)(void *, void *, void *, void *, void *, void *);
typedef int (*call7)(void *, void *, void *, void *, void *, void *, void *);
typedef int (*call8)(void *, void *, void *, void *, void *, void *, void *, void *);
typedef int (*call9)(void *, void *, void *, void *, void *, void *, void *, void *, void *);

/* As ctypes does it: every argument is a pointer to the callee's ABI. */
static int make_call(const bench_call *c) {
  void *const *a = c->arguments;
  switch (c->argument_count) {
    case 0:
      return ((call0)c->function)();
    case 1:
      return ((call1)c->function)(a[0]);
    case 2:
      return ((call2)c->function)(a[0], a[1]);
    case 3:
      return ((call3)c->function)(a[0], a[1], a[2]);
    case 4:
      return ((call4)c->function)(a[0], a[1], a[2], a[3]);
    case 5:
      return ((call5)c->function)(a[0], a[1], a[2], a[3], a[4]);
    case 6:
      return ((call6)c->function)(a[0], a[1], a[2], a[3], a[4], a[5]);
    case 7:
      return ((call7)c->function)(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
    case 8:
      return ((call8)c->function)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]);
    default:
      return ((call9)c->function)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]);
  }
}

/* All wait until the last has come. */
typedef struct gate {
  pthread_mutex_t lock;
  pthread_cond_t open;
  int64_t missing; /* -1: closed for good */
} gate;

typedef struct worker {
  gate *gate;
  const bench_call *calls;
  int64_t count, repeats;
  struct timespec start, end, cpu_start, cpu_end;
  int status;
  pthread_t thread;
} worker;

static bool pass(gate *g) {
  pthread_mutex_lock(&g->lock);
  if (g->missing > 0 && !--g->missing) pthread_cond_broadcast(&g->open);
  while (g->missing > 0) pthread_cond_wait(&g->open, &g->lock);
  bool open = !g->missing;
  pthread_mutex_unlock(&g->lock);
  return open;
}

static void shut(gate *g) {
  pthread_mutex_lock(&g->lock);
  g->missing = -1;
  pthread_cond_broadcast(&g->open);
  pthread_mutex_unlock(&g->lock);
}

static void *work(void *argument) {
  worker *w = argument;
  if (!pass(w->gate)) return NULL;
  clock_gettime(CLOCK_MONOTONIC, &w->start);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &w->cpu_start);
  for (int64_t r = 0; r < w->repeats && !w->status; r++)
    for (int64_t i = 0; i < w->count && !w->status; i++) w->status = make_call(&w->calls[i]);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &w->cpu_end);
  clock_gettime(CLOCK_MONOTONIC, &w->end);
  return NULL;
}

static double between(struct timespec a, struct timespec b) {
  return (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
}

/* The first thread's work is done by the caller. */
static bool start(worker *workers, int64_t threads) {
  for (int64_t i = 1; i < threads; i++) {
    if (!pthread_create(&workers[i].thread, NULL, work, &workers[i])) continue;
    shut(workers->gate);
    while (--i > 0) pthread_join(workers[i].thread, NULL);
    return false;
  }
  (void)work(workers);
  for (int64_t i = 1; i < threads; i++) pthread_join(workers[i].thread, NULL);
  return true;
}

static int sum_up(const worker *workers, int64_t threads, bench_time *time) {
  struct timespec first = workers->start, last = workers->end;
  int status = 0;
  time->cpu = 0;
  for (int64_t i = 0; i < threads; i++) {
    const worker *w = &workers[i];
    double cpu = between(w->cpu_start, w->cpu_end);
    if (between(first, w->start) < 0) first = w->start;
    if (between(last, w->end) > 0) last = w->end;
    if (cpu > time->cpu) time->cpu = cpu;
    if (!status) status = w->status;
  }
  time->wall = between(first, last);
  return status;
}

int bench_run(const bench_call *calls, int64_t per_thread, int64_t threads, int64_t repeats,
              bench_time *time) {
  gate g = {.missing = threads};
  worker *workers = calloc((size_t)threads, sizeof *workers);
  if (!workers) return -1000;
  pthread_mutex_init(&g.lock, NULL);
  pthread_cond_init(&g.open, NULL);
  for (int64_t i = 0; i < threads; i++)
    workers[i] = (worker){
        .gate = &g, .calls = calls + i * per_thread, .count = per_thread, .repeats = repeats};
  int status = start(workers, threads) ? sum_up(workers, threads, time) : -1000;
  pthread_cond_destroy(&g.open);
  pthread_mutex_destroy(&g.lock);
  free(workers);
  return status;
}
