// Products on tensor cores by mma.sync, for every card from compute capability 8.0 and through PTX for those to come.
//
// Shapes   product.h, x and w bf16 or f16, or w 8 bits, or x and w e4m3; any number of rows, columns and taps; channels padded to
//          vectors of 16 bytes by the caller.
//          Convolutions are products over shifted rows: each step of the summed axis belongs to one tap, whose rows are
//          fetched where they lie. There is no im2col in memory.
// Launch   tiles of 128 × 128 by 8 warps (64 × 32 each) or of 64 × 64 by 4 (32 × 32); blockIdx.y counts splits of the summed
//          axis. A ring of stages of 64 channels (128 of e4m3), 128 bytes per row, vectors swizzled against bank conflicts by
//          the row mod 8, filled by cp.async.
//          Weights of 8 bits come into shared memory as they are, 64 bytes per row, and become what x is in registers: they lie
//          in memory in the order of a thread's fragments (int8_place). Their scales are the finish's.
//          e4m3 needs compute capability 8.9 and code for it, so this file is compiled twice, the second time with TS_CUDA_FP8
//          for nothing else (cmake/CudaBackend.cmake); on 9.0 it is multiplied as f16 (ptx.cuh). The sums of a stage are
//          multiplied by the scales of their rows and added in f32, as Ada's tensor cores keep fewer bits of sums of 8 bits.
// Order    each sum runs over taps, then channels, in groups of 32 bytes inside the tensor core; splits are added in order.
// Cost     2 flop per row, column, tap and channel; a step of a 128 × 128 tile moves 32 kB for 2.1 Mflop. Floor: the dense
//          16-bit rate of the card, which mma.sync reaches on Ampere and Ada and misses by about a third on Hopper (leads,
//          not measured yet).
#include <type_traits>

#include "ops/cuda/launch.h"
#include "ops/cuda/product_finish.cuh"
#include "ops/cuda/product_kernels.h"
#include "ops/cuda/ptx.cuh"

namespace ts::cuda {
namespace {

constexpr int kRowBytes = kMmaStep * 2, kVectors = kRowBytes / 16;

// A block's tile and who computes which part of it. E is what is multiplied, W how weights lie in memory: E or int8_t.
template <class E, class W, int rows, int columns, int row_warps, int column_warps, int stages>
struct Tile {
  using Element = E;
  using Weight = W;
  static constexpr bool kIsScaled = std::is_same_v<E, e4m3>;  // rows of x have scales
  static constexpr int kStep = kRowBytes / int(sizeof(E)), kVector = 16 / int(sizeof(E));  // channels of a stage, of a vector
  static constexpr int kRows = rows, kColumns = columns, kColumnWarps = column_warps, kStages = stages;
  static constexpr int kThreads = 32 * row_warps * column_warps;
  static constexpr int kWarpRows = rows / row_warps, kWarpColumns = columns / column_warps;
  static constexpr int kRowBlocks = kWarpRows / 16, kColumnBlocks = kWarpColumns / 8;
  static constexpr int kWRowBytes = kStep * int(sizeof(W)), kWVectors = kWRowBytes / 16;
  static constexpr int kRowsPerPass = kThreads / kVectors, kWRowsPerPass = kThreads / kWVectors;  // rows that all threads fetch at once
  static constexpr int kStageBytes = rows * kRowBytes + columns * kWRowBytes;
  static constexpr int kPitch = columns + 8;                // of the sums in shared memory, f32
  static constexpr int kSharedBytes = kStages * kStageBytes > rows * kPitch * 4 ? kStages * kStageBytes : rows * kPitch * 4;
  static_assert(rows % kRowsPerPass == 0 && columns % kWRowsPerPass == 0 && kWarpRows % 16 == 0 && kWarpColumns % 16 == 0);
};
template <class E, class W>
using LargeTile = Tile<E, W, 128, 128, 2, 4, 3>;
template <class E, class W>
using SmallTile = Tile<E, W, 64, 64, 2, 2, 4>;

// Where vector `vector` of row `row` lies in a tile of rows of 128 bytes; and of 64, two of which fill all banks.
__device__ inline uint32_t swizzled(int row, int vector) { return uint32_t(row * kRowBytes + ((vector ^ (row & 7)) << 4)); }
__device__ inline uint32_t swizzled_short(int row, int vector) { return uint32_t(row * (kRowBytes / 2) + ((vector ^ (row / 2 & 3)) << 4)); }

// What one thread fetches: one vector of some rows of x and w in every step.
template <class T>
struct Fetcher {
  using Element = typename T::Element;
  using Weight = typename T::Weight;
  static constexpr bool kIsShort = T::kWRowBytes != kRowBytes;
  static constexpr int kXRows = T::kRows / T::kRowsPerPass, kWRows = T::kColumns / T::kWRowsPerPass;

