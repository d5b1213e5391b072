// The CUDA backend computes products of bf16 in several ways, chosen by card and shape; tests walk through all of them.
#pragma once

#include <cstdlib>
#include <string_view>
#include <vector>

#include "ops/table.h"

namespace ts::test {

// Asks for one way as long as it lives (native/ops/cuda/product_choice.h); "" leaves the choice to the backend.
class ProductWay {
 public:
  explicit ProductWay(const char* way) { setenv(kVariable, way, 1); }
  ~ProductWay() { unsetenv(kVariable); }
  ProductWay(const ProductWay&) = delete;
  ProductWay& operator=(const ProductWay&) = delete;

 private:
  static constexpr const char* kVariable = "THINKSOUND_CUDA_PRODUCT";
};

// Where a way does not take a case, mma does. wgmma by every tile, some with a split sum.
inline std::vector<const char*> product_ways(const OperatorTable& table, DType dtype) {
  if (dtype != DType::bf16 || !std::string_view(table.name).starts_with("cuda")) return {""};
  return {"simt", "mma", "wgmma:64/2", "wgmma:136/3", "wgmma:256", "wgmma:256x2/2", ""};
}

}  // namespace ts::test
