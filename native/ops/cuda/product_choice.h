// Which kernel computes a product, by the card, the shape, and the wish of whoever tests or measures.
#pragma once

#include <optional>

#include "ops/context.h"
#include "ops/cuda/product_plan.h"

namespace ts::cuda {

// The environment's THINKSOUND_CUDA_PRODUCT: simt, mma, wgmma or cublaslt for every bf16 product that the kernel covers; unset or
// empty = the fastest. TS_INVALID_ARGUMENT with the choices for anything else. Read at every call: tests change it.
std::optional<ProductKernel> wanted_product_kernel();

// For bf16.
ProductKernel choose_product_kernel();

// Of the context's device.
int64_t multiprocessors(Context& ctx);

}  // namespace ts::cuda