  __device__ Fetcher(const Product& p, int first_row, int first_column, int first_step)
      : p(p), vector(int(threadIdx.x) % kVectors), slot(int(threadIdx.x) / kVectors),
        w_vector(int(threadIdx.x) % T::kWVectors), w_slot(int(threadIdx.x) / T::kWVectors), tap(first_step / p.steps_per_tap),
        step_of_tap(first_step - tap * p.steps_per_tap), step(first_step) {
#pragma unroll
    for (int i = 0; i < kXRows; ++i) {
      const int row = first_row + slot + i * T::kRowsPerPass;
      const int item = int(p.rows_per_item.quotient(unsigned(row))), m = row - item * p.rows.rows_per_item;
      n[i] = row < p.num_rows ? m * p.rows.stride + p.rows.first : kNever;
      item_row[i] = item * p.rows.len_in;
    }
#pragma unroll
    for (int i = 0; i < kWRows; ++i) {
      const int column = first_column + w_slot + i * T::kWRowsPerPass;
      has_column[i] = column < p.columns;
      w[i] = static_cast<const Weight*>(p.w) + (has_column[i] ? column : 0) * p.depth + w_vector * (16 / int(sizeof(Weight)));
    }
  }

  // The next step into the stage at `stage`: rows of x, then rows of w.
  __device__ void fetch(uint32_t stage) {
    const int channel = step_of_tap * T::kStep + vector * T::kVector;
    const bool has_channel = channel < p.channels;
    const auto* x = static_cast<const Element*>(p.x);
#pragma unroll
    for (int i = 0; i < kXRows; ++i) {
      const int at = n[i] + tap * p.rows.dilation;
      const bool reads = has_channel && at >= 0 && at < p.rows.len_in;
      const Element* from = reads ? x + (item_row[i] + int64_t(at)) * p.x_stride + channel : x;
      ptx::copy_async(stage + swizzled(slot + i * T::kRowsPerPass, vector), from, reads ? 16 : 0);
    }
#pragma unroll
    for (int i = 0; i < kWRows; ++i) {
      const int row = w_slot + i * T::kWRowsPerPass;
      ptx::copy_async(stage + T::kRows * kRowBytes + (kIsShort ? swizzled_short(row, w_vector) : swizzled(row, w_vector)), w[i] + int64_t(step) * T::kStep,
                      has_column[i] ? 16 : 0);
    }
    ++step;
    if (++step_of_tap == p.steps_per_tap) {
      step_of_tap = 0;
      ++tap;
    }
  }

