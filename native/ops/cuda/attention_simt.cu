// Attention of any even head dim up to 128 in f32 arithmetic: the path of f32 models and of head dims that the tensor
// cores do not take.
//
//   out = softmax(scale·q·kᵀ + bias + mask) · v      one pass over the keys with a running maximum and sum
//
// Shapes   as ops/attention.h and ops/divided_attention.h; rows where attention_job.h says they lie.
// Launch   one block of 128 threads per tile of 32 queries of one head. Keys come in tiles of 32 through shared memory;
//          16 × 8 threads hold 2 × 4 scores each, then a warp takes 8 rows of the softmax, lane = key, then the threads
//          hold 4 rows × dim/16 columns of the result.
// Cost     4·queries·keys·dim flop on the f32 units; keys and values are read once per 32 queries, mostly from L2.
//          Floor: the rate of f32 multiply-adds. Reached: bench/NOTES.md.
// Source   Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018.
#include "ops/cuda/attention_launch.h"
#include "ops/cuda/element.h"

namespace ts::cuda {
namespace {

constexpr int kThreads = 128, kQueries = 32, kKeys = 32;
constexpr int kColumns = 16, kRows = kThreads / kColumns;  // of threads
constexpr int kRowsOfWarp = kQueries / (kThreads / 32);
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

// Odd, so that the rows of a column lie in different banks.
__host__ __device__ constexpr int padded(int dim) { return dim + 1; }

constexpr size_t shared_bytes(int dim) { return size_t((kQueries + kKeys) * padded(dim) + kKeys * dim + kQueries * (kKeys + 1) + kQueries) * sizeof(float); }

// kWidth columns of the result per thread: dim ≤ 16·kWidth.
template <class T, int kWidth>
__global__ void __launch_bounds__(kThreads) attention_simt_kernel(const __grid_constant__ AttentionJob job) {
  extern __shared__ float shared[];
  const int dim = job.dim, step = padded(dim);
  float *const q = shared, *const k = q + kQueries * step, *const v = k + kKeys * step, *const weights = v + kKeys * dim,
               *const shrink = weights + kQueries * (kKeys + 1);
  const int thread = int(threadIdx.x), lane = thread % 32, warp = thread / 32, column = thread % kColumns, row = thread / kColumns;

  const QueryTile tile = tile_of(job, blockIdx.x, kQueries);
  const QueryRows& queries = job.queries[tile.stream];
  for (int i = thread; i < kQueries * dim; i += kThreads) {
    const int n = tile.first + i / dim;
    q[i / dim * step + i % dim] = n < queries.count ? to_f32(static_cast<const T*>(queries.q)[query_offset(queries, tile, n) + i % dim]) : 0.0f;
  }

  float top[kRowsOfWarp], total[kRowsOfWarp], sums[kQueries / kRows][kWidth] = {};
  for (int r = 0; r < kRowsOfWarp; ++r) {
    top[r] = -INFINITY;
    total[r] = 0;
  }
  const uint8_t* const mask = job.key_mask ? job.key_mask + int64_t(tile.item) * queries.num_keys : nullptr;
  const int seen = keys_seen(job, queries, tile, kQueries);
  for (int begin = 0; begin < seen; begin += kKeys) {
    __syncthreads();
    for (int i = thread; i < kKeys * dim; i += kThreads) {
      const int j = i / dim, d = i % dim, position = begin + j;
      float key = 0, value = 0;  // what is masked may hold anything, so it is not read
      if (position < seen && (!mask || mask[position])) {
        const KeyRows& rows = job.keys[stream_of(job, queries, position)];
        const int64_t at = key_offset(rows, tile, position) + d;
        key = to_f32(static_cast<const T*>(rows.k)[at]);
        value = to_f32(static_cast<const T*>(rows.v)[at]);
      }
      k[j * step + d] = key;
      v[j * dim + d] = value;
    }
    __syncthreads();

    float scores[kQueries / kRows][kKeys / kColumns] = {};
    for (int d = 0; d < dim; ++d) {
      float key[kKeys / kColumns];
#pragma unroll
      for (int j = 0; j < kKeys / kColumns; ++j) key[j] = k[(column + j * kColumns) * step + d];
#pragma unroll
      for (int i = 0; i < kQueries / kRows; ++i) {
        const float query = q[(row + i * kRows) * step + d];
#pragma unroll
        for (int j = 0; j < kKeys / kColumns; ++j) scores[i][j] = fmaf(query, key[j], scores[i][j]);
      }
    }
#pragma unroll
    for (int i = 0; i < kQueries / kRows; ++i)
#pragma unroll
      for (int j = 0; j < kKeys / kColumns; ++j) weights[(row + i * kRows) * (kKeys + 1) + column + j * kColumns] = scores[i][j];
    __syncthreads();

    const int position = begin + lane;
    const bool is_visible = position < seen && (!mask || mask[position]);
#pragma unroll
    for (int r = 0; r < kRowsOfWarp; ++r) {
      const int n = warp * kRowsOfWarp + r, query = tile.first + n;
      float score = -INFINITY;
      if (is_visible && query < queries.count && (!job.causal || position <= query)) {
        score = job.scale * weights[n * (kKeys + 1) + lane];
        if (job.bias) score += job.bias[(int64_t(tile.head) * queries.count + query) * queries.num_keys + position];
      }
      float highest = score;
#pragma unroll
      for (int offset = 16; offset > 0; offset /= 2) highest = fmaxf(highest, __shfl_xor_sync(kAllLanes, highest, offset));
      const float new_top = fmaxf(top[r], highest);
      const float weight = score == -INFINITY ? 0.0f : expf(score - new_top);
      float sum = weight;
#pragma unroll
      for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(kAllLanes, sum, offset);
      const float factor = top[r] == -INFINITY ? 0.0f : expf(top[r] - new_top);
      total[r] = fmaf(total[r], factor, sum);
      top[r] = new_top;
      weights[n * (kKeys + 1) + lane] = weight;
      if (lane == 0) shrink[n] = factor;
    }
    __syncthreads();

#pragma unroll
    for (int i = 0; i < kQueries / kRows; ++i) {
      const float factor = shrink[row + i * kRows];
#pragma unroll
      for (int d = 0; d < kWidth; ++d) sums[i][d] *= factor;
    }
    const int count = min(kKeys, seen - begin);
    for (int j = 0; j < count; ++j) {
      float value[kWidth];
#pragma unroll
      for (int d = 0; d < kWidth; ++d) value[d] = column + d * kColumns < dim ? v[j * dim + column + d * kColumns] : 0.0f;
#pragma unroll
      for (int i = 0; i < kQueries / kRows; ++i) {
        const float weight = weights[(row + i * kRows) * (kKeys + 1) + j];
#pragma unroll
        for (int d = 0; d < kWidth; ++d) sums[i][d] = fmaf(weight, value[d], sums[i][d]);
      }
    }
  }

  __syncthreads();
  if (lane == 0)
    for (int r = 0; r < kRowsOfWarp; ++r) shrink[warp * kRowsOfWarp + r] = total[r];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < kQueries / kRows; ++i) {
    const int n = tile.first + row + i * kRows;
    if (n >= queries.count) continue;
    const float sum = shrink[row + i * kRows];
    const int64_t at = out_offset(job, queries, tile, n);
#pragma unroll
    for (int d = 0; d < kWidth; ++d) {
      if (column + d * kColumns >= dim) continue;
      const float mean = sum == 0 ? 0.0f : sums[i][d] / sum;
      Elements(queries.out, job.out).set(at + column + d * kColumns, mean);
    }
  }
}

template <class T, int kWidth>
cudaError_t launch_width(const AttentionJob& job, int64_t blocks, cudaStream_t stream) {
  const size_t bytes = shared_bytes(job.dim);
  if (bytes > 48 * 1024) {
    const cudaError_t error = cudaFuncSetAttribute(attention_simt_kernel<T, kWidth>, cudaFuncAttributeMaxDynamicSharedMemorySize, int(bytes));
    if (error != cudaSuccess) return error;
  }
  attention_simt_kernel<T, kWidth><<<unsigned(blocks), kThreads, bytes, stream>>>(job);
  return cudaGetLastError();
}

template <class T>
cudaError_t launch(const AttentionJob& job, int64_t blocks, cudaStream_t stream) {
  return job.dim <= 64 ? launch_width<T, 4>(job, blocks, stream) : launch_width<T, 8>(job, blocks, stream);
}

}  // namespace

cudaError_t launch_attention_simt(AttentionJob job, DType in, cudaStream_t stream) {
  const int64_t blocks = set_tiles(job, kQueries);
  if (blocks == 0) return cudaSuccess;
  if (in == DType::f32) return launch<float>(job, blocks, stream);
  return in == DType::f16 ? launch<__half>(job, blocks, stream) : launch<__nv_bfloat16>(job, blocks, stream);
}

}  // namespace ts::cuda
