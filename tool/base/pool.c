/* base/pool.c - worker threads that take items in order. */
#include "base/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/surroundings.h"

enum { LOOK_EVERY = 100 * 1000 * 1000 /* nanoseconds */ };

/* What the workers share, behind `lock`. */
typedef struct pool {
  const pool_job *job;
  pthread_mutex_t lock;
  pthread_cond_t over; /* `running` became 0 */
  size_t next, done, running;
  size_t failed_at; /* lowest item that failed, job->count: none */
  fault failure;
} pool;

typedef struct worker {
  pool *pool;
  void *own;
  bool begun;
  pthread_t thread;
} worker;

/* Items are handed out in order and none after the first failure, so when all workers have
 * stopped every item below the lowest failed one has been done. */
static bool take(pool *p, size_t *index, size_t *count) {
  size_t most = p->job->group ? p->job->group : 1;
  pthread_mutex_lock(&p->lock);
  bool go = p->next < p->job->count && p->failed_at == p->job->count && !interrupt_seen();
  if (go) {
    size_t left = p->job->count - p->next, end = p->next + (left < most ? left : most);
    if (p->job->end_group) end = p->job->end_group(p->job->shared, end);
    *index = p->next;
    *count = end - p->next;
    p->next = end;
  }
  pthread_mutex_unlock(&p->lock);
  return go;
}

static int do_items(const pool_job *job, void *own, size_t index, size_t count, fault *f) {
  return job->group ? job->work_group(job->shared, own, index, count, f)
                    : job->work(job->shared, own, index, f);
}

static void settle(pool *p, size_t index, size_t count, int code, const fault *f) {
  pthread_mutex_lock(&p->lock);
  if (!code) {
    p->done += count;
  } else if (index < p->failed_at) {
    p->failed_at = index;
    p->failure = *f;
  }
  pthread_mutex_unlock(&p->lock);
}

static void *work(void *argument) {
  worker *w = argument;
  pool *p = w->pool;
  size_t index, count;
  surroundings_plain_locale();
  while (take(p, &index, &count)) {
    fault f;
    settle(p, index, count, do_items(p->job, w->own, index, count, &f), &f);
  }
  pthread_mutex_lock(&p->lock);
  if (!--p->running) pthread_cond_signal(&p->over);
  pthread_mutex_unlock(&p->lock);
  return NULL;
}

/* The calling thread shows the progress until all workers have stopped; it looks now and then,
 * so that no worker has to wake it. */
static void watch(pool *p) {
  progress bar;
  progress_begin(&bar, p->job->what, p->job->count, p->job->quiet);
  pthread_mutex_lock(&p->lock);
  while (p->running) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_EVERY;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&p->over, &p->lock, &until);
    size_t done = p->done;
    pthread_mutex_unlock(&p->lock);
    progress_step(&bar, done);
    pthread_mutex_lock(&p->lock);
  }
  pthread_mutex_unlock(&p->lock);
  progress_end(&bar);
}

int pool_thread(pthread_t *thread, void *(*start)(void *argument), void *argument) {
  pthread_attr_t attributes;
  size_t usual = 0;
  int refusal = pthread_attr_init(&attributes);
  if (refusal) return refusal;
  if (!pthread_attr_getstacksize(&attributes, &usual) && usual < POOL_STACK)
    refusal = pthread_attr_setstacksize(&attributes, POOL_STACK);
  if (!refusal) refusal = pthread_create(thread, &attributes, start, argument);
  pthread_attr_destroy(&attributes);
  return refusal;
}

static int start(pool *p, worker *workers, size_t count, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++) {
    workers[i].pool = p;
    if (p->job->begin) code = p->job->begin(p->job->shared, &workers[i].own, f);
    workers[i].begun = !code;
  }
  if (code) return code;
  p->running = count;
  size_t started = 0;
  int refusal = 0;
  while (started < count &&
         !(refusal = pool_thread(&workers[started].thread, work, &workers[started])))
    started++;
  if (started < count) { /* fewer threads suffice, none do not */
    pthread_mutex_lock(&p->lock);
    p->running -= count - started;
    pthread_mutex_unlock(&p->lock);
  }
  if (!started) return fault_set(f, EXIT_IO, "cannot start a thread: %s", strerror(refusal));
  watch(p);
  for (size_t i = 0; i < started; i++) pthread_join(workers[i].thread, NULL);
  return EXIT_FINE;
}

static int verdict(pool *p, int code, fault *f) {
  if (code) return code;
  if (p->failed_at < p->job->count) {
    *f = p->failure;
    return f->exit_code;
  }
  return p->done < p->job->count ? fault_stopped(f) : EXIT_FINE;
}

int pool_cores(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : count > 256 ? 256 : (int)count;
}

int pool_run(const pool_job *job, fault *f) {
  size_t count = (size_t)(job->threads > 0 ? job->threads : pool_cores());
  size_t group = job->group ? job->group : 1, groups = (job->count + group - 1) / group;
  if (count > groups) count = groups ? groups : 1;
  pool p = {.job = job, .failed_at = job->count};
  worker *workers = alloc_zeroed(count, sizeof *workers);
  pthread_mutex_init(&p.lock, NULL);
  pthread_cond_init(&p.over, NULL);
  int code = verdict(&p, start(&p, workers, count, f), f);
  for (size_t i = 0; i < count; i++) {
    fault other;
    if (!job->end || !workers[i].begun) continue;
    int end = job->end(job->shared, workers[i].own, !code, code ? &other : f);
    if (!code) code = end;
  }
  pthread_cond_destroy(&p.over);
  pthread_mutex_destroy(&p.lock);
  free(workers);
  return code;
}
