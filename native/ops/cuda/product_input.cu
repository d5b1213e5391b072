// What products read: rows of x in their own dtype, snake applied, padded to whole vectors.
//
//   y[r, i] = round(x[r, i] + sin²(a[i]·x[r, i])·inv_b[i])  for i < in, 0 for in ≤ i < stride
//
// Shapes   x [rows, in] and y [rows, stride] f32, bf16 or f16.
// Launch   one thread per four neighbours of a row of y, 256 per block; vectors where `in` and addresses allow, tails guarded.
// Cost     4 B read and 2 B written per element, a sine: memory-bound. The whole pass is what a product saves that finds
//          its input ready, as all of the VAE's but the first do (ops/snake.h, SnakedOutput). Not measured yet.
#include <limits>

#include "ops/cuda/element.h"
#include "ops/cuda/start.cuh"
#include "ops/cuda/product_kernels.h"
#include "ops/cuda/square_sine.h"

namespace ts::cuda {
namespace {

constexpr int kThreads = 256, kUnit = 4;

struct Rows {
  Elements x, y;
  const float *a, *inv_b;
  uint32_t units;           // of all rows
  Divider units_per_row;
  int32_t in, stride;
  bool is_vector;
};

__device__ inline void load(const Rows& p, int64_t at, int count, float (&v)[kUnit]) {
  if (p.is_vector && p.x.dtype == DType::f32) {
    const float4 four = *reinterpret_cast<const float4*>(static_cast<const float*>(p.x.data) + at);
    v[0] = four.x, v[1] = four.y, v[2] = four.z, v[3] = four.w;
    return;
  }
#pragma unroll
  for (int i = 0; i < kUnit; ++i) {
    v[i] = 0;
    if (i < count) v[i] = p.x[at + i];
  }
}

__global__ void __launch_bounds__(kThreads) prepare_kernel(const Rows p) {
  ptx::await_work_before();
  const uint32_t unit = blockIdx.x * kThreads + threadIdx.x;
  if (unit >= p.units) return;
  const uint32_t row = p.units_per_row.quotient(unit);
  const int c = int(unit - row * p.units_per_row.divisor) * kUnit, count = p.in - c;  // elements of x from here on
  float v[kUnit] = {};
  if (count > 0) load(p, int64_t(row) * p.in + c, count, v);
  if (p.a)
#pragma unroll
    for (int i = 0; i < kUnit; ++i)
      if (i < count) {
        const float z = p.a[c + i] * v[i];
        v[i] += (p.y.dtype == DType::f32 ? square_sine_f32(z) : square_sine(z)) * p.inv_b[c + i];
      }
  const int64_t to = int64_t(row) * p.stride + c;
  if (p.y.dtype != DType::f32) {  // rows of whole vectors
    *reinterpret_cast<uint2*>(static_cast<uint16_t*>(p.y.data) + to) = make_uint2(pack(p.y.dtype, v[0], v[1]), pack(p.y.dtype, v[2], v[3]));
  } else {
#pragma unroll
    for (int i = 0; i < kUnit; ++i)
      if (c + i < p.stride) p.y.set(to + i, v[i]);
  }
}

}  // namespace

void prepare_input(cudaStream_t stream, const Tensor& y, const Tensor& x, const Snake& snake) {
  if (y.numel() == 0) return;
  const int64_t units_per_row = ceil_div(y.cols(), kUnit), units = units_per_row * y.rows();
  require(units < std::numeric_limits<int32_t>::max(), "product: an input of ", y.rows(), " rows of ", y.cols(), " is too large");
  const bool is_vector = x.cols() % kUnit == 0 && reinterpret_cast<uintptr_t>(x.data) % 16 == 0;
  const Rows rows{x, y, static_cast<const float*>(snake.a.data), static_cast<const float*>(snake.inv_b.data), uint32_t(units),
                  Divider(uint32_t(units_per_row)), int32_t(x.cols()), int32_t(y.cols()), is_vector};
  start("prepare_input", prepare_kernel, {unsigned(ceil_div(units, kThreads)), kThreads}, stream, rows);
}

}  // namespace ts::cuda
