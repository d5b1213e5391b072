// Chooses the kernel of a product, gets its input ready and its partial sums a place.
#include "ops/cuda/product.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <vector>

#include "ops/cuda/cublaslt.h"
#include "ops/cuda/finish_form.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/product_choice.h"
#include "ops/cuda/product_kernels.h"
#include "ops/cuda/product_timing.h"

namespace ts::cuda {
namespace {

constexpr int64_t kVector = 8;

// Whether the sums are the outputs. What f16 cannot hold is stored as the largest it can, which the library does not do.
bool is_plain(const Finish& f, const ProductRows& rows) {
  return f.kind == Finish::Kind::rows && f.type != DType::f16 && f.y[0] && !f.snaked && !f.bias && f.activation == Activation::none && !f.gate && !f.residual && f.y_first == 0 &&
         f.y_stride == f.columns && f.y_item == int64_t(rows.rows_per_item) * f.columns;
}

int32_t narrow(int64_t value, const char* what) {
  require(value <= std::numeric_limits<int32_t>::max() && value >= std::numeric_limits<int32_t>::min() / 2, "product: ", what, " ", value,
          " is too large");
  return int32_t(value);
}

// x and the scales of its rows, where it has any, as the product reads it: itself, or rows in scratch.
struct Input {
  Tensor x, scale = {};
};
Input product_input(Context& ctx, const Tensor& x, const Snake& snake, const CudaWeight& weight) {
  if (weight.format == WeightFormat::fp8) {
    constexpr int64_t kVectorOfBytes = 16;
    const Tensor y = ctx.arena().allocate(DType::e4m3, {x.rows(), (x.cols() + kVectorOfBytes - 1) / kVectorOfBytes * kVectorOfBytes});
    const Tensor scale = ctx.f32({x.rows()});
    if (!ctx.planning()) quantise_input(stream(ctx), y, static_cast<float*>(scale.data), x);
    return {y, scale};
  }
  const bool is_ready = x.dtype == weight.dtype && !snake.a &&
                        (weight.dtype == DType::f32 || (x.cols() % kVector == 0 && is_aligned(x.data)));
  if (is_ready) return {x};
  const int64_t stride = weight.dtype == DType::f32 ? x.cols() : (x.cols() + kVector - 1) / kVector * kVector;
  const Tensor y = ctx.arena().allocate(weight.dtype, {x.rows(), stride});
  if (!ctx.planning()) prepare_input(stream(ctx), y, x, snake);
  return {y};
}

// False where cuBLASLt refuses the product. Planning takes the room it needs.
bool product_by_library(Context& ctx, Product p, DType dtype) {
  const Arena::Scope scope(ctx.arena());
  const Tensor workspace = ctx.arena().allocate(DType::u8, {kCublasltWorkspaceBytes});
  const Finish& finish = p.finish;
  const bool writes_outputs = is_plain(finish, p.rows);
  if (!writes_outputs) {
    p.partial_stride = p.columns;
    p.partial = static_cast<float*>(ctx.f32({p.num_rows, p.columns}).data);
  }
  if (ctx.planning()) return true;
  if (writes_outputs) return product_cublaslt(stream(ctx), p, dtype, finish.y[0], finish.type, workspace.data);
  if (!product_cublaslt(stream(ctx), p, dtype, p.partial, DType::f32, workspace.data)) return false;
  product_finish(stream(ctx), p);
  return true;
}

// By wgmma or mma, in the way's tiles where the kernel has them.
void product_by_tiles(Context& ctx, const ProductWay& way, Product p, const Tensor& input, bool is_int8) {
  const Arena::Scope scope(ctx.arena());
  const int64_t steps = int64_t(p.rows.taps) * p.steps_per_tap;
  const bool is_fp8 = input.dtype == DType::e4m3, is_wgmma = way.kernel == ProductKernel::wgmma;
  const Card& card = card_of(ctx);
  ProductTiles tiles = is_wgmma ? wgmma_tiles(p.num_rows, p.columns, steps, p.rows.taps, card, input.dtype)
                                : mma_tiles(p.num_rows, p.columns, steps, p.rows.taps, card.multiprocessors);
  if (way.rows != 0 && (!is_wgmma || has_wgmma_tile(way.rows, input.dtype))) {
    tiles.rows = way.rows;
    tiles.splits = int32_t(std::clamp<int64_t>(way.splits, 1, steps));
  }
  p.splits = tiles.splits;
  if (p.splits > 1 && !is_wgmma) {
    p.partial_stride = tiles_of(p.columns, 128) * 128;  // whole tiles of every kernel
    p.partial = static_cast<float*>(ctx.f32({p.splits, p.num_rows, p.partial_stride}).data);
  }
  if (ctx.planning()) return;
  if (is_wgmma) (is_fp8 ? product_wgmma_fp8 : product_wgmma)(stream(ctx), p, tiles, input);
  else if (is_fp8) product_mma_fp8(stream(ctx), p, tiles);
  else product_mma(stream(ctx), p, tiles, input.dtype, is_int8);
  if (p.partial) product_finish(stream(ctx), p);
}

// Every way to compute a product by tiles of a kernel: of two that are as fast, the planned one counts, so it comes first.
std::vector<ProductWay> ways_by_tiles(Context& ctx, ProductKernel kernel, const Product& p, DType stored) {
  const int64_t steps = int64_t(p.rows.taps) * p.steps_per_tap;
  const Card& card = card_of(ctx);
  std::vector<ProductWay> ways;
  const auto add = [&](const ProductTiles& tiles) { ways.push_back({kernel, tiles.rows, tiles.splits}); };
  if (kernel == ProductKernel::mma) {
    add(mma_tiles(p.num_rows, p.columns, steps, p.rows.taps, card.multiprocessors));
    each_mma_tiles(p.num_rows, p.columns, steps, p.rows.taps, card.multiprocessors, add);
  } else {
    add(wgmma_tiles(p.num_rows, p.columns, steps, p.rows.taps, card, stored));
    each_wgmma_tiles(p.num_rows, p.columns, steps, p.rows.taps, card, stored, [&](const WgmmaTile&, const ProductTiles& tiles) { add(tiles); });
  }
  ways.erase(std::remove(ways.begin() + 1, ways.end(), ways[0]), ways.end());
  return ways;
}

}  // namespace

void product(Context& ctx, const Tensor& x, const Snake& snake, const CudaWeight& weight, const ProductRows& rows, Finish finish) {
  const int64_t num_rows = int64_t(rows.items) * rows.rows_per_item;
  if (num_rows == 0 || weight.rows == 0) return;
  narrow(int64_t(rows.items) * rows.len_in, "the number of rows of x");
  narrow(int64_t(rows.rows_per_item) * rows.stride + int64_t(rows.taps) * rows.dilation + std::abs(int64_t(rows.first)), "the reach of the kernel");

  const Arena::Scope scope(ctx.arena());
  const auto [input, x_scale] = product_input(ctx, x, snake, weight);
  Product p;
  p.x = input.data;
  p.x_scale = static_cast<const float*>(x_scale.data);
  p.w = weight.memory.get();
  p.x_stride = input.cols();
  p.depth = weight.depth();
  p.channels = int32_t(input.cols());
  p.columns = narrow(weight.rows, "the number of columns");
  p.num_rows = narrow(num_rows, "the number of rows");
  p.rows = rows;
  p.rows_per_item = finish.rows_per_item = Divider(uint32_t(rows.rows_per_item));
  finish.scale = weight.scales();
  finish.is_vector = allows_vectors(finish, 4);
  finish.form = choose_form(finish, num_rows);
  p.finish = finish;

  const ProductWish wish = product_wish();
  const bool is_int8 = weight.format == WeightFormat::int8, is_fp8 = weight.format == WeightFormat::fp8;
  const bool for_wgmma = !is_int8 && covers_wgmma(rows.items, rows.len_in, rows.rows_per_item, rows.stride);
  const bool for_cublaslt = !weight.has_scales() && covers_cublaslt(rows.taps, rows.len_in, rows.rows_per_item, rows.stride, rows.first, weight.rows);
  const ProductKernel wished = weight.dtype == DType::f32 ? ProductKernel::simt : choose_product_kernel(ctx, wish, for_wgmma);
  const ProductKernel kernel = is_fp8 && wished == ProductKernel::simt ? ProductKernel::mma : wished;
  if (kernel == ProductKernel::simt) {
    p.steps_per_tap = int32_t(weight.channels / kSimtStep);
    if (!ctx.planning()) product_simt(stream(ctx), p, weight.dtype, weight.stored());
    return;
  }
  static_assert(kMmaStep == kWgmmaStep && channels_of_step(DType::bf16) == kMmaStep);
  p.steps_per_tap = int32_t(weight.channels / channels_of_step(weight.stored()));
  const auto compute = [&](const ProductWay& way, const Product& p) {
    if (way.kernel == ProductKernel::cublaslt) return product_by_library(ctx, p, weight.dtype);
    product_by_tiles(ctx, way, p, input, is_int8);
    return true;
  };
  constexpr ProductWay kLibrary{.kernel = ProductKernel::cublaslt};
  const ProductWay ours = wish.way && wish.way->kernel == kernel ? *wish.way : ProductWay{.kernel = kernel};
  ProductWay way = for_cublaslt && wishes_cublaslt(wish) ? kLibrary : ours;
  if (!wish.measurements_file.empty()) {
    std::vector<ProductWay> ways = ways_by_tiles(ctx, kernel, p, input.dtype);
    if (for_cublaslt && has_cublaslt()) ways.push_back(kLibrary);
    if (const auto fastest = fastest_way(ctx, wish.measurements_file, p, input, weight.stored(), ways, compute)) way = *fastest;
    else for (const ProductWay& any : ways) compute(any, p);  // planning: room for each, as any may prove the fastest
  }
  if (compute(way, p) && (way != kLibrary || !ctx.planning())) return;
  compute(ours, p);  // while planning: room for either, as the library may refuse
}

}  // namespace ts::cuda
