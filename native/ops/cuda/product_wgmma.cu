// Products on Hopper's tensor cores: tensor copies into a ring of stages, wgmma out of it.
//
// Shapes   product.h, x and w bf16 or f16, or e4m3 in tiles of 64 and 136 rows, rows of x at multiples of 16 bytes, and rows of the product that follow each other in x:
//          stride 1, and one item or as many rows per item in as out (covers_wgmma).
// Launch   one block per multiprocessor or two, each walking over tiles: 64 columns times 64 rows, 128 times 136 or 128 times 128.
//          The weights are the left operand, so that rows, of which there may be few, come in any multiple of eight: the 388 rows
//          of a guided 9 s latent are three tiles of 136. One thread fetches, one warp puts zeros where a tap reaches into the
//          neighbouring item, groups of four warps multiply and finish: one, two of 64 columns each, or, of 128 rows, two that
//          take turns at whole tiles, so that one finishes while the other multiplies.
//          Of e4m3 the tensor cores keep 13 bits behind the point of a sum, so the sums of a stage of 128 channels are multiplied
//          by the scales of their rows and added in f32 beside: twice the registers, hence no tiles by turns. Compiled for
//          them alone with TS_CUDA_FP8 (cmake/CudaBackend.cmake).
//          Where tiles are too few, up to eight blocks share the summed axis of one: a cluster, whose blocks leave their sums in
//          shared memory and finish some rows each.
// Order    each sum runs over taps, then channels; splits are added in order.
// Cost     2 flop per row, column, tap and channel. A step of a 128 × 128 tile moves 32 kB for 2.1 Mflop, 64 flop per byte out of
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

// By turns: every group has the tile's columns for itself, of every other tile.
template <class E, int rows, int groups, bool by_turns, int stages, int blocks>
struct Tile {
  using Element = E;
  static constexpr bool kIsScaled = std::is_same_v<E, e4m3>;     // rows of x have scales
  static constexpr int kStep = kRowBytes / int(sizeof(E));
  static constexpr bool kByTurns = by_turns;
  static constexpr int kRows = rows, kGroups = groups, kStages = stages, kBlocks = blocks;
  static constexpr int kParts = by_turns ? 2 : 1;              // of 64 columns, that a group multiplies
  static constexpr int kReaders = by_turns ? 1 : groups;       // groups that read a stage
  static constexpr int kColumns = kReaders * kParts * kGroupColumns, kThreads = (groups + 1) * kGroupThreads;
  static constexpr int kWBytes = kColumns * kRowBytes, kXBytes = rows * kRowBytes, kStageBytes = kWBytes + kXBytes;
  static constexpr int kSumsBytes = std::max(kFinishRows * kPitch * 4, kGroupSharedBytes<rows>);  // of one group
  // Of a thread that multiplies, which needs more than its share of the block's; the others make do with less.
  static constexpr int kMultiplyRegisters = rows > 64 ? 232 : 208, kOtherRegisters = 40, kShare = 65536 / blocks / kThreads / 8 * 8;
  static_assert(groups * kMultiplyRegisters + kOtherRegisters <= (groups + 1) * kShare);
  static constexpr int kBarrierBytes = 1024;                   // of which few are used: stages begin at multiples of 1024
  static constexpr int kSharedBytes = kBarrierBytes + stages * kStageBytes + groups * kSumsBytes;
  static_assert(rows % 8 == 0 && kSumsBytes % 16 == 0 && 8 * (3 * stages + groups) <= kBarrierBytes && kWBytes % 1024 == 0 && kXBytes % 1024 == 0);
};
template <class E>
using NarrowTile = Tile<E, 64, 1, false, 5, 2>;
template <class E>
using MiddleTile = Tile<E, 136, 2, false, 6, 1>;
template <class E>
using TurnsTile = Tile<E, 128, 2, true, 6, 1>;

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
  __device__ void skip(int steps) {
    const int at = stage + steps, rounds = at / stages;
    stage = at - rounds * stages;
    parity ^= uint32_t(rounds) & 1;
  }
};

// One tile and one part of the summed axis, those of a tile by neighbouring blocks.
struct Work {
  int first_row, first_column, split, begin, end;

