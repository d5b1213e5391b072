// The first half of a ConvNeXt block: a convolution of each channel alone over a few neighbouring rows, then a layer norm.
//
//   y[m] = LN(bias + Σ_j w[j] ⊙ x[m + j − offset])·norm_weight + norm_bias
//
// Shapes   x f32 [B, L_in, C], y f32, bf16 or f16 [B, L_out, C], weight f32 [taps, C]; rows outside x are zeros.
// Launch   one block per row of y. The sums wait in shared memory, or in the arena where a row passes 48 KB.
// Cost     each row of x is read `taps` times, all but the first from the caches; 2·taps flop per element: memory-bound
//          at 8 B (6 B to bf16) per element.
// Source   Liu et al., "A ConvNet for the 2020s", 2022; ops/depthwise_conv.h.
#include "ops/cuda/cuda.h"
#include "ops/cuda/element.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/norm.h"

namespace ts::cuda {
namespace {

constexpr int64_t kSharedCols = 48 * 1024 / 4 - 64;  // beside what block_sum needs

struct Layer {
  const float *x, *weight, *bias, *norm_weight, *norm_bias;
  float* spilled;  // sums f32 [rows, cols] of rows too long for shared memory; else null
  int64_t len_in, len_out, cols, taps, offset;
  float eps;
};

template <class To>
__global__ void depthwise_conv_norm_kernel(To* y, Layer layer) {
  extern __shared__ float row_sums[];
  const int64_t item = blockIdx.x / layer.len_out, first = blockIdx.x % layer.len_out - layer.offset, cols = layer.cols;
  float* sums = layer.spilled ? layer.spilled + blockIdx.x * cols : row_sums;
  const int64_t begin = first < 0 ? -first : 0, end = layer.taps < layer.len_in - first ? layer.taps : layer.len_in - first;
  for (int64_t c = threadIdx.x; c < cols; c += blockDim.x) {
    float sum = layer.bias[c];
    for (int64_t j = begin; j < end; ++j) sum += layer.weight[j * cols + c] * layer.x[(item * layer.len_in + first + j) * cols + c];
    sums[c] = sum;  // read below by this thread alone
  }
  const Moments m = moments(sums, cols, layer.eps);
  To* to = y + blockIdx.x * cols;
  for (int64_t c = threadIdx.x; c < cols; c += blockDim.x)
    store(to[c], (sums[c] - m.mean) * m.rstd * layer.norm_weight[c] + layer.norm_bias[c]);
}

}  // namespace

void depthwise_conv_norm(Context& ctx, const Tensor& y, const Tensor& x, const DepthwiseNorm& layer, int64_t offset) {
  const int64_t cols = x.cols();
  const Arena::Scope scope(ctx.arena());
  const Tensor spilled = cols > kSharedCols ? ctx.f32(y.shape) : Tensor();
  if (ctx.planning() || y.numel() == 0) return;
  const Layer arguments{x.as<float>(), layer.weight.as<float>(), layer.bias.as<float>(), layer.norm_weight.as<float>(),
                        layer.norm_bias.as<float>(), spilled ? spilled.as<float>() : nullptr, x.shape[1], y.shape[1], cols,
                        layer.weight.shape[0], offset, layer.eps};
  const size_t shared = spilled ? 0 : size_t(cols) * sizeof(float);
  visit(y, [&](auto* to) { depthwise_conv_norm_kernel<<<unsigned(y.rows()), threads_for_row(cols), shared, stream(ctx)>>>(to, arguments); });
  check_launch("depthwise_conv_norm");
}

}  // namespace ts::cuda
