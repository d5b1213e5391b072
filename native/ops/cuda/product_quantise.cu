// What products of fp8 read: rows of x as e4m3, each under a scale of its own.
//
//   scale[r] = max |x[r, i]| / 448;   y[r, i] = round(x[r, i] · 448 / max |x[r, i]|) for i < in, 0 for in ≤ i < stride
//
// Shapes   x [rows, in] f32 or bf16, y [rows, stride] e4m3, stride a multiple of 16; scale f32 [rows]. NaN stays NaN, and a row
//          that holds an infinity becomes NaN; rows whose largest is below 2⁻¹⁰⁰ count as zeros.
// Launch   one warp per row, 8 rows per block: once for the largest, once to convert, which finds the row in the first cache.
//          Compiled for compute capability 8.9 and later alone (cmake/CudaBackend.cmake).
// Cost     2 or 4 B read and 1 written per element: memory-bound, and the pass that a product of bf16 does not need. Not
//          measured yet.
#include "ops/cuda/element.h"
#include "ops/cuda/start.cuh"
#include "ops/cuda/product_kernels.h"

namespace ts::cuda {
namespace {

constexpr int kWarp = 32, kRowsPerBlock = 8, kUnit = 4;
constexpr float kLeast = 0x1p-100f;

struct Rows {
  Elements x;
  uint32_t* y;   // four elements each
  float* scale;
  int64_t rows;
  int32_t in, stride;
  bool is_vector;
};

// Elements [at, at + 4) of a row, zeros beyond its end.
__device__ inline void load(const Rows& p, int64_t row, int32_t at, float (&v)[kUnit]) {
  const int64_t from = row * p.in + at;
  if (p.is_vector && at < p.in) {
    if (p.x.dtype == DType::f32) {
      const float4 four = *reinterpret_cast<const float4*>(static_cast<const float*>(p.x.data) + from);
      v[0] = four.x, v[1] = four.y, v[2] = four.z, v[3] = four.w;
    } else {
      const uint2 pairs = *reinterpret_cast<const uint2*>(static_cast<const uint16_t*>(p.x.data) + from);
      v[0] = __uint_as_float(pairs.x << 16), v[1] = __uint_as_float(pairs.x & 0xFFFF0000u);
      v[2] = __uint_as_float(pairs.y << 16), v[3] = __uint_as_float(pairs.y & 0xFFFF0000u);
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < kUnit; ++i) {
    v[i] = 0;
    if (at + i < p.in) v[i] = p.x[from + i];
  }
}

__global__ void __launch_bounds__(kWarp * kRowsPerBlock) quantise_kernel(const Rows p) {
  ptx::await_work_before();
  const int64_t row = int64_t(blockIdx.x) * kRowsPerBlock + threadIdx.x / kWarp;
  const int lane = int(threadIdx.x) % kWarp;
  if (row >= p.rows) return;
  float largest = 0;
#pragma unroll 4
  for (int32_t at = lane * kUnit; at < p.in; at += kWarp * kUnit) {
    float v[kUnit];
    load(p, row, at, v);
#pragma unroll
    for (int i = 0; i < kUnit; ++i) largest = fmaxf(largest, fabsf(v[i]));
  }
#pragma unroll
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) largest = fmaxf(largest, __shfl_xor_sync(0xFFFFFFFFu, largest, lanes));
  const float factor = largest >= kLeast ? kLargestE4m3 / largest : 0.0f;
  if (lane == 0) p.scale[row] = largest / kLargestE4m3;
#pragma unroll 4
  for (int32_t at = lane * kUnit; at < p.stride; at += kWarp * kUnit) {
    float v[kUnit];
    load(p, row, at, v);
    p.y[(row * p.stride + at) / kUnit] = ptx::pack<e4m3>(v[0] * factor, v[1] * factor) | ptx::pack<e4m3>(v[2] * factor, v[3] * factor) << 16;
  }
}

}  // namespace

void quantise_input(cudaStream_t stream, const Tensor& y, float* scale, const Tensor& x) {
  if (y.numel() == 0) return;
  const bool is_vector = x.cols() % kUnit == 0 && reinterpret_cast<uintptr_t>(x.data) % 16 == 0;
  const Rows rows{x, static_cast<uint32_t*>(y.data), scale, x.rows(), int32_t(x.cols()), int32_t(y.cols()), is_vector};
  start("quantise_input", quantise_kernel, {unsigned(ceil_div(x.rows(), kRowsPerBlock)), kWarp * kRowsPerBlock}, stream, rows);
}

}  // namespace ts::cuda
