// Chooses the kernel of a product, gets its input ready and its partial sums a place.
#include "ops/cuda/product.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "ops/cuda/cublaslt.h"
#include "ops/cuda/finish_form.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/product_choice.h"
#include "ops/cuda/product_kernels.h"

namespace ts::cuda {
namespace {

constexpr int64_t kVector = 8;

// Whether the sums are the outputs.
bool is_plain(const Finish& f, const ProductRows& rows) {
  return f.kind == Finish::Kind::rows && f.y[0] && !f.snaked && !f.bias && f.activation == Activation::none && !f.gate && !f.residual && f.y_first == 0 &&
         f.y_stride == f.columns && f.y_item == int64_t(rows.rows_per_item) * f.columns;
}

int32_t narrow(int64_t value, const char* what) {
  require(value <= std::numeric_limits<int32_t>::max() && value >= std::numeric_limits<int32_t>::min() / 2, "product: ", what, " ", value,
          " is too large");
  return int32_t(value);
}

// x as the product reads it: itself, or rows of the weight's dtype in scratch.
Tensor product_input(Context& ctx, const Tensor& x, const Snake& snake, const CudaWeight& weight) {
  const bool is_ready = x.dtype == weight.dtype && !snake.a &&
                        (weight.dtype == DType::f32 || (x.cols() % kVector == 0 && is_aligned(x.data)));
  if (is_ready) return x;
  const int64_t stride = weight.dtype == DType::f32 ? x.cols() : (x.cols() + kVector - 1) / kVector * kVector;
  const Tensor y = ctx.arena().allocate(weight.dtype, {x.rows(), stride});
  if (!ctx.planning()) prepare_input(stream(ctx), y, x, snake);
  return y;
}

}  // namespace

void product(Context& ctx, const Tensor& x, const Snake& snake, const CudaWeight& weight, const ProductRows& rows, Finish finish) {
  const int64_t num_rows = int64_t(rows.items) * rows.rows_per_item;
  if (num_rows == 0 || weight.rows == 0) return;
  narrow(int64_t(rows.items) * rows.len_in, "the number of rows of x");
  narrow(int64_t(rows.rows_per_item) * rows.stride + int64_t(rows.taps) * rows.dilation + std::abs(int64_t(rows.first)), "the reach of the kernel");

  const Arena::Scope scope(ctx.arena());
  const Tensor input = product_input(ctx, x, snake, weight);
  Product p;
  p.x = input.data;
  p.w = weight.memory.get();
  p.x_stride = input.cols();
  p.depth = weight.depth();
  p.channels = int32_t(input.cols());
  p.columns = narrow(weight.rows, "the number of columns");
  p.num_rows = narrow(num_rows, "the number of rows");
  p.rows = rows;
  p.rows_per_item = finish.rows_per_item = Divider(uint32_t(rows.rows_per_item));
  finish.is_vector = allows_vectors(finish, 4);
  finish.form = choose_form(finish, num_rows);
  p.finish = finish;

  const bool for_wgmma = covers_wgmma(rows.items, rows.len_in, rows.rows_per_item, rows.stride);
  const bool for_cublaslt = covers_cublaslt(rows.taps, rows.len_in, rows.rows_per_item, rows.stride, rows.first, weight.rows);
  const ProductKernel kernel = weight.dtype == DType::f32 ? ProductKernel::simt : choose_product_kernel(ctx, for_wgmma, for_cublaslt);
  if (kernel == ProductKernel::simt) {
    p.steps_per_tap = int32_t(weight.channels / kSimtStep);
    if (!ctx.planning()) product_simt(stream(ctx), p, weight.dtype);
    return;
  }
  static_assert(kMmaStep == kWgmmaStep);
  p.steps_per_tap = int32_t(weight.channels / kMmaStep);
  if (kernel == ProductKernel::cublaslt) {
    const Tensor workspace = ctx.arena().allocate(DType::u8, {kCublasltWorkspaceBytes});
    const bool writes_outputs = is_plain(finish, rows);
    if (!writes_outputs) {
      p.partial_stride = weight.rows;
      p.partial = static_cast<float*>(ctx.f32({num_rows, weight.rows}).data);
    }
    if (ctx.planning()) return;
    if (writes_outputs) return product_cublaslt(stream(ctx), p, finish.y[0], finish.is_bf16, workspace.data);
    product_cublaslt(stream(ctx), p, p.partial, false, workspace.data);
    return product_finish(stream(ctx), p);
  }
  const int64_t steps = int64_t(rows.taps) * p.steps_per_tap;
  ProductTiles tiles = (kernel == ProductKernel::wgmma ? wgmma_tiles : mma_tiles)(num_rows, weight.rows, steps, multiprocessors(ctx));
  if (const auto wish = product_wish(); wish && kernel == ProductKernel::wgmma && wish->rows != 0) {
    tiles.rows = wish->rows;
    tiles.cluster = wish->cluster;
    tiles.splits = int32_t(std::clamp<int64_t>(wish->splits, 1, steps));
  }
  p.splits = tiles.splits;
  if (p.splits > 1) {
    p.partial_stride = tiles_of(weight.rows, 128) * 128;  // whole tiles of every kernel
    p.partial = static_cast<float*>(ctx.f32({p.splits, num_rows, p.partial_stride}).data);
  }
  if (ctx.planning()) return;
  if (kernel == ProductKernel::wgmma) product_wgmma(stream(ctx), p, tiles, input);
  else product_mma(stream(ctx), p, tiles);
  if (p.splits > 1) product_finish(stream(ctx), p);
}

}  // namespace ts::cuda
