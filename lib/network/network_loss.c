/* network/network_loss.c - the handle: checks and keeps the options. */
#include "network/network_loss.h"

#include <float.h>
#include <string.h>

#include "core/fail.h"
#include "core/options.h"

static const double DEFAULT_FLOOR = 1e-7;

enum { MOST_CHANNELS = 65536 };

static fm_status check_kind(const fm_network_loss_options *o, fm_error *err) {
  if (o->kind >= FM_OUTPUT_LOGITS && o->kind <= FM_OUTPUT_SCORES) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "fm_network_loss_options: kind is %d, expected FM_OUTPUT_LOGITS, "
                  "FM_OUTPUT_PROBS or FM_OUTPUT_SCORES; there is no default",
                  (int)o->kind);
}

static fm_status check_switch(int32_t value, const char *name, fm_error *err) {
  if (value == 0 || value == 1) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT, "fm_network_loss_options: %s is %d, expected 0 or 1", name,
                  (int)value);
}

static fm_status check_binary(const fm_network_loss_options *o, int32_t classes, fm_error *err) {
  if (o->kind == FM_OUTPUT_SCORES)
    return fm__fail(
        err, FM_ERR_ARGUMENT,
        "fm_network_loss_options: binary is set, but kind is FM_OUTPUT_SCORES, expected "
        "FM_OUTPUT_LOGITS or FM_OUTPUT_PROBS");
  if (classes > 2)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_network_loss_options: binary is set, but there are %d classes, expected "
                    "1 or 2",
                    (int)classes);
  if (o->channels || o->channel_count != 1)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_network_loss_options: binary outputs have 1 channel and no channel map");
  return FM_OK;
}

static fm_status check_channels(const fm_network_loss_options *o, const fm_labels *labels,
                                fm_error *err) {
  if (o->channel_count < 1 || o->channel_count > MOST_CHANNELS)
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_network_loss_options: channel_count is %d, expected 1 to 65536",
                    (int)o->channel_count);
  if (o->binary) return check_binary(o, labels->class_count, err);
  if (!o->channels && o->channel_count != labels->class_count)
    return fm__fail(err, FM_ERR_SHAPE,
                    "fm_network_loss_options: channel_count is %d, label space %s has %d classes: "
                    "say in `channels` which channel is which class",
                    (int)o->channel_count, labels->name, (int)labels->class_count);
  for (int32_t k = 0; o->channels && k < labels->class_count; k++)
    if (o->channels[k] < 0 || o->channels[k] >= o->channel_count)
      return fm__fail(err, FM_ERR_ARGUMENT,
                      "fm_network_loss_options: channels[%d] (%s) is %d, expected 0 to %d", (int)k,
                      labels->class_names[k], (int)o->channels[k], (int)o->channel_count - 1);
  return FM_OK;
}

static fm_status check_floor(fm_network_loss_options *o, fm_error *err) {
  if (o->kind == FM_OUTPUT_LOGITS) {
    if (o->floor == 0) return FM_OK;
    return fm__fail(
        err, FM_ERR_ARGUMENT,
        "fm_network_loss_options: floor is set, which is about probabilities and scores, "
        "but kind is FM_OUTPUT_LOGITS");
  }
  if (o->floor == 0) o->floor = DEFAULT_FLOOR;
  /* Below the smallest normal double, numbers lack digits. */
  if (o->floor >= DBL_MIN && o->floor < 1) return FM_OK;
  return fm__fail(err, FM_ERR_ARGUMENT,
                  "fm_network_loss_options: floor is %g, expected 1e-307 or more, and below 1",
                  o->floor);
}

static fm_status read_options(fm_network_loss_options *o, const fm_network_loss_options *options,
                              const fm_labels *labels, fm_error *err) {
  fm_status status = FM__OPTIONS_READ(o, options, fm_network_loss_options, compose_first, err);
  if (!status) status = check_kind(o, err);
  if (!status) status = check_switch(o->align_corners, "align_corners", err);
  if (!status) status = check_switch(o->binary, "binary", err);
  if (!status) status = check_switch(o->trust_kind, "trust_kind", err);
  if (!status) status = check_switch(o->compose_first, "compose_first", err);
  if (status) return status;
  status = check_floor(o, err);
  if (status) return status;
  if (o->compose_first && o->kind != FM_OUTPUT_SCORES)
    return fm__fail(
        err, FM_ERR_ARGUMENT,
        "fm_network_loss_options: compose_first is set, which is about queries, but kind "
        "is not FM_OUTPUT_SCORES");
  if (!o->channel_count) o->channel_count = o->binary ? 1 : labels->class_count;
  return check_channels(o, labels, err);
}

fm_status fm_network_loss_create(const fm_labels *labels, const fm_network_loss_options *options,
                                 fm_network_loss **out, fm_error *err) {
  if (!labels || !options || !out)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_network_loss_create: an argument is NULL");
  fm_network_loss_options o;
  fm_status status = read_options(&o, options, labels, err);
  if (status) return status;
  const fm_context *context = labels->context;
  fm_network_loss *model = fm__alloc_zeroed(context, 1, sizeof *model);
  if (!model) return fm__fail_memory(err, sizeof *model);
  if (o.channels) {
    size_t classes = (size_t)labels->class_count;
    model->channels = fm__alloc_array(context, classes, sizeof *model->channels);
    if (!model->channels) {
      fm__free(context, model);
      return fm__fail_memory(err, classes * sizeof *model->channels);
    }
    memcpy(model->channels, o.channels, classes * sizeof *model->channels);
  }
  o.channels = model->channels;
  model->labels = fm__labels_hold(labels);
  atomic_init(&model->holds, 1);
  model->options = o;
  model->kernels = context->dsp->losses;
  *out = model;
  return FM_OK;
}

fm_network_loss *fm__network_loss_hold(const fm_network_loss *model) {
  fm_network_loss *held = (fm_network_loss *)model;
  atomic_fetch_add_explicit(&held->holds, 1, memory_order_relaxed);
  return held;
}

void fm_network_loss_destroy(fm_network_loss *network_loss) {
  if (!network_loss ||
      atomic_fetch_sub_explicit(&network_loss->holds, 1, memory_order_acq_rel) != 1)
    return;
  fm_labels *labels = network_loss->labels;
  fm__free(labels->context, network_loss->channels);
  fm__free(labels->context, network_loss);
  fm__labels_drop(labels);
}

fm_status fm_network_loss_get_options(const fm_network_loss *network_loss,
                                      fm_network_loss_options *out, fm_error *err) {
  if (!network_loss)
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_network_loss_get_options: network_loss is NULL");
  return FM__RESULT_WRITE(out, &network_loss->options, fm_network_loss_options, compose_first, err);
}

const fm_labels *fm_network_loss_labels(const fm_network_loss *network_loss) {
  return network_loss ? network_loss->labels : NULL;
}
