/* cli/faulty_plugin.c - a plug-in that does what the key `do` says, mostly what it should not.
 * SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* clearenv */
#include <fcntl.h>
#include <fenv.h>
#include <freemask/plugin.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

typedef struct odd {
  char what[40];
  bool in_predict; /* what disturbs, disturbs then; otherwise when it is opened */
  bool disturbs;
  int32_t class_count, label_count;
  int32_t *classes;
  int64_t ignored;
  fm_network_loss_options network;
  fm_log_fn log;
  void *log_user;
  atomic_int inside, most_inside, calls, samples, largest, released;
} odd;

static fm_status fail(fm_error *err, fm_status status, const char *sentence) {
  err->code = status;
  snprintf(err->message, sizeof err->message, "%s", sentence);
  return status;
}

static int is(const odd *o, const char *what) { return !strcmp(o->what, what); }

static unsigned gray(const fm_volume *image, int64_t y, int64_t x) {
  return ((const unsigned char *)image->data)[y * image->row_stride + x * image->col_stride];
}

/* A loss of its own: a quarter of the class and the red value. */
static void fill_loss(const odd *o, const fm_sample *s, const fm_plane *loss) {
  float *to = loss->data;
  for (int64_t y = 0; y < s->mask.height; y++)
    for (int64_t x = 0; x < s->mask.width; x++) {
      unsigned label =
          ((const unsigned char *)s->mask.data)[y * s->mask.row_stride + x * s->mask.col_stride];
      int32_t k = (int64_t)label < o->label_count ? o->classes[label] : FM_CLASS_INVALID;
      *to++ = k < 0 || (int64_t)label == o->ignored
                  ? NAN
                  : 0.25F * (float)k + (float)gray(&s->image, y, x) / 256;
    }
}

/* Logits of the image's size: channel c is red * (c + 1) / 32, in the reverse order of channels. */
static void fill_logits(const odd *o, const fm_sample *s, fm_prediction *p) {
  int32_t c = o->class_count + is(o, "channel");
  int64_t h = s->image.height, w = s->image.width;
  float *z = malloc((size_t)(c * h * w) * sizeof *z);
  if (!z) abort();
  for (int32_t k = 0; k < c; k++)
    for (int64_t i = 0; i < h * w; i++)
      z[k * h * w + i] = is(o, "nan") ? NAN
                         : is(o, "probs")
                             ? 1.0F / (float)c
                             : (float)gray(&s->image, i / w, i % w) * (float)(k + 1) / 32;
  p->user = z;
  p->output->values =
      (fm_volume){.data = z, .dtype = FM_F32, .channels = c, .height = h, .width = w};
}

/* Three queries: class logits 2 sin(5 q + c), mask logits (red - 64 q) / 32. */
static void fill_queries(const odd *o, const fm_sample *s, fm_prediction *p) {
  enum { Q = 3 };
  int64_t h = s->image.height, w = s->image.width, c = o->class_count + 1;
  float *z = malloc((size_t)(Q * (h * w + c)) * sizeof *z), *rows = z + Q * h * w;
  if (!z) abort();
  for (int64_t q = 0; q < Q; q++) {
    for (int64_t i = 0; i < h * w; i++)
      z[q * h * w + i] = ((float)gray(&s->image, i / w, i % w) - 64 * (float)q) / 32;
    for (int64_t k = 0; k < c; k++) rows[q * c + k] = 2 * sinf((float)(5 * q + k));
  }
  p->user = z;
  p->output->values =
      (fm_volume){.data = z, .dtype = FM_F32, .channels = Q, .height = h, .width = w};
  p->output->class_logits = (fm_plane){.data = rows, .dtype = FM_F32, .height = Q, .width = c};
  if (is(o, "half-queries")) p->output->class_logits.data = NULL;
}

/* ---- What changes the whole process ------------------------------------------------------- */

static void *work_on(void *argument) {
  const struct timespec moment = {0, 1000000};
  while (!atomic_load((atomic_int *)argument)) nanosleep(&moment, NULL);
  return NULL;
}

static atomic_int over;

