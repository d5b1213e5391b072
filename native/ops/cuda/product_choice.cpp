#include "ops/cuda/product_choice.h"

#include <array>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include "ops/cuda/cublaslt.h"
#include "ops/cuda/devices.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/product_kernels.h"
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

int attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, device), "an attribute of the device");
  return value;
}

Card ask(int device) {
  Card card{.multiprocessors = attribute(cudaDevAttrMultiProcessorCount, device)};
  // 9.0a code runs on 9.0 alone.
  card.has_wgmma = attribute(cudaDevAttrComputeCapabilityMajor, device) == 9 && attribute(cudaDevAttrComputeCapabilityMinor, device) == 0;
  for (size_t tile = 0; card.has_wgmma && tile < card.clusters.size(); ++tile)
    for (int32_t splits = 2; splits <= kMaxSplits && splits_wgmma_tile(kWgmmaTiles[tile].rows); ++splits)
      card.clusters[tile][size_t(splits)] = product_wgmma_clusters(kWgmmaTiles[tile].rows, splits);
  return card;
}

}  // namespace

const Card& current_card() {
  static std::array<std::once_flag, kMaxDevices> asked;
  static std::array<Card, kMaxDevices> cards;
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  std::call_once(asked[size_t(device)], [device] { cards[size_t(device)] = ask(device); });
  return cards[size_t(device)];
}

const Card& card_of(Context& ctx) {
  stream(ctx);
  return current_card();
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
  return card_of(ctx).has_wgmma ? ProductKernel::wgmma : ProductKernel::mma;
}

}  // namespace ts::cuda
