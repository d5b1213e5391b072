// Products on Hopper's tensor cores: tensor copies into a ring of stages, wgmma out of it.
//
// Shapes   product.h, x and w bf16 or f16, or e4m3 in tiles of 64 and 136 rows, rows of x at multiples of 16 bytes, and rows of the product that follow each other in x:
//          stride 1, and one item or as many rows per item in as out (covers_wgmma).
// Launch   one block per multiprocessor or two, each walking over tiles. A tile is 64 columns per group of four warps
//          times 64, 136 or 256 rows. The weights are the left operand, so that rows, of which there may be few, come in any
//          multiple of eight: the 388 rows of a guided 9 s latent are three tiles of 136. One thread fetches, one warp puts zeros
//          where a tap reaches into the neighbouring item, one or two groups of four warps multiply and finish.
//          Of e4m3 the tensor cores keep 13 bits behind the point of a sum, so the sums of a stage of 128 channels are multiplied
//          by the scales of their rows and added in f32 beside: twice the registers, hence no tile of 256 rows. Compiled for
//          them alone with TS_CUDA_FP8 (cmake/CudaBackend.cmake).
// Order    each sum runs over taps, then channels; splits are added in order.
// Cost     2 flop per row, column, tap and channel. A step of a 128 × 256 tile moves 48 kB for 4.2 Mflop, 87 flop per byte out of
//          the L2 cache; floor: the dense bf16 rate, about 990 Tflop/s by the data sheet. Reached: bench/NOTES.md.
#include <algorithm>
#include <type_traits>

#include "ops/cuda/finish_group.cuh"
#include "ops/cuda/hopper.cuh"
#include "ops/cuda/product_choice.h"
#include "ops/cuda/product_kernels.h"
#include "ops/cuda/start.cuh"
#include "ops/cuda/tensor_map.h"
#include "ops/cuda/wgmma.cuh"

#pragma nv_diag_suppress 177  // what only code for 9.0a reads is unused in that for other cards

namespace ts::cuda {
namespace {

constexpr int kRowBytes = kWgmmaStep * 2, kGroupThreads = GroupTile::kThreads, kGroupColumns = GroupTile::kColumns;
constexpr int kFinishRows = 32, kPitch = kGroupColumns + 4;  // of the sums in shared memory, f32

template <class E, int rows, int groups, int stages, int blocks>
struct Tile {
  using Element = E;
  static constexpr bool kIsScaled = std::is_same_v<E, e4m3>;     // rows of x have scales
  static constexpr int kStep = kRowBytes / int(sizeof(E));
  static constexpr int kRows = rows, kGroups = groups, kStages = stages, kBlocks = blocks;
  static constexpr int kColumns = groups * kGroupColumns, kThreads = (groups + 1) * kGroupThreads;
  static constexpr int kWBytes = kColumns * kRowBytes, kXBytes = rows * kRowBytes, kStageBytes = kWBytes + kXBytes;
  static constexpr int kSumsBytes = std::max(kFinishRows * kPitch * 4, kGroupSharedBytes<rows>);  // of one group
  // Of a thread that multiplies, where it needs more than its share; the others of the block make do with 40.
  static constexpr int kMultiplyRegisters = rows > 64 ? 232 : kIsScaled ? 208 : 0;
  static constexpr int kBarrierBytes = 1024;                   // of which few are used: stages begin at multiples of 1024
  static constexpr int kSharedBytes = kBarrierBytes + stages * kStageBytes + groups * kSumsBytes;
  static_assert(rows % 8 == 0 && kSumsBytes % 16 == 0 && 3 * 8 * stages <= kBarrierBytes && kWBytes % 1024 == 0 && kXBytes % 1024 == 0);
};
template <class E>
using NarrowTile = Tile<E, 64, 1, 5, 2>;
template <class E>
using MiddleTile = Tile<E, 136, 2, 6, 1>;
template <class E>
using WideTile = Tile<E, 256, 2, 4, 1>;

// Where in the ring we are, and how often we have been round.
template <int stages>
struct Ring {
  int stage = 0;
  uint32_t parity = 0;
  __device__ void advance() {
    if (++stage < stages) return;
    stage = 0;
    parity ^= 1;
  }
};

// One tile and one part of the summed axis.
struct Work {
  int first_row, first_column, split, begin, end;