  __device__ Work(const Product& p, int index, int rows, int columns) {
    const int tile = index / p.splits, other = p.rows_first ? p.row_tiles : p.column_tiles;
    const int fast = tile % other, slow = tile / other, steps = p.rows.taps * p.steps_per_tap;
    split = index - tile * p.splits;
    first_row = (p.rows_first ? fast : slow) * rows;
    first_column = (p.rows_first ? slow : fast) * columns;
    begin = int(int64_t(steps) * split / p.splits);
    end = int(int64_t(steps) * (split + 1) / p.splits);
  }
};

// The works of this block, one after the other; but one of a split.
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
  constexpr Forms kForms = T::kIsScaled ? Forms::none : Forms::qkv;
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
__device__ inline void multiply_stage(float (&c)[T::kParts][T::kRows / 2], uint64_t w, uint64_t x) {
  using Element = typename T::Element;
  ptx::begin_products();
#pragma unroll
  for (int k = 0; k < kRowBytes / 32; ++k)  // 32 bytes further in every row
#pragma unroll
    for (int part = 0; part < T::kParts; ++part) {
      const uint64_t columns = w + 2 * k + part * (kGroupColumns * kRowBytes / 16);  // descriptors count sixteens of bytes
      if (k == 0) ptx::multiply_add_group<Element, T::kRows, adds>(c[part], columns, x);
      else ptx::multiply_add_group<Element, T::kRows>(c[part], columns, x + 2 * k);
    }
  ptx::commit_products();
}

template <class T>
__device__ inline void hold(float (&c)[T::kParts][T::kRows / 2]) {
#pragma unroll
  for (int part = 0; part < T::kParts; ++part) ptx::hold(c[part]);
}

// Sums of a row of the tile, each block's in its shared memory at `row`.
template <int together>
struct MetSums {
  uint32_t row;
  int splits;

  template <int width>
  __device__ void operator()(int c, float (&v)[width]) const {
    add_parts<together>(splits, v, [&](int s, int i, float (&four)[4]) { ptx::load_four_of(row + uint32_t(c + i) * 4, s, four); });
  }
};

// The blocks of a cluster have the same tile's sums, each of its part of the summed axis. Rows are shared out by eights, which is whole
// warps of whoever finishes.
template <class T>
__device__ __forceinline__ void finish_together(const Product& p, const Work& work, int group, int thread, unsigned char* shared, const float (&c)[T::kRows / 2]) {
  constexpr int kSumsPitch = T::kColumns + 4, kThreads = T::kGroups * kGroupThreads, kBarrier = 1 + T::kGroups;
  static_assert(T::kRows * kSumsPitch * 4 <= T::kStages * T::kStageBytes && 8 * T::kColumns / 4 == kThreads);
  float* const sums = reinterpret_cast<float*>(shared);
  ptx::sync_warps(kBarrier, kThreads);  // nobody multiplies any more: the stages are free
  float* const at = sums + thread % 4 * 2 * kSumsPitch + group * kGroupColumns + thread / 32 * 16 + thread % 32 / 4;
#pragma unroll
  for (int i = 0; i < T::kRows / 2; ++i) at[(i / 4 * 8 + i % 2) * kSumsPitch + i / 2 % 2 * 8] = c[i];
  ptx::sync_cluster();
  constexpr int kEights = T::kRows / 8;
  const int first = kEights * work.split / p.splits * 8, rows = kEights * (work.split + 1) / p.splits * 8 - first;
  constexpr Forms kForms = std::is_same_v<typename T::Element, __nv_bfloat16> ? Forms::f32 : Forms::none;
  finish_tile<kForms>(p.finish, work.first_row + first, rows, p.num_rows, work.first_column, T::kColumns, group * kGroupThreads + thread, kThreads, [&](int r) {
    return MetSums<T::kBlocks == 1 ? 4 : 2>{ptx::shared_address(sums + (first + r) * kSumsPitch) - uint32_t(work.first_column) * 4, p.splits};
  });
  ptx::sync_cluster();  // nobody's sums are wanted any more
}

// The sums of 64 columns on their way out.
template <class T>
__device__ __forceinline__ void finish(const Product& p, const GroupTile& tile, float (&c)[T::kRows / 2]) {
  if constexpr (!T::kIsScaled)
    if (finish_group<T::kRows>(p.finish, tile, c)) return;
  finish_shared<T>(p, tile, reinterpret_cast<float*>(tile.staged), c);
}

