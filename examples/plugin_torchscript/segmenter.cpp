/* plugin_torchscript/segmenter.cpp - images in, outputs of a TorchScript network out.
 * SPDX-License-Identifier: MIT */
#include "segmenter.h"

#include <ATen/Parallel.h>
#include <torch/cuda.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <utility>

namespace {

torch::Device device_of(const std::string &name) {
  torch::Device device(torch::kCPU);
  try {
    device = torch::Device(name);
  } catch (const c10::Error &) {
    throw Failure(FM_ERR_ARGUMENT, "device is '" + name + "', expected cpu, cuda or cuda:0");
  }
  if (device.is_cuda() && !torch::cuda::is_available())
    throw Failure(FM_ERR_UNSUPPORTED,
                  "device is '" + name + "', but this libtorch finds no GPU that it can use");
  return device;
}

/* FNV-1a over the model's file, then over the options. */
std::string hash_of(const Options &options) {
  std::ifstream file(options.model, std::ios::binary);
  if (!file)
    throw Failure(FM_ERR_IO, "cannot open model " + options.model + ": " + std::strerror(errno));
  std::uint64_t hash = 0xCBF29CE484222325U;
  const auto add = [&hash](const char *bytes, std::size_t count) {
    for (std::size_t i = 0; i < count; i++)
      hash = (hash ^ static_cast<unsigned char>(bytes[i])) * 0x100000001B3U;
  };
  std::vector<char> piece(1 << 20);
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0)
    add(piece.data(), static_cast<std::size_t>(file.gcount()));
  add(options.results.data(), options.results.size());
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

torch::jit::Module load(const std::string &path, const torch::Device &device) {
  try {
    torch::jit::Module module = torch::jit::load(path, device);
    module.eval();
    return module;
  } catch (const c10::Error &) {
    throw Failure(FM_ERR_FORMAT,
                  "model " + path + " is no TorchScript file: save it with torch.jit.save");
  }
}

at::Tensor per_channel(const std::vector<double> &values, const torch::Device &device) {
  return torch::tensor(values, torch::kFloat).view({-1, 1, 1}).to(device);
}

/* [.., C, h, w] of one sample in memory that fm_volume can view. */
at::Tensor viewable(const at::Tensor &tensor) {
  const auto type = tensor.scalar_type();
  const bool kept = type == torch::kFloat || type == torch::kHalf || type == torch::kBFloat16;
  return tensor.to(torch::kCPU, kept ? type : torch::kFloat).contiguous();
}

}  // namespace

Segmenter::Segmenter(const fm_plugin_setup &setup)
    : options(setup),
      identity(hash_of(options)),
      device_(device_of(options.device)),
      module_(load(options.model, device_)),
      mean_(per_channel(options.mean, device_)),
      deviation_(per_channel(options.deviation, device_)) {
  at::set_num_threads(options.threads);
  /* TF32 would move losses by some 1e-3 between a GPU and a CPU. */
  at::globalContext().setAllowTF32CuDNN(options.tf32);
  at::globalContext().setAllowTF32CuBLAS(options.tf32);
}

/* [3, H, W], normalised and resized, on the device. */
at::Tensor Segmenter::image_of(const fm_volume &image) const {
  at::Tensor pixels = torch::empty({image.height, image.width, 3}, torch::kByte);
  std::uint8_t *to = pixels.data_ptr<std::uint8_t>();
  for (std::int64_t y = 0; y < image.height; y++)
    for (std::int64_t x = 0; x < image.width; x++)
      for (std::int64_t c = 0; c < 3; c++)
        *to++ = static_cast<const std::uint8_t *>(
            image.data)[y * image.row_stride + x * image.col_stride +
                        (options.bgr ? 2 - c : c) * image.channel_stride];
  at::Tensor planes = pixels.to(device_).permute({2, 0, 1}).to(torch::kFloat).contiguous();
  planes.div_(options.scale).sub_(mean_).div_(deviation_);
  if (!options.width || (options.width == image.width && options.height == image.height))
    return planes;
  return at::upsample_bilinear2d(planes.unsqueeze(0), {options.height, options.width}, false)
      .squeeze(0);
}