  __device__ Work(const Product& p, int index, int rows, int columns) {
    const int tiles = p.row_tiles * p.column_tiles, tile = index % tiles, other = p.rows_first ? p.row_tiles : p.column_tiles;
    const int fast = tile % other, slow = tile / other, steps = p.rows.taps * p.steps_per_tap;
    split = index / tiles;
    first_row = (p.rows_first ? fast : slow) * rows;
    first_column = (p.rows_first ? slow : fast) * columns;
    begin = int(int64_t(steps) * split / p.splits);
    end = int(int64_t(steps) * (split + 1) / p.splits);
  }
};

// The works of this block, one after the other.
template <class T>
struct Walk {
  const Product& p;
  int num_works;

  __device__ explicit Walk(const Product& p) : p(p), num_works(p.row_tiles * p.column_tiles * p.splits) {}
  template <class Body>
  __device__ void each(const Body& body) const {
    for (int index = int(blockIdx.x); index < num_works; index += int(gridDim.x)) body(Work(p, index, T::kRows, T::kColumns));
  }
};

// The thread that fetches.
template <class T>
__device__ void fetch(const Product& p, const CUtensorMap* x_map, const CUtensorMap* w_map, uint32_t stages, uint32_t full, uint32_t empty) {
  ptx::prefetch_map(x_map);
  ptx::prefetch_map(w_map);
  Ring<T::kStages> ring;
  const Walk<T> walk(p);
  const auto fetch_weights = [&](const Work& work, int step, int stage) {
    ptx::arrive_expecting(full + 8 * stage, T::kStageBytes);
    ptx::copy_box(stages + stage * T::kStageBytes, w_map, step * T::kStep, work.first_column, full + 8 * stage);
  };
  // Nobody writes weights any more: those of the first stages come while the kernel before ends.
  int ahead = 0;
  if (int(blockIdx.x) < walk.num_works) {
    const Work work(p, int(blockIdx.x), T::kRows, T::kColumns);
    for (; ahead < T::kStages && work.begin + ahead < work.end; ++ahead) fetch_weights(work, work.begin + ahead, ahead);
  }
  ptx::await_work_before();
  walk.each([&](const Work& work) {
    int tap = work.begin / p.steps_per_tap, channel = (work.begin - tap * p.steps_per_tap) * T::kStep;
    for (int step = work.begin; step < work.end; ++step) {
      if (ahead > 0) {
        --ahead;
      } else {
        ptx::wait(empty + 8 * ring.stage, ring.parity ^ 1);
        fetch_weights(work, step, ring.stage);
      }
      const uint32_t x = stages + ring.stage * T::kStageBytes + T::kWBytes, barrier = full + 8 * ring.stage;
      const int row = work.first_row + tap * p.rows.dilation + p.rows.first;
      ptx::copy_box(x, x_map, channel, row, barrier);
      ring.advance();
      channel += T::kStep;
      if (channel == p.steps_per_tap * T::kStep) {
        channel = 0;
        ++tap;
      }
    }
  });
}

// The warp that puts zeros where the row a tap wants is not in the row's own item.
template <class T>
__device__ void clear_foreign_rows(const Product& p, unsigned char* stages, uint32_t full, uint32_t cleared) {
  constexpr int kRowsPerLane = (T::kRows + 31) / 32;
  const int lane = int(threadIdx.x) % 32;
  Ring<T::kStages> ring;
  Walk<T>(p).each([&](const Work& work) {
    int place[kRowsPerLane];  // of the row in its item
#pragma unroll
    for (int i = 0; i < kRowsPerLane; ++i) place[i] = int(p.rows_per_item.remainder(unsigned(work.first_row + lane + 32 * i)));
    int tap = work.begin / p.steps_per_tap, steps_left = (tap + 1) * p.steps_per_tap - work.begin;
    for (int step = work.begin; step < work.end; ++step) {
      ptx::wait(full + 8 * ring.stage, ring.parity);
      const int shift = tap * p.rows.dilation + p.rows.first;
#pragma unroll
      for (int i = 0; i < kRowsPerLane; ++i) {
        const int row = lane + 32 * i, n = place[i] + shift;
        if (row < T::kRows && (n < 0 || n >= p.rows.len_in)) {
          int4* to = reinterpret_cast<int4*>(stages + ring.stage * T::kStageBytes + T::kWBytes + row * kRowBytes);
          for (int v = 0; v < kRowBytes / 16; ++v) to[v] = make_int4(0, 0, 0, 0);
        }
      }
      ptx::publish_writes();
      __syncwarp();
      if (lane == 0) ptx::arrive(cleared + 8 * ring.stage);
      ring.advance();
      if (--steps_left == 0) {
        steps_left = p.steps_per_tap;
        ++tap;
      }
    }
  });
}

// This warp's products have read the stage.
__device__ inline void release_stage(uint32_t empty, int stage, int lane) {
  if (lane == 0) ptx::arrive(empty + 8 * stage);
}

// Some rows at a time through shared memory, to be finished along the columns.
template <class T>
__device__ void finish_shared(const Product& p, const GroupTile& tile, float* sums, const float (&c)[T::kRows / 2]) {
  constexpr Forms kForms = T::kIsScaled ? Forms::none : Forms::rest;
  const int written = tile.column() - tile.first_column;  // this thread's column, and the one eight further
#pragma unroll 1
  for (int first = 0; first < T::kRows; first += kFinishRows) {
    tile.sync();  // the rows before are finished
#pragma unroll
    for (int j = 0; j < T::kRows / 8; ++j)
      if (j * 8 / kFinishRows == first / kFinishRows)
#pragma unroll
        for (int i = 0; i < 4; ++i) sums[(j * 8 % kFinishRows + tile.thread % 4 * 2 + i % 2) * kPitch + written + i / 2 * 8] = c[4 * j + i];
    tile.sync();
    const int rows = T::kRows - first < kFinishRows ? T::kRows - first : kFinishRows;
    finish_tile<kForms>(p.finish, tile.first_row + first, rows, p.num_rows, tile.first_column, kGroupColumns, tile.thread, kGroupThreads, [&](int r) {
      return [=, at = sums + r * kPitch - tile.first_column](int column, float (&v)[4]) { load_four(at + column, v); };
    });
  }
}

// The scales of the rows of x that a tap wants for this thread's sums: rows 8·j + 2·(t mod 4) + e of the tile.
template <class T>
struct RowScales {
  const Product& p;
  int first_row, tap, steps_left;
  float of[T::kRows / 8][2];

