// Weights in 8 bits, as every backend keeps them: part of each, so that a plug-in has it too.
#include <algorithm>
#include <cmath>

#include "ops/packed_weight.h"

namespace ts {
namespace {

// The largest value of every output channel over what the format's largest is.
std::vector<float> scales_of(const Tensor& weight, WeightUse use, float largest_of_format) {
  const Shape& shape = weight.shape;
  const bool transposed = use == WeightUse::conv_transpose;
  const int64_t out = shape[transposed ? 1 : 0], taps = shape.rank() == 3 ? shape[2] : 1, per_first = weight.numel() / shape[0];
  const float* values = weight.as<const float>();
  std::vector<float> scales(size_t(out), 0.0f);
  for (int64_t i = 0; i < weight.numel(); ++i) {
    float& largest = scales[size_t(transposed ? i % per_first / taps : i / per_first)];
    largest = std::max(largest, std::abs(values[i]));
  }
  for (float& scale : scales) scale /= largest_of_format;
  return scales;
}

}  // namespace

std::vector<float> int8_scales(const Tensor& weight, WeightUse use) { return scales_of(weight, use, 127.0f); }
std::vector<float> fp8_scales(const Tensor& weight) { return scales_of(weight, WeightUse::linear, kLargestE4m3); }

int8_t to_int8(float value, float scale) {
  return scale > 0 ? int8_t(std::clamp(std::nearbyint(value / scale), -127.0f, 127.0f)) : int8_t(0);
}
e4m3 to_fp8(float value, float scale) { return scale > 0 ? to_e4m3(value / scale) : e4m3{0}; }

}  // namespace ts
