#include "ops/cuda/product_choice.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "ops/cuda/cublaslt.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/product_measurements.h"
#include "ops/cuda/tensor_map.h"

namespace ts::cuda {

std::optional<ProductWish> product_wish() {
  const char* value = std::getenv("THINKSOUND_CUDA_PRODUCT");
  const std::string_view text = value ? value : "", name = text.substr(0, text.find(':'));
  if (text.empty()) return std::nullopt;
  const auto refuse = [&] {
    fail(TS_INVALID_ARGUMENT, "THINKSOUND_CUDA_PRODUCT is \"", text, "\"; simt, mma, wgmma, wgmma:ROWS[/SPLITS], cublaslt, measure or measure:FILE needed, or nothing");
  };
  if (text == "simt") return ProductWish{.kernel = ProductKernel::simt};
  if (text == "mma") return ProductWish{.kernel = ProductKernel::mma};
  if (text == "cublaslt") return ProductWish{.kernel = ProductKernel::cublaslt};
  if (name == "measure") {
    const std::string_view file = text.substr(std::min(text.size(), name.size() + 1));
    if (file.empty() && text.size() != name.size()) refuse();
    return ProductWish{.measures = true, .measurements_file = file.empty() ? default_measurements_file() : std::string(file)};
  }
  if (name != "wgmma") refuse();
  ProductWish wish;
  if (text.size() == name.size()) return wish;
  const char *at = text.data() + name.size(), *end = text.data() + text.size();
  const auto number = [&](char before, int32_t& value) {
    if (at == end || *at != before) return;
    const auto [stop, error] = std::from_chars(at + 1, end, value);
    if (error != std::errc()) refuse();
    at = stop;
  };
  number(':', wish.rows);
  number('/', wish.splits);
  if (at != end || !find_wgmma_tile(wish.rows) || wish.splits < 1 || wish.splits > kMaxSplits || (wish.splits > 1 && !splits_wgmma_tile(wish.rows))) refuse();
  return wish;
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

bool wishes_cublaslt() {
  const auto wish = product_wish();
  if (!wish || wish->kernel != ProductKernel::cublaslt) return false;
  require(has_cublaslt(), "THINKSOUND_CUDA_PRODUCT is cublaslt, but libcublasLt.so.13 or .12 is not to be found: THINKSOUND_CUBLASLT may name its file");
  return true;
}

ProductKernel choose_product_kernel(Context& ctx, bool covers_wgmma) {
  const ProductWish wish = product_wish().value_or(ProductWish{});
  if (wish.kernel == ProductKernel::simt) return ProductKernel::simt;
  if (wish.kernel == ProductKernel::mma || !covers_wgmma || !has_tensor_maps()) return ProductKernel::mma;
  stream(ctx);
  // 9.0a code runs on 9.0 alone.
  const bool is_hopper = current_attribute<cudaDevAttrComputeCapabilityMajor>() == 9 && current_attribute<cudaDevAttrComputeCapabilityMinor>() == 0;
  return is_hopper ? ProductKernel::wgmma : ProductKernel::mma;
}

}  // namespace ts::cuda
