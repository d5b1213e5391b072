// Queries, keys and values out of finished sums, for heads of any width: norms over heads that no tile of a product holds
// whole.
//
//   x ← x·w / sqrt(mean(x²) + eps),  then pairs (x₂ᵢ, x₂ᵢ₊₁) turned by the angle of their place; values stay as they are
//
// Shapes   sums f32 [num_rows, 3·heads·head_dim] → 3 × [items, heads, rows_per_item, head_dim] f32, bf16 or f16.
// Launch   one warp per row and head, eight per block.
// Cost     4 B read and 2 or 4 B written per element: memory-bound. Not measured yet.
#include "ops/cuda/element.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/product_kernels.h"

namespace ts::cuda {
namespace {

constexpr int kWarps = 8;

__global__ void __launch_bounds__(32 * kWarps) qkv_finish_kernel(const float* __restrict__ sums, int64_t stride, int64_t num_heads,
                                                                 const __grid_constant__ Finish f) {
  const int64_t warp = int64_t(blockIdx.x) * kWarps + threadIdx.x / 32;
  if (warp >= num_heads) return;
  const int lane = int(threadIdx.x % 32), head_dim = int(f.head_dim.divisor), heads_per_row = 3 * f.heads;
  const int64_t row = warp / heads_per_row;
  const int which = int(warp % heads_per_row) / f.heads, head = int(warp % heads_per_row) % f.heads;
  const float* x = sums + row * stride + (int64_t(which) * f.heads + head) * head_dim;
  const int64_t item = row / f.rows_per_item.divisor, m = row - item * f.rows_per_item.divisor;
  const int64_t to = ((item * f.heads + head) * f.rows_per_item.divisor + m) * head_dim;

  float scale = 1;
  const float* norm = f.norm[which];
  if (norm) {
    float square = 0;
    for (int d = lane; d < head_dim; d += 32) square = fmaf(x[d], x[d], square);
    for (int lanes = 16; lanes > 0; lanes /= 2) square += __shfl_xor_sync(0xFFFFFFFFu, square, lanes);
    scale = 1.0f / sqrtf(square / float(head_dim) + f.eps);
  }
  const auto normed = [&](int d) { return norm ? x[d] * scale * norm[d] : x[d]; };
  for (int d = lane; d < head_dim; d += 32) {
    float value = normed(d);
    if (f.rope && which < 2) {
      const float* turn = f.rope + m * head_dim + d / 2 * 2;
      value = d % 2 == 0 ? value * turn[0] - normed(d + 1) * turn[1] : normed(d - 1) * turn[1] + value * turn[0];
    }
    Elements(f.y[which], f.type).set(to + d, value);
  }
}

}  // namespace

void qkv_finish(cudaStream_t stream, const float* sums, int64_t stride, int32_t num_rows, const Finish& finish) {
  const int64_t num_heads = int64_t(num_rows) * 3 * finish.heads;
  if (num_heads == 0) return;
  qkv_finish_kernel<<<unsigned(ceil_div(num_heads, kWarps)), 32 * kWarps, 0, stream>>>(sums, stride, num_heads, finish);
  check_launch("qkv_finish");
}

}  // namespace ts::cuda
