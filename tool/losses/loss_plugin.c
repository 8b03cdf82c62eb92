/* losses/loss_plugin.c - losses from images by a plug-in, batch by batch. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "losses/loss_way.h"
#include "losses/plugin_host.h"

typedef struct plugin_source {
  plugin_host *host;
  bool kept;             /* by the caller, who closes it */
  fm_network_loss *loss; /* NULL: it predicts loss maps */
} plugin_source;

static int open_host(const loss_source *s, const loss_options *options, fault *f) {
  plugin_source *p = s->own;
  p->kept = options->kept != NULL;
  if (options->kept) p->host = *options->kept;
  if (p->host) return EXIT_FINE;
  /* Not those of --threads: the last bits of a network may depend on how many it has. */
  int threads = pool_cores();
  int code = plugin_host_open(options->provider, s->labels, threads, options->quiet, &p->host, f);
  if (!code && options->kept) *options->kept = p->host;
  return code;
}

static int open_source(loss_source *s, const loss_options *options, fault *f) {
  plugin_source *p = alloc_zeroed(1, sizeof *p);
  fm_error err;
  s->own = p;
  int code = open_host(s, options, f);
  if (code) return code;
  const fm_plugin *plugin = plugin_host_plugin(p->host);
  if (!plugin->network) return EXIT_FINE;
  if (fm_network_loss_create(s->labels, plugin->network, &p->loss, &err))
    return fault_library(f, &err, plugin_host_file(p->host));
  return EXIT_FINE;
}

static void close_source(void *own) {
  plugin_source *p = own;
  fm_network_loss_destroy(p->loss);
  if (!p->kept) plugin_host_close(p->host);
  free(p);
}

static size_t batch_of(const void *own) {
  return (size_t)plugin_host_plugin(((const plugin_source *)own)->host)->batch;
}

/* ---- A batch -------------------------------------------------------------------------- */

typedef struct shot {
  char *path; /* of the image */
  fm_raster *image;
  fm_sample sample;
  fm_network_output output;
  fm_prediction prediction;
} shot;

static int prepare(const loss_source *s, const loss_request *r, shot *one, loss_map *out,
                   fault *f) {
  const plugin_source *p = s->own;
  one->path = loss_source_path(s, r->mask_index);
  int code = loss_read_image(s, r, one->path, &one->image, f);
  if (code) return code;
  loss_map_make(out, &r->mask);
  one->sample = (fm_sample){.size = sizeof one->sample, .mask = r->mask};
  one->sample.id = s->masks->files[r->mask_index].stem;
  one->sample.image = fm_raster_volume(one->image);
  one->output = (fm_network_output){.size = sizeof one->output};
  one->prediction = (fm_prediction){.size = sizeof one->prediction, .output = &one->output};
  if (!p->loss) {
    /* All bits set are NaN: what the plug-in does not fill is no loss. */
    memset(out->memory, 0xFF, (size_t)(r->mask.height * r->mask.width) * sizeof(float));
    one->prediction.loss = out->plane;
  }
  return EXIT_FINE;
}

/* From a prediction to the loss map. */
static int conclude(const loss_source *s, const loss_request *r, const shot *one, loss_map *out,
                    fault *f) {
  const plugin_source *p = s->own;
  const fm_network_output *output = one->prediction.output;
  fm_error err;
  if (!p->loss) return EXIT_FINE;
  if (!output || !output->values.data)
    return fault_set(f, EXIT_DATA, "%s: the plug-in breaks its contract: no output for '%s'",
                     plugin_host_file(p->host), one->sample.id);
  fm_status status = fm_network_loss_map(p->loss, output, &r->mask, &out->plane, &err);
  return status ? loss_blame_partner(s, r->mask_index, one->path, &err, f)
                : loss_map_show(s, p->loss, output, r, one->path, out, f);
}

static int predict(const loss_source *s, shot *shots, const loss_request *requests, size_t count,
                   loss_map *out, fault *f) {
  const plugin_source *p = s->own;
  const fm_sample **samples = alloc_zeroed(count, sizeof *samples);
  fm_prediction **predictions = alloc_zeroed(count, sizeof *predictions);
  for (size_t i = 0; i < count; i++) {
    samples[i] = &shots[i].sample;
    predictions[i] = &shots[i].prediction;
  }
  int code = plugin_host_predict(p->host, samples, predictions, count, f);
  bool predicted = !code;
  for (size_t i = 0; predicted && i < count; i++) {
    if (!code) code = conclude(s, &requests[i], &shots[i], &out[i], f);
    plugin_host_release(p->host, predictions[i]);
  }
  free(samples);
  free(predictions);
  return code;
}

static int get(const loss_source *s, const loss_request *requests, size_t count, loss_map *out,
               fault *f) {
  shot *shots = alloc_zeroed(count, sizeof *shots);
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++)
    code = prepare(s, &requests[i], &shots[i], &out[i], f);
  if (!code) code = predict(s, shots, requests, count, out, f);
  for (size_t i = 0; i < count; i++) {
    fm_raster_destroy(shots[i].image);
    free(shots[i].path);
  }
  free(shots);
  return code;
}

/* ---- Identity ------------------------------------------------------------------------- */

static json_t *identity(const void *own) {
  const fm_plugin *plugin = plugin_host_plugin(((const plugin_source *)own)->host);
  return json_pack("{s:s, s:s, s:s}", "name", "plugin", "plugin", plugin->name, "identity",
                   plugin->identity ? plugin->identity : "");
}

/* Statistics without a provider were made of files: the user knows which. */
static int same_identity(loss_source *s, const json_t *model, const char *stats_path, fault *f) {
  if (!model) return EXIT_FINE;
  json_t *own = identity(s->own);
  bool same = json_equal(own, model);
  json_decref(own);
  if (same) return EXIT_FINE;
  const plugin_source *p = s->own;
  return fault_set(f, EXIT_DATA,
                   "%s: its losses come from another provider than %s as it is given, expected the "
                   "same model and options for both sets",
                   stats_path, plugin_host_file(p->host));
}

static bool shows(const void *own) { return ((const plugin_source *)own)->loss != NULL; }

const loss_way loss_way_plugin = {.what = "image",
                                  .open = open_source,
                                  .close = close_source,
                                  .batch = batch_of,
                                  .shows = shows,
                                  .get = get,
                                  .model = identity,
                                  .use_model = same_identity};
