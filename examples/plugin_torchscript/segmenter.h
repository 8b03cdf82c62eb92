/* plugin_torchscript/segmenter.h - a TorchScript network from images to outputs.
 * SPDX-License-Identifier: MIT */
#ifndef PLUGIN_TORCHSCRIPT_SEGMENTER_H
#define PLUGIN_TORCHSCRIPT_SEGMENTER_H

#include <torch/script.h>

#include <string>

#include "options.h"

/* One sample's output on the CPU: F32, F16 or BF16. */
struct Output {
  at::Tensor main;   /* [C, h, w], or mask logits [Q, h, w] */
  at::Tensor labels; /* class logits [Q, C + 1] of queries, else undefined */
};

class Segmenter {
 public:
  explicit Segmenter(const fm_plugin_setup &setup); /* throws Failure */

  /* One thread at a time. Throws Failure or what libtorch throws. */
  std::vector<Output> predict(const fm_sample *const *samples, std::size_t count);

  const Options options;
  std::string identity; /* hash of the model's bytes and of the options that matter */

 private:
  at::Tensor image_of(const fm_volume &image) const;
  void predict_alike(const std::vector<at::Tensor> &images, const std::vector<std::size_t> &where,
                     std::vector<Output> &out);
  at::Tensor pick(const torch::jit::IValue &value, std::size_t which) const;

  torch::Device device_;
  torch::jit::Module module_;
  at::Tensor mean_, deviation_;
};

#endif
