// Normalisations over the last axis.
//
//   layer_norm            y = (x − mean)·rstd·weight + bias
//   layer_norm_modulate   y = (x − mean)·rstd·(1 + scale) + shift      scale and shift per position or per item
//   rms_norm              y = x·rsqrt(mean(x²) + eps)·weight
//
// Shapes   x f32 [B, N, D], y f32, bf16 or f16, any D.
// Launch   one warp per row, four in a block, the row in registers, 16 bytes a load; what the normed row is multiplied with and
//          what is added to it come while the sums are made. Other rows than those of whole vectors, up to 2048 columns: one
//          block per row, up to 256 threads that stride over it.
// Cost     4 B read per element, 2 or 4 written, and 8 more read where every position has its own modulation: memory-bound.
//          [32, 194, 1024] to bf16 with modulation is 89 MB, 18 µs of an H200's 4.8 TB/s; a batch of one guided item is 5.6 MB
//          and launch-bound. Reached without modulation: 2.5 TB/s at 768 columns and, with 16 loads a lane instead of 12, 1.6 at
//          1280; with it 3 µs for one guided item (bench/NOTES.md).
// Source   ops/norm.h; spec 01 §2, 04 §1, 05 §3.
#include "ops/cuda/norm.h"

#include <type_traits>

#include "ops/cuda/aligned.h"
#include "ops/cuda/cuda.h"
#include "ops/cuda/element.h"
#include "ops/cuda/start.cuh"

