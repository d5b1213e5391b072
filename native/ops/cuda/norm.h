// A row's mean and spread, as every norm over the last axis needs them.
#pragma once

#include <cstdint>

#include "ops/cuda/block_sum.h"

namespace ts::cuda {

struct Moments {
  float mean, rstd;
};

// Of x[0 … cols), by all threads of a block. Mean first, then the spread around it: two passes keep nearly constant
// rows exact; the second finds the row in the first cache.
__device__ inline Moments moments(const float* x, int64_t cols, float eps) {
  float sum = 0, square = 0;
  for (int64_t d = threadIdx.x; d < cols; d += blockDim.x) sum += x[d];
  const float mean = block_sum(sum) / float(cols);
  for (int64_t d = threadIdx.x; d < cols; d += blockDim.x) square += (x[d] - mean) * (x[d] - mean);
  return {mean, 1.0f / sqrtf(block_sum(square) / float(cols) + eps)};
}

}  // namespace ts::cuda
