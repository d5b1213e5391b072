#include <algorithm>

#include "ops/plain/element.h"
#include "ops/plain/plain.h"

namespace ts::plain {
namespace {

// Rows [begin, end) of sums, counted over all items.
void convolve(float* sums, const Tensor& x, const DepthwiseNorm& layer, int64_t len_out, int64_t offset, int64_t begin, int64_t end) {
  const int64_t len_in = x.shape[1], cols = x.cols(), taps = layer.weight.shape[0];
  const float *from = x.as<float>(), *weight = layer.weight.as<float>(), *bias = layer.bias.as<float>();
  for (int64_t row = begin; row < end; ++row) {
    const int64_t item = row / len_out, first = row % len_out - offset;
    float* sum = sums + row * cols;
    std::copy_n(bias, cols, sum);
    for (int64_t j = std::max<int64_t>(0, -first); j < std::min(taps, len_in - first); ++j) {
      const float* values = from + (item * len_in + first + j) * cols;
      for (int64_t c = 0; c < cols; ++c) sum[c] += weight[j * cols + c] * values[c];
    }
  }
}

}  // namespace

void depthwise_conv_norm(Context& ctx, const Tensor& y, const Tensor& x, const DepthwiseNorm& layer, int64_t offset) {
  const Arena::Scope scope(ctx.arena());
  const Tensor sums = ctx.f32(y.shape);
  if (!ctx.planning())
    parallel_blocks(ctx.parallel(), y.rows(), rows_per_task(y.cols()), [&](int64_t begin, int64_t end) {
      convolve(sums.as<float>(), x, layer, y.shape[1], offset, begin, end);
    });
  layer_norm(ctx, y, sums, layer.norm_weight, layer.norm_bias, layer.eps);
}

}  // namespace ts::plain