/* The `which`-th tensor that the options name in what the network returned. */
at::Tensor Segmenter::pick(const torch::jit::IValue &value, std::size_t which) const {
  const std::string name = options.output.empty() ? "" : options.output[which];
  if (value.isTensor() && which == 0 && !options.queries) return value.toTensor();
  if (value.isGenericDict()) {
    static const char *const obvious[] = {"class_queries_logits", "masks_queries_logits"};
    const std::string key = !name.empty() ? name : options.queries ? obvious[which] : "out";
    for (const auto &entry : value.toGenericDict())
      if (entry.key().isString() && entry.key().toStringRef() == key && entry.value().isTensor())
        return entry.value().toTensor();
    throw Failure(FM_ERR_FORMAT, "the network returns a dictionary without a tensor '" + key +
                                     "': name one, output=");
  }
  std::vector<at::Tensor> all;
  if (value.isTensorList()) all = value.toTensorVector();
  if (value.isTuple())
    for (const auto &element : value.toTupleRef().elements())
      all.push_back(element.isTensor() ? element.toTensor() : at::Tensor());
  char *end = nullptr;
  const std::size_t index = name.empty() ? which : std::strtoul(name.c_str(), &end, 10);
  if ((end && *end) || index >= all.size() || !all[index].defined())
    throw Failure(FM_ERR_FORMAT, "the network returns " + std::string(value.tagKind()) +
                                     ", which has no tensor " + (name.empty() ? "0" : name));
  return all[index];
}

/* Runs images of one size and puts their outputs where they belong. */
void Segmenter::predict_alike(const std::vector<at::Tensor> &images,
                              const std::vector<std::size_t> &where, std::vector<Output> &out) {
  const torch::jit::IValue value = module_.forward({torch::stack(images)});
  const std::int64_t count = static_cast<std::int64_t>(images.size());
  at::Tensor main = pick(value, options.queries ? 1 : 0);
  if (main.dim() == 3 && options.network.binary) main = main.unsqueeze(1);
  if (main.dim() != 4 || main.size(0) != count)
    throw Failure(FM_ERR_SHAPE, "the network's output has " + std::to_string(main.dim()) +
                                    " dimensions, expected [N, C, h, w] for N images");
  main = viewable(main);
  at::Tensor labels;
  if (options.queries) {
    labels = pick(value, 0);
    if (labels.dim() != 3 || labels.size(0) != count)
      throw Failure(FM_ERR_SHAPE, "the class logits have " + std::to_string(labels.dim()) +
                                      " dimensions, expected [N, Q, C + 1] for N images");
    labels = viewable(labels);
  }
  for (std::int64_t i = 0; i < count; i++) {
    Output &one = out[where[static_cast<std::size_t>(i)]];
    one.main = main.select(0, i);
    if (options.queries) one.labels = labels.select(0, i);
  }
}

std::vector<Output> Segmenter::predict(const fm_sample *const *samples, std::size_t count) {
  const c10::InferenceMode no_gradients;
  /* Or the second call would run another, fused graph than the first one: other last bits. */
  const torch::jit::GraphOptimizerEnabledGuard as_written(false);
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::size_t>> by_size;
  std::vector<at::Tensor> images(count);
  for (std::size_t i = 0; i < count; i++) {
    images[i] = image_of(samples[i]->image);
    by_size[{images[i].size(1), images[i].size(2)}].push_back(i);
  }
  std::vector<Output> out(count);
  for (const auto &group : by_size) {
    std::vector<at::Tensor> alike;
    for (const std::size_t i : group.second) alike.push_back(images[i]);
    predict_alike(alike, group.second, out);
  }
  return out;
}
