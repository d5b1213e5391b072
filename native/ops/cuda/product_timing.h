// Times the ways to compute a product, once.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ops/context.h"
#include "ops/cuda/product.h"
#include "ops/cuda/product_way.h"

namespace ts::cuda {

// Computes the product by the way on the context's stream; false where the way refuses it.
using ComputeWay = std::function<bool(const ProductWay&, const Product&)>;

// Which of `ways` is the fastest at `product` of `input` with weights of `stored`, which come out of memory, while the input comes out of
// the L2 cache, as in a network. Timed where `file` (product_measurements.h) does not know it yet. While a recording is made, in which
// nothing can be timed, what is not known is the first; while planning, nothing. TS_OUT_OF_MEMORY where the outputs do not fit beside
// themselves and twice the L2 cache.
std::optional<ProductWay> fastest_way(Context& ctx, const std::string& file, const Product& product, const Tensor& input, DType stored,
                                      const std::vector<ProductWay>& ways, const ComputeWay& compute);

}  // namespace ts::cuda
