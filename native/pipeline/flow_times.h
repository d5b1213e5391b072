// The times of a sampling run, of which the network works out many at once: one product for each modulation instead of one
// an evaluation.
#pragma once

#include <span>
#include <vector>

#include "models/mmdit.h"

namespace ts {

class FlowTimes {
 public:
  // `times` are all at which the flow will be asked, in the order in which it first is. Context, network and conditions
  // must outlive this; its memory is taken now.
  FlowTimes(Context& ctx, const Mmdit& mmdit, const MmditConditions& conditions, std::vector<float> times);

  // What the network makes of t, one of the times; the same tensors at every call, valid until the next.
  const MmditTimes& at(float t);

 private:
  void look_ahead(float t);

  Context& ctx_;
  const Mmdit& mmdit_;
  const MmditConditions& conditions_;
  const std::vector<float> times_;
  const MmditTimes ahead_, current_;
  std::span<const float> held_;  // those in `ahead_`
};

}  // namespace ts
