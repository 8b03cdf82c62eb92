/* torch_step.cpp - a libtorch trainer that ignores the synthetic pixels which it should not trust.
 *
 * A small network learns on real images, measures their losses, and then takes steps on synthetic ones:
 * each step filters the masks by a frozen copy's logits, without a loss map in memory, and gives the
 * filtered masks to the cross-entropy. A quarter of each synthetic image shows another class than its
 * mask says; the program prints how much of that was ignored, and how much of the rest.
 *
 * Introduces network_loss with tensors: views of memory that libtorch owns.
 */
#include <torch/torch.h>

#include <cstdint>
#include <freemask.hpp>
#include <iostream>

namespace {

constexpr int64_t classes = 3, size = 32, batch = 8;

/* The network puts out logits at half the image's size, as many do. */
struct segmenter : torch::nn::Module {
  segmenter()
      : body(register_module(
            "body", torch::nn::Sequential(
                        torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 16, 3).stride(2).padding(1)),
                        torch::nn::ReLU(), torch::nn::Conv2d(16, classes, 1)))) {}
  torch::Tensor forward(const torch::Tensor &images) { return body->forward(images); }
  torch::nn::Sequential body;
};

/* Masks of stripes, and images whose channel k is bright where the class is k. */
torch::Tensor make_masks() {
  const auto columns = torch::arange(size).div(8, "floor").expand({batch, size, size});
  return columns.add(torch::randint(classes, {batch, 1, 1}))
      .remainder(classes)
      .to(torch::kLong)
      .contiguous();
}

torch::Tensor paint(const torch::Tensor &shown) {
  const auto bright = torch::one_hot(shown, classes).permute({0, 3, 1, 2}).to(torch::kFloat);
  return bright + 0.3 * torch::randn({batch, classes, size, size});
}

/* What the lower right quarter shows is one class further than the mask says. */
torch::Tensor with_errors(const torch::Tensor &masks) {
  using torch::indexing::Slice;
  auto shown = masks.clone();
  auto quarter = shown.index({Slice(), Slice(size / 2), Slice(size / 2)});
  quarter.copy_((quarter + 1).remainder(classes));
  return shown;
}

torch::Tensor loss_of(segmenter &network, const torch::Tensor &images, const torch::Tensor &masks) {
  namespace F = torch::nn::functional;
  const auto logits =
      F::interpolate(network.forward(images), F::InterpolateFuncOptions()
                                                  .size(std::vector<int64_t>{size, size})
                                                  .mode(torch::kBilinear)
                                                  .align_corners(false));
  return F::cross_entropy(logits, masks, F::CrossEntropyFuncOptions().ignore_index(255));
}

/* ---- Tensors as views; libtorch counts strides in elements -------------------------------- */

freemask::view2d<int64_t> mask_view(const torch::Tensor &mask) {
  return {mask.data_ptr<int64_t>(), mask.size(0), mask.size(1), mask.stride(0) * 8,
          mask.stride(1) * 8};
}

freemask::network_output output_of(const torch::Tensor &logits) {
  freemask::network_output output;
  output.values = freemask::view3d<const float>(
      logits.data_ptr<float>(), logits.size(0), logits.size(1), logits.size(2),
      logits.stride(0) * 4, logits.stride(1) * 4, logits.stride(2) * 4);
  return output;
}

freemask::labels label_space(const freemask::context &context) {
  const int64_t ignored[] = {255};
  freemask::labels_options options;
  options.ignored_labels = ignored;
  options.ignored_count = 1;
  options.class_count = classes;
  return freemask::labels::make(context, options);
}

/* ---- The steps ---------------------------------------------------------------------------- */

void learn_real(segmenter &network, torch::optim::Optimizer &optimizer, int steps) {
  for (int i = 0; i < steps; i++) {
    const auto masks = make_masks();
    optimizer.zero_grad();
    loss_of(network, paint(masks), masks).backward();
    optimizer.step();
  }
}

freemask::class_stats measure_real(segmenter &network, const freemask::labels &labels,
                                   const freemask::network_loss &loss) {
  torch::NoGradGuard guard;
  auto stats = freemask::class_stats::make(labels);
  for (int i = 0; i < 8; i++) {
    const auto masks = make_masks();
    const auto logits = network.forward(paint(masks));
    for (int64_t n = 0; n < batch; n++) stats.add(mask_view(masks[n]), loss, output_of(logits[n]));
  }
  return stats;
}

/* Ignored pixels among those that are wrong and among the others. */
struct found {
  int64_t wrong = 0, wrong_ignored = 0, right = 0, right_ignored = 0;
};

void step_synthetic(segmenter &network, segmenter &teacher, torch::optim::Optimizer &optimizer,
                    const freemask::filter &filter, const freemask::network_loss &loss,
                    found &sum) {
  const auto masks = make_masks();
  const auto shown = with_errors(masks);
  const auto images = paint(shown);
  auto filtered = masks.clone();
  {
    torch::NoGradGuard guard;
    const auto logits = teacher.forward(images);
    for (int64_t n = 0; n < batch; n++)
      filter.apply(mask_view(masks[n]), loss, output_of(logits[n]), mask_view(filtered[n]));
  }
  optimizer.zero_grad();
  loss_of(network, images, filtered).backward();
  optimizer.step();
  const auto wrong = shown != masks, ignored = filtered == 255;
  sum.wrong += wrong.sum().item<int64_t>();
  sum.wrong_ignored += (wrong & ignored).sum().item<int64_t>();
  sum.right += (~wrong).sum().item<int64_t>();
  sum.right_ignored += (~wrong & ignored).sum().item<int64_t>();
}

}  // namespace

int main() {
  try {
    torch::manual_seed(2023);
    torch::set_num_threads(1);
    segmenter network, teacher;
    torch::optim::Adam optimizer(network.parameters(), 0.02);
    learn_real(network, optimizer, 150);
    for (std::size_t i = 0; i < network.parameters().size(); i++)
      teacher.parameters()[i].data().copy_(network.parameters()[i].data());

    const auto context = freemask::context::make();
    const auto labels = label_space(context);
    const auto loss = freemask::network_loss::make(labels, FM_OUTPUT_LOGITS);
    const auto filter = freemask::filter::make(measure_real(teacher, labels, loss));
    found sum;
    for (int i = 0; i < 20; i++) step_synthetic(network, teacher, optimizer, filter, loss, sum);
    std::cout << "ignored " << 100 * sum.wrong_ignored / sum.wrong << " % of the wrong pixels, "
              << 100 * sum.right_ignored / sum.right << " % of the others\n";
  } catch (const std::exception &e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
  return 0;
}
