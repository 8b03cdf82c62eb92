/* provider/provider.c - the host's segmenter as a handle. */
#include "core/fail.h"
#include "core/options.h"
#include "network/network_loss.h"
#include "provider/source.h"

enum { LARGEST_BATCH = 4096 };

fm_status fm_provider_create(const fm_context *context, const fm_provider_options *options,
                             fm_provider **out, fm_error *err) {
  if (!context || !options || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_provider_create: an argument is NULL");
  fm_provider_options o;
  fm_status status = FM__OPTIONS_READ(&o, options, fm_provider_options, batch, err);
  if (status) return status;
  if (!o.batch) o.batch = 1;
  if (o.batch < 1 || o.batch > LARGEST_BATCH)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_provider_options: batch is %d, expected 1 to 4096",
                    (int)o.batch);
  if (!o.predict) return fm__fail(err, FM_ERR_ARGUMENT, "fm_provider_options: predict is NULL");
  fm_provider *provider = fm__alloc(context, sizeof *provider);
  if (!provider) return fm__fail_memory(err, sizeof *provider);
  provider->context = fm__context_hold(context);
  provider->options = o;
  provider->network_loss = o.network_loss ? fm__network_loss_hold(o.network_loss) : NULL;
  *out = provider;
  return FM_OK;
}

void fm_provider_destroy(fm_provider *provider) {
  if (!provider) return;
  fm_context *context = provider->context;
  fm_network_loss_destroy(provider->network_loss);
  fm__free(context, provider);
  fm__context_drop(context);
}
