// Attention on the tensor cores of Ampere and later: bf16 or f16 in, f32 sums, head dims 32, 64, 80 and 128.
//
//   S = q·kᵀ        [16 queries a warp, 64 keys]   mma.sync m16n8k16, in registers
//   P = e^(scale·S − running maximum)              rounded into the second product, its sum in f32
//   O = factor·O + P·v
//
// Shapes   as ops/attention.h and ops/divided_attention.h; rows where attention_job.h says they lie. A tile of keys may
//          span streams: every row is fetched from where it is.
// Launch   one block of 1 to 8 warps (mma_warps) per tile of 16 queries a warp. Keys and values come in tiles of 64 by
//          cp.async, the next while this one is computed. Rows in shared memory are 16 bytes longer than the head, so
//          that ldmatrix meets no bank twice.
// Cost     4·queries·keys·dim flop. Floor: half of a Hopper's bf16 rate, all of an Ampere's; one e^x per 4·dim flop, which
//          at dim 64 takes as long as the products on Hopper. Keys and values pass from L2 once per block. Reached: bench/NOTES.md.
// Source   Dao, "FlashAttention-2", 2023.
#include "ops/cuda/attention_launch.h"
#include "ops/cuda/attention_tiles.cuh"
#include "ops/cuda/start.cuh"

