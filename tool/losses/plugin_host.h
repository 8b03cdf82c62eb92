/* losses/plugin_host.h - a loaded plug-in (freemask/plugin.h). */
#ifndef FREEMASK_TOOL_PLUGIN_HOST_H
#define FREEMASK_TOOL_PLUGIN_HOST_H

#include <freemask/plugin.h>
#include <stdbool.h>

#include "base/fault.h"

/* Thread-safety: predict and release from any thread; waits where the plug-in allows fewer calls.
 */
typedef struct plugin_host plugin_host;

/* Loads and opens what `provider` ("plugin:FILE.so,...") names. No such file is EXIT_IO; one that
 * is not a plug-in, or has another ABI, EXIT_DATA; options that it does not take EXIT_USAGE. */
int plugin_host_open(const char *provider, const fm_labels *labels, int threads, bool quiet,
                     plugin_host **out, fault *f);

/* Closes it; the shared object stays loaded (unloading C++ run times is not safe). */
void plugin_host_close(plugin_host *host);

const fm_plugin *plugin_host_plugin(const plugin_host *host);
const char *plugin_host_file(const plugin_host *host);

/* Asks for predictions; what went wrong is a sentence with the plug-in's file in it. */
int plugin_host_predict(plugin_host *host, const fm_sample *const *samples,
                        fm_prediction *const *predictions, size_t count, fault *f);
void plugin_host_release(const plugin_host *host, fm_prediction *prediction);

#endif
