// Products on the f32 units: what f32 needs (TF32 stays off) and the yardstick of the tensor-core kernels.
//
// Shapes   product.h; any number of rows, columns, channels, taps.
// Launch   256 threads per tile of 64 rows × 64 columns, 4 × 4 sums each; one tile per block.
// Order    each sum runs over taps, then channels, one fma at a time, so results do not depend on the tile.
// Cost     2 flop per row, column, tap and channel; a tile reads (64 + 64)·depth elements. Floor: 67 Tflop/s of f32 on an
//          H100 by its data sheet. Not measured yet.
#include <type_traits>

#include "ops/cuda/launch.h"
#include "ops/cuda/product_finish.cuh"
#include "ops/cuda/packed_weight.h"
#include "ops/cuda/product_kernels.h"

namespace ts::cuda {
namespace {

constexpr int kTile = 64, kStep = kSimtStep, kThreads = 256, kPitch = kTile + 4;

template <class T, class W>
__global__ void __launch_bounds__(kThreads) product_simt_kernel(const __grid_constant__ Product p) {
  __shared__ __align__(16) float shared[kTile * kPitch];
  float (*const a)[kPitch] = reinterpret_cast<float (*)[kPitch]>(shared);                    // [step][row]
  float (*const b)[kPitch] = reinterpret_cast<float (*)[kPitch]>(shared + kStep * kPitch);   // [step][column]
  static_assert(2 * kStep <= kTile);

  const int tile = int(blockIdx.x), other = p.rows_first ? p.row_tiles : p.column_tiles;
  const int row_tile = p.rows_first ? tile % other : tile / other, column_tile = p.rows_first ? tile / other : tile % other;
  const int first_row = row_tile * kTile, first_column = column_tile * kTile;

  // This thread loads four channels of one row of x and of one row of w.
  const int lane = int(threadIdx.x) % 4 * 4, slot = int(threadIdx.x) / 4;
  const int load_row = first_row + slot, load_column = first_column + slot;
  const bool has_row = load_row < p.num_rows, has_column = load_column < p.columns;
  const int item = int(p.rows_per_item.quotient(unsigned(load_row)));
  const int64_t first_n = int64_t(load_row - item * p.rows.rows_per_item) * p.rows.stride + p.rows.first;
  const T* x = static_cast<const T*>(p.x) + int64_t(item) * p.rows.len_in * p.x_stride;
  const W* w = static_cast<const W*>(p.w) + int64_t(load_column) * p.depth;

  const int row = int(threadIdx.x) / 16 * 4, column = int(threadIdx.x) % 16 * 4;
  float sum[4][4] = {};
  for (int tap = 0; tap < p.rows.taps; ++tap) {
    const int64_t n = first_n + int64_t(tap) * p.rows.dilation;
    const bool reads = has_row && n >= 0 && n < p.rows.len_in;
    for (int step = 0; step < p.steps_per_tap; ++step) {
      const int channel = step * kStep + lane;
      float from_x[4], from_w[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        from_x[i] = reads && channel + i < p.channels ? to_f32(x[n * p.x_stride + channel + i]) : 0.0f;
        const int at = std::is_same_v<W, int8_t> ? int(int8_place(lane + i)) : lane + i;
        from_w[i] = has_column ? to_f32(w[(int64_t(tap) * p.steps_per_tap + step) * kStep + at]) : 0.0f;
      }
      __syncthreads();
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        a[lane + i][slot] = from_x[i];
        b[lane + i][slot] = from_w[i];
      }
      __syncthreads();
#pragma unroll
      for (int k = 0; k < kStep; ++k) {
        float left[4], right[4];
        load_four(&a[k][row], left);
        load_four(&b[k][column], right);
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
          for (int j = 0; j < 4; ++j) sum[i][j] = fmaf(left[i], right[j], sum[i][j]);
      }
    }
  }
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 4; ++i)
    *reinterpret_cast<float4*>(shared + (row + i) * kPitch + column) = make_float4(sum[i][0], sum[i][1], sum[i][2], sum[i][3]);
  __syncthreads();
  finish_tile<Forms::none>(p.finish, first_row, kTile, p.num_rows, first_column, kTile, int(threadIdx.x), kThreads, [&](int r) {
    return [&, r](int c, float (&v)[4]) { load_four(shared + r * kPitch + (c - first_column), v); };
  });
}

template <class T>
void launch(cudaStream_t stream, const Product& p, bool is_int8) {
  const unsigned blocks = unsigned(p.row_tiles) * unsigned(p.column_tiles);
  if (is_int8) product_simt_kernel<T, int8_t><<<blocks, kThreads, 0, stream>>>(p);
  else product_simt_kernel<T, T><<<blocks, kThreads, 0, stream>>>(p);
}

}  // namespace

void product_simt(cudaStream_t stream, const Product& product, DType x, DType w) {
  Product p = product;
  p.row_tiles = int32_t(tiles_of(p.num_rows, kTile));
  p.column_tiles = int32_t(tiles_of(p.columns, kTile));
  p.rows_first = rows_follow_each_other(p.num_rows, p.columns, p.rows.taps);
  if (x == DType::bf16) launch<__nv_bfloat16>(stream, p, w == DType::i8);
  else if (x == DType::f16) launch<__half>(stream, p, w == DType::i8);
  else launch<float>(stream, p, w == DType::i8);
  check_launch("product_simt");
}

}  // namespace ts::cuda
