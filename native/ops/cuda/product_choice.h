// Which kernel computes a product, by the card, the shape, and the wish of whoever tests or measures.
#pragma once

#include <optional>
#include <string>

#include "ops/context.h"
#include "ops/cuda/product_plan.h"
#include "ops/cuda/product_way.h"

namespace ts::cuda {

// What the environment's THINKSOUND_CUDA_PRODUCT asks for: the name of a way (product_way.h) for every bf16 or f16 product that its kernel
// covers, and that cuBLASLt does not refuse; or "measure", which times every way once for each product and takes the fastest from
// then on, also in later processes (product_measurements.h); "measure:FILE" says where that is kept.
struct ProductWish {
  std::optional<ProductWay> way = {};
  std::string measurements_file = {};  // "" = nothing is measured
};

// TS_INVALID_ARGUMENT with the choices for what is none; unset and empty ask for nothing. Read at every call: tests change it.
ProductWish product_wish();

// The device that is current.
const Card& current_card();
// The context's device, which becomes current.
const Card& card_of(Context& ctx);

// TS_INVALID_ARGUMENT where the wish is cuBLASLt, and it is not installed.
bool wishes_cublaslt(const ProductWish& wish);

// Of our kernels, for bf16 and f16, and for fp8, which knows wgmma and mma alone: what the wish names, or wgmma, where it covers the
// product and the card has it (compute capability 9.0), else mma.
ProductKernel choose_product_kernel(Context& ctx, const ProductWish& wish, bool covers_wgmma);

}  // namespace ts::cuda
