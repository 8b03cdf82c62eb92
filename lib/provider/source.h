/* provider/source.h - sources and providers, as the loops see them. */
#ifndef FM_PROVIDER_SOURCE_H
#define FM_PROVIDER_SOURCE_H

#include <freemask/provider.h>

#include "core/context.h"

struct fm_source {
  fm_context *context;
  fm_source_options options;
};

struct fm_provider {
  fm_context *context;
  fm_provider_options options;
  fm_network_loss *network_loss; /* options.network_loss, held */
};

#endif
