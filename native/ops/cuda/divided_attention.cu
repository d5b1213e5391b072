// Divided attention in time, bf16 or f16 with heads of 64 over 8 frames, as Synchformer has it: groups too small for the tensor
// cores, and as much memory to move as there is arithmetic to do.
//
//   query (t, p)   softmax over the cls key and the 8 keys of site p
//   cls query      softmax over all 1 + 8·sites keys
//
// Shapes   q, k, v bf16 or f16 [slots, 1 + 8·sites, 64], 16-byte aligned; out [items, 1 + 8·sites, heads·64] f32, bf16 or f16.
// Launch   blocks of 4 warps, per slot one for the cls query and then one for every 16 sites: eight lanes a site, eight
//          dims a lane, four neighbouring sites a warp, so that a warp reads 512 bytes in a row. The cls block reads what its
//          neighbours read, mostly from L2.
// Cost     Floor: q, k, v read and out written once, 8 bytes per element: 260 MB for 27 segments of 12 heads. Reached: bench/NOTES.md.
#include "ops/cuda/attention_launch.h"
#include "ops/cuda/attention_tiles.cuh"
#include "ops/cuda/start.cuh"

namespace ts::cuda {
namespace {

constexpr int kDim = 64, kFrames = 8, kWarps = 4, kSitesOfBlock = kWarps * 4, kDimsOfLane = 8;
constexpr int kKeysAtOnce = 4;  // of the cls query, per lane group: enough loads in flight

// The two elements of a word.
template <class E>
__device__ float2 widened(uint32_t word);
template <>
__device__ float2 widened<__nv_bfloat16>(uint32_t word) {
  return make_float2(__uint_as_float(word << 16), __uint_as_float(word & 0xFFFF0000u));
}
template <>
__device__ float2 widened<__half>(uint32_t word) {
  return make_float2(to_f32(__ushort_as_half(uint16_t(word))), to_f32(__ushort_as_half(uint16_t(word >> 16))));
}

template <class E>
struct Row {
  uint4 bits;
  __device__ void widen(float (&x)[kDimsOfLane]) const {
    const uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float2 pair = widened<E>(words[i]);
      x[i * 2] = pair.x;
      x[i * 2 + 1] = pair.y;
    }
  }
};

// `token`s of this lane's eight dims.
template <class E>
__device__ Row<E> load(const void* base, const QueryTile& tile, int64_t slot_stride, int token, int piece) {
  return {*reinterpret_cast<const uint4*>(static_cast<const uint16_t*>(base) + tile.slot * slot_stride + int64_t(token) * kDim + piece * kDimsOfLane)};
}

template <class E>
__device__ float dot(const float (&q)[kDimsOfLane], const Row<E>& row) {
  float x[kDimsOfLane], sum = 0;
  row.widen(x);
#pragma unroll
  for (int i = 0; i < kDimsOfLane; ++i) sum = fmaf(q[i], x[i], sum);
#pragma unroll
  for (int offset = 1; offset < 8; offset *= 2) sum += __shfl_xor_sync(kAllLanes, sum, offset);
  return sum;
}

template <class E>
__device__ void add_scaled(float (&sums)[kDimsOfLane], float weight, const Row<E>& row) {
  float x[kDimsOfLane];
  row.widen(x);
#pragma unroll
  for (int i = 0; i < kDimsOfLane; ++i) sums[i] = fmaf(weight, x[i], sums[i]);
}

__device__ void store(const AttentionJob& job, void* out, int64_t at, const float (&x)[kDimsOfLane], float norm) {
  if (job.out != DType::f32) {
    const auto pair = [&](int i) { return pack(job.out, x[i] * norm, x[i + 1] * norm); };
    *reinterpret_cast<uint4*>(static_cast<uint16_t*>(out) + at) = {pair(0), pair(2), pair(4), pair(6)};
  } else {
    auto* const to = reinterpret_cast<float4*>(static_cast<float*>(out) + at);
    to[0] = make_float4(x[0] * norm, x[1] * norm, x[2] * norm, x[3] * norm);
    to[1] = make_float4(x[4] * norm, x[5] * norm, x[6] * norm, x[7] * norm);
  }
}

// job.queries[0] and keys[0] are the cls query's: token 0 and all tokens.
template <class E>
__device__ void attend_cls(const AttentionJob& job, const QueryTile& tile, float scale_log2) {
  __shared__ float shared_top[kWarps], shared_total[kWarps], shared_sums[kWarps][kDim];
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32, piece = lane % 8;
  const KeyRows& keys = job.keys[0];
  float q[kDimsOfLane], top = -INFINITY, total = 0, sums[kDimsOfLane] = {};
  load<E>(job.queries[0].q, tile, keys.slot_stride, 0, piece).widen(q);
  for (int first = warp * 4 + lane / 8; first - lane / 8 < keys.end; first += kSitesOfBlock * kKeysAtOnce) {  // the whole warp goes round together
    Row<E> k[kKeysAtOnce], v[kKeysAtOnce];
#pragma unroll
    for (int i = 0; i < kKeysAtOnce; ++i) {
      const int token = min(first + i * kSitesOfBlock, keys.end - 1);
      k[i] = load<E>(keys.k, tile, keys.slot_stride, token, piece);
      v[i] = load<E>(keys.v, tile, keys.slot_stride, token, piece);
    }
    float scores[kKeysAtOnce], highest = top;
#pragma unroll
    for (int i = 0; i < kKeysAtOnce; ++i) {
      scores[i] = dot(q, k[i]) * scale_log2;
      if (first + i * kSitesOfBlock >= keys.end) scores[i] = -INFINITY;
      highest = fmaxf(highest, scores[i]);
    }
    if (highest == -INFINITY) continue;  // a lane group past the end in its first round; no shuffle follows in this round
    const float factor = exp2_fast(top - highest);
    total *= factor;
#pragma unroll
    for (int d = 0; d < kDimsOfLane; ++d) sums[d] *= factor;
#pragma unroll
    for (int i = 0; i < kKeysAtOnce; ++i) {
      const float weight = exp2_fast(scores[i] - highest);
      total += weight;
      add_scaled(sums, weight, v[i]);
    }
    top = highest;
  }

  // The four lane groups of the warp, then the warps.
  float highest = top;
#pragma unroll
  for (int offset = 8; offset < 32; offset *= 2) highest = fmaxf(highest, __shfl_xor_sync(kAllLanes, highest, offset));
  const float factor = highest == -INFINITY ? 0.0f : exp2_fast(top - highest);
  total *= factor;
#pragma unroll
  for (int d = 0; d < kDimsOfLane; ++d) sums[d] *= factor;
#pragma unroll
  for (int offset = 8; offset < 32; offset *= 2) {
    total += __shfl_xor_sync(kAllLanes, total, offset);
#pragma unroll
    for (int d = 0; d < kDimsOfLane; ++d) sums[d] += __shfl_xor_sync(kAllLanes, sums[d], offset);
  }
  if (lane < 8) {
    shared_top[warp] = highest;
    shared_total[warp] = total;
#pragma unroll
    for (int d = 0; d < kDimsOfLane; ++d) shared_sums[warp][piece * kDimsOfLane + d] = sums[d];
  }
  __syncthreads();
  if (threadIdx.x >= 8) return;
  highest = -INFINITY;
  for (int w = 0; w < kWarps; ++w) highest = fmaxf(highest, shared_top[w]);
  total = 0;
  for (float& sum : sums) sum = 0;
  for (int w = 0; w < kWarps; ++w) {
    const float weight = shared_top[w] == -INFINITY ? 0.0f : exp2_fast(shared_top[w] - highest);
    total = fmaf(weight, shared_total[w], total);
#pragma unroll
    for (int d = 0; d < kDimsOfLane; ++d) sums[d] = fmaf(weight, shared_sums[w][piece * kDimsOfLane + d], sums[d]);
  }
  store(job, job.queries[0].out, out_offset(job, job.queries[0], tile, 0) + piece * kDimsOfLane, sums, 1.0f / total);
}

// job.queries[1] and keys[2] start at token 1, the cls key is keys[1]; a group is a site.
template <class E>
__device__ void attend_site(const AttentionJob& job, QueryTile tile, int site, float scale_log2) {
  const int piece = int(threadIdx.x) % 8;
  const QueryRows& queries = job.queries[1];
  const int sites = queries.groups, safe_site = min(site, sites - 1);  // all lanes take part in the shuffles
  Row<E> k[1 + kFrames], v[1 + kFrames];
#pragma unroll
  for (int j = 0; j <= kFrames; ++j) {
    const int token = j == 0 ? 0 : (j - 1) * sites + safe_site;
    const KeyRows& rows = job.keys[j == 0 ? 1 : 2];
    k[j] = load<E>(rows.k, tile, rows.slot_stride, token, piece);
    v[j] = load<E>(rows.v, tile, rows.slot_stride, token, piece);
  }
  tile.group = safe_site;
#pragma unroll
  for (int t = 0; t < kFrames; ++t) {
    float q[kDimsOfLane], scores[1 + kFrames], highest = -INFINITY, total = 0, sums[kDimsOfLane] = {};
    load<E>(queries.q, tile, queries.slot_stride, t * sites + safe_site, piece).widen(q);
#pragma unroll
    for (int j = 0; j <= kFrames; ++j) {
      scores[j] = dot(q, k[j]) * scale_log2;
      highest = fmaxf(highest, scores[j]);
    }
#pragma unroll
    for (int j = 0; j <= kFrames; ++j) {
      const float weight = exp2_fast(scores[j] - highest);
      total += weight;
      add_scaled(sums, weight, v[j]);
    }
    if (site < sites) store(job, queries.out, out_offset(job, queries, tile, t) + piece * kDimsOfLane, sums, 1.0f / total);
  }
}

template <class E>
__global__ void __launch_bounds__(kWarps * 32, 3) divided_time_kernel(const __grid_constant__ AttentionJob job) {
  ptx::await_work_before();
  QueryTile tile{};
  tile.slot = int(blockIdx.y);
  tile.item = tile.slot / job.heads;
  tile.head = tile.slot % job.heads;
  const float scale_log2 = job.scale * kLog2e;
  if (blockIdx.x == 0) attend_cls<E>(job, tile, scale_log2);
  else attend_site<E>(job, tile, int(blockIdx.x - 1) * kSitesOfBlock + int(threadIdx.x) / 8, scale_log2);
}

}  // namespace

bool has_divided_time_kernel(const AttentionJob& job) {
  constexpr int kMaxSlots = 65535;  // of grid.y
  return job.dim == kDim && job.queries[1].count == kFrames && job.slots <= kMaxSlots;
}

cudaError_t launch_divided_time(const AttentionJob& job, DType in, cudaStream_t stream) {
  if (job.slots == 0) return cudaSuccess;
  const unsigned blocks = 1 + unsigned(job.queries[1].groups + kSitesOfBlock - 1) / kSitesOfBlock;
  start("divided_time", in == DType::f16 ? divided_time_kernel<__half> : divided_time_kernel<__nv_bfloat16>,
        {dim3(blocks, unsigned(job.slots)), kWarps * 32}, stream, job);
  return cudaSuccess;
}

}  // namespace ts::cuda
