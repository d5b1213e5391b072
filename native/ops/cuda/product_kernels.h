// The kernels of a product, one file each. All take x and w whose rows begin at multiples of 16 bytes.
#pragma once

#include <cuda_runtime.h>

#include "ops/cuda/product.h"
#include "ops/cuda/product_plan.h"

namespace ts::cuda {

// x as the products read it: y [rows, stride] = snake(x) rounded to y's dtype, zeros in columns [in, stride).
void prepare_input(cudaStream_t stream, const Tensor& y, const Tensor& x, const Snake& snake);

// The same for products of fp8: y e4m3 [rows, stride] = x / scale, scale[r] = the largest of row r over 448; stride a multiple of 16.
void quantise_input(cudaStream_t stream, const Tensor& y, float* scale, const Tensor& x);

// 64 × 64 tiles on the f32 units: x f32, bf16 or f16, w the same or 8 bits.
void product_simt(cudaStream_t stream, const Product& product, DType x, DType w);
constexpr int32_t kSimtStep = 16;

// bf16 or f16 on tensor cores by mma.sync: compute capability 8.0 and later; w may have 8 bits. `tiles` is what mma_tiles may give.
void product_mma(cudaStream_t stream, const Product& product, const ProductTiles& tiles, DType x, bool w_is_int8);
constexpr int32_t kMmaStep = 64;
// e4m3 by e4m3: compute capability 8.9 and later.
void product_mma_fp8(cudaStream_t stream, const Product& product, const ProductTiles& tiles);

// bf16 or f16 on Hopper's tensor cores by wgmma: compute capability 9.0, rows that covers_wgmma accepts. `x` is what product.x
// points to, [rows, x_stride], of the weights' dtype; `tiles` is what wgmma_tiles may give.
void product_wgmma(cudaStream_t stream, const Product& product, const ProductTiles& tiles, const Tensor& x);
constexpr int32_t kWgmmaStep = 64;
// Clusters of `splits` blocks, of tiles of so many rows, that the current device runs at the same time.
int32_t product_wgmma_clusters(int32_t rows, int32_t splits);
// e4m3 by e4m3, in tiles of kMaxFp8Rows rows at most.
void product_wgmma_fp8(cudaStream_t stream, const Product& product, const ProductTiles& tiles, const Tensor& x);

// After a split: adds the partial sums and finishes.
void product_finish(cudaStream_t stream, const Product& product);

// q, k and v out of f32 sums [num_rows, stride] for heads that no tile can finish.
void qkv_finish(cudaStream_t stream, const float* sums, int64_t stride, int32_t num_rows, const Finish& finish);

}  // namespace ts::cuda
