// y = x + sin²(a·x)·inv_b per channel, for those who want to look at it: the VAE itself stores it with the outputs of the
// convolution before (snake_conv.cpp).
//
// Shapes   x, y f32 [B, L, C]; a, inv_b f32 [C], absent = identity; y may be x.
// Launch   one thread per element.
// Cost     4 B read, 4 B written, one sine per element: memory-bound. The sine is the accurate one, which reduces large
//          arguments properly: a·x reaches hundreds.
// Source   Ziyin et al., "Neural Networks Fail to Learn Periodic Functions", 2020; spec 03 §1.
#include "ops/cuda/cuda.h"
#include "ops/cuda/launch.h"

namespace ts::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void snake_kernel(float* y, const float* x, const float* a, const float* inv_b, int64_t cols, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= n) return;
  float value = x[i];
  if (a) {
    const float sine = sinf(a[i % cols] * value);
    value += sine * sine * inv_b[i % cols];
  }
  y[i] = value;
}

}  // namespace

void snake(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake) {
  const int64_t n = x.numel();
  if (ctx.planning() || n == 0) return;
  snake_kernel<<<unsigned(ceil_div(n, kThreads)), kThreads, 0, stream(ctx)>>>(
      y.as<float>(), x.as<float>(), snake.a ? snake.a.as<float>() : nullptr, snake.a ? snake.inv_b.as<float>() : nullptr, x.cols(), n);
  check_launch("snake");
}

}  // namespace ts::cuda
