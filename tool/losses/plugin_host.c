/* losses/plugin_host.c - loading a shared object and talking to it. */
#include "losses/plugin_host.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/surroundings.h"
#include "losses/plugin_guard.h"
#include "losses/plugin_spec.h"

enum { MOST_BATCH = 4096 };

struct plugin_host {
  plugin_spec spec;
  fm_plugin plugin;
  plugin_guard guard;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int32_t calls; /* of predict, under way */
};

typedef fm_status (*open_fn)(const fm_plugin_setup *setup, fm_plugin *plugin, fm_error *err);

/* ---- Opening -------------------------------------------------------------------------- */

static void log_line(int32_t level, const char *message, void *user) {
  (void)level;
  (void)user;
  fprintf(stderr, "freemask: plug-in: %s\n", message);
}

/* dlopen looks in the system's folders for names without a slash. */
static char *loadable(const char *file) {
  return strchr(file, '/') ? alloc_text(file) : path_join(".", file);
}

static uint64_t number(const unsigned char *at, int bytes) {
  uint64_t value = 0; /* ELF is in the machine's byte order, or dlopen refuses it */
  const uint16_t one = 1;
  bool little = *(const unsigned char *)&one == 1;
  for (int i = 0; i < bytes; i++) value = value << 8 | at[little ? bytes - 1 - i : i];
  return value;
}

/* dlopen maps an ELF file that was cut off and dies of it. Its last part is the table of sections,
 * so that has to be there. Returns true for what is not ELF. */
static bool is_whole(FILE *file) {
  unsigned char head[64];
  if (fread(head, 1, sizeof head, file) < sizeof head || memcmp(head, "\177ELF", 4) != 0)
    return true;
  bool wide = head[4] == 2;
  uint64_t at = number(head + (wide ? 0x28 : 0x20), wide ? 8 : 4);
  uint64_t size = number(head + (wide ? 0x3A : 0x2E), 2) * number(head + (wide ? 0x3C : 0x30), 2);
  if (fseek(file, 0, SEEK_END)) return true;
  long end = ftell(file);
  return end < 0 || (at <= (uint64_t)end && size <= (uint64_t)end - at);
}

static int load(const char *file, open_fn *out, fault *f) {
  FILE *there = fopen(file, "rb");
  if (!there) return fault_system(f, errno, "open plug-in", file);
  bool whole = is_whole(there);
  fclose(there);
  if (!whole)
    return fault_set(f, EXIT_DATA, "%s: cannot be loaded as a plug-in: it was cut off", file);
  char *path = loadable(file);
  void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  free(path);
  if (!object) {
    const char *why = dlerror();
    return fault_set(f, EXIT_DATA, "%s: cannot be loaded as a plug-in: %s", file,
                     why ? why : "no reason is given");
  }
  void *symbol = dlsym(object, "fm_plugin_open");
  if (!symbol)
    return fault_set(f, EXIT_DATA,
                     "%s: is not a plug-in: it has no function fm_plugin_open (freemask/plugin.h)",
                     file);
  memcpy(out, &symbol, sizeof *out); /* ISO C has no cast from objects to functions */
  return EXIT_FINE;
}

/* What it states about itself has to be valid before it is called again. */
static int check(plugin_host *h, fault *f) {
  fm_plugin *p = &h->plugin;
  const char *wrong = !p->predict                             ? "it has no predict"
                      : p->batch < 0 || p->batch > MOST_BATCH ? "its batch is not 0 to 4096"
                      : p->concurrency < 0                    ? "its concurrency is negative"
                                                              : NULL;
  if (wrong)
    return fault_set(f, EXIT_DATA, "%s: the plug-in breaks its contract: %s", h->spec.file, wrong);
  if (!p->batch) p->batch = 1;
  if (!p->concurrency) p->concurrency = 1;
  if (!p->name) p->name = "?";
  return EXIT_FINE;
}

static int refuse_abi(const plugin_host *h, fault *f) {
  if (!h->plugin.abi)
    return fault_set(f, EXIT_DATA, "%s: the plug-in does not state its ABI number", h->spec.file);
  return fault_set(f, EXIT_DATA, "%s: the plug-in has ABI %d, this tool ABI %d: rebuild it",
                   h->spec.file, (int)h->plugin.abi, FM_PLUGIN_ABI);
}

static int refuse_closing(const plugin_host *h, fault *f) {
  return fault_set(
      f, EXIT_DATA,
      "%s: the plug-in breaks its contract: it closed descriptors that are not its own",
      h->spec.file);
}