static void leave_thread(void) {
  pthread_t thread;
  if (!pthread_create(&thread, NULL, work_on, &over)) pthread_detach(thread);
}

static void use_locale(bool of_thread) {
  static const char *const commas[] = {"xx_XX", "de_DE.UTF-8", "fr_FR.UTF-8"};
  for (size_t i = 0; i < sizeof commas / sizeof *commas; i++) {
    locale_t made = of_thread ? newlocale(LC_ALL_MASK, commas[i], (locale_t)0) : (locale_t)0;
    if (made != (locale_t)0) uselocale(made);
    if (!of_thread && setlocale(LC_ALL, commas[i])) break;
  }
}

static void on_signal(int number) { (void)number; }

static void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigset_t all;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_DFL);
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static void flush_tiny(void) {
#if defined(__SSE__)
  _mm_setcsr(_mm_getcsr() | 0x8040); /* tiny numbers are zero, as results and as operands */
#endif
}

static void fork_child(void) {
  pid_t child = fork();
  if (!child) exit(0);
  if (child > 0) waitpid(child, NULL, 0);
}

/* Where `do` is one of these, losses are those of do=loss. */
static const char *const disturbances[] = {
    "exit",   "exit-1",        "quick-exit", "abort", "close-all",  "close-standard", "locale",
    "folder", "thread-locale", "umask",      "raise", "signals",    "print",          "random",
    "tiny",   "rounding",      "threads",    "fork",  "environment"};

static void disturb(const odd *o) {
  if (is(o, "exit")) exit(0);
  if (is(o, "exit-1")) exit(1);
  if (is(o, "quick-exit")) quick_exit(0);
  if (is(o, "abort")) abort();
  if (is(o, "close-all"))
    for (int i = 0; i < 200; i++) close(i);
  else if (is(o, "close-standard"))
    for (int i = 0; i < 3000; i++) close(i % 3); /* while other threads open files */
  else if (is(o, "locale"))
    use_locale(false);
  else if (is(o, "thread-locale"))
    use_locale(true);
  else if (is(o, "folder"))
    (void)!chdir("/");
  else if (is(o, "umask"))
    umask(0777);
  else if (is(o, "signals"))
    catch_signals();
  else if (is(o, "raise"))
    raise(SIGTERM);
  else if (is(o, "print"))
    printf("not a result\n");
  else if (is(o, "random"))
    srand(1);
  else if (is(o, "rounding"))
    fesetround(FE_UPWARD);
  else if (is(o, "tiny"))
    flush_tiny();
  else if (is(o, "threads"))
    leave_thread();
  else if (is(o, "fork"))
    fork_child();
  else if (is(o, "environment"))
    clearenv();
}

static void lift(atomic_int *to, int value) {
  int old = atomic_load(to);
  while (old < value && !atomic_compare_exchange_weak(to, &old, value)) continue;
}

static fm_status predict(const fm_sample *const *samples, fm_prediction *const *predictions,
                         int64_t count, void *user, fm_error *err) {
  odd *o = user;
  struct timespec moment = {0, 3000000};
  lift(&o->most_inside, atomic_fetch_add(&o->inside, 1) + 1);
  lift(&o->largest, (int)count);
  int call = atomic_fetch_add(&o->calls, 1);
  atomic_fetch_add(&o->samples, (int)count);
  if (is(o, "count")) nanosleep(&moment, NULL);
  atomic_fetch_sub(&o->inside, 1);
  if (is(o, "fail") && call == 2) return fail(err, FM_ERR_LIMIT, "the third call is one too many");
  if (is(o, "silent")) return FM_ERR_LIMIT;
  if (o->in_predict) disturb(o);
  if (is(o, "close-standard") && !o->in_predict)
    for (int i = 0; i < 3; i++)
      if (fcntl(i, F_GETFD) < 0) return fail(err, FM_ERR_LIMIT, "a standard descriptor is closed");
  if (is(o, "nothing") || is(o, "unfilled")) return FM_OK;
  for (int64_t i = 0; i < count; i++)
    if (is(o, "queries") || is(o, "half-queries") || is(o, "wrong-queries"))
      fill_queries(o, samples[i], predictions[i]);
    else if (o->network.kind)
      fill_logits(o, samples[i], predictions[i]);
    else
      fill_loss(o, samples[i], &predictions[i]->loss);
  return FM_OK;
}

