// Classifier-free guidance and the guided Euler step of the flow, fused.
//
//   v = u + w·(c − u)                                 w = cfg_scale
//   v ← φ·v·r + (1 − φ)·v,  r = std_n(c)/std_n(v)     where φ = scale_phi is not 0: per item and channel, unbiased over n
//   x ← x + dt·v                                      dt = t[i+1] − t[i] < 0: t falls from 1 (noise) to 0 (sound)
//
// Shapes   x, v, c, u   f32 [B, N, latent_dim]; v may be u, x in place.
// Launch   one thread per element, 256 per block; the rescale one block per item and 32 channels, 8 threads per channel.
// Cost     12 B read, 4 B written, 5 flop per element: at 9 s (194 × 64) 199 kB, so launch-bound; fusing saves launches,
//          not bytes. The rescale reads c and v twice more, and no published setting uses it.
// Source   ThinkSound `sample_discrete_euler`; guidance after Ho and Salimans, 2022; spec 01 §9.
#include "ops/cuda/cuda.h"
#include "ops/cuda/start.cuh"

namespace ts::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kChannels = 32, kRows = kThreads / kChannels;  // of a block that rescales

__device__ float guided(float c, float u, float w) { return u + w * (c - u); }

__global__ void guide_kernel(float* v, const float* c, const float* u, float w, int64_t n) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) v[i] = guided(c[i], u[i], w);
}

__global__ void guided_euler_step_kernel(float* x, const float* c, const float* u, float w, float dt, int64_t n) {
  ptx::await_work_before();
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i < n) x[i] += dt * (u ? guided(c[i], u[i], w) : c[i]);
}

// Sum of `value` over the kRows threads of a channel.
__device__ float sum_over_rows(float value, float (&shared)[kRows][kChannels]) {
  __syncthreads();
  shared[threadIdx.y][threadIdx.x] = value;
  __syncthreads();
  float sum = 0;
  for (int row = 0; row < kRows; ++row) sum += shared[row][threadIdx.x];
  return sum;
}

// Unbiased standard deviation of a channel: mean first, then the spread around it.
__device__ float spread(const float* x, int64_t len, int64_t dim, bool exists, float (&shared)[kRows][kChannels]) {
  float sum = 0, square = 0;
  if (exists)
    for (int64_t n = threadIdx.y; n < len; n += kRows) sum += x[n * dim];
  const float mean = sum_over_rows(sum, shared) / float(len);
  if (exists)
    for (int64_t n = threadIdx.y; n < len; n += kRows) square += (x[n * dim] - mean) * (x[n * dim] - mean);
  return sqrtf(sum_over_rows(square, shared) / float(len - 1));
}

__global__ void rescale_kernel(float* v, const float* c, float phi, int64_t len, int64_t dim) {
  __shared__ float shared[kRows][kChannels];
  const int64_t channel = int64_t(blockIdx.x) * kChannels + threadIdx.x, first = int64_t(blockIdx.y) * len * dim + channel;
  const bool exists = channel < dim;
  const float ratio = spread(c + first, len, dim, exists, shared) / spread(v + first, len, dim, exists, shared);
  if (!exists) return;
  for (int64_t n = threadIdx.y; n < len; n += kRows) {
    float& value = v[first + n * dim];
    value = phi * (value * ratio) + (1.0f - phi) * value;
  }
}

}  // namespace

void guide(Context& ctx, const Tensor& v, const Tensor& cond, const Tensor& uncond, float cfg_scale, float scale_phi) {
  if (ctx.planning() || v.numel() == 0) return;
  const int64_t n = v.numel(), len = v.shape[1], dim = v.shape[2];
  const cudaStream_t on = stream(ctx);
  guide_kernel<<<unsigned(ceil_div(n, kThreads)), kThreads, 0, on>>>(v.as<float>(), cond.as<float>(), uncond.as<float>(), cfg_scale, n);
  check_launch("guide");
  if (scale_phi == 0.0f) return;
  const dim3 grid(unsigned(ceil_div(dim, kChannels)), unsigned(v.shape[0]));
  rescale_kernel<<<grid, dim3(kChannels, kRows), 0, on>>>(v.as<float>(), cond.as<float>(), scale_phi, len, dim);
  check_launch("guide: rescale");
}

void guided_euler_step(Context& ctx, const Tensor& x, const Tensor& cond, const Tensor& uncond, float cfg_scale, float dt) {
  const int64_t n = x.numel();
  if (ctx.planning() || n == 0) return;
  start("guided_euler_step", guided_euler_step_kernel, {unsigned(ceil_div(n, kThreads)), kThreads}, stream(ctx), x.as<float>(), cond.as<float>(),
        uncond ? uncond.as<float>() : nullptr, cfg_scale, dt, n);
}

}  // namespace ts::cuda
