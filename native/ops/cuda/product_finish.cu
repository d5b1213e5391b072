// The sums of a split product, added up and finished.
//
// Shapes   partial f32 [splits, num_rows, partial_stride] → what Finish describes.
// Launch   one thread per four columns (eight of a gated pair), 256 per block.
// Order    splits in order, so results do not depend on which block was first.
// Cost     4·splits B read per sum, the outputs written; partial sums were written a moment ago and lie in the L2 cache.
//          Not measured yet.
#include "ops/cuda/start.cuh"
#include "ops/cuda/product_finish.cuh"
#include "ops/cuda/product_kernels.h"

namespace ts::cuda {
namespace {

constexpr int kThreads = 256, kColumns = 128, kRows = 16;

__global__ void __launch_bounds__(kThreads) product_finish_kernel(const __grid_constant__ Product p) {
  ptx::await_work_before();
  const int first_row = int(blockIdx.x) * kRows, first_column = int(blockIdx.y) * kColumns;
  finish_tile<Forms::all>(p.finish, first_row, kRows, p.num_rows, first_column, kColumns, int(threadIdx.x), kThreads, [&](int r) {
    return [&p, row = first_row + r](int c, float (&v)[4]) {
      v[0] = v[1] = v[2] = v[3] = 0;
      for (int split = 0; split < p.splits; ++split) {
        float part[4];
        load_four(p.partial + (int64_t(split) * p.num_rows + row) * p.partial_stride + c, part);
#pragma unroll
        for (int i = 0; i < 4; ++i) v[i] += part[i];
      }
    };
  });
}

}  // namespace

void product_finish(cudaStream_t stream, const Product& product) {
  const dim3 grid(unsigned(tiles_of(product.num_rows, kRows)), unsigned(tiles_of(product.columns, kColumns)));
  start("product_finish", product_finish_kernel, {grid, kThreads}, stream, product);
}

}  // namespace ts::cuda
