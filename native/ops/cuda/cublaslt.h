// NVIDIA's own products, where the machine has them: the measure of ours, and what is used in their place where they are
// faster. The library is loaded when first asked for and never linked.
#pragma once

#include <cuda_runtime.h>

#include "ops/cuda/product.h"

namespace ts::cuda {

// Whether libcublasLt (13 or 12) is there: THINKSOUND_CUBLASLT names a file, else the loader's usual places and
// /usr/local/cuda/lib64 are searched.
bool has_cublaslt();

// What is recommended for Hopper, and what it takes to begin it at a multiple of 256.
constexpr int64_t kCublasltWorkspaceBytes = (32 << 20) + 256;

// y [num_rows, columns] = x · wᵀ of one tap, f32, bf16 or f16; x and w of `in`, bf16 or f16. `workspace` is on the device. Everything else of
// `product` is left to product_finish. False, with a line in the log when it first happens, where the library has no way to compute such a
// product or refuses it when it is asked; then y is as it was. TS_DEVICE_ERROR with the library's status for all that is not a refusal.
bool product_cublaslt(cudaStream_t stream, const Product& product, DType in, void* y, DType out, void* workspace);

}  // namespace ts::cuda
