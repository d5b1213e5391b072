// A row at a time: its taps into a row of sums that stays in L1, and from there through the norm.
#include <algorithm>

#include "ops/cpu/cpu.h"
#include "ops/cpu/scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/depthwise_conv.cpp"
#include <hwy/foreach_target.h>

#include "ops/cpu/norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ts::cpu {
namespace HWY_NAMESPACE {

// sums = bias + Σ_j weight[j] ⊙ x[j] over `taps` rows of x that follow each other.
void convolve_row(const float* x, const float* weight, const float* bias, float* sums, int64_t taps, int64_t cols) {
  over(cols, [&](auto lanes, int64_t i) HWY_ATTR {
    V sum = lanes.load(bias + i);
    for (int64_t j = 0; j < taps; ++j) sum = hn::MulAdd(lanes.load(x + j * cols + i), lanes.load(weight + j * cols + i), sum);
    lanes.store(sum, sums + i);
  });
}

void depthwise_row_kernel(const float* x, const float* weight, const float* bias, const float* norm_weight, const float* norm_bias,
                          float* sums, void* y, DType type, int64_t taps, int64_t cols, float eps) {
  convolve_row(x, weight, bias, sums, taps, cols);
  if (type == DType::bf16) return layer_norm_row<false>(sums, norm_weight, norm_bias, static_cast<bf16*>(y), cols, eps);
  layer_norm_row<false>(sums, norm_weight, norm_bias, static_cast<float*>(y), cols, eps);
}

}  // namespace HWY_NAMESPACE
}  // namespace ts::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts::cpu {

HWY_EXPORT(depthwise_row_kernel);

namespace {
constexpr int64_t kRowsPerTask = 16;
}

void depthwise_conv_norm(Context& ctx, const Tensor& y, const Tensor& x, const DepthwiseNorm& layer, int64_t offset) {
  const int64_t len_in = x.shape[1], len_out = y.shape[1], cols = x.cols(), taps = layer.weight.shape[0];
  const Arena::Scope scope(ctx.arena());
  ScratchSlots slots(ctx, cols * int64_t(sizeof(float)));
  if (ctx.planning()) return;
  const float *from = x.as<float>(), *weight = layer.weight.as<float>();
  auto* to = static_cast<std::byte*>(y.data);
  parallel_blocks(ctx.parallel(), y.rows(), kRowsPerTask, [&](int64_t begin, int64_t end) {
    const ScratchSlots::Lease lease(slots);
    for (int64_t row = begin; row < end; ++row) {
      const int64_t first = row % len_out - offset;  // row of x under the first tap
      const int64_t skipped = std::clamp<int64_t>(-first, 0, taps), count = std::max<int64_t>(0, std::min(taps, len_in - first) - skipped);
      HWY_DYNAMIC_DISPATCH(depthwise_row_kernel)(
          count ? from + (row / len_out * len_in + first + skipped) * cols : from, weight + skipped * cols, layer.bias.as<float>(),
          layer.norm_weight.as<float>(), layer.norm_bias.as<float>(), reinterpret_cast<float*>(lease.data()),
          to + row * cols * int64_t(size_of(y.dtype)), y.dtype, count, cols, layer.eps);
    }
  });
}

}  // namespace ts::cpu
#endif