// A group of four warps: its columns of the weights times the rows of x, then the outputs. Of groups that take turns, one
// begins when the other has asked for the last products of the tile before: by then it has seen every stage that came earlier, and a
// barrier tells only of the latest two phases.
template <class T, bool is_split>
__device__ void multiply(const Product& p, int group, unsigned char* shared_stages, float* sums, uint32_t ready, uint32_t empty, uint32_t turns) {
  const int thread = int(threadIdx.x) % kGroupThreads, lane = thread % 32;
  const uint32_t stages = ptx::shared_address(shared_stages);
  Ring<T::kStages> ring;
  float c[T::kParts][T::kRows / 2];
  int turn = 0;
  Walk<T>(p).each([&](const Work& work) {
    if constexpr (T::kByTurns) {
      const int whose = turn % 2, round = turn / 2;
      ++turn;
      if (whose != group) {
        ring.skip(work.end - work.begin);
        return;
      }
      if (turn > 1) ptx::wait(turns + 8 * (1 - group), uint32_t(group == 0 ? round - 1 : round) & 1);
    }
#pragma unroll
    for (int part = 0; part < T::kParts; ++part)
#pragma unroll
      for (float& sum : c[part]) sum = 0;
    hold<T>(c);
    std::conditional_t<T::kIsScaled, RowScales<T>, NoScales> scales(p, work, thread);
    int before = -1;  // the stage that products still in flight may be reading
    for (int step = work.begin; step < work.end; ++step) {
      ptx::wait(ready + 8 * ring.stage, ring.parity);
      const uint32_t stage = stages + ring.stage * T::kStageBytes;
      const uint64_t w = ptx::describe_rows(stage + (T::kByTurns ? 0 : group * kGroupColumns * kRowBytes)), x = ptx::describe_rows(stage + T::kWBytes);
      if constexpr (T::kIsScaled) {
        float part[1][T::kRows / 2];
        multiply_stage<T, false>(part, w, x);
        ptx::wait_for_products<0>();
        hold<T>(part);
        release_stage(empty, ring.stage, lane);
        scales.add(c[0], part[0]);
      } else {
        multiply_stage<T, true>(c, w, x);
        ptx::wait_for_products<1>();
        if (before >= 0) release_stage(empty, before, lane);
        before = ring.stage;
      }
      ring.advance();
    }
    if (T::kByTurns && lane == 0) ptx::arrive(turns + 8 * group);
    ptx::wait_for_products<0>();
    hold<T>(c);
    if (before >= 0) release_stage(empty, before, lane);

    if constexpr (is_split) {
      finish_together<T>(p, work, group, thread, shared_stages, c[0]);
    } else {
      GroupTile tile{work.first_row, work.first_column + (T::kByTurns ? 0 : group * kGroupColumns), p.num_rows, thread, 1 + group, reinterpret_cast<unsigned char*>(sums)};
#pragma unroll 1
      for (int part = 0; part < T::kParts; ++part) {
        finish<T>(p, tile, c[0]);
        if constexpr (T::kParts > 1) {
          tile.first_column += kGroupColumns;
#pragma unroll
          for (int i = 0; i < T::kRows / 2; ++i) c[0][i] = c[1][i];
        }
      }
    }
  });
}

