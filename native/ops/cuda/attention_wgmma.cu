// Attention on Hopper: the tensor copy engine feeds, warpgroup products compute. bf16 or f16 in, f32 sums, head dims 64, 80, 128.
//
//   producer, one warp        K and V of the next tiles by TMA into a ring of stages, an mbarrier each for K, V and "free"
//   consumers, one warpgroup  S = q·kᵀ   wgmma m64, q in registers, K K-major behind a descriptor
//                             softmax in registers
//                             O += P·v   wgmma m64, P in registers, V MN-major
//
// Shapes   as ops/attention.h and ops/divided_attention.h; keys in boxes of 16 rows of one stream (attention_boxes.h).
// Layout   of a stage: K then V, each columns 0 … 63 [rows, 64] in rows of 128 bytes with the 128-byte swizzle, then
//          columns 64 … 127 likewise (heads of 128) or columns 64 … 79 in rows of 32 bytes with that swizzle (heads of 80).
// Launch   one block of 128 + 32 threads for some tiles of 64 queries one after the other (wgmma_query_tiles); keys that
//          fit the ring stay there for all of them. Two blocks a multiprocessor, so that one computes its softmax while the
//          other's products run.
// Cost     4·queries·keys·dim flop, one e^x per 4·dim of them: at dim 64 the exponentials take as long as the products.
//          Floor: the bf16 rate; queries are rounded up to 64 and keys to 16 per stream. Reached: bench/NOTES.md.
// Source   Shah et al., "FlashAttention-3", 2024; PTX ISA 8.4.
#include "ops/cuda/attention_launch.h"
#include "ops/cuda/attention_tiles.cuh"
#include "ops/cuda/attention_wgmma.cuh"
#include "ops/cuda/attention_wgmma.h"
#include "ops/cuda/start.cuh"

