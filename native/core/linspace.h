// The reference framework's linspace in single precision, bit for bit.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace ts {

// `count` points from `first` to `last`: the lower half counted from the start, the upper half from the end, each
// multiply-add rounded once (spec 02 §2). A product rounded on its own is one unit off at single points, and that
// alone moves a sampled latent by more than the goldens allow.
inline std::vector<float> linspace_f32(float first, float last, int64_t count) {
  std::vector<float> points(size_t(count), first);
  if (count < 2) return points;
  const int64_t num_steps = count - 1;
  const float step = (last - first) / float(num_steps);
  for (int64_t i = 0; i < count; ++i)
    points[size_t(i)] = i < count / 2 ? std::fma(step, float(i), first) : std::fma(-step, float(num_steps - i), last);
  return points;
}

}  // namespace ts
