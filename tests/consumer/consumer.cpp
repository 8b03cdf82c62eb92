// consumer/consumer.cpp - somebody's C++11 program, built against the installed library alone.
#include <freemask/freemask.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

void check(fm_status status, const fm_error &err) {
  if (status != FM_OK)
    throw std::runtime_error(std::string(fm_status_name(status)) + ": " + err.message);
}

struct Destroy {
  void operator()(fm_context *p) const { fm_context_destroy(p); }
  void operator()(fm_planner *p) const { fm_planner_destroy(p); }
  void operator()(fm_plan *p) const { fm_plan_destroy(p); }
};

// Ids by number, the later the harder: the counts are the paper's for five masks.
std::vector<int64_t> plan_counts() {
  fm_error err;
  fm_context *context = nullptr;
  fm_planner *planner = nullptr;
  fm_plan *plan = nullptr;
  check(fm_context_create(nullptr, &context, &err), err);
  std::unique_ptr<fm_context, Destroy> own_context(context);
  check(fm_planner_create(context, nullptr, &planner, &err), err);
  std::unique_ptr<fm_planner, Destroy> own_planner(planner);
  for (int i = 0; i < 5; i++)
    check(fm_planner_add(planner, std::to_string(i).c_str(), 0.1 * i, nullptr, 0, &err), err);
  check(fm_planner_make_plan(planner, &plan, &err), err);
  std::unique_ptr<fm_plan, Destroy> own_plan(plan);
  std::vector<int64_t> counts;
  for (int64_t i = 0; i < fm_plan_mask_count(plan); i++) {
    fm_plan_entry entry = fm_plan_entry();
    entry.size = sizeof entry;
    check(fm_plan_get(plan, i, &entry, &err), err);
    counts.push_back(entry.count);
  }
  return counts;
}

}  // namespace

int main() {
  try {
    if (plan_counts() != std::vector<int64_t>{5, 9, 13, 17, 20}) throw std::runtime_error("counts");
    fm_context *none = nullptr;
    fm_context_options options = fm_context_options();
    fm_error err;
    if (fm_context_create(&options, &none, &err) != FM_ERR_ARGUMENT)
      throw std::runtime_error("no size");
    if (none != nullptr) throw std::runtime_error("touched");
  } catch (const std::exception &e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
  std::cout << "consumer: fine\n";
  return 0;
}