  __device__ RowScales(const Product& p, const Work& work, int thread) : p(p), first_row(work.first_row + thread % 4 * 2), tap(work.begin / p.steps_per_tap) {
    steps_left = (tap + 1) * p.steps_per_tap - work.begin;
    load();
  }
  __device__ void load() {
    const int shift = tap * p.rows.dilation + p.rows.first;
#pragma unroll
    for (int j = 0; j < T::kRows / 8; ++j)
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int row = first_row + 8 * j + e, n = int(p.rows_per_item.remainder(unsigned(row))) + shift;
        of[j][e] = row < p.num_rows && n >= 0 && n < p.rows.len_in ? p.x_scale[row + shift] : 0.0f;
      }
  }
  // sum += the sums of one step, which is the next.
  __device__ void add(float (&sum)[T::kRows / 2], const float (&part)[T::kRows / 2]) {
#pragma unroll
    for (int i = 0; i < T::kRows / 2; ++i) sum[i] = fmaf(part[i], of[i / 4][i % 2], sum[i]);
    if (--steps_left > 0) return;
    steps_left = p.steps_per_tap;
    if (++tap < p.rows.taps) load();
  }
};
struct NoScales {
  __device__ NoScales(const Product&, const Work&, int) {}
};

// Begins the products of a step, whose sums are added to c or replace it.
template <class T, bool adds>
__device__ inline void multiply_stage(float (&c)[T::kRows / 2], uint64_t w, uint64_t x) {
  using Element = typename T::Element;
  ptx::begin_products();
  ptx::multiply_add_group<Element, T::kRows, adds>(c, w, x);
#pragma unroll
  for (int k = 1; k < kRowBytes / 32; ++k) ptx::multiply_add_group<Element, T::kRows>(c, w + 2 * k, x + 2 * k);  // 32 bytes further in every row
  ptx::commit_products();
}

// A group of four warps: 64 columns of the weights times the rows of x, then the outputs.
template <class T>
__device__ void multiply(const Product& p, int group, uint32_t stages, float* sums, uint32_t ready, uint32_t empty) {
  const int thread = int(threadIdx.x) % kGroupThreads, lane = thread % 32;
  Ring<T::kStages> ring;
  float c[T::kRows / 2];
  Walk<T>(p).each([&](const Work& work) {
#pragma unroll
    for (float& sum : c) sum = 0;
    ptx::hold(c);
    std::conditional_t<T::kIsScaled, RowScales<T>, NoScales> scales(p, work, thread);
    int before = -1;  // the stage that products still in flight may be reading
    for (int step = work.begin; step < work.end; ++step) {
      ptx::wait(ready + 8 * ring.stage, ring.parity);
      const uint32_t stage = stages + ring.stage * T::kStageBytes;
      const uint64_t w = ptx::describe_rows(stage + group * kGroupColumns * kRowBytes), x = ptx::describe_rows(stage + T::kWBytes);
      if constexpr (T::kIsScaled) {
        float part[T::kRows / 2];
        multiply_stage<T, false>(part, w, x);
        ptx::wait_for_products<0>();
        ptx::hold(part);
        release_stage(empty, ring.stage, lane);
        scales.add(c, part);
      } else {
        multiply_stage<T, true>(c, w, x);
        ptx::wait_for_products<1>();
        if (before >= 0) release_stage(empty, before, lane);
        before = ring.stage;
      }
      ring.advance();
    }
    ptx::wait_for_products<0>();
    ptx::hold(c);
    if (before >= 0) release_stage(empty, before, lane);

    const GroupTile tile{work.first_row, work.first_column + group * kGroupColumns, p.num_rows, thread, 1 + group, reinterpret_cast<unsigned char*>(sums)};
    if (p.splits > 1) {
      if (tile.first_column < p.columns) store_sums<T::kRows>(tile, p.partial + int64_t(work.split) * p.num_rows * p.partial_stride, p.partial_stride, p.num_rows, c);
    } else {
      if constexpr (!T::kIsScaled)
        if (finish_group<T::kRows>(p.finish, tile, c)) return;
      finish_shared<T>(p, tile, sums, c);
    }
  });
}

template <class T>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks)
    product_wgmma_kernel(const __grid_constant__ Product p, const __grid_constant__ CUtensorMap x_map, const __grid_constant__ CUtensorMap w_map) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  extern __shared__ __align__(1024) unsigned char shared[];
  unsigned char* const stages = shared + T::kBarrierBytes;
  float* const sums = reinterpret_cast<float*>(stages + T::kStages * T::kStageBytes);
  // Bytes have arrived; foreign rows are cleared; products have read.
  const uint32_t full = ptx::shared_address(shared), cleared = full + 8 * T::kStages, empty = cleared + 8 * T::kStages;
  if (threadIdx.x == 0) {
    if (full % 1024 != 0) __trap();  // the swizzle counts from multiples of 1024
    for (int s = 0; s < T::kStages; ++s) {
      ptx::init_barrier(full + 8 * s, 1);
      ptx::init_barrier(cleared + 8 * s, 1);
      ptx::init_barrier(empty + 8 * s, T::kGroups * 4);
    }
    ptx::publish_barriers();
  }
  __syncthreads();

  // Taps of several items meet in one tile; beyond the first and the last the copy engine gives zeros.
  const bool clears = p.rows.taps > 1 && p.rows.items > 1;
  const int warp = int(threadIdx.x) / 32, group = warp / 4;
  if (group < T::kGroups) {
    if constexpr (T::kMultiplyRegisters > 0) ptx::take_registers<T::kMultiplyRegisters>();
    ptx::await_work_before();  // what finishing reads
    multiply<T>(p, group, ptx::shared_address(stages), sums + group * (T::kSumsBytes / 4), clears ? cleared : full, empty);
  } else {
    if constexpr (T::kMultiplyRegisters > 0) ptx::give_registers<40>();
    if (warp == 4 * T::kGroups && threadIdx.x % 32 == 0) fetch<T>(p, &x_map, &w_map, ptx::shared_address(stages), full, empty);
    if (warp == 4 * T::kGroups + 1 && clears) clear_foreign_rows<T>(p, stages, full, cleared);
  }
