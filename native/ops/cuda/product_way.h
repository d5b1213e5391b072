// A way to compute a product, and its name: what THINKSOUND_CUDA_PRODUCT takes and what measurements remember.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.h"
#include "ops/cuda/product_plan.h"

namespace ts::cuda {

// A kernel and, of mma and wgmma, the rows of its tiles and the blocks that share a sum; rows 0 = both as planned.
struct ProductWay {
  ProductKernel kernel = ProductKernel::wgmma;
  int32_t rows = 0, splits = 1;
  bool operator==(const ProductWay&) const = default;
};

constexpr std::string_view kProductKernels[] = {"simt", "mma", "wgmma", "cublaslt"};  // as ProductKernel counts them

// "cublaslt", "wgmma", "wgmma:136", "mma:64/3".
inline std::string name_of(const ProductWay& way) {
  std::string name(kProductKernels[size_t(way.kernel)]);
  if (way.rows != 0) name += concat(':', way.rows);
  if (way.splits > 1) name += concat('/', way.splits);
  return name;
}

// Nothing where no kernel has such a name, such tiles, or such splits of them.
inline std::optional<ProductWay> find_way(std::string_view name) {
  const std::string_view kernel = name.substr(0, name.find(':'));
  ProductWay way;
  size_t known = 0;
  while (known < std::size(kProductKernels) && kProductKernels[known] != kernel) ++known;
  if (known == std::size(kProductKernels)) return std::nullopt;
  way.kernel = ProductKernel(known);
  if (kernel.size() == name.size()) return way;

  const char* const end = name.data() + name.size();
  const auto rows = std::from_chars(kernel.data() + kernel.size() + 1, end, way.rows);
  if (rows.ec != std::errc() || !has_tile(way.kernel, way.rows)) return std::nullopt;
  if (rows.ptr == end) return way;
  const auto splits = std::from_chars(rows.ptr + 1, end, way.splits);
  if (*rows.ptr != '/' || splits.ec != std::errc() || splits.ptr != end) return std::nullopt;
  if (way.splits < 1 || way.splits > kMaxSplits || (way.splits > 1 && !splits_tile(way.kernel, way.rows))) return std::nullopt;
  return way;
}

}  // namespace ts::cuda
