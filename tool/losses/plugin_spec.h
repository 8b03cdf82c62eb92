/* losses/plugin_spec.h - "plugin:FILE.so,key=value,..." taken apart. */
#ifndef FREEMASK_TOOL_PLUGIN_SPEC_H
#define FREEMASK_TOOL_PLUGIN_SPEC_H

#include <stddef.h>

#include "base/fault.h"

/* A backslash before a comma, an equals sign or a backslash makes it an ordinary letter. */
typedef struct plugin_spec {
  char *file;
  char **keys, **values;
  size_t count;
} plugin_spec;

/* EXIT_USAGE for a text without a file, a part without "=", an empty or second key. */
int plugin_spec_read(const char *provider, plugin_spec *out, fault *f);
void plugin_spec_free(plugin_spec *spec);

#endif
