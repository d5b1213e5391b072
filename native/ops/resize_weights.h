// The integer weights of the two-pass bicubic (spec 05 §2), worked out in double on the host for whichever backend
// applies them.
#pragma once

#include <algorithm>

#include "ops/image.h"

namespace ts::ops {

// One axis of a resize, from `from` to `to` samples.
struct ResizeAxis {
  int64_t from, to;

  bool is_identity() const { return from == to; }
  int64_t max_taps() const { return std::min(from, int64_t(4 * filter()) + 3); }
  double scale() const { return double(from) / double(to); }
  double filter() const { return std::max(scale(), 1.0); }
};

// Weights of the outputs [first, first + count) of one axis, 2^-bits each. Row x holds where its taps begin, their
// number, and the weights.
class ResizeWeights {
 public:
  // Takes its memory from a host backend's arena; compute() fills it in, unless planning.
  ResizeWeights(Context& ctx, ResizeAxis axis, int64_t first, int64_t count);
  // `memory` on the host, i32 [count, 2 + axis.max_taps()]: those of other backends copy it to the device as it is.
  ResizeWeights(const Tensor& memory, ResizeAxis axis, int64_t first) : axis_(axis), first_(first), count_(memory.shape[0]), memory_(memory) {}
  void compute(ResizeKind kind);

  ResizeAxis axis() const { return axis_; }
  int bits() const { return bits_; }
  int64_t begin(int64_t x) const { return row(x)[0]; }
  int64_t end(int64_t x) const { return row(x)[0] + row(x)[1]; }
  int32_t weight(int64_t x, int64_t position) const { return row(x)[2 + position - begin(x)]; }
  uint8_t round(int32_t sum) const { return uint8_t(std::clamp((sum + half()) >> bits_, 0, 255)); }
  int32_t half() const { return (1 << bits_) >> 1; }

 private:
  const int32_t* row(int64_t x) const { return static_cast<const int32_t*>(memory_.data) + x * memory_.cols(); }
  ResizeAxis axis_;
  int64_t first_, count_;
  Tensor memory_;  // i32 [count, 2 + max_taps]
  int bits_ = 0;
};

// One axis of the picture inside its black padding: positions [pad, pad + size) are real.
struct ResizePadding {
  int64_t pad, size;
  int64_t clip(int64_t position) const { return std::clamp<int64_t>(position - pad, 0, size); }
};

}  // namespace ts::ops
