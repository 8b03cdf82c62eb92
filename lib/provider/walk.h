/* provider/walk.h - the walk over a source that all loops share. */
#ifndef FM_PROVIDER_WALK_H
#define FM_PROVIDER_WALK_H

#include <stdbool.h>

#include "provider/source.h"

/* Takes one sample and its prediction (NULL if there is no provider). A failure ends the walk; the
 * sample's id is put before its message. */
typedef fm_status (*fm__consume_fn)(const fm_sample *sample, const fm_prediction *prediction,
                                    void *state, fm_error *err);

/* Walks over a part of a source, in batches if there is a provider. Everything that was handed out
 * is released, on failure too. `filters`: whether options about filtered masks have a meaning. */
fm_status fm__walk(fm_source *source, fm_provider *provider, const fm_loop_options *options,
                   bool filters, fm__consume_fn consume, void *state, fm_error *err);

#endif
