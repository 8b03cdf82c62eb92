// cpp/behavior.cpp - what freemask.hpp promises, with exceptions and with results.
//
// Compiled several times by test_cpp.py, which counts the lines "ok" and "not ok".
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <freemask.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace fm = freemask;

namespace {

int failures = 0;

void ok(bool condition, const char *name) {
  std::printf("%s - %s\n", condition ? "ok" : "not ok", name);
  failures += !condition;
}

// The value of a call that has to succeed, in either kind.
#ifdef FREEMASK_RESULTS
template <class T>
T take(fm::result<T> outcome) {
  if (!outcome) {
    std::printf("not ok - %s: %s\n", outcome.error().name(), outcome.error().what());
    std::exit(1);
  }
  return *std::move(outcome);
}
template <class Call>
void fails(fm_status status, const char *in_message, Call &&call, const char *name) {
  auto outcome = call();
  ok(!outcome && outcome.error().status() == status &&
         std::strstr(outcome.error().what(), in_message) != nullptr,
     name);
}
#else
template <class T>
T take(T value) {
  return value;
}
template <class Call>
void fails(fm_status status, const char *in_message, Call &&call, const char *name) {
  bool right = false;
  try {
    call();
  } catch (const fm::error &e) {
    right = e.status() == status && std::strstr(e.what(), in_message) != nullptr;
    if (!right) std::printf("# %s: %s\n", e.name(), e.what());
  }
  ok(right, name);
}
#endif

// Calls that return nothing are statements with exceptions and values with results.
#ifdef FREEMASK_RESULTS
#define RUN(call) take(call)
#else
#define RUN(call) call
#endif

fm::labels three_classes(const fm::context &context) {
  fm::labels_options options;
  const int64_t ignored[] = {255, -1};
  options.ignored_labels = ignored;
  options.ignored_count = 2;
  options.class_count = 3;
  return take(fm::labels::make(context, options));
}

// Losses 1, 2, 4 of classes 0, 1, 2 on one real image of 3 x 2.
fm::class_stats stats_of_three(const fm::labels &labels) {
  fm::class_stats stats = take(fm::class_stats::make(labels));
  const std::vector<uint8_t> mask = {0, 1, 2, 0, 1, 255};
  const std::vector<float> loss = {1, 2, 4, 1, 2, 9};
  RUN(stats.add(fm::view2d<const uint8_t>(mask, 2, 3), fm::view2d<const float>(loss, 2, 3)));
  return stats;
}

// Of a score: 3 classes, 2 strata and the class itself, 34 bins.
void check_ranks(const fm::labels &labels) {
  fm::class_stats_options options;
  options.strata = 2;
  options.histogram = 1;
  fm::class_stats losses = take(fm::class_stats::make(labels, options));
  const std::vector<uint8_t> mask = {0, 1, 2, 0, 1, 255}, strata = {0, 1, 0, 1, 0, 0};
  const std::vector<float> loss = {1, 2, 4, 1, 2, 9};
  fm::extra_planes extra;
  extra.strata = fm::view2d<const uint8_t>(strata, 2, 3);
  RUN(losses.add(fm::view2d<const uint8_t>(mask, 2, 3), fm::view2d<const float>(loss, 2, 3),
                 extra));
  fm::class_stats_options scored;
  scored.score = FM_SCORE_RANK;
  scored.histogram = 1;
  scored.ranks = losses.get();
  fm::class_stats scores = take(fm::class_stats::make(labels, scored));
  const auto tables = take(scores.rank_tables());
  ok(tables.steps.size() == 3 * 3 * 34 && tables.code_bins.size() == 3 * 256 &&
         tables.steps[33] == 25455,
     "tables of ranks");
  fails(
      FM_ERR_UNSUPPORTED, "", [&] { return losses.rank_tables(); }, "losses have no ranks");
}

void check_filter() {
  fm::context context = take(fm::context::make());
  fm::labels labels = three_classes(context);
  fm::class_stats stats = stats_of_three(labels);
  ok(stats.image_count() == 1 && stats.pixel_count(0) == 2 && stats.pixel_count(2) == 1,
     "statistics count");
  ok(take(stats.means()).size() == 3 && std::fabs(stats.mean(1) - 4 / 2.00001) < 1e-12,
     "the mean is that of the formula");
  fm::filter filter = take(fm::filter::make(stats));
  ok(filter.threshold(1) == static_cast<float>(1.25 * stats.mean(1)),
     "the threshold is the paper's");
  ok(take(filter.options()).tolerance == 1.25, "options have their defaults");

  std::vector<int64_t> mask = {0, 1, 2, 0, 1, -1};
  const std::vector<double> loss = {1.2, 2.6, 4.0, 1.3, 2.0, NAN};
  const fm::view2d<int64_t> pixels(mask, 2, 3);
  fm::filter_report report;
  RUN(filter.apply(pixels, fm::view2d<const double>(loss, 2, 3), pixels, report));
  ok(mask == std::vector<int64_t>({0, 255, 2, 255, 1, -1}), "filters in place");
  ok(report.valid == 5 && report.dropped == 2 &&
         report.class_dropped == std::vector<int64_t>({1, 1, 0}) &&
         report.stratum_valid == std::vector<int64_t>({2, 2, 1}),
     "reports by class");

  // Every second column, upside down: a window with strides of its own.
  const std::vector<uint8_t> wide = {1, 7, 0, 7, 2, 7, 1, 7};
  const fm::view2d<const uint8_t> strided(wide.data() + 4, 2, 2, -4, 2);
  const std::vector<float> four = {9, 0, 9, 9};
  std::vector<uint8_t> out(4);
  const auto counts = take(
      filter.apply(strided, fm::view2d<const float>(four, 2, 2), fm::view2d<uint8_t>(out, 2, 2)));
  ok(out == std::vector<uint8_t>({255, 1, 255, 255}) && counts.dropped == 3, "any strides");
  ok(strided(0, 0) == 2 && strided(1, 1) == 0, "a view reads by its strides");

  std::vector<float> weights(6);
  mask = {0, 1, 2, 0, 1, 255};
  fm::weight_options half;
  half.dropped = 0.5;
  RUN(filter.weigh(pixels, fm::view2d<const double>(loss, 2, 3), fm::view2d<float>(weights, 2, 3),
                   half));
  ok(weights == std::vector<float>({1, 0.5f, 1, 0.5f, 1, 0}), "weights");

  fails(
      FM_ERR_SHAPE, "",
      [&] { return filter.apply(pixels, fm::view2d<const float>(four, 2, 2), pixels); },
      "sizes that differ are refused");
  fails(
      FM_ERR_ARGUMENT, "",
      [&] {
        return filter.apply(fm::view2d<const uint8_t>(out, 3, 3),
                            fm::view2d<const float>(four, 2, 2), pixels);
      },
      "a vector of another size is refused");
  fails(
      FM_ERR_ARGUMENT, "nothing", [&] { return fm::labels::preset(context, "nothing"); },
      "the sentence is the library's");
  check_ranks(labels);
  fm::filter moved = std::move(filter);
  ok(moved && !filter, "a handle moves");  // NOLINT(bugprone-use-after-move)
  fails(
      FM_ERR_ARGUMENT, "", [&] { return filter.thresholds(); }, "what was moved from is refused");
}

void check_network() {
  fm::context context = take(fm::context::make());
  fm::labels labels = take(fm::labels::preset(context, "voc2012"));
  fm::network_loss loss = take(fm::network_loss::make(labels, FM_OUTPUT_LOGITS));
  // A tensor [h, w, C], as some frameworks have it: 2 for the right class, 0 for 20 others.
  std::vector<float> logits(2 * 2 * 21, 0.0f);
  const std::vector<uint8_t> mask = {0, 5, 20, 255};
  for (std::size_t i = 0; i < 3; i++) logits[i * 21 + mask[i]] = 2;
  fm::network_output output;
  output.values = fm::view3d<const float>::interleaved(logits.data(), 21, 2, 2);
  std::vector<float> map(4, -1.0f);
  RUN(loss.map(output, fm::view2d<const uint8_t>(mask, 2, 2), fm::view2d<float>(map, 2, 2)));
  const double expected = std::log(std::exp(2.0) + 20) - 2;
  ok(std::fabs(map[0] - expected) < 5e-6 && std::fabs(map[2] - expected) < 5e-6 && map[3] == 0,
     "losses of logits");
  fm::class_stats stats = take(fm::class_stats::make(labels));
  RUN(stats.add(fm::view2d<const uint8_t>(mask, 2, 2), loss, output));
  ok(std::fabs(stats.mean(5) - expected) < 2e-5, "statistics of an output");
}

void check_words() {
  fm::context context = take(fm::context::make());
  fm::labels labels = three_classes(context);
  fm::class_stats a = stats_of_three(labels), b = stats_of_three(labels);
  std::vector<int64_t> sum = take(a.words());
  const std::vector<int64_t> more = take(b.words());
  for (std::size_t i = 0; i < sum.size(); i++) sum[i] += more[i];
  RUN(a.merge(b));
  fm::class_stats c = take(fm::class_stats::make(labels));
  RUN(c.add_words(sum, take(a.layout())));
  ok(take(c.words()) == take(a.words()), "a sum of words is the merge");
  const fm::class_stats d = take(fm::class_stats::load(labels, take(a.save())));
  ok(take(d.words()) == take(a.words()), "a blob keeps statistics");
}

void check_plan() {
  fm::context context = take(fm::context::make());
  fm::planner planner = take(fm::planner::make(context));
  for (int i = 0; i < 5; i++) RUN(planner.add("m" + std::to_string(i), 0.1 * i));
  fm::plan plan = take(planner.make_plan());
  std::vector<int64_t> counts;
  for (int64_t i = 0; i < plan.mask_count(); i++) counts.push_back(take(plan.row(i)).count);
  ok(counts == std::vector<int64_t>({5, 9, 13, 17, 20}), "the counts are the paper's");
  const fm::bytes table = take(plan.encode());
  ok(take(fm::plan::decode(context, table.data(), table.size())).fingerprint() ==
         plan.fingerprint(),
     "a plan is written and read");
  fm::schedule one = take(fm::schedule::make(context, plan));
  const int64_t length = one.epoch_length(0);
  std::vector<int> uses(5 + static_cast<std::size_t>(plan.image_count()));
  for (int64_t i = 0; i < length; i++) uses[static_cast<std::size_t>(take(one.next()).number)]++;
  bool each = true;
  for (std::size_t i = 0; i < uses.size(); i++)
    each &= uses[i] == (i < 5 ? plan.real_repeats() : 1);
  ok(each, "an epoch has each image as often as it should");
  const fm::schedule::state state = take(one.save());
  fm::schedule two = take(fm::schedule::make(context, plan));
  RUN(two.restore(state));
  ok(take(two.next()).number == take(one.next()).number, "a schedule goes on where it was saved");
  fails(
      FM_ERR_DUPLICATE, "m3", [&] { return planner.add("m3", 0); }, "an id comes once");
}

void check_own_counts() {
  fm::context context = take(fm::context::make());
  fm::planner planner = take(fm::planner::make(context));
  for (int i = 0; i < 5; i++) RUN(planner.add("m" + std::to_string(i), 0.1 * i));
  const std::vector<uint32_t> own = {0, 20, 3, 0, 1};
  fm::plan plan = take(planner.make_plan(own));
  std::vector<uint32_t> counts;
  for (int64_t i = 0; i < plan.mask_count(); i++)
    counts.push_back(static_cast<uint32_t>(take(plan.row(i)).count));
  ok(counts == own, "a plan of one's own counts");
  using list = std::vector<uint32_t>;
  fails(
      FM_ERR_ARGUMENT, "mask_count is 4, but 5",
      [&] {
        return planner.make_plan(list{1, 1, 1, 1});
      },
      "a count is missing");
  fails(
      FM_ERR_ARGUMENT, "m2",
      [&] {
        return planner.make_plan(list{1, 1, 21, 1, 1});
      },
      "a count is more than n_max");
}

// Two parts, whose sums are made here.
void check_ranking() {
  fm::context context = take(fm::context::make());
  const std::vector<std::string> ids[] = {{"b", "d", "a"}, {"c", "e"}};
  const std::vector<double> hardness[] = {{1, 1, 1}, {1, 1}};
  fm::ranking parts[] = {take(fm::ranking::make(context)), take(fm::ranking::make(context))};
  while (!parts[0].is_done()) {
    for (int i = 0; i < 2; i++) RUN(parts[i].add(ids[i], hardness[i]));
    std::vector<int64_t> sum = take(parts[0].words()), other = take(parts[1].words());
    for (std::size_t i = 0; i < sum.size(); i++) sum[i] += other[i];
    for (fm::ranking &part : parts) RUN(part.advance(sum));
  }
  ok(take(parts[0].count_images(ids[0], hardness[0])) == std::vector<uint32_t>({9, 17, 5}) &&
         take(parts[1].count_images(ids[1], hardness[1])) == std::vector<uint32_t>({13, 20}),
     "parts that rank together have the paper's counts");
  ok(parts[1].mask_count() == 5 && parts[1].image_count() == 64 && parts[1].uses_ids() &&
         parts[1].pass_count() > 4,
     "each part knows masks and images of all");
  fails(
      FM_ERR_ARGUMENT, "count is -1", [&] { return parts[0].count_images(ids[0], {1}); },
      "as many ids as values of hardness");
}

// A source of `count` images whose buffers live as long as each sample.
fm::source small_source(const fm::context &context, int64_t count) {
  return take(fm::source::make(context, count, [](int64_t index) {
    auto mask = std::make_shared<std::vector<uint8_t>>(4, static_cast<uint8_t>(index % 3));
    fm::sample out;
    out.id = "image " + std::to_string(index);
    out.mask = fm::view2d<const uint8_t>(*mask, 2, 2);
    out.keep = mask;
    return out;
  }));
}

fm::provider constant_provider(const fm::context &context) {
  return take(fm::provider::make(
      context,
      [](std::vector<fm::prediction> &batch) {
        for (fm::prediction &one : batch) {
          if (one.input().id == "image 4") {  // losses in memory of ours
            auto own = std::make_shared<std::vector<double>>(4, 3.0);
            one.set_loss(fm::view2d<const double>(*own, 2, 2), own);
            continue;
          }
          const fm::view2d<float> loss = one.loss();
          for (int64_t y = 0; y < loss.height(); y++)
            for (int64_t x = 0; x < loss.width(); x++) loss(y, x) = 1;
        }
      },
      4));
}

void check_loops() {
  fm::source source;
  fm::provider provider;
  fm::class_stats stats;
  fm::labels labels;
  {
    fm::context context = take(fm::context::make());
    source = small_source(context, 6);
    provider = constant_provider(context);
    labels = three_classes(context);
    stats = take(fm::class_stats::make(labels));
  }  // what was made from a context outlives it
  int64_t last = 0;
  RUN(fm::collect_stats(source, provider, stats, {}, [&](int64_t finished, int64_t total) {
    if (total == 6) last = finished;
  }));
  ok(last == 6 && stats.image_count() == 6, "a loop over callbacks, with progress");
  ok(std::fabs(stats.mean(1) - (4 * 1 + 4 * 3) / 8.00001) < 1e-9, "losses in both kinds of memory");
  fm::filter filter = take(fm::filter::make(stats));
  std::vector<std::string> dropped;
  RUN(fm::filter_all(source, provider, filter, [&](const fm::filtered_sample &one) {
    if (one.report.dropped == 4 && one.mask.as<uint8_t>()(1, 1) == 255)
      dropped.push_back(one.input.id);
  }));
  ok(dropped == std::vector<std::string>({"image 4"}), "each filtered mask is handed over");
}

#ifdef __cpp_exceptions
struct mine : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class Call>
void comes_out(Call &&call, const char *name) {
  bool caught = false;
  try {
    call();
  } catch (const mine &e) {
    caught = std::string(e.what()) == "mine";
  } catch (...) {
  }
  ok(caught, name);
}

void check_exceptions() {
  fm::context context = take(fm::context::make());
  fm::labels labels = three_classes(context);
  fm::class_stats stats = take(fm::class_stats::make(labels));
  fm::source good = small_source(context, 6);
  fm::provider segmenter = constant_provider(context);
  fm::source bad =
      take(fm::source::make(context, 2, [](int64_t) -> fm::sample { throw mine("mine"); }));
  comes_out([&] { (void)fm::collect_stats(bad, segmenter, stats); }, "an exception of a source");
  fm::provider broken = take(fm::provider::make(
      context,
      [](std::vector<fm::prediction> &batch) {
        auto own = std::make_shared<std::vector<float>>(4, 1.0f);
        batch[0].set_loss(fm::view2d<const float>(*own, 2, 2), own);
        throw mine("mine");
      },
      3));
  comes_out([&] { (void)fm::collect_stats(good, broken, stats); }, "an exception of a provider");
  ok(stats.image_count() == 0, "statistics are as before");
  comes_out(
      [&] {
        (void)fm::collect_stats(good, segmenter, stats, {}, [](int64_t finished, int64_t) {
          if (finished == 3) throw mine("mine");
        });
      },
      "an exception of a progress function");
  RUN(fm::collect_stats(good, segmenter, stats));
  fm::filter filter = take(fm::filter::make(stats));
  comes_out(
      [&] {
        (void)fm::filter_all(good, segmenter, filter,
                             [](const fm::filtered_sample &) { throw mine("mine"); });
      },
      "an exception of a receiver");
  // The next loop starts afresh.
  RUN(fm::filter_all(good, segmenter, filter, [](const fm::filtered_sample &) {}));
  ok(true, "a loop after an exception");
}
#endif

void check_log() {
  std::vector<std::string> lines;
  auto guard = std::make_shared<int>(0);
  {
    fm::labels labels;
    {
      fm::context context = take(fm::context::make(
          [&lines, guard](fm_log_level, std::string_view line) { lines.emplace_back(line); },
          FM_LOG_DEBUG));
      labels = three_classes(context);
    }
    ok(guard.use_count() == 2, "the log function lives while something may call it");
  }
  ok(guard.use_count() == 1, "and goes with the last of them");
}

}  // namespace

int main() {
  check_filter();
  check_network();
  check_words();
  check_plan();
  check_own_counts();
  check_ranking();
  check_loops();
#ifdef __cpp_exceptions
  check_exceptions();
#endif
  check_log();
  ok(fm::abi_version() == FM_ABI_VERSION, "the loaded library is the header's");
  return failures != 0;
}