  static constexpr int kNever = -(1 << 30);  // so far before the first row that no tap reaches it
  const Product& p;
  int vector, slot, w_vector, w_slot, tap, step_of_tap, step;
  int n[kXRows], item_row[kXRows];
  const Weight* w[kWRows];
  bool has_column[kWRows];
};

// Four weights of 8 bits as two pairs of what x is. A byte with its sign turned round is its value plus 128; as the low bits of
// 2²³ it makes a float, so that a subtraction gives the value.
template <class E>
__device__ inline void widen(uint32_t word, uint32_t& low, uint32_t& high) {
  constexpr uint32_t kTwoTo23 = 0x4B000000u;
  const auto value = [biased = word ^ 0x80808080u](int i) { return __uint_as_float(kTwoTo23 | (biased >> 8 * i & 0xFFu)) - 8388736.0f; };
  low = ptx::pack<E>(value(0), value(1));
  high = ptx::pack<E>(value(2), value(3));
}

// The same of weights of 8 bits: 32 channels, two of the tensor cores' steps, are one vector more of each column.
template <class T>
__device__ inline void multiply_short_stage(float (&sum)[T::kRowBlocks][T::kColumnBlocks][4], uint32_t stage, int warp_row, int warp_column, int lane) {
  using Element = typename T::Element;
  const uint32_t x = stage, w = stage + T::kRows * kRowBytes;
#pragma unroll
  for (int k = 0; k < T::kWVectors; k += 2) {
    uint32_t words[T::kColumnBlocks / 2][4];  // of two blocks of eight columns: 16 channels, the next 16
#pragma unroll
    for (int j = 0; j < T::kColumnBlocks / 2; ++j)
      ptx::load_matrices(words[j], w + swizzled_short(warp_column + 16 * j + lane % 8 + lane / 16 * 8, k + lane / 8 % 2));
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      uint32_t a[T::kRowBlocks][4];
#pragma unroll
      for (int i = 0; i < T::kRowBlocks; ++i) ptx::load_matrices(a[i], x + swizzled(warp_row + 16 * i + lane % 16, 2 * (k + half) + lane / 16));
#pragma unroll
      for (int j = 0; j < T::kColumnBlocks; ++j) {
        uint32_t low, high;
        widen<Element>(words[j / 2][j % 2 * 2 + half], low, high);
#pragma unroll
        for (int i = 0; i < T::kRowBlocks; ++i) ptx::multiply_add<Element>(sum[i][j], a[i], low, high);
      }
    }
  }
}

template <class T>
__device__ inline void multiply_stage(float (&sum)[T::kRowBlocks][T::kColumnBlocks][4], uint32_t stage, int warp_row, int warp_column, int lane) {
  const uint32_t x = stage, w = stage + T::kRows * kRowBytes;
#pragma unroll
  for (int k = 0; k < kVectors; k += 2) {  // 32 bytes of channels
    uint32_t a[T::kRowBlocks][4], b[T::kColumnBlocks / 2][4];
#pragma unroll
    for (int i = 0; i < T::kRowBlocks; ++i) ptx::load_matrices(a[i], x + swizzled(warp_row + 16 * i + lane % 16, k + lane / 16));
#pragma unroll
    for (int j = 0; j < T::kColumnBlocks / 2; ++j)
      ptx::load_matrices(b[j], w + swizzled(warp_column + 16 * j + lane % 8 + lane / 16 * 8, k + lane / 8 % 2));
#pragma unroll
    for (int i = 0; i < T::kRowBlocks; ++i)
#pragma unroll
      for (int j = 0; j < T::kColumnBlocks; ++j) ptx::multiply_add<typename T::Element>(sum[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
  }
}

// The scales of the rows of x that a tap wants for this thread's sums.
template <class T>
struct RowScales {
  const Product& p;
  int first_row, tap, steps_left;
  float of[T::kRowBlocks][2];

  __device__ RowScales(const Product& p, int first_row, int first_step) : p(p), first_row(first_row), tap(first_step / p.steps_per_tap) {
    steps_left = (tap + 1) * p.steps_per_tap - first_step;
    load();
  }
  __device__ void load() {
#pragma unroll
    for (int i = 0; i < T::kRowBlocks; ++i)
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int row = first_row + 16 * i + 8 * half, item = int(p.rows_per_item.quotient(unsigned(row)));
        const int n = (row - item * p.rows.rows_per_item) * p.rows.stride + p.rows.first + tap * p.rows.dilation;
        of[i][half] = row < p.num_rows && n >= 0 && n < p.rows.len_in ? p.x_scale[item * p.rows.len_in + n] : 0.0f;
      }
  }
  // sum += the sums of one stage, which is the next.
  __device__ void add(float (&sum)[T::kRowBlocks][T::kColumnBlocks][4], const float (&part)[T::kRowBlocks][T::kColumnBlocks][4]) {
#pragma unroll
    for (int i = 0; i < T::kRowBlocks; ++i)
#pragma unroll
      for (int j = 0; j < T::kColumnBlocks; ++j)
#pragma unroll
        for (int e = 0; e < 4; ++e) sum[i][j][e] = fmaf(part[i][j][e], of[i][e / 2], sum[i][j][e]);
    if (--steps_left > 0) return;
    steps_left = p.steps_per_tap;
    if (++tap < p.rows.taps) load();
  }
};
struct NoScales {
  __device__ NoScales(const Product&, int, int) {}
};

template <class T>
__global__ void __launch_bounds__(T::kThreads) product_mma_kernel(const __grid_constant__ Product p) {
  extern __shared__ __align__(1024) unsigned char shared[];
  const uint32_t base = ptx::shared_address(shared);
  const int tile = int(blockIdx.x), other = p.rows_first ? p.row_tiles : p.column_tiles;
  const int first_row = (p.rows_first ? tile % other : tile / other) * T::kRows;
  const int first_column = (p.rows_first ? tile / other : tile % other) * T::kColumns;
  const int steps = p.rows.taps * p.steps_per_tap, split = int(blockIdx.y);
  const int begin = int(int64_t(steps) * split / p.splits), end = int(int64_t(steps) * (split + 1) / p.splits);

  Fetcher<T> fetcher(p, first_row, first_column, begin);
#pragma unroll
  for (int s = 0; s < T::kStages - 1; ++s) {
    if (begin + s < end) fetcher.fetch(base + s * T::kStageBytes);
    ptx::commit_copies();
  }

  const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
  const int warp_row = warp / T::kColumnWarps * T::kWarpRows, warp_column = warp % T::kColumnWarps * T::kWarpColumns;
  float sum[T::kRowBlocks][T::kColumnBlocks][4] = {};
  std::conditional_t<T::kIsScaled, RowScales<T>, NoScales> scales(p, first_row + warp_row + lane / 4, begin);
  int stage = 0, free_stage = T::kStages - 1;
  for (int step = begin; step < end; ++step) {
    ptx::wait_for_copies<T::kStages - 2>();
    __syncthreads();  // all have this step's vectors, and none still reads the stage that is filled next
    if (step + T::kStages - 1 < end) fetcher.fetch(base + free_stage * T::kStageBytes);
    ptx::commit_copies();
    if constexpr (T::kIsScaled) {
      float part[T::kRowBlocks][T::kColumnBlocks][4] = {};
      multiply_stage<T>(part, base + stage * T::kStageBytes, warp_row, warp_column, lane);
      scales.add(sum, part);
    } else if constexpr (Fetcher<T>::kIsShort) multiply_short_stage<T>(sum, base + stage * T::kStageBytes, warp_row, warp_column, lane);
    else multiply_stage<T>(sum, base + stage * T::kStageBytes, warp_row, warp_column, lane);
    if (++stage == T::kStages) stage = 0;
    if (++free_stage == T::kStages) free_stage = 0;
  }
  ptx::wait_for_copies<0>();
  __syncthreads();

  float* sums = reinterpret_cast<float*>(shared);
#pragma unroll
  for (int i = 0; i < T::kRowBlocks; ++i)
#pragma unroll
    for (int j = 0; j < T::kColumnBlocks; ++j)
#pragma unroll
      for (int half = 0; half < 2; ++half)
        *reinterpret_cast<float2*>(sums + (warp_row + 16 * i + 8 * half + lane / 4) * T::kPitch + warp_column + 8 * j + lane % 4 * 2) =
            make_float2(sum[i][j][2 * half], sum[i][j][2 * half + 1]);
  __syncthreads();
  if (p.splits > 1) {
    for (int i = int(threadIdx.x); i < T::kRows * (T::kColumns / 4); i += T::kThreads) {
      const int r = i / (T::kColumns / 4), c = i % (T::kColumns / 4) * 4;
      if (first_row + r < p.num_rows)
        *reinterpret_cast<float4*>(p.partial + (int64_t(split) * p.num_rows + first_row + r) * p.partial_stride + first_column + c) =
            *reinterpret_cast<const float4*>(sums + r * T::kPitch + c);
    }
    return;
  }
  constexpr Forms kForms = std::is_same_v<typename T::Weight, __nv_bfloat16> ? Forms::all : Forms::none;
  finish_tile<kForms>(p.finish, first_row, T::kRows, p.num_rows, first_column, T::kColumns, int(threadIdx.x), T::kThreads, [&](int r) {
    return [&, r](int c, float (&v)[4]) { load_four(sums + r * T::kPitch + (c - first_column), v); };
  });
}

template <class T>
void launch(cudaStream_t stream, Product p) {
  p.row_tiles = int32_t(tiles_of(p.num_rows, T::kRows));
  p.column_tiles = int32_t(tiles_of(p.columns, T::kColumns));
  check(cudaFuncSetAttribute(product_mma_kernel<T>, cudaFuncAttributeMaxDynamicSharedMemorySize, T::kSharedBytes), "product_mma");
  const dim3 grid(unsigned(p.row_tiles) * unsigned(p.column_tiles), unsigned(p.splits));
  product_mma_kernel<T><<<grid, T::kThreads, T::kSharedBytes, stream>>>(p);
  check_launch("product_mma");
}

template <class E, class W>
void launch_tile(cudaStream_t stream, const Product& p, const ProductTiles& tiles) {
  if (tiles.rows == LargeTile<E, W>::kRows) launch<LargeTile<E, W>>(stream, p);
  else launch<SmallTile<E, W>>(stream, p);
}

#ifndef TS_CUDA_FP8
template <class E>
void launch_weights(cudaStream_t stream, const Product& p, const ProductTiles& tiles, bool is_int8) {
  if (is_int8) launch_tile<E, int8_t>(stream, p, tiles);
  else launch_tile<E, E>(stream, p, tiles);
}
#endif

}  // namespace

#ifdef TS_CUDA_FP8
void product_mma_fp8(cudaStream_t stream, const Product& product, const ProductTiles& tiles) {
  Product p = product;
  p.rows_first = tiles.rows_first;
  launch_tile<e4m3, e4m3>(stream, p, tiles);
}
#else
void product_mma(cudaStream_t stream, const Product& product, const ProductTiles& tiles, DType x, bool w_is_int8) {
  Product p = product;
  p.rows_first = tiles.rows_first;
  if (x == DType::f16) launch_weights<__half>(stream, p, tiles, w_is_int8);
  else launch_weights<__nv_bfloat16>(stream, p, tiles, w_is_int8);
}
#endif

}  // namespace ts::cuda
