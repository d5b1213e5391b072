#include "ops/cuda/product_choice.h"

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "ops/cuda/launch.h"

namespace ts::cuda {

std::optional<ProductKernel> wanted_product_kernel() {
  const char* value = std::getenv("THINKSOUND_CUDA_PRODUCT");
  const std::string_view name = value ? value : "";
  if (name.empty()) return std::nullopt;
  if (name == "simt") return ProductKernel::simt;
  if (name == "mma") return ProductKernel::mma;
  if (name == "wgmma") return ProductKernel::wgmma;
  if (name == "cublaslt") return ProductKernel::cublaslt;
  fail(TS_INVALID_ARGUMENT, "THINKSOUND_CUDA_PRODUCT is \"", name, "\"; simt, mma, wgmma or cublaslt needed, or nothing");
}

ProductKernel choose_product_kernel() {
  return wanted_product_kernel() == ProductKernel::simt ? ProductKernel::simt : ProductKernel::mma;
}

int64_t multiprocessors(Context& ctx) {
  constexpr int kMaxDevices = 64;
  static std::atomic<int> counts[kMaxDevices];
  stream(ctx);  // makes the context's device current
  int device = 0, count = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  if (device < kMaxDevices && (count = counts[device].load(std::memory_order_relaxed)) > 0) return count;
  check(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device), "the number of multiprocessors");
  if (device < kMaxDevices) counts[device].store(count, std::memory_order_relaxed);
  return count;
}

}  // namespace ts::cuda
