// Moving, choosing and averaging rows of [B, N, D] tensors, converted between f32, bf16 and f16 on the way.
//
// Launch   copies (copy_block, gather_rows, embed, resample_rows): one block per 2048 columns of a row of the result, threads along them.
//          reductions (mean_rows, max_rows): one block per item and 32 columns, 8 threads of a column take turns.
//          transpose: tiles of 32 × 32 through shared memory, read and written along rows.
// Cost     every element once: memory-bound, and at one item launch-bound. resample_rows reads M rows per row of the
//          result, from the caches after the first time (72 clip rows of 4 KB).
// Source   ops/rows.h.
#include <algorithm>
#include <cmath>

#include "ops/cuda/block_sum.h"
#include "ops/cuda/cuda.h"
#include "ops/cuda/element.h"
#include "ops/cuda/start.cuh"

namespace ts::cuda {
namespace {

constexpr int kTile = 32, kTileRows = 8;

// Calls body(row of the result, element of it) for all; long rows are shared by several blocks, as there may be few of them.
constexpr int64_t kColumnsPerBlock = 2048, kMaxParts = 65535;
template <class Body>
__global__ void rows_kernel(int64_t cols, Body body) {
  ptx::await_work_before();
  for (int64_t d = int64_t(blockIdx.y) * blockDim.x + threadIdx.x; d < cols; d += int64_t(gridDim.y) * blockDim.x) body(int64_t(blockIdx.x), d);
}

template <class Body>
void for_each_row(Context& ctx, const char* name, int64_t rows, int64_t cols, const Body& body) {
  if (rows == 0 || cols == 0) return;
  const dim3 grid(unsigned(rows), unsigned(std::min(ceil_div(cols, kColumnsPerBlock), kMaxParts)));
  start(name, rows_kernel<Body>, {grid, threads_for_row(cols)}, stream(ctx), cols, body);
}

struct CopyBlock {
  Elements y, x;
  int64_t corner, len, cols, item_stride, row_stride;
  bool repeats;
  __device__ void operator()(int64_t i, int64_t d) const {
    const int64_t item = i / len, n = i % len;
    y.set(corner + item * item_stride + n * row_stride + d, x[(repeats ? n : i) * cols + d]);
  }
};

struct Gather {
  Elements y, x;
  const int32_t* index;
  int64_t len, item_rows, cols;  // rows of y per item, which share the index; rows of x per item
  __device__ void operator()(int64_t i, int64_t d) const { y.set(i * cols + d, x[(i / len * item_rows + index[i % len]) * cols + d]); }
};

struct Resample {
  Elements y, x;
  const float* matrix;
  int64_t len_in, len_out, cols;
  __device__ void operator()(int64_t i, int64_t d) const {
    const float* weights = matrix + i % len_out * len_in;
    const int64_t from = i / len_out * len_in * cols + d;
    float sum = 0;
    for (int64_t m = 0; m < len_in; ++m) sum += weights[m] * x[from + m * cols];
    y.set(i * cols + d, sum);
  }
};

struct Mean {
  static constexpr float start = 0;
  __device__ static float combine(float a, float b) { return a + b; }
  __device__ static float finish(float sum, int64_t len) { return sum / float(len); }
};
struct Max {
  static constexpr float start = -INFINITY;
  __device__ static float combine(float a, float b) { return fmaxf(a, b); }
  __device__ static float finish(float largest, int64_t) { return largest; }
};

template <class How>
__global__ void reduce_kernel(Elements y, Elements x, int64_t len, int64_t cols) {
  __shared__ float parts[kTileRows][kTile];
  const int64_t item = blockIdx.x, column = int64_t(blockIdx.y) * kTile + threadIdx.x;
  float value = How::start;
  if (column < cols)
    for (int64_t n = threadIdx.y; n < len; n += kTileRows) value = How::combine(value, x[(item * len + n) * cols + column]);
  parts[threadIdx.y][threadIdx.x] = value;
  __syncthreads();
  if (threadIdx.y != 0 || column >= cols) return;
  for (int row = 1; row < kTileRows; ++row) value = How::combine(value, parts[row][threadIdx.x]);
  y.set(item * cols + column, How::finish(value, len));
}

template <class How>
void reduce(Context& ctx, const char* name, const Tensor& y, const Tensor& x) {
  if (ctx.planning() || y.numel() == 0) return;
  const dim3 grid(unsigned(x.shape[0]), unsigned(ceil_div(x.cols(), kTile)));
  reduce_kernel<How><<<grid, dim3(kTile, kTileRows), 0, stream(ctx)>>>(Elements(y), Elements(x), x.shape[1], x.cols());
  check_launch(name);
}

// x [B, rows, cols] → y [B, cols, rows].
__global__ void transpose_kernel(float* y, const float* x, int64_t batch, int64_t rows, int64_t cols) {
  __shared__ float tile[kTile][kTile + 1];  // one more, so that columns lie in different banks
  const int64_t top = int64_t(blockIdx.x) * kTile, left = int64_t(blockIdx.y) * kTile;
  for (int64_t item = blockIdx.z; item < batch; item += gridDim.z) {
    const int64_t base = item * rows * cols;
    for (int i = threadIdx.y; i < kTile; i += kTileRows)
      if (top + i < rows && left + threadIdx.x < cols) tile[i][threadIdx.x] = x[base + (top + i) * cols + left + threadIdx.x];
    __syncthreads();
    for (int i = threadIdx.y; i < kTile; i += kTileRows)
      if (left + i < cols && top + threadIdx.x < rows) y[base + (left + i) * rows + top + threadIdx.x] = tile[threadIdx.x][i];
    __syncthreads();
  }
}

}  // namespace

void copy_block(Context& ctx, const Tensor& y, int64_t row, int64_t col, const Tensor& x) {
  if (ctx.planning()) return;
  const int64_t len = x.shape[1], cols = x.shape[2];
  for_each_row(ctx, "copy_block", y.shape[0] * len, cols,
               CopyBlock{y, x, row * y.shape[2] + col, len, cols, y.shape[1] * y.shape[2], y.shape[2], x.shape[0] == 1});
}

void gather_rows(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& index) {
  if (ctx.planning()) return;
  for_each_row(ctx, "gather_rows", y.rows(), y.cols(), Gather{y, x, index.as<int32_t>(), y.shape[1], x.shape[1], y.cols()});
}

void embed(Context& ctx, const Tensor& y, const Tensor& table, const Tensor& ids) {
  if (ctx.planning()) return;
  for_each_row(ctx, "embed", y.rows(), y.cols(), Gather{y, table, ids.as<int32_t>(), y.rows(), 0, y.cols()});
}

void mean_rows(Context& ctx, const Tensor& y, const Tensor& x) { reduce<Mean>(ctx, "mean_rows", y, x); }
void max_rows(Context& ctx, const Tensor& y, const Tensor& x) { reduce<Max>(ctx, "max_rows", y, x); }

void resample_rows(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& matrix) {
  if (ctx.planning()) return;
  for_each_row(ctx, "resample_rows", y.rows(), y.cols(), Resample{y, x, matrix.as<float>(), x.shape[1], y.shape[1], y.cols()});
}

void transpose(Context& ctx, const Tensor& y, const Tensor& x) {
  if (ctx.planning() || x.numel() == 0) return;
  constexpr int64_t kMostItems = 65535;  // of a grid's third axis
  const int64_t batch = x.shape[0], rows = x.shape[1], cols = x.shape[2];
  const dim3 grid(unsigned(ceil_div(rows, kTile)), unsigned(ceil_div(cols, kTile)), unsigned(batch < kMostItems ? batch : kMostItems));
  transpose_kernel<<<grid, dim3(kTile, kTileRows), 0, stream(ctx)>>>(y.as<float>(), x.as<float>(), batch, rows, cols);
  check_launch("transpose");
}

}  // namespace ts::cuda
