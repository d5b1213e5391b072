// Tells the caller where a generation stands, and hears whether to go on.
#pragma once

#include <functional>

#include "core/error.h"

namespace ts {

class Progress {
 public:
  // Returns false to cancel.
  using Listener = std::function<bool(ts_stage stage, uint32_t step, uint32_t num_steps)>;

  Progress() = default;
  explicit Progress(Listener listener) : listener_(std::move(listener)) {}
  // `step` of `num_steps` are done. Throws TS_CANCELLED when the listener has had enough.
  void report(ts_stage stage, int64_t step, int64_t num_steps) const {
    if (listener_ && !listener_(stage, uint32_t(step), uint32_t(num_steps))) fail(TS_CANCELLED, "cancelled by the caller");
  }

 private:
  Listener listener_;
};

}  // namespace ts