namespace ts::cuda {
namespace {

constexpr int kKeys = 64, kMaxThreads = 32 * kMaxMmaWarps;

template <int kDim>
struct Layout {
  static constexpr int kRowBytes = kDim * 2 + 16, kTileBytes = kKeys * kRowBytes;
  static constexpr int kSharedBytes = 4 * kTileBytes;  // two stages of keys and values
};

// Rows [begin, begin + 64) of keys and values; zeros where hidden from everybody.
template <int kDim>
__device__ void load_keys(uint32_t k, uint32_t v, const AttentionJob& job, const QueryTile& tile, const uint8_t* mask, int begin, int seen) {
  constexpr int kPieces = kDim / 8;
  const QueryRows& queries = job.queries[tile.stream];
  const int valid = min(kKeys, seen - begin);
  const KeyRows& rows = job.keys[stream_of(job, queries, begin)];
  if (!mask && begin + valid <= rows.end) {  // all from one stream, which is nearly every tile
    const uint16_t* const first_k = static_cast<const uint16_t*>(rows.k) + key_offset(rows, tile, begin);
    const uint16_t* const first_v = static_cast<const uint16_t*>(rows.v) + key_offset(rows, tile, begin);
    const int step = int(rows.row_stride);
#pragma unroll 4
    for (int i = int(threadIdx.x); i < kKeys * kPieces; i += int(blockDim.x)) {
      const int row = i / kPieces, piece = i % kPieces, at = row < valid ? row * step + piece * 8 : 0;
      const uint32_t to = uint32_t(row * Layout<kDim>::kRowBytes + piece * 16);
      ptx::copy_async(k + to, first_k + at, row < valid ? 16u : 0u);
      ptx::copy_async(v + to, first_v + at, row < valid ? 16u : 0u);
    }
  } else {
    for (int i = int(threadIdx.x); i < kKeys * kPieces; i += int(blockDim.x)) {
      const int row = i / kPieces, piece = i % kPieces, position = begin + row;
      const bool is_valid = row < valid && (!mask || mask[position]);
      const KeyRows& of_row = job.keys[stream_of(job, queries, is_valid ? position : begin)];
      const int64_t at = is_valid ? key_offset(of_row, tile, position) + piece * 8 : 0;
      const uint32_t to = uint32_t(row * Layout<kDim>::kRowBytes + piece * 16);
      ptx::copy_async(k + to, static_cast<const uint16_t*>(of_row.k) + at, is_valid ? 16u : 0u);
      ptx::copy_async(v + to, static_cast<const uint16_t*>(of_row.v) + at, is_valid ? 16u : 0u);
    }
  }
  ptx::commit_copies();
}

template <class E, int kDim>
__global__ void __launch_bounds__(kMaxThreads) attention_mma_kernel(const __grid_constant__ AttentionJob job) {
  extern __shared__ __align__(16) uint8_t shared[];
  ptx::await_work_before();
  constexpr int kRowBytes = Layout<kDim>::kRowBytes, kTileBytes = Layout<kDim>::kTileBytes;
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32, rows = int(blockDim.x) / 2;
  const QueryTile tile = tile_of(job, blockIdx.x, rows);
  const QueryRows& queries = job.queries[tile.stream];
  const uint8_t* const mask = job.key_mask ? job.key_mask + int64_t(tile.item) * queries.num_keys : nullptr;
  const int seen = keys_seen(job, queries, tile, rows), first = tile.first + warp * 16;
  const uint32_t base = ptx::shared_address(shared);

  load_keys<kDim>(base, base + kTileBytes, job, tile, mask, 0, seen);
  uint32_t q[kDim / 16][4];
  load_queries<kDim>(q, job, tile, first);

  RunningSoftmax softmax;
  float sums[kDim / 8][4] = {};
  const float scale_log2 = job.scale * kLog2e, inverse_scale = 1.0f / job.scale;
  // Rows of the 8 × 8 matrices that this lane names to ldmatrix.
  const uint32_t k_row = uint32_t((lane / 16 * 8 + lane % 8) * kRowBytes + lane / 8 % 2 * 16);
  const uint32_t v_row = uint32_t(lane % 16 * kRowBytes + lane / 16 * 16);

  for (int begin = 0, stage = 0; begin < seen; begin += kKeys, stage ^= 1) {
    ptx::wait_for_copies<0>();
    __syncthreads();
    const uint32_t k = base + uint32_t(stage) * 2 * kTileBytes, v = k + kTileBytes;
    if (begin + kKeys < seen) {
      const uint32_t next = base + uint32_t(stage ^ 1) * 2 * kTileBytes;
      load_keys<kDim>(next, next + kTileBytes, job, tile, mask, begin + kKeys, seen);
    }
    if (first >= queries.count || (job.causal && begin > first + 15)) continue;

    const int valid = min(kKeys, seen - begin);
    float scores[kKeys / 8][4] = {};
#pragma unroll
    for (int d = 0; d < kDim / 16; ++d)
#pragma unroll
      for (int n = 0; n < kKeys / 16; ++n) {
        if (n * 16 >= valid) continue;
        uint32_t b[4];
        ptx::load_matrices(b, k + k_row + uint32_t(n * 16 * kRowBytes + d * 32));
        ptx::multiply_add<E>(scores[n * 2], q[d], b[0], b[1]);
        ptx::multiply_add<E>(scores[n * 2 + 1], q[d], b[2], b[3]);
      }

    if (mask || job.bias || (job.causal && begin + kKeys > first + 1)) {
#pragma unroll
      for (int n = 0; n < kKeys / 8; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const int position = begin + n * 8 + lane % 4 * 2 + e % 2, row = first + lane / 4 + e / 2 * 8;
          const bool is_visible = position < seen && (!mask || mask[position]) && (!job.causal || position <= row);
          if (is_visible && job.bias && row < queries.count)
            scores[n][e] = fmaf(job.bias[(int64_t(tile.head) * queries.count + row) * queries.num_keys + position], inverse_scale, scores[n][e]);
          if (!is_visible) scores[n][e] = -INFINITY;
        }
    } else if (valid < kKeys) {
#pragma unroll
      for (int n = 0; n < kKeys / 8; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e)
          if (n * 8 + lane % 4 * 2 + e % 2 >= valid) scores[n][e] = -INFINITY;
    }

    float factor[2];
    softmax.update(scores, scale_log2, factor);
#pragma unroll
    for (int i = 0; i < kDim / 8; ++i) {
      sums[i][0] *= factor[0];
      sums[i][1] *= factor[0];
      sums[i][2] *= factor[1];
      sums[i][3] *= factor[1];
    }
#pragma unroll
    for (int n = 0; n < kKeys / 16; ++n) {
      if (n * 16 >= valid) continue;
      const uint32_t weights[4] = {ptx::pack<E>(scores[n * 2][0], scores[n * 2][1]), ptx::pack<E>(scores[n * 2][2], scores[n * 2][3]),
                                   ptx::pack<E>(scores[n * 2 + 1][0], scores[n * 2 + 1][1]), ptx::pack<E>(scores[n * 2 + 1][2], scores[n * 2 + 1][3])};
#pragma unroll
      for (int d = 0; d < kDim / 16; ++d) {
        uint32_t b[4];
        ptx::load_matrices_transposed(b, v + v_row + uint32_t(n * 16 * kRowBytes + d * 32));
        ptx::multiply_add<E>(sums[d * 2], weights, b[0], b[1]);
        ptx::multiply_add<E>(sums[d * 2 + 1], weights, b[2], b[3]);
      }
    }
  }
  store_means(sums, softmax, job, tile, first);
}

template <class E, int kDim>
cudaError_t launch(const AttentionJob& job, int64_t blocks, int32_t warps, cudaStream_t stream) {
  constexpr int kBytes = Layout<kDim>::kSharedBytes;
  const cudaError_t error = cudaFuncSetAttribute(attention_mma_kernel<E, kDim>, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
  if (error != cudaSuccess) return error;
  start("attention_mma", attention_mma_kernel<E, kDim>, {unsigned(blocks), unsigned(warps) * 32, kBytes}, stream, job);
  return cudaSuccess;
}

template <class E>
cudaError_t launch_dim(const AttentionJob& job, int64_t blocks, int32_t warps, cudaStream_t stream) {
  switch (job.dim) {
    case 32: return launch<E, 32>(job, blocks, warps, stream);
    case 64: return launch<E, 64>(job, blocks, warps, stream);
    case 80: return launch<E, 80>(job, blocks, warps, stream);
    case 128: return launch<E, 128>(job, blocks, warps, stream);
    default: return cudaErrorInvalidValue;
  }
}

}  // namespace

cudaError_t launch_attention_mma(AttentionJob job, DType in, int32_t multiprocessors, cudaStream_t stream) {
  const int32_t warps = mma_warps(job, multiprocessors);
  const int64_t blocks = set_tiles(job, warps * 16);
  if (blocks == 0) return cudaSuccess;
  return in == DType::f16 ? launch_dim<__half>(job, blocks, warps, stream) : launch_dim<__nv_bfloat16>(job, blocks, warps, stream);
}

}  // namespace ts::cuda