namespace ts::cuda {
namespace {

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

// What becomes of a row: y = normed·(factor + kPlus) + add.
struct LayerNorm {
  static constexpr bool kCentres = true, kAdds = true;
  static constexpr float kPlus = 0;
  const float *weight, *bias;
  __device__ const float* factor(int64_t) const { return weight; }
  __device__ const float* add(int64_t) const { return bias; }
  bool is_vector() const { return is_aligned(weight) && is_aligned(bias); }
};
struct Modulated {
  static constexpr bool kCentres = true, kAdds = true;
  static constexpr float kPlus = 1;
  Rows shift, scale;
  int64_t len;
  __device__ const float* factor(int64_t row) const { return scale.row(row / len, row % len, len); }
  __device__ const float* add(int64_t row) const { return shift.row(row / len, row % len, len); }
  bool is_vector() const { return is_aligned(shift.first) && is_aligned(scale.first); }
};
struct RmsNorm {
  static constexpr bool kCentres = false, kAdds = false;
  static constexpr float kPlus = 0;
  const float* weight;
  __device__ const float* factor(int64_t) const { return weight; }
  __device__ const float* add(int64_t) const { return nullptr; }
  bool is_vector() const { return is_aligned(weight); }
};

__device__ inline void store_four(float* to, const float (&v)[4]) { *reinterpret_cast<float4*>(to) = make_float4(v[0], v[1], v[2], v[3]); }
template <class To>
__device__ void store_four(To* to, const float (&v)[4]) {
  *reinterpret_cast<uint2*>(to) = make_uint2(ptx::pack<To>(v[0], v[1]), ptx::pack<To>(v[2], v[3]));
}

constexpr int kVector = 4, kRowsPerBlock = 4;

// Rows of at most kUnits · 128 columns, in whole vectors.
template <class To, int kUnits, class Norm>
__global__ void __launch_bounds__(kRowsPerBlock * kWarp) norm_rows_kernel(To* y, const float* x, const Norm norm, int64_t rows, int32_t cols, float eps) {
  ptx::await_work_before();
  constexpr bool kIsAhead = kUnits <= 8;  // registers for all that the row meets
  const int64_t row = int64_t(blockIdx.x) * kRowsPerBlock + threadIdx.x / kWarp;
  if (row >= rows) return;
  const int first = int(threadIdx.x) % kWarp * kVector;
  const float *const factors = norm.factor(row), *const adds = norm.add(row);
  const auto load_unit = [&](const float* from, int u, float (&v)[kVector]) {
    const int at = first + u * kWarp * kVector;
    const float4 four = at < cols ? *reinterpret_cast<const float4*>(from + at) : make_float4(0, 0, 0, 0);
    v[0] = four.x, v[1] = four.y, v[2] = four.z, v[3] = four.w;
  };
  float v[kUnits][kVector], factor[kIsAhead ? kUnits : 1][kVector], add[kIsAhead ? kUnits : 1][kVector];
#pragma unroll
  for (int u = 0; u < kUnits; ++u) load_unit(x + row * cols, u, v[u]);
  if constexpr (kIsAhead)
#pragma unroll
    for (int u = 0; u < kUnits; ++u) {
      load_unit(factors, u, factor[u]);
      if constexpr (Norm::kAdds) load_unit(adds, u, add[u]);
    }
  float mean = 0, square = 0;
  if constexpr (Norm::kCentres) {
#pragma unroll
    for (int u = 0; u < kUnits; ++u) mean += (v[u][0] + v[u][1]) + (v[u][2] + v[u][3]);
    mean = warp_sum(mean) / float(cols);
  }
#pragma unroll
  for (int u = 0; u < kUnits; ++u)
    if (first + u * kWarp * kVector < cols)
#pragma unroll
      for (int i = 0; i < kVector; ++i) square += (v[u][i] - mean) * (v[u][i] - mean);
  const float rstd = 1.0f / sqrtf(warp_sum(square) / float(cols) + eps);
#pragma unroll
  for (int u = 0; u < kUnits; ++u) {
    const int at = first + u * kWarp * kVector;
    if (at >= cols) continue;
    const int kept = kIsAhead ? u : 0;
    if constexpr (!kIsAhead) {
      load_unit(factors, u, factor[0]);
      if constexpr (Norm::kAdds) load_unit(adds, u, add[0]);
    }
#pragma unroll
    for (int i = 0; i < kVector; ++i) {
      v[u][i] = (v[u][i] - mean) * rstd * (factor[kept][i] + Norm::kPlus);
      if constexpr (Norm::kAdds) v[u][i] += add[kept][i];
    }
    store_four(y + row * cols + at, v[u]);
  }
}

template <class To, class Norm>
__global__ void norm_kernel(To* y, const float* x, const Norm norm, int64_t cols, float eps) {
  ptx::await_work_before();
  const float *from = x + blockIdx.x * cols, *factor = norm.factor(blockIdx.x), *add = norm.add(blockIdx.x);
  To* to = y + blockIdx.x * cols;
  Moments m{0, 0};
  if constexpr (Norm::kCentres) {
    m = moments(from, cols, eps);
  } else {
    float square = 0;
    for (int64_t d = threadIdx.x; d < cols; d += blockDim.x) square += from[d] * from[d];
    m.rstd = 1.0f / sqrtf(block_sum(square) / float(cols) + eps);
  }
  for (int64_t d = threadIdx.x; d < cols; d += blockDim.x) {
    float value = (from[d] - m.mean) * m.rstd * (factor[d] + Norm::kPlus);
    if constexpr (Norm::kAdds) value += add[d];
    store(to[d], value);
  }
}

template <class Norm>
void normalise_rows(Context& ctx, const char* name, const Tensor& y, const Tensor& x, const Norm& norm, float eps) {
  if (ctx.planning() || x.numel() == 0) return;
  const int64_t rows = x.rows(), cols = x.cols();
  constexpr int64_t kUnitColumns = kWarp * kVector;
  visit(y, [&](auto* to) {
    using To = std::remove_pointer_t<decltype(to)>;
    const auto run = [&](auto* kernel) {
      start(name, kernel, {unsigned(ceil_div(rows, kRowsPerBlock)), kRowsPerBlock * kWarp}, stream(ctx), to, x.as<float>(), norm, rows, int32_t(cols), eps);
    };
    if (cols % kVector != 0 || cols > 16 * kUnitColumns || !is_aligned(to) || !is_aligned(x.data) || !norm.is_vector())
      start(name, norm_kernel<To, Norm>, {unsigned(rows), threads_for_row(cols)}, stream(ctx), to, x.as<float>(), norm, cols, eps);
    else if (cols <= 4 * kUnitColumns) run(norm_rows_kernel<To, 4, Norm>);
    else if (cols <= 8 * kUnitColumns) run(norm_rows_kernel<To, 8, Norm>);
    else if (cols <= 12 * kUnitColumns) run(norm_rows_kernel<To, 12, Norm>);
    else run(norm_rows_kernel<To, 16, Norm>);
  });
}

}  // namespace

void layer_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps) {
  normalise_rows(ctx, "layer_norm", y, x, LayerNorm{weight.as<float>(), bias.as<float>()}, eps);
}

void layer_norm_modulate(Context& ctx, const Tensor& y, const Tensor& x, const Chunk& shift, const Chunk& scale, float eps) {
  normalise_rows(ctx, "layer_norm_modulate", y, x, Modulated{Rows(shift), Rows(scale), x.shape[1]}, eps);
}

void rms_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, float eps) {
  normalise_rows(ctx, "rms_norm", y, x, RmsNorm{weight.as<float>()}, eps);
}

}  // namespace ts::cuda