static int open_it(plugin_host *h, open_fn function, const fm_plugin_setup *setup, fault *f) {
  fm_error err;
  memset(&err, 0, sizeof err);
  h->plugin = (fm_plugin){.size = sizeof h->plugin};
  fm_status status = function(setup, &h->plugin, &err);
  if (status) {
    int32_t abi = h->plugin.abi;
    if (status == FM_ERR_MISMATCH && abi && abi != FM_PLUGIN_ABI) return refuse_abi(h, f);
    err.code = status;
    err.message[sizeof err.message - 1] = '\0';
    if (!err.message[0]) snprintf(err.message, sizeof err.message, "it does not say why");
    return fault_library(f, &err, h->spec.file);
  }
  /* Nothing more is known about another ABI's structure, so it is not closed either. */
  if (h->plugin.abi != FM_PLUGIN_ABI) return refuse_abi(h, f);
  int code = check(h, f);
  if (code && h->plugin.close) h->plugin.close(h->plugin.user);
  return code;
}

static int open_with(plugin_host *h, const fm_labels *labels, int threads, bool quiet, fault *f) {
  fm_labels_options space = {.size = sizeof space};
  fm_plugin_setup setup = {.size = sizeof setup,
                           .abi = FM_PLUGIN_ABI,
                           .threads = threads,
                           .option_count = (int64_t)h->spec.count,
                           .keys = (const char *const *)h->spec.keys,
                           .values = (const char *const *)h->spec.values,
                           .labels = &space,
                           .log = quiet ? NULL : log_line};
  fm_error err;
  if (fm_labels_get_options(labels, &space, &err)) return fault_library(f, &err, NULL);
  open_fn function = NULL;
  plugin_guard_call call;
  plugin_guard_enter(&h->guard, &call);
  int code = load(h->spec.file, &function, f);
  if (!code) code = open_it(h, function, &setup, f);
  return plugin_guard_leave(&h->guard, &call) || code ? code : refuse_closing(h, f);
}

int plugin_host_open(const char *provider, const fm_labels *labels, int threads, bool quiet,
                     plugin_host **out, fault *f) {
  plugin_host *h = alloc_zeroed(1, sizeof *h);
  int code = plugin_guard_open(&h->guard, f);
  if (!code) code = plugin_spec_read(provider, &h->spec, f);
  surroundings_blame(h->spec.file);
  if (!code) code = open_with(h, labels, threads, quiet, f);
  if (code) {
    surroundings_blame(NULL);
    plugin_guard_close(&h->guard);
    plugin_spec_free(&h->spec);
    free(h);
    return code;
  }
  pthread_mutex_init(&h->lock, NULL);
  pthread_cond_init(&h->changed, NULL);
  *out = h;
  return EXIT_FINE;
}

void plugin_host_close(plugin_host *h) {
  if (!h) return;
  plugin_guard_call call;
  plugin_guard_enter(&h->guard, &call);
  if (h->plugin.close) h->plugin.close(h->plugin.user);
  if (!plugin_guard_leave(&h->guard, &call)) surroundings_lose_output();
  surroundings_blame(NULL);
  plugin_guard_close(&h->guard);
  pthread_cond_destroy(&h->changed);
  pthread_mutex_destroy(&h->lock);
  plugin_spec_free(&h->spec);
  free(h);
}

const fm_plugin *plugin_host_plugin(const plugin_host *h) { return &h->plugin; }
const char *plugin_host_file(const plugin_host *h) { return h->spec.file; }

/* ---- Predicting ----------------------------------------------------------------------- */

static void enter(plugin_host *h) {
  pthread_mutex_lock(&h->lock);
  while (h->calls >= h->plugin.concurrency) pthread_cond_wait(&h->changed, &h->lock);
  h->calls++;
  pthread_mutex_unlock(&h->lock);
}

static void leave(plugin_host *h) {
  pthread_mutex_lock(&h->lock);
  h->calls--;
  pthread_cond_signal(&h->changed);
  pthread_mutex_unlock(&h->lock);
}

int plugin_host_predict(plugin_host *h, const fm_sample *const *samples,
                        fm_prediction *const *predictions, size_t count, fault *f) {
  fm_error err;
  memset(&err, 0, sizeof err);
  enter(h);
  plugin_guard_call call;
  plugin_guard_enter(&h->guard, &call);
  fm_status status = h->plugin.predict(samples, predictions, (int64_t)count, h->plugin.user, &err);
  bool restored = plugin_guard_leave(&h->guard, &call);
  leave(h);
  if (!restored) return refuse_closing(h, f);
  if (!status) return EXIT_FINE;
  err.code = status;
  err.message[sizeof err.message - 1] = '\0';
  if (!err.message[0])
    snprintf(err.message, sizeof err.message, "cannot predict '%s', and does not say why",
             samples[0]->id);
  return fault_library(f, &err, h->spec.file);
}

void plugin_host_release(const plugin_host *h, fm_prediction *prediction) {
  if (h->plugin.release) h->plugin.release(prediction, h->plugin.user);
}