namespace ts::cuda {
namespace {

constexpr int kStages = 3, kThreads = 128 + 32;

// Keys of a tile by head dim: few tiles for the lengths that the networks have (208 + 80 + 160, 272, 16 + 208, 80), and
// scores that fit the registers beside the rest.
template <int kDim>
struct Layout {
  static constexpr int kKeys = kDim == 64 ? 112 : kDim == 80 ? 96 : 64, kBoxes = kKeys / kBoxRows;
  static constexpr int kWideBytes = kKeys * 128, kRestBytes = kDim == 80 ? kKeys * 32 : 0;
  static constexpr int kHalves = kDim == 128 ? 2 : 1;
  static constexpr int kTileBytes = kHalves * kWideBytes + kRestBytes, kStageBytes = 2 * kTileBytes;
  static constexpr int kSharedBytes = kStages * kStageBytes + 1024;  // room to align
  static_assert(kWideBytes % 1024 == 0 && kRestBytes % 1024 == 0);
};

// Barriers of one stage.
struct Barriers {
  uint64_t k[kStages], v[kStages], free[kStages];
};

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

template <int kDim>
__device__ void load_box_of(uint32_t to, const CUtensorMap* map, const CUtensorMap* rest, uint32_t barrier, int box, int row, int group, int slot) {
  using L = Layout<kDim>;
#pragma unroll
  for (int half = 0; half < L::kHalves; ++half)
    load_box(to + half * L::kWideBytes + box * kBoxRows * 128, map, barrier, half * 64, row, group, slot);
  if constexpr (kDim == 80) load_box(to + L::kWideBytes + box * kBoxRows * 32, rest, barrier, 64, row, group, slot);
}

// How a block goes through its tiles: every tile of keys for every tile of queries.
struct Walk {
  int query_tiles, key_tiles;
  __device__ bool keeps_keys() const { return key_tiles <= kStages; }
  // The fill of the ring that holds key tile t for query tile n.
  __device__ int fill(int n, int t) const { return keeps_keys() ? t : n * key_tiles + t; }
};

template <int kDim>
__device__ void produce(const WgmmaJob& wgmma, const QueryTile& tile, uint32_t stages, const Barriers& barriers, const Walk& walk) {
  using L = Layout<kDim>;
  const QueryRows& queries = wgmma.job.queries[tile.stream];
  const int fills = walk.keeps_keys() ? walk.key_tiles : walk.query_tiles * walk.key_tiles;
  for (int fill = 0; fill < fills; ++fill) {
    const int stage = fill % kStages, first_box = fill % walk.key_tiles * L::kBoxes;
    if (fill >= kStages) ptx::wait(ptx::shared_address(&barriers.free[stage]), (fill / kStages - 1) & 1);
    const uint32_t to = stages + stage * L::kStageBytes;
    for (int values = 0; values < 2; ++values) {
      const uint32_t barrier = ptx::shared_address(values ? &barriers.v[stage] : &barriers.k[stage]);
      ptx::arrive_expecting(barrier, L::kTileBytes);
      for (int b = 0; b < L::kBoxes; ++b) {
        const Box box = box_of(wgmma.boxes, queries, first_box + b);
        const KeyTensors& tensors = wgmma.tensors[box.stream];
        load_box_of<kDim>(to + values * L::kTileBytes, values ? &tensors.v : &tensors.k, values ? &tensors.v_rest : &tensors.k_rest, barrier, b, box.row,
                          wgmma.boxes.keys[box.stream].is_grouped ? tile.group : 0, tile.slot);
      }
    }
  }
}

// Hides the rows that fill up boxes.
template <int kDim>
__device__ void hide_missing(float (&scores)[Layout<kDim>::kKeys / 8][4], const WgmmaJob& wgmma, const QueryTile& tile, int t) {
  const int column = int(threadIdx.x) % 4 * 2;
#pragma unroll
  for (int b = 0; b < Layout<kDim>::kBoxes; ++b) {
    const int valid = box_of(wgmma.boxes, wgmma.job.queries[tile.stream], t * Layout<kDim>::kBoxes + b).valid;
#pragma unroll
    for (int n = 0; n < 2; ++n)
#pragma unroll
      for (int e = 0; e < 4; ++e)
        if (n * 8 + column + e % 2 >= valid) scores[b * 2 + n][e] = -INFINITY;
  }
}

// That, and hides what must not be seen and adds the bias, before the scale.
template <int kDim>
__device__ void adjust(float (&scores)[Layout<kDim>::kKeys / 8][4], const WgmmaJob& wgmma, const QueryTile& tile, int t, int first) {
  const AttentionJob& job = wgmma.job;
  const QueryRows& queries = job.queries[tile.stream];
  const uint8_t* const mask = job.key_mask ? job.key_mask + int64_t(tile.item) * queries.num_keys : nullptr;
  const float inverse_scale = 1.0f / job.scale;
  const int lane = int(threadIdx.x) % 32;
#pragma unroll
  for (int b = 0; b < Layout<kDim>::kBoxes; ++b) {
    const Box box = box_of(wgmma.boxes, queries, t * Layout<kDim>::kBoxes + b);
#pragma unroll
    for (int n = 0; n < 2; ++n)
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        float& score = scores[b * 2 + n][e];
        const int column = n * 8 + lane % 4 * 2 + e % 2, position = box.position + column, row = first + lane / 4 + e / 2 * 8;
        const bool is_visible = column < box.valid && (!mask || mask[position]) && (!job.causal || position <= row);
        if (is_visible && job.bias && row < queries.count)
          score = fmaf(job.bias[(int64_t(tile.head) * queries.count + row) * queries.num_keys + position], inverse_scale, score);
        if (!is_visible) score = -INFINITY;
      }
  }
}

template <int kColumns>
__device__ void shrink(float (&sums)[kColumns][4], const float (&factor)[2]) {
#pragma unroll
  for (int i = 0; i < kColumns; ++i) {
    sums[i][0] *= factor[0];
    sums[i][1] *= factor[0];
    sums[i][2] *= factor[1];
    sums[i][3] *= factor[1];
  }
}

template <int kColumns>
__device__ void clear(float (&sums)[kColumns][4]) {
#pragma unroll
  for (int i = 0; i < kColumns; ++i)
#pragma unroll
    for (int e = 0; e < 4; ++e) sums[i][e] = 0;
}

template <class E, int kDim>
__device__ void consume(const WgmmaJob& wgmma, const QueryTile& tile, uint32_t stages, const Barriers& barriers, const Walk& walk) {
  using L = Layout<kDim>;
  const AttentionJob& job = wgmma.job;
  const int lane = int(threadIdx.x) % 32;
  int first = tile.first + int(threadIdx.x) / 32 * 16;
  uint32_t q[kDim / 16][4];
  load_queries<kDim>(q, job, tile, first);

  RunningSoftmax softmax;
  float sums[8][4] = {}, more[8][4] = {}, rest[2][4] = {};  // columns 0 … 63; 64 … 127 of heads of 128; 64 … 79 of heads of 80
#pragma unroll 1
  for (int step = 0, t = 0, n = 0; step < walk.query_tiles * walk.key_tiles; ++step) {
    const int fill = walk.fill(n, t), stage = fill % kStages, parity = fill / kStages & 1;
    const uint32_t k = stages + stage * L::kStageBytes, v = k + L::kTileBytes;

    float scores[L::kKeys / 8][4];
    ptx::wait(ptx::shared_address(&barriers.k[stage]), parity);
    pin(scores);
    ptx::begin_products();
#pragma unroll
    for (int d = 0; d < kDim / 16; ++d) {
      const uint64_t keys = kDim == 80 && d == 4 ? ptx::describe_short_rows(k + L::kWideBytes) : ptx::describe_rows(k + d / 4 * L::kWideBytes + d % 4 * 32);
      multiply_group<E, 0>(scores, q[d], keys, d > 0);
    }
    ptx::commit_products();
    ptx::wait_for_products<0>();
    pin(scores);
    const bool is_last = t + 1 == walk.key_tiles;
    if (is_last && n + 1 < walk.query_tiles) load_queries<kDim>(q, job, tile, first + kWgmmaQueries);  // arrive during the softmax

    if (job.causal || job.key_mask || job.bias) adjust<kDim>(scores, wgmma, tile, t, first);
    else if (wgmma.boxes.partial_tiles[tile.stream] >> (t < 63 ? t : 63) & 1) hide_missing<kDim>(scores, wgmma, tile, t);
    float factor[2];
    softmax.update(scores, job.scale * kLog2e, factor);
    shrink(sums, factor);
    if constexpr (kDim == 128) shrink(more, factor);
    if constexpr (kDim == 80) shrink(rest, factor);
    uint32_t weights[L::kBoxes][4];
#pragma unroll
    for (int b = 0; b < L::kBoxes; ++b) {
      weights[b][0] = ptx::pack<E>(scores[b * 2][0], scores[b * 2][1]);
      weights[b][1] = ptx::pack<E>(scores[b * 2][2], scores[b * 2][3]);
      weights[b][2] = ptx::pack<E>(scores[b * 2 + 1][0], scores[b * 2 + 1][1]);
      weights[b][3] = ptx::pack<E>(scores[b * 2 + 1][2], scores[b * 2 + 1][3]);
    }

    ptx::wait(ptx::shared_address(&barriers.v[stage]), parity);
    pin(sums);
    if constexpr (kDim == 128) pin(more);
    if constexpr (kDim == 80) pin(rest);
    ptx::begin_products();
#pragma unroll
    for (int b = 0; b < L::kBoxes; ++b) {
      multiply_group<E, 1>(sums, weights[b], ptx::describe_rows(v + b * kBoxRows * 128), true);
      if constexpr (kDim == 128) multiply_group<E, 1>(more, weights[b], ptx::describe_rows(v + L::kWideBytes + b * kBoxRows * 128), true);
      if constexpr (kDim == 80) multiply_group<E, 1>(rest, weights[b], ptx::describe_short_rows(v + L::kWideBytes + b * kBoxRows * 32), true);
    }
    ptx::commit_products();
    ptx::wait_for_products<0>();
    pin(sums);
    if constexpr (kDim == 128) pin(more);
    if constexpr (kDim == 80) pin(rest);
    if (lane == 0) ptx::arrive(ptx::shared_address(&barriers.free[stage]));

    ++t;
    if (!is_last) continue;
    store_means(sums, softmax, job, tile, first);
    if constexpr (kDim == 128) store_means(more, softmax, job, tile, first, 64);
    if constexpr (kDim == 80) store_means(rest, softmax, job, tile, first, 64);
    softmax = {};
    clear(sums);
    clear(more);
    clear(rest);
    first += kWgmmaQueries;
    t = 0;
    ++n;
  }
}

#endif

template <class E, int kDim>
__global__ void __launch_bounds__(kThreads, 2) attention_wgmma_kernel(const __grid_constant__ WgmmaJob wgmma) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  extern __shared__ uint8_t shared[];
  __shared__ Barriers barriers;
  const AttentionJob& job = wgmma.job;
  const uint32_t stages = (ptx::shared_address(shared) + 1023) / 1024 * 1024;
  const int rows = wgmma.query_tiles * kWgmmaQueries;
  const QueryTile tile = tile_of(job, blockIdx.x, rows);
  const QueryRows& queries = job.queries[tile.stream];
  // Causal order has one stream, whose positions are rows of its boxes.
  const int boxes = job.causal ? (keys_seen(job, queries, tile, rows) + kBoxRows - 1) / kBoxRows : wgmma.boxes.num_boxes[tile.stream];
  const Walk walk{(min(rows, queries.count - tile.first) + kWgmmaQueries - 1) / kWgmmaQueries, (boxes + Layout<kDim>::kBoxes - 1) / Layout<kDim>::kBoxes};
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < kStages; ++stage) {
      ptx::init_barrier(ptx::shared_address(&barriers.k[stage]), 1);
      ptx::init_barrier(ptx::shared_address(&barriers.v[stage]), 1);
      ptx::init_barrier(ptx::shared_address(&barriers.free[stage]), 4);  // a lane of each warp
    }
    ptx::publish_barriers();
  }
  __syncthreads();
  ptx::await_work_before();
  if (threadIdx.x < 128) consume<E, kDim>(wgmma, tile, stages, barriers, walk);
  else if (threadIdx.x == 128) produce<kDim>(wgmma, tile, stages, barriers, walk);
