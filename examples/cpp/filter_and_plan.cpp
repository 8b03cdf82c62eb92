/* filter_and_plan.cpp - the library from C++17: real losses in, a filtered mask and a plan out.
 *
 * Introduces freemask.hpp: handles, options, views, a data loader and a segmenter as lambdas.
 *
 *     c++ -std=c++17 filter_and_plan.cpp $(pkg-config --cflags --libs libfreemask)
 */
#include <cstdint>
#include <freemask.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace {

constexpr int64_t height = 4, width = 6;

/* Two classes, left and right; the boundary moves with the image. */
freemask::sample real_image(int64_t index) {
  auto mask = std::make_shared<std::vector<uint8_t>>();
  for (int64_t i = 0; i < height * width; i++) mask->push_back(i % width < 2 + index ? 0 : 1);
  freemask::sample sample;
  sample.id = "street_" + std::to_string(index);
  sample.mask = freemask::view2d<const uint8_t>(*mask, height, width);
  sample.keep = mask;  // the pixels live as long as the sample
  return sample;
}

/* A segmenter would run its network on sample.image. This one finds class 1 three times as hard. */
void predict(std::vector<freemask::prediction> &batch) {
  for (freemask::prediction &one : batch) {
    const auto mask = one.input().mask.as<uint8_t>();
    const auto loss = one.loss();
    for (int64_t y = 0; y < height; y++)
      for (int64_t x = 0; x < width; x++) loss(y, x) = mask(y, x) == 0 ? 0.5f : 1.5f;
  }
}

freemask::labels two_classes(const freemask::context &context) {
  const int64_t ignored[] = {255};
  freemask::labels_options options;
  options.ignored_labels = ignored;
  options.ignored_count = 1;
  options.class_count = 2;
  return freemask::labels::make(context, options);
}

}  // namespace

int main() {
  try {
    const auto context = freemask::context::make();
    const auto labels = two_classes(context);
    auto real = freemask::source::make(context, 3, real_image);
    auto segmenter = freemask::provider::make(context, predict, 2);

    auto stats = freemask::class_stats::make(labels);
    freemask::collect_stats(real, segmenter, stats);
    std::cout << "mean losses: " << stats.mean(0) << " " << stats.mean(1) << "\n";

    /* A synthetic image of the first mask whose third row does not show what the mask says. */
    const freemask::sample mask = real_image(0);
    std::vector<float> loss(height * width, 0.5f);
    for (int64_t x = 0; x < width; x++) loss[2 * width + x] = 4;
    std::vector<uint8_t> filtered(height * width);
    const auto filter = freemask::filter::make(stats);
    const auto counts = filter.apply(mask.mask, freemask::view2d<const float>(loss, height, width),
                                     freemask::view2d<uint8_t>(filtered, height, width));
    std::cout << "dropped: " << counts.dropped << " of " << counts.valid << " pixels\n";

    const auto hardness = freemask::hardness::make(stats);
    freemask::planner_options options;
    options.n_max = 4;
    auto planner = freemask::planner::make(context, options);
    freemask::measure_all(real, hardness, planner);
    const auto plan = planner.make_plan();
    for (int64_t i = 0; i < plan.mask_count(); i++) {
      const auto row = plan.row(i);
      std::cout << row.mask_id << ": " << row.count << " images\n";
    }
  } catch (const freemask::error &e) {
    std::cerr << e.name() << ": " << e.what() << "\n";
    return 1;
  }
  return 0;
}
