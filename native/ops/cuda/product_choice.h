// Which kernel computes a product, by the card, the shape, and the wish of whoever tests or measures.
#pragma once

#include <optional>
#include <string>

#include "ops/context.h"
#include "ops/cuda/product_plan.h"

namespace ts::cuda {

// What the environment's THINKSOUND_CUDA_PRODUCT asks for: "simt", "mma", "wgmma" or "cublaslt" for every bf16 or f16 product that the
// kernel covers, and that cuBLASLt does not refuse; "wgmma:ROWS" and that with "/SPLITS" also say which tile and how often the summed
// axis is split. "measure" times our kernel and cuBLASLt once for every product that both can compute and takes the faster from
// then on, also in later processes (product_measurements.h); "measure:FILE" says where that is kept.
struct ProductWish {
  ProductKernel kernel = ProductKernel::wgmma;
  bool measures = false;
  std::string measurements_file = {};
  int32_t rows = 0, splits = 1;  // rows 0 = all as planned
};

// Unset or empty = no wish. TS_INVALID_ARGUMENT with the choices for anything else. Read at every call: tests change it.
std::optional<ProductWish> product_wish();

// Of the device that is current.
int64_t current_multiprocessors();
// Of the context's device, which becomes current.
int64_t multiprocessors(Context& ctx);

// Whether the wish is cuBLASLt; TS_INVALID_ARGUMENT where it is not installed.
bool wishes_cublaslt();

// Of our kernels, for bf16 and f16, and for fp8, which knows wgmma and mma alone: what the wish names, or wgmma, where it covers the
// product and the card has it (compute capability 9.0), else mma.
ProductKernel choose_product_kernel(Context& ctx, bool covers_wgmma);

}  // namespace ts::cuda