static void release(fm_prediction *prediction, void *user) {
  odd *o = user;
  free(prediction->user);
  atomic_fetch_add(&o->released, 1);
}

static void close_it(void *user) {
  odd *o = user;
  char line[200];
  snprintf(line, sizeof line, "calls %d samples %d largest %d inside %d released %d", (int)o->calls,
           (int)o->samples, (int)o->largest, (int)o->most_inside, (int)o->released);
  if (o->log && is(o, "count")) o->log(FM_LOG_INFO, line, o->log_user);
  free(o->classes);
  free(o);
}

static odd *make(const fm_plugin_setup *setup) {
  odd *o = calloc(1, sizeof *o);
  if (!o) abort();
  const fm_labels_options *labels = setup->labels;
  o->class_count = labels->class_count;
  o->label_count = labels->label_count;
  o->ignored = labels->ignored_labels[0];
  o->log = setup->log;
  o->log_user = setup->log_user;
  o->classes = malloc((size_t)labels->label_count * sizeof *o->classes);
  if (!o->classes) abort();
  memcpy(o->classes, labels->classes, (size_t)labels->label_count * sizeof *o->classes);
  return o;
}

/* Says things that are not so. */
static fm_status lie(const odd *o, fm_plugin *plugin, fm_error *err) {
  if (is(o, "abi") || is(o, "abi-refused")) plugin->abi = FM_PLUGIN_ABI + 1;
  if (is(o, "no-abi")) plugin->abi = 0;
  if (is(o, "no-predict")) plugin->predict = NULL;
  if (is(o, "batch")) plugin->batch = 5000;
  if (is(o, "concurrency")) plugin->concurrency = -1;
  if (is(o, "abi-refused")) return fail(err, FM_ERR_MISMATCH, "I am newer");
  if (is(o, "refuse")) return fail(err, FM_ERR_FORMAT, "the model has\nno layers");
  if (is(o, "silent-open")) return FM_ERR_UNSUPPORTED;
  return FM_OK;
}

fm_status fm_plugin_open(const fm_plugin_setup *setup, fm_plugin *plugin, fm_error *err) {
  odd *o = make(setup);
  plugin->abi = FM_PLUGIN_ABI;
  plugin->name = "odd";
  plugin->identity = "odd";
  plugin->batch = 3;
  for (int64_t i = 0; i < setup->option_count; i++) {
    if (!strcmp(setup->keys[i], "do"))
      snprintf(o->what, sizeof o->what, "%s", setup->values[i]);
    else if (!strcmp(setup->keys[i], "concurrency"))
      plugin->concurrency = atoi(setup->values[i]);
    else if (!strcmp(setup->keys[i], "say") && setup->log)
      setup->log(FM_LOG_INFO, setup->values[i], setup->log_user);
    else if (!strcmp(setup->keys[i], "when"))
      o->in_predict = !strcmp(setup->values[i], "predict");
    else if (strcmp(setup->keys[i], "say"))
      abort();
  }
  for (size_t i = 0; i < sizeof disturbances / sizeof *disturbances; i++)
    o->disturbs = o->disturbs || is(o, disturbances[i]);
  if (o->disturbs && !o->in_predict) disturb(o);
  o->network = (fm_network_loss_options){.size = sizeof o->network};
  bool scores = is(o, "queries") || is(o, "half-queries");
  if (strcmp(o->what, "loss") && !o->disturbs && !is(o, "unfilled") && !is(o, "count"))
    o->network.kind = scores ? FM_OUTPUT_SCORES : FM_OUTPUT_LOGITS;
  if (is(o, "kind")) o->network.kind = 77;
  if (o->network.kind) plugin->network = &o->network;
  plugin->predict = predict;
  plugin->release = release;
  plugin->close = close_it;
  plugin->user = o;
  fm_status status = lie(o, plugin, err);
  /* Nobody closes one that failed or is of another ABI. */
  if (status || plugin->abi != FM_PLUGIN_ABI) close_it(o);
  return status;
}