#else
  (void)wgmma;
  __trap();
#endif
}

template <class E, int kDim>
cudaError_t launch(WgmmaJob& wgmma, int64_t blocks, cudaStream_t stream) {
  using L = Layout<kDim>;
  wgmma.boxes = box_plan(wgmma.job, L::kBoxes);
  const cudaError_t error = cudaFuncSetAttribute(attention_wgmma_kernel<E, kDim>, cudaFuncAttributeMaxDynamicSharedMemorySize, L::kSharedBytes);
  if (error != cudaSuccess) return error;
  start("attention_wgmma", attention_wgmma_kernel<E, kDim>, {unsigned(blocks), kThreads, L::kSharedBytes}, stream, wgmma);
  return cudaSuccess;
}

template <class E>
cudaError_t launch_dim(WgmmaJob& wgmma, int64_t blocks, cudaStream_t stream) {
  switch (wgmma.job.dim) {
    case 64: return launch<E, 64>(wgmma, blocks, stream);
    case 80: return launch<E, 80>(wgmma, blocks, stream);
    case 128: return launch<E, 128>(wgmma, blocks, stream);
    default: return cudaErrorInvalidValue;
  }
}

}  // namespace

bool has_attention_wgmma() {
  int device = 0, major = 0, minor = 0;
  cudaFuncAttributes attributes{};
  return cudaGetDevice(&device) == cudaSuccess && cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
         cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) == cudaSuccess && major == 9 && minor == 0 &&
         cudaFuncGetAttributes(&attributes, attention_wgmma_kernel<__nv_bfloat16, 64>) == cudaSuccess && attributes.binaryVersion == 90;
}

cudaError_t launch_attention_wgmma(WgmmaJob& wgmma, DType in, int32_t multiprocessors, cudaStream_t stream) {
  wgmma.query_tiles = wgmma_query_tiles(wgmma.job, multiprocessors);
  const int64_t blocks = set_tiles(wgmma.job, wgmma.query_tiles * kWgmmaQueries);
  if (blocks == 0) return cudaSuccess;
  return in == DType::f16 ? launch_dim<__half>(wgmma, blocks, stream) : launch_dim<__nv_bfloat16>(wgmma, blocks, stream);
}

}  // namespace ts::cuda
