#include "ops/cuda/product_choice.h"

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "ops/cuda/cublaslt.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/product_measurements.h"
#include "ops/cuda/tensor_map.h"

namespace ts::cuda {

ProductWish product_wish() {
  constexpr std::string_view kMeasure = "measure";
  const char* value = std::getenv("THINKSOUND_CUDA_PRODUCT");
  const std::string_view text = value ? value : "";
  if (text.empty()) return {};
  if (text == kMeasure) return {.measurements_file = default_measurements_file()};
  if (text.substr(0, kMeasure.size() + 1) == "measure:" && text.size() > kMeasure.size() + 1) return {.measurements_file = std::string(text.substr(kMeasure.size() + 1))};
  const std::optional<ProductWay> way = find_way(text);
  if (!way) fail(TS_INVALID_ARGUMENT, "THINKSOUND_CUDA_PRODUCT is \"", text, "\"; simt, mma, mma:ROWS[/SPLITS], wgmma, wgmma:ROWS[/SPLITS], cublaslt, measure or measure:FILE needed, or nothing");
  return {.way = way};
}

namespace {

// An attribute of the current device, asked for once per device.
template <cudaDeviceAttr attribute>
int current_attribute() {
  constexpr int kMaxDevices = 64, kUnknown = -1;
  static std::atomic<int> values[kMaxDevices];  // plus one, so that zero is unknown
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  int value = device < kMaxDevices ? values[device].load(std::memory_order_relaxed) - 1 : kUnknown;
  if (value != kUnknown) return value;
  check(cudaDeviceGetAttribute(&value, attribute, device), "an attribute of the device");
  if (device < kMaxDevices) values[device].store(value + 1, std::memory_order_relaxed);
  return value;
}

}  // namespace

int64_t current_multiprocessors() { return current_attribute<cudaDevAttrMultiProcessorCount>(); }

int64_t multiprocessors(Context& ctx) {
  stream(ctx);
  return current_multiprocessors();
}

bool wishes_cublaslt(const ProductWish& wish) {
  if (!wish.way || wish.way->kernel != ProductKernel::cublaslt) return false;
  require(has_cublaslt(), "THINKSOUND_CUDA_PRODUCT is cublaslt, but libcublasLt.so.13 or .12 is not to be found: THINKSOUND_CUBLASLT may name its file");
  return true;
}

ProductKernel choose_product_kernel(Context& ctx, const ProductWish& wish, bool covers_wgmma) {
  const ProductKernel wished = wish.way ? wish.way->kernel : ProductKernel::wgmma;
  if (wished == ProductKernel::simt) return ProductKernel::simt;
  if (wished == ProductKernel::mma || !covers_wgmma || !has_tensor_maps()) return ProductKernel::mma;
  stream(ctx);
  // 9.0a code runs on 9.0 alone.
  const bool is_hopper = current_attribute<cudaDevAttrComputeCapabilityMajor>() == 9 && current_attribute<cudaDevAttrComputeCapabilityMinor>() == 0;
  return is_hopper ? ProductKernel::wgmma : ProductKernel::mma;
}

}  // namespace ts::cuda