template <class T, bool is_split>
__global__ void __launch_bounds__(T::kThreads, T::kBlocks)
    product_wgmma_kernel(const __grid_constant__ Product p, const __grid_constant__ CUtensorMap x_map, const __grid_constant__ CUtensorMap w_map) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  extern __shared__ __align__(1024) unsigned char shared[];
  unsigned char* const stages = shared + T::kBarrierBytes;
  float* const sums = reinterpret_cast<float*>(stages + T::kStages * T::kStageBytes);
  // Bytes have arrived; foreign rows are cleared; products have read; a group has asked for its tile's last products.
  const uint32_t full = ptx::shared_address(shared), cleared = full + 8 * T::kStages, empty = cleared + 8 * T::kStages, turns = empty + 8 * T::kStages;
  if (threadIdx.x == 0) {
    if (full % 1024 != 0) __trap();  // the swizzle counts from multiples of 1024
    for (int s = 0; s < T::kStages; ++s) {
      ptx::init_barrier(full + 8 * s, 1);
      ptx::init_barrier(cleared + 8 * s, 1);
      ptx::init_barrier(empty + 8 * s, T::kReaders * 4);
    }
    for (int g = 0; g < T::kGroups; ++g) ptx::init_barrier(turns + 8 * g, 4);
    ptx::publish_barriers();
  }
  __syncthreads();

  // Taps of several items meet in one tile; beyond the first and the last the copy engine gives zeros.
  const bool clears = p.rows.taps > 1 && p.rows.items > 1;
  const int warp = int(threadIdx.x) / 32, group = warp / 4;
  if (group < T::kGroups) {
    ptx::take_registers<T::kMultiplyRegisters>();
    ptx::await_work_before();  // what finishing reads
    multiply<T, is_split>(p, group, stages, sums + group * (T::kSumsBytes / 4), clears ? cleared : full, empty, turns);
  } else {
    ptx::give_registers<T::kOtherRegisters>();
    if (warp == 4 * T::kGroups && threadIdx.x % 32 == 0) fetch<T>(p, &x_map, &w_map, ptx::shared_address(stages), full, empty);
    if (warp == 4 * T::kGroups + 1 && clears) clear_foreign_rows<T>(p, stages, full, cleared);
    if constexpr (is_split) {  // every thread of a cluster comes to its barriers
      ptx::sync_cluster();
      ptx::sync_cluster();
    }
  }
#else
  __trap();  // never launched: covers_wgmma wants 9.0
#endif
}

template <class T, bool is_split>
void allow_shared_memory() {
  check(cudaFuncSetAttribute(product_wgmma_kernel<T, is_split>, cudaFuncAttributeMaxDynamicSharedMemorySize, T::kSharedBytes), "product_wgmma");
}

template <class T, bool is_split>
void launch(cudaStream_t stream, const Product& p, const Tensor& x) {
  const CUtensorMap x_map = map_rows(x.data, x.rows(), p.channels, p.x_stride, T::kRows, T::kStep, sizeof(typename T::Element));
  const CUtensorMap w_map = map_rows(p.w, p.columns, p.depth, p.depth, T::kColumns, T::kStep, sizeof(typename T::Element));
  allow_shared_memory<T, is_split>();
  const int64_t works = int64_t(p.row_tiles) * p.column_tiles * p.splits, places = std::max<int64_t>(current_card().multiprocessors * T::kBlocks, 1);
  const int64_t blocks = is_split || works < places ? works : places;
  start("product_wgmma", product_wgmma_kernel<T, is_split>, {unsigned(blocks), T::kThreads, T::kSharedBytes, unsigned(p.splits)}, stream, p, x_map, w_map);
}
template <class T>
void launch(cudaStream_t stream, Product p, const Tensor& x) {
  p.row_tiles = int32_t(tiles_of(p.num_rows, T::kRows));
  p.column_tiles = int32_t(tiles_of(p.columns, T::kColumns));
  if constexpr (!T::kByTurns)
    if (p.splits > 1) return launch<T, true>(stream, p, x);
  launch<T, false>(stream, p, x);
}

#ifndef TS_CUDA_FP8
template <class E>
void launch_tile(cudaStream_t stream, const Product& p, const ProductTiles& tiles, const Tensor& x) {
  if (tiles.rows == NarrowTile<E>::kRows) launch<NarrowTile<E>>(stream, p, x);
  else if (tiles.rows == MiddleTile<E>::kRows) launch<MiddleTile<E>>(stream, p, x);
  else launch<TurnsTile<E>>(stream, p, x);
}

template <class T>
int32_t clusters(int32_t splits) {
  allow_shared_memory<T, true>();
  return clusters_at_once("product_wgmma", product_wgmma_kernel<T, true>, {unsigned(splits), T::kThreads, T::kSharedBytes, unsigned(splits)});
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

// Of f16 and fp8 too, whose tiles take as much.
int32_t product_wgmma_clusters(int32_t rows, int32_t splits) {
  return rows == NarrowTile<__nv_bfloat16>::kRows ? clusters<NarrowTile<__nv_bfloat16>>(splits) : clusters<MiddleTile<__nv_bfloat16>>(splits);
}
#endif

}  // namespace ts::cuda
