/* losses/plugin_spec.c - the value of --provider that names a plug-in. */
#include "losses/plugin_spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Copies up to one of `stops` or the end; `*at` then points there. Caller frees. */
static char *take(const char **at, const char *stops) {
  char *out = alloc_zeroed(strlen(*at) + 1, 1), *to = out;
  for (; **at && !strchr(stops, **at); ++*at) {
    if (**at == '\\' && (*at)[1] && strchr(",=\\", (*at)[1])) ++*at;
    *to++ = **at;
  }
  return out;
}

static int take_option(const char **at, plugin_spec *out, size_t *capacity, fault *f) {
  size_t room = *capacity;
  char *key = take(at, ",=");
  if (**at != '=' || !*key) {
    fault_set(f, EXIT_USAGE, "--provider: '%.200s' is not a plug-in's option, expected key=value",
              *key ? key : "=");
    free(key);
    return EXIT_USAGE;
  }
  ++*at;
  out->keys = alloc_grow(out->keys, out->count, capacity, sizeof *out->keys);
  out->values = alloc_grow(out->values, out->count, &room, sizeof *out->values);
  out->keys[out->count] = key;
  out->values[out->count++] = take(at, ",");
  for (size_t i = 0; i + 1 < out->count; i++)
    if (!strcmp(out->keys[i], key))
      return fault_set(f, EXIT_USAGE, "--provider: %.200s is given twice", key);
  return EXIT_FINE;
}

int plugin_spec_read(const char *provider, plugin_spec *out, fault *f) {
  const char *at = strchr(provider, ':') + 1;
  size_t capacity = 0;
  int code = EXIT_FINE;
  *out = (plugin_spec){.file = take(&at, ",")};
  if (!*out->file)
    code = fault_set(f, EXIT_USAGE, "--provider is '%.200s', expected plugin:FILE.so,key=value",
                     provider);
  while (!code && *at == ',') {
    at++;
    code = take_option(&at, out, &capacity, f);
  }
  if (code) plugin_spec_free(out);
  return code;
}

void plugin_spec_free(plugin_spec *spec) {
  for (size_t i = 0; i < spec->count; i++) {
    free(spec->keys[i]);
    free(spec->values[i]);
  }
  free(spec->keys);
  free(spec->values);
  free(spec->file);
  *spec = (plugin_spec){0};
}
