/* plugin_torchscript/plugin.cpp - the C side: fm_plugin_open, and no exception beyond it.
 * SPDX-License-Identifier: MIT */
#include <freemask/plugin.h>

#include <cstdio>
#include <memory>

#include "segmenter.h"

namespace {

/* libtorch's messages have many lines: the one that tells. */
std::string telling_line(const std::string &message) {
  const std::size_t error = message.rfind("Error: ");
  std::size_t start = error == std::string::npos ? 0 : message.rfind('\n', error) + 1;
  return message.substr(start, message.find('\n', start) - start);
}

fm_status report(fm_error *err, fm_status status, const std::string &sentence) {
  err->code = status;
  std::snprintf(err->message, sizeof err->message, "%s", sentence.c_str());
  return status;
}

/* Runs what may throw. */
template <typename Work>
fm_status guarded(fm_error *err, const char *doing, Work work) {
  try {
    work();
    return FM_OK;
  } catch (const Failure &failure) {
    return report(err, failure.status, failure.what());
  } catch (const std::bad_alloc &) {
    return report(err, FM_ERR_MEMORY, std::string(doing) + ": out of memory");
  } catch (const c10::Error &error) {
    return report(err, FM_ERR_FORMAT,
                  std::string(doing) + ": " + telling_line(error.what_without_backtrace()));
  } catch (const std::exception &error) {
    return report(err, FM_ERR_FORMAT, std::string(doing) + ": " + telling_line(error.what()));
  }
}

std::int32_t dtype_of(const at::Tensor &tensor) {
  return tensor.scalar_type() == torch::kHalf       ? FM_F16
         : tensor.scalar_type() == torch::kBFloat16 ? FM_BF16
                                                    : FM_F32;
}

void fill(fm_network_output &out, const Output &output) {
  const at::Tensor &main = output.main, &labels = output.labels;
  out.values.data = main.data_ptr();
  out.values.dtype = dtype_of(main);
  out.values.channels = main.size(0);
  out.values.height = main.size(1);
  out.values.width = main.size(2);
  if (!labels.defined()) return;
  out.class_logits.data = labels.data_ptr();
  out.class_logits.dtype = dtype_of(labels);
  out.class_logits.height = labels.size(0);
  out.class_logits.width = labels.size(1);
}

fm_status predict(const fm_sample *const *samples, fm_prediction *const *predictions,
                  std::int64_t count, void *user, fm_error *err) {
  return guarded(err, "predicting", [&] {
    const auto size = static_cast<std::size_t>(count);
    std::vector<Output> outputs = static_cast<Segmenter *>(user)->predict(samples, size);
    std::vector<std::unique_ptr<Output>> kept;
    for (Output &output : outputs) kept.push_back(std::make_unique<Output>(std::move(output)));
    for (std::size_t i = 0; i < size; i++) {
      fill(*predictions[i]->output, *kept[i]);
      predictions[i]->user = kept[i].release();
    }
  });
}

void release(fm_prediction *prediction, void *) { delete static_cast<Output *>(prediction->user); }

void close(void *user) { delete static_cast<Segmenter *>(user); }

}  // namespace

fm_status fm_plugin_open(const fm_plugin_setup *setup, fm_plugin *plugin, fm_error *err) {
  plugin->abi = FM_PLUGIN_ABI;
  if (setup->abi != FM_PLUGIN_ABI)
    return report(err, FM_ERR_MISMATCH, "made for another FM_PLUGIN_ABI");
  return guarded(err, "opening", [&] {
    auto segmenter = std::make_unique<Segmenter>(*setup);
    plugin->batch = segmenter->options.batch;
    plugin->concurrency = 1; /* libtorch uses all threads by itself */
    plugin->name = "torchscript";
    plugin->identity = segmenter->identity.c_str();
    plugin->network = &segmenter->options.network;
    plugin->predict = predict;
    plugin->release = release;
    plugin->close = close;
    plugin->user = segmenter.release();
  });
}
