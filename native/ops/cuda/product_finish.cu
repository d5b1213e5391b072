// The sums of a split product, added up and finished.
//
// Shapes   partial f32 [splits, num_rows, partial_stride] → what Finish describes.
// Launch   one thread per eight columns of a form (finish_form.h), per two times four otherwise, 128 per block of 8 rows by 128 columns.
// Order    splits in order, so results do not depend on which block was first.
// Cost     4·splits B read per sum, the outputs written; partial sums were written a moment ago and lie in the L2 cache.
//          Reached: 5 µs for 388 × 1024 (bench/NOTES.md).
#include "ops/cuda/start.cuh"
#include "ops/cuda/product_finish.cuh"
#include "ops/cuda/product_kernels.h"

namespace ts::cuda {
namespace {

constexpr int kThreads = 128, kColumns = 128, kRows = 8;

// The parts of a row's sums, which come from the L2 cache.
struct Parts {
  const float* row;
  int64_t next;  // from one split to the next
  int splits;

  template <int width>
  __device__ void operator()(int c, float (&v)[width]) const {
    add_parts<4>(splits, v, [&](int s, int i, float (&four)[4]) { load_four(row + s * next + c + i, four); });
  }
};

__global__ void __launch_bounds__(kThreads) product_finish_kernel(const __grid_constant__ Product p) {
  ptx::await_work_before();
  const int first_row = int(blockIdx.x) * kRows, first_column = int(blockIdx.y) * kColumns;
  finish_tile<Forms::all>(p.finish, first_row, kRows, p.num_rows, first_column, kColumns, int(threadIdx.x), kThreads, [&](int r) {
    return Parts{p.partial + int64_t(first_row + r) * p.partial_stride, p.num_rows * p.partial_stride, p.splits};
  });
}

}  // namespace

void product_finish(cudaStream_t stream, const Product& product) {
  const dim3 grid(unsigned(tiles_of(product.num_rows, kRows)), unsigned(tiles_of(product.columns, kColumns)));
  start("product_finish", product_finish_kernel, {grid, kThreads}, stream, product);
}

}  // namespace ts::cuda
