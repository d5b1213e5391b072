// Normalisations over the last axis.
//
//   layer_norm            y = (x − mean)·rstd·weight + bias
//   layer_norm_modulate   y = (x − mean)·rstd·(1 + scale) + shift      scale and shift per position or per item
//   rms_norm              y = x·rsqrt(mean(x²) + eps)·weight
//
// Shapes   x f32 [B, N, D], y f32, bf16 or f16, any D.
// Launch   one block per row, up to 256 threads that stride over it.
// Cost     4 B read per element (passes 2 and 3 hit the first cache), 2 or 4 written, and 8 more read where every
//          position has its own modulation: memory-bound. [32, 194, 1024] to bf16 with modulation is 89 MB, 18 µs of an
//          H200's 4.8 TB/s; a batch of one guided item is 5.6 MB and launch-bound.
// Source   ops/norm.h; spec 01 §2, 04 §1, 05 §3.
#include "ops/cuda/norm.h"

#include "ops/cuda/cuda.h"
#include "ops/cuda/element.h"
#include "ops/cuda/start.cuh"

namespace ts::cuda {
namespace {

template <class To>
__global__ void layer_norm_kernel(To* y, const float* x, const float* weight, const float* bias, int64_t cols, float eps) {
  ptx::await_work_before();
  const float* from = x + blockIdx.x * cols;
  To* to = y + blockIdx.x * cols;
  const Moments m = moments(from, cols, eps);
  for (int64_t d = threadIdx.x; d < cols; d += blockDim.x) store(to[d], (from[d] - m.mean) * m.rstd * weight[d] + bias[d]);
}

// A Chunk as a kernel takes it.
struct Rows {
  const float* first;
  int64_t per_item, per_position;  // elements from one to the next
  const int32_t* chosen;           // row of the table for every row of x; null where each has its own

  explicit Rows(const Chunk& chunk)
      : first(chunk.table.as<float>() + chunk.index * chunk.width), per_item(chunk.table.shape[1] * chunk.table.shape[2]),
        per_position(chunk.table.shape[1] == 1 && !chunk.rows ? 0 : chunk.table.shape[2]),
        chosen(chunk.rows ? chunk.rows.as<int32_t>() : nullptr) {}
  __device__ const float* row(int64_t item, int64_t position, int64_t len) const {
    return first + (chosen ? chosen[item * len + position] * per_position : item * per_item + position * per_position);
  }
};

template <class To>
__global__ void layer_norm_modulate_kernel(To* y, const float* x, Rows shift, Rows scale, int64_t len, int64_t cols, float eps) {
  ptx::await_work_before();
  const int64_t item = blockIdx.x / len, position = blockIdx.x % len;
  const float *from = x + blockIdx.x * cols, *add = shift.row(item, position, len), *multiply = scale.row(item, position, len);
  To* to = y + blockIdx.x * cols;
  const Moments m = moments(from, cols, eps);
  for (int64_t d = threadIdx.x; d < cols; d += blockDim.x) store(to[d], (from[d] - m.mean) * m.rstd * (1.0f + multiply[d]) + add[d]);
}

template <class To>
__global__ void rms_norm_kernel(To* y, const float* x, const float* weight, int64_t cols, float eps) {
  ptx::await_work_before();
  const float* from = x + blockIdx.x * cols;
  To* to = y + blockIdx.x * cols;
  float square = 0;
  for (int64_t d = threadIdx.x; d < cols; d += blockDim.x) square += from[d] * from[d];
  const float rms = 1.0f / sqrtf(block_sum(square) / float(cols) + eps);
  for (int64_t d = threadIdx.x; d < cols; d += blockDim.x) store(to[d], from[d] * rms * weight[d]);
}

LaunchSize size_for(const Tensor& x) { return {unsigned(x.rows()), threads_for_row(x.cols())}; }

}  // namespace

void layer_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps) {
  if (ctx.planning() || x.numel() == 0) return;
  visit(y, [&](auto* to) {
    start("layer_norm", layer_norm_kernel<std::remove_pointer_t<decltype(to)>>, size_for(x), stream(ctx), to, x.as<float>(), weight.as<float>(), bias.as<float>(), x.cols(), eps);
  });
}

void layer_norm_modulate(Context& ctx, const Tensor& y, const Tensor& x, const Chunk& shift, const Chunk& scale, float eps) {
  if (ctx.planning() || x.numel() == 0) return;
  visit(y, [&](auto* to) {
    start("layer_norm_modulate", layer_norm_modulate_kernel<std::remove_pointer_t<decltype(to)>>, size_for(x), stream(ctx), to, x.as<float>(), Rows(shift), Rows(scale),
          x.shape[1], x.cols(), eps);
  });
}

void rms_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, float eps) {
  if (ctx.planning() || x.numel() == 0) return;
  visit(y, [&](auto* to) {
    start("rms_norm", rms_norm_kernel<std::remove_pointer_t<decltype(to)>>, size_for(x), stream(ctx), to, x.as<float>(), weight.as<float>(), x.cols(), eps);
  });
}

}  // namespace ts::cuda
