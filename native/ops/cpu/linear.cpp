// Products of rows with packed weights:   y = residual + gate ⊙ act(x·Wᵀ + bias),   and the two fused kin.
//
// Rows      all items under each other, so a guided batch of two is one product. With taps they are first laid side by
//           side (zeros between the items), which costs k reads of x and makes the convolution one dense product.
// Tasks     a tile of rows and columns over the whole summed axis: tile_products.h.
#include "ops/cpu/cpu.h"
#include "ops/cpu/taps.h"
#include "ops/cpu/tile_products.h"

namespace ts::cpu {
namespace {

constexpr int64_t kRowsPerBlock = 32;

// x [B, N, in] as the left operand [B·out_len, depth], in the type that is multiplied.
Tensor product_rows(Context& ctx, const Tensor& x, const CpuWeight& weight, int64_t out_len) {
  const DType type = weight.compute();
  const int64_t items = x.shape[0], len = x.shape[1], in = weight.in;
  if (weight.taps == 1 && x.dtype == type && !(weight.widens() && x.dtype == DType::f32)) return x;

  const bool converts = x.dtype != type || weight.widens();
  const Tensor rows = ctx.arena().allocate(type, {items * out_len, weight.depth});
  const Tensor dense = weight.taps == 1 ? rows : converts ? ctx.arena().allocate(type, x.shape) : x;
  if (ctx.planning()) return rows;

  const auto at = [](const Tensor& tensor, int64_t element) {
    return static_cast<std::byte*>(tensor.data) + element * int64_t(size_of(tensor.dtype));
  };
  if (converts)
    parallel_blocks(ctx.parallel(), items * len, kRowsPerBlock, [&](int64_t begin, int64_t end) {
      convert(at(x, begin * in), x.dtype, at(dense, begin * in), type, weight.dtype, (end - begin) * in);
    });
  if (weight.taps == 1) return rows;

  const TapGeometry geometry{.taps = weight.taps, .offset = (weight.taps - 1) / 2};
  const int64_t blocks = (out_len + kRowsPerBlock - 1) / kRowsPerBlock;
  ctx.parallel().run(items * blocks, [&](int64_t task) {
    const int64_t item = task / blocks, begin = task % blocks * kRowsPerBlock, end = std::min(out_len, begin + kRowsPerBlock);
    const SourceRows source{at(dense, item * len * in), 0, len, in * int64_t(size_of(type))};
    lay_taps(source, geometry, begin, end, at(rows, (item * out_len + begin) * weight.depth));
  });
  return rows;
}

const float* floats(const Tensor& tensor) { return static_cast<const float*>(tensor.data); }

}  // namespace

void linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& packed, const Epilogue& epilogue) {
  const CpuWeight& weight = cpu_weight(packed);
  const Arena::Scope scope(ctx.arena());
  const Tensor rows = product_rows(ctx, x, weight, y.shape[1]);
  const RowFinish finish{.y = y.data, .y_type = y.dtype, .y_stride = weight.out, .bias = floats(epilogue.bias),
                         .activation = epilogue.activation, .gate = epilogue.gate, .item_rows = y.shape[1],
                         .residual = floats(epilogue.residual)};
  multiply(ctx, rows, x.shape[0] * y.shape[1], weight, [&](const Tile& tile, float*) { finish_rows(tile, finish); });
}

void gated_linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& packed, Activation activation) {
  const CpuWeight& weight = cpu_weight(packed);
  const Arena::Scope scope(ctx.arena());
  const Tensor rows = product_rows(ctx, x, weight, y.shape[1]);
  const RowFinish finish{.y = y.data, .y_type = y.dtype, .y_stride = weight.out, .activation = activation};
  multiply(ctx, rows, x.shape[0] * y.shape[1], weight, [&](Tile tile, float*) {
    tile.column /= 2;
    finish_gated(tile, finish);
  });
}

void qkv_projection(Context& ctx, const Qkv& qkv, const Tensor& x, const PackedWeight& packed, const QkvOptions& options) {
  const CpuWeight& weight = cpu_weight(packed);
  const Arena::Scope scope(ctx.arena());
  const Tensor rows = product_rows(ctx, x, weight, x.shape[1]);
  const int64_t head_dim = qkv.q.shape[3], width = weight.columns, num_rows = x.shape[0] * x.shape[1];
  const QkvFinish finish{.out = {qkv.q.data, qkv.k.data, qkv.v.data}, .type = qkv.q.dtype, .heads = qkv.q.shape[1], .head_dim = head_dim,
                         .item_rows = x.shape[1], .bias = floats(options.bias), .norm = {floats(options.q_norm), floats(options.k_norm)},
                         .eps = options.eps, .rope = floats(options.rope)};
  if (!options.q_norm || CpuWeight::kTileColumns % head_dim == 0) {
    multiply(ctx, rows, num_rows, weight, [&](const Tile& tile, float* c) { finish_qkv(tile, c, finish); });
    return;
  }
  // A norm over heads that straddle tiles needs the whole product first.
  const Tensor whole = ctx.f32({num_rows, width});
  const RowFinish copy{.y = whole.data, .y_stride = width};
  multiply(ctx, rows, num_rows, weight, [&](const Tile& tile, float*) { finish_rows(tile, copy); });
  if (ctx.planning()) return;
  parallel_blocks(ctx.parallel(), num_rows, kRowsPerBlock, [&](int64_t begin, int64_t end) {
    float* c = static_cast<float*>(whole.data) + begin * width;
    finish_qkv(Tile{.c = c, .c_stride = width, .row = begin, .rows = end - begin, .columns = width}, c, finish);
  });
}

}  // namespace ts::cpu
