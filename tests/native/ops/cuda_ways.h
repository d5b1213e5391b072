// The CUDA backend computes products and attention in several ways, chosen by card and shape; tests walk through all of them.
#pragma once

#include <cstdlib>
#include <string_view>
#include <vector>

#include "ops/table.h"

namespace ts::test {

// Asks for one way as long as it lives; "" leaves the choice to the backend.
class CudaWay {
 public:
  CudaWay(const char* variable, const char* way) : variable_(variable) { setenv(variable, way, 1); }
  ~CudaWay() { unsetenv(variable_); }
  CudaWay(const CudaWay&) = delete;
  CudaWay& operator=(const CudaWay&) = delete;

 private:
  const char* variable_;
};

inline constexpr const char* kProductWay = "THINKSOUND_CUDA_PRODUCT";      // native/ops/cuda/product_choice.h
inline constexpr const char* kAttentionWay = "THINKSOUND_CUDA_ATTENTION";  // native/ops/cuda/attention_paths.h

inline bool is_cuda(const OperatorTable& table) { return std::string_view(table.name).starts_with("cuda"); }
inline bool is_emulated() {
  const char* plugin = std::getenv("THINKSOUND_CUDA_LIBRARY");
  return plugin && std::string_view(plugin).find("emulated") != std::string_view::npos;
}

// Of bf16 and f16. Where a way does not take a case, mma does, and for cuBLASLt what is chosen without a wish. wgmma by every tile, some with a split sum; cuBLASLt on the emulated card,
// which has a stand-in for it.
inline std::vector<const char*> product_ways(const OperatorTable& table, DType dtype, WeightFormat format = WeightFormat::product) {
  if (dtype == DType::f32 || !is_cuda(table)) return {""};
  if (format == WeightFormat::int8) return {"simt", ""};
  if (format == WeightFormat::fp8) return {"mma", "wgmma:64/2", "wgmma:136/3", ""};
  std::vector<const char*> ways{"simt", "mma", "mma:128/3", "wgmma:64/2", "wgmma:136/3", "wgmma:128", ""};
  if (is_emulated()) ways.push_back("cublaslt");
  return ways;
}

// Where a way does not take a case, the next simpler one does.
inline std::vector<const char*> attention_ways(const OperatorTable& table) {
  if (!is_cuda(table)) return {""};
  return {"simt", "mma", "wgmma"};
}

}  // namespace ts::test
