#include "pipeline/flow_times.h"

#include <algorithm>

namespace ts {
namespace {

constexpr size_t kMostAhead = 32;  // under guidance 64 rows of a product; their modulation is 20 MB in the published network

}  // namespace

FlowTimes::FlowTimes(Context& ctx, const Mmdit& mmdit, const MmditConditions& conditions, std::vector<float> times)
    : ctx_(ctx), mmdit_(mmdit), conditions_(conditions), times_(std::move(times)),
      ahead_(mmdit.allocate_times(ctx, int64_t(std::min(times_.size(), kMostAhead)), conditions)),
      current_(mmdit.allocate_times(ctx, 1, conditions)) {}

const MmditTimes& FlowTimes::at(float t) {
  const auto find = [&] { return std::find(held_.begin(), held_.end(), t) - held_.begin(); };
  if (find() == std::ssize(held_)) look_ahead(t);
  mmdit_.choose_time(ctx_, current_, ahead_, find());
  return current_;
}

void FlowTimes::look_ahead(float t) {
  const size_t index = size_t(std::find(times_.begin(), times_.end(), t) - times_.begin()), count = size_t(ahead_.count);
  if (index == times_.size()) fail(TS_INTERNAL, "the flow is asked at t = ", t, ", which is none of its run's ", times_.size(), " times");
  held_ = std::span(times_).subspan(std::min(index, times_.size() - count), count);
  std::vector<float> of_items;
  for (float time : held_) of_items.insert(of_items.end(), size_t(conditions_.batch), time);
  mmdit_.prepare_times(ctx_, ahead_, of_items, conditions_);
}

}  // namespace ts
