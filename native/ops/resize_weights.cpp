#include "ops/resize_weights.h"

#include <cmath>

namespace ts::ops {
namespace {

constexpr int kPilBits = 22, kTorchvisionWeightBits = 15;

// Keys' cubic convolution kernel with a = −0.5.
double cubic(double z) {
  z = std::fabs(z);
  if (z < 1) return (1.5 * z - 2.5) * z * z + 1;
  if (z < 2) return ((-0.5 * z + 2.5) * z - 4) * z + 2;
  return 0;
}

struct Taps {
  Taps(const ResizeAxis& axis, int64_t x) : filter(axis.filter()), centre((double(x) + 0.5) * axis.scale()) {
    begin = std::max<int64_t>(0, int64_t(centre - 2 * filter + 0.5));
    end = std::min(axis.from, int64_t(centre + 2 * filter + 0.5));
    for (int64_t i = begin; i < end; ++i) sum += kernel(i);
  }
  double kernel(int64_t i) const { return cubic((double(i) - centre + 0.5) / filter); }
  double weight(int64_t i) const { return kernel(i) / sum; }

  double filter, centre, sum = 0;
  int64_t begin, end;
};

// Bits behind the point of the integer weights.
int precision(const ResizeAxis& axis, ResizeKind kind) {
  if (kind == ResizeKind::pil) return kPilBits;
  double largest = 0;
  for (int64_t x = 0; x < axis.to; ++x) {
    const Taps taps(axis, x);
    for (int64_t i = taps.begin; i < taps.end; ++i) largest = std::max(largest, taps.weight(i));
  }
  int bits = kPilBits;
  while (bits > 0 && std::floor(0.5 + largest * double(int64_t(1) << bits)) >= double(1 << kTorchvisionWeightBits)) --bits;
  return bits;
}

}  // namespace

ResizeWeights::ResizeWeights(Context& ctx, ResizeAxis axis, int64_t first, int64_t count)
    : ResizeWeights(ctx.arena().allocate<int32_t>({count, 2 + axis.max_taps()}), axis, first) {}

void ResizeWeights::compute(ResizeKind kind) {
  bits_ = precision(axis_, kind);
  for (int64_t x = 0; x < count_; ++x) {
    int32_t* entry = memory_.as<int32_t>() + x * memory_.cols();
    const Taps taps(axis_, first_ + x);
    entry[0] = int32_t(taps.begin);
    entry[1] = int32_t(taps.end - taps.begin);
    for (int64_t i = taps.begin; i < taps.end; ++i)  // halves away from zero
      entry[2 + i - taps.begin] = int32_t(std::lround(taps.weight(i) * double(int64_t(1) << bits_)));
  }
}

}  // namespace ts::ops
