// What the attention kernels of the tensor cores share: the queries on their way in, the softmax between the products, the
// means on their way out.
//
// Fragments of m16n8k16 (PTX ISA, "Matrix fragments for mma.m16n8k16"), with g = lane / 4 and t = lane % 4:
//   A  4 pairs      rows g, g + 8, g, g + 8 at columns 2t, 2t, 2t + 8, 2t + 8
//   B  2 pairs      column g, rows 2t and 2t + 8
//   C  4 × f32        row g at columns 2t, 2t + 1, then row g + 8
// A warp of wgmma's m64 holds rows and columns of C in the same places, 16 rows a warp.
#pragma once

#include "ops/cuda/attention_job.h"
#include "ops/cuda/element.h"

namespace ts::cuda {

constexpr unsigned kAllLanes = 0xFFFFFFFFu;
constexpr float kLog2e = 1.44269504f;

using ptx::exp2_fast;

// Over the four lanes that hold a row.
__device__ inline float quad_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, 1));
  return fmaxf(x, __shfl_xor_sync(kAllLanes, x, 2));
}
__device__ inline float quad_sum(float x) {
  x += __shfl_xor_sync(kAllLanes, x, 1);
  return x + __shfl_xor_sync(kAllLanes, x, 2);
}

// 16 queries of one warp as fragments A, straight from memory; zeros beyond the last query.
template <int kDim>
__device__ inline void load_queries(uint32_t (&q)[kDim / 16][4], const AttentionJob& job, const QueryTile& tile, int first) {
  const QueryRows& queries = job.queries[tile.stream];
  const int lane = int(threadIdx.x) % 32;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = first + lane / 4 + half * 8;
    const bool is_valid = row < queries.count;
    const uint16_t* from = static_cast<const uint16_t*>(queries.q) + (is_valid ? query_offset(queries, tile, row) : 0) + lane % 4 * 2;
#pragma unroll
    for (int k = 0; k < kDim / 16; ++k) {
      q[k][half] = is_valid ? *reinterpret_cast<const uint32_t*>(from + k * 16) : 0u;
      q[k][half + 2] = is_valid ? *reinterpret_cast<const uint32_t*>(from + k * 16 + 8) : 0u;
    }
  }
}

// The running maximum (of q·k, before the scale) and sum of rows g and g + 8. The sums are of this lane's columns only
// until the end.
struct RunningSoftmax {
  float top[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0};

  // Scores, −∞ where hidden, become weights e^(scale·(score − maximum)); factor is what earlier results shrink by. scale > 0.
  template <int kColumns>
  __device__ void update(float (&scores)[kColumns][4], float scale_log2, float (&factor)[2]) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float highest = top[half];
#pragma unroll
      for (int i = 0; i < kColumns; ++i) highest = fmaxf(highest, fmaxf(scores[i][half * 2], scores[i][half * 2 + 1]));
      highest = quad_max(highest);
      const float finite = highest == -INFINITY ? 0.0f : highest, offset = -finite * scale_log2;
      factor[half] = exp2_fast((top[half] - finite) * scale_log2);
      float sum = 0;
#pragma unroll
      for (int i = 0; i < kColumns; ++i) {
        scores[i][half * 2] = exp2_fast(fmaf(scores[i][half * 2], scale_log2, offset));
        scores[i][half * 2 + 1] = exp2_fast(fmaf(scores[i][half * 2 + 1], scale_log2, offset));
        sum += scores[i][half * 2] + scores[i][half * 2 + 1];
      }
      total[half] = fmaf(total[half], factor[half], sum);
      top[half] = highest;
    }
  }
};

// Means of 16 queries: sums / totals, in the fragments' order of columns, to where the job wants them. Rows without a key give zeros.
template <int kColumns>
__device__ inline void store_means(const float (&sums)[kColumns][4], RunningSoftmax softmax, const AttentionJob& job, const QueryTile& tile, int first,
                                   int first_column = 0) {
  const QueryRows& queries = job.queries[tile.stream];
  const int lane = int(threadIdx.x) % 32;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const float total = quad_sum(softmax.total[half]), norm = total == 0 ? 0.0f : 1.0f / total;
    const int row = first + lane / 4 + half * 8;
    if (row >= queries.count) continue;
    const int64_t at = out_offset(job, queries, tile, row) + first_column + lane % 4 * 2;
    if (job.out != DType::f32) {
#pragma unroll
      for (int i = 0; i < kColumns; ++i)
        *reinterpret_cast<uint32_t*>(static_cast<uint16_t*>(queries.out) + at + i * 8) = pack(job.out, sums[i][half * 2] * norm, sums[i][half * 2 + 1] * norm);
    } else {
#pragma unroll
      for (int i = 0; i < kColumns; ++i)
        *reinterpret_cast<float2*>(static_cast<float*>(queries.out) + at + i * 8) = make_float2(sums[i][half * 2] * norm, sums[i][half * 2 + 1] * norm);
    }
  }
}

}  // namespace ts::cuda