#else
  __trap();  // never launched: covers_wgmma wants 9.0
#endif
}

template <class T>
void launch(cudaStream_t stream, Product p, const Tensor& x) {
  p.row_tiles = int32_t(tiles_of(p.num_rows, T::kRows));
  p.column_tiles = int32_t(tiles_of(p.columns, T::kColumns));
  const CUtensorMap x_map = map_rows(x.data, x.rows(), p.channels, p.x_stride, T::kRows, T::kStep, sizeof(typename T::Element));
  const CUtensorMap w_map = map_rows(p.w, p.columns, p.depth, p.depth, T::kColumns, T::kStep, sizeof(typename T::Element));
  check(cudaFuncSetAttribute(product_wgmma_kernel<T>, cudaFuncAttributeMaxDynamicSharedMemorySize, T::kSharedBytes), "product_wgmma");
  const int64_t works = int64_t(p.row_tiles) * p.column_tiles * p.splits, places = std::max<int64_t>(current_multiprocessors() * T::kBlocks, 1);
  start("product_wgmma", product_wgmma_kernel<T>, {unsigned(works < places ? works : places), T::kThreads, T::kSharedBytes}, stream, p,
        x_map, w_map);
}

#ifndef TS_CUDA_FP8
template <class E>
void launch_tile(cudaStream_t stream, const Product& p, const ProductTiles& tiles, const Tensor& x) {
  if (tiles.rows == NarrowTile<E>::kRows) launch<NarrowTile<E>>(stream, p, x);
  else if (tiles.rows == MiddleTile<E>::kRows) launch<MiddleTile<E>>(stream, p, x);
  else launch<WideTile<E>>(stream, p, x);
}
#endif

}  // namespace

#ifdef TS_CUDA_FP8
void product_wgmma_fp8(cudaStream_t stream, const Product& product, const ProductTiles& tiles, const Tensor& x) {
  Product p = product;
  p.rows_first = tiles.rows_first;
  if (tiles.rows == NarrowTile<e4m3>::kRows) launch<NarrowTile<e4m3>>(stream, p, x);
  else launch<MiddleTile<e4m3>>(stream, p, x);
}
#else
void product_wgmma(cudaStream_t stream, const Product& product, const ProductTiles& tiles, const Tensor& x) {
  Product p = product;
  p.rows_first = tiles.rows_first;
  if (x.dtype == DType::f16) launch_tile<__half>(stream, p, tiles, x);
  else launch_tile<__nv_bfloat16>(stream, p, tiles, x);
}
#endif

}  // namespace ts::cuda
