// What products read: rows of x in their own dtype, snake applied, padded to whole vectors.
//
//   y[r, i] = round(x[r, i] + sin²(a[i]·x[r, i])·inv_b[i])  for i < in, 0 for in ≤ i < stride
//
// Shapes   x [rows, in] f32 or bf16; y [rows, stride] f32 or bf16.
// Launch   one thread per element of y, 256 per block; any size, tail guarded.
// Cost     4 B read and 2 B written per element, a sine: memory-bound. The whole pass is what a product saves that finds
//          its input ready. Not measured yet.
#include <cuda_bf16.h>

#include "ops/cuda/launch.h"
#include "ops/cuda/product_kernels.h"

namespace ts::cuda {
namespace {

constexpr int kThreads = 256;

struct Rows {
  const void* x;
  void* y;
  const float *a, *inv_b;
  int64_t count, in, stride;
  bool from_bf16, to_bf16;
};

__global__ void __launch_bounds__(kThreads) prepare_kernel(const Rows p) {
  const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= p.count) return;
  const int64_t row = i / p.stride, c = i - row * p.stride;
  float value = 0;
  if (c < p.in) {
    const int64_t at = row * p.in + c;
    value = p.from_bf16 ? __bfloat162float(static_cast<const __nv_bfloat16*>(p.x)[at]) : static_cast<const float*>(p.x)[at];
    if (p.a) {
      const float sine = sinf(p.a[c] * value);
      value += sine * sine * p.inv_b[c];
    }
  }
  if (p.to_bf16) static_cast<__nv_bfloat16*>(p.y)[i] = __float2bfloat16_rn(value);
  else static_cast<float*>(p.y)[i] = value;
}

}  // namespace

void prepare_input(cudaStream_t stream, const Tensor& y, const Tensor& x, const Snake& snake) {
  const Rows rows{x.data, y.data, static_cast<const float*>(snake.a.data), static_cast<const float*>(snake.inv_b.data),
                  y.numel(), x.cols(), y.cols(), x.dtype == DType::bf16, y.dtype == DType::bf16};
  if (rows.count == 0) return;
  prepare_kernel<<<unsigned(ceil_div(rows.count, kThreads)), kThreads, 0, stream>>>(rows);
  check_launch("prepare_input");
}

}  // namespace ts::cuda
