// The sum of one value per thread over a block, in an order that does not depend on timing.
#pragma once

namespace ts::cuda {

constexpr int kWarp = 32;

__device__ inline float warp_sum(float value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(0xFFFFFFFFu, value, offset);
  return value;
}

// Every thread of the block calls it and gets the sum. blockDim.x is a multiple of 32, up to 1024.
__device__ inline float block_sum(float value) {
  __shared__ float warps[kWarp];
  const int lane = int(threadIdx.x) % kWarp, warp = int(threadIdx.x) / kWarp, num_warps = int(blockDim.x) / kWarp;
  value = warp_sum(value);
  if (num_warps == 1) return value;
  __syncthreads();  // whoever still reads the sum before
  if (lane == 0) warps[warp] = value;
  __syncthreads();
  return warp_sum(lane < num_warps ? warps[lane] : 0.0f);
}

// Threads of a block that works on rows of `cols` elements.
inline unsigned threads_for_row(int64_t cols) {
  constexpr int64_t kMost = 256;
  return unsigned(cols >= kMost ? kMost : cols <= kWarp ? kWarp : (cols + kWarp - 1) / kWarp * kWarp);
}

}  // namespace ts::cuda
