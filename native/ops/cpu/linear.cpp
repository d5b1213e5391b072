// Products of rows with packed weights:   y = residual + gate ⊙ act(x·Wᵀ + bias),   and the two fused kin.
//
// Rows      all items under each other, so a guided batch of two is one product. With taps they are first laid side by
//           side (zeros between the items), which costs k reads of x and makes the convolution one dense product.
// Tasks     a tile of about 200 rows by 128 columns over the whole summed axis: weights of a tile are read once per
//           row tile, c [200, 128] f32 stays in L2 until the epilogue has passed over it.
// Without bf16 instructions weights stay bf16 in memory and each task widens its tile before the product.
#include <algorithm>

#include "ops/cpu/epilogue.h"
#include "ops/cpu/cpu.h"
#include "ops/cpu/packed_weight.h"
#include "ops/cpu/product.h"
#include "ops/cpu/scratch.h"
#include "ops/cpu/taps.h"

namespace ts::cpu {
namespace {

constexpr int64_t kMaxTileRows = 208, kRowsPerBlock = 32;

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

// Runs all tiles; finish(tile, c) gets each product.
template <class Finish>
void multiply(Context& ctx, const Tensor& rows, const CpuWeight& weight, const Finish& finish) {
  const DType type = weight.compute();
  const int64_t num_rows = rows.shape[0] * (rows.shape.rank() == 3 ? rows.shape[1] : 1), depth = weight.depth;
  if (num_rows == 0) return;
  const int64_t row_tiles = (num_rows + kMaxTileRows - 1) / kMaxTileRows, tile_rows = (num_rows + row_tiles - 1) / row_tiles;
  const int64_t column_tiles = weight.num_tiles();

  // Four shapes at most: the last rows and the last columns may be fewer.
  const int64_t last_rows = num_rows - (row_tiles - 1) * tile_rows, last_columns = weight.tile_columns(column_tiles - 1);
  const auto product = [&](int64_t m, int64_t n) { return product_for(m, n, depth, type); };
  const std::shared_ptr<const Product> products[2][2] = {
      {product(tile_rows, weight.tile_columns(0)), product(tile_rows, last_columns)},
      {product(last_rows, weight.tile_columns(0)), product(last_rows, last_columns)}};
  int64_t scratch_bytes = 0;
  for (const auto& of_rows : products)
    for (const auto& one : of_rows) scratch_bytes = std::max(scratch_bytes, one->scratch_bytes());

  struct Slot {
    Slot(std::byte* base, int64_t c_numel, int64_t scratch_bytes, int64_t widened_numel) {
      Carver carver(base);
      c = carver.take<float>(c_numel);
      scratch = carver.take<std::byte>(scratch_bytes);
      widened = carver.take<float>(widened_numel);
      bytes = carver.used();
    }
    float* c;
    std::byte* scratch;
    float* widened;
    int64_t bytes;
  };
  const int64_t c_numel = tile_rows * CpuWeight::kTileColumns, widened_numel = weight.widens() ? weight.tile_numel(0) : 0;
  const Arena::Scope scope(ctx.arena());
  ScratchSlots slots(ctx, Slot(nullptr, c_numel, scratch_bytes, widened_numel).bytes);
  if (ctx.planning()) return;

  ctx.parallel().run(row_tiles * column_tiles, [&](int64_t task) {
    const int64_t column_tile = task / row_tiles, row_tile = task % row_tiles;
    const bool is_last_rows = row_tile == row_tiles - 1, is_last_columns = column_tile == column_tiles - 1;
    const ScratchSlots::Lease lease(slots);
    const Slot slot(lease.data(), c_numel, scratch_bytes, widened_numel);
    const void* b = weight.tile(column_tile);
    if (weight.widens()) {
      convert(b, weight.dtype, slot.widened, type, type, weight.tile_numel(column_tile));
      b = slot.widened;
    }
    const auto* a = static_cast<const std::byte*>(rows.data) + row_tile * tile_rows * depth * int64_t(size_of(type));
    products[is_last_rows][is_last_columns]->run(a, b, slot.c, slot.scratch);
    const int64_t columns = weight.tile_columns(column_tile);
    finish(Tile{.c = slot.c, .c_stride = columns, .row = row_tile * tile_rows, .rows = is_last_rows ? last_rows : tile_rows,
                .column = column_tile * CpuWeight::kTileColumns, .columns = columns},
           slot.c);
  });
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
  multiply(ctx, rows, weight, [&](const Tile& tile, float*) { finish_rows(tile, finish); });
}

void gated_linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& packed, Activation activation) {
  const CpuWeight& weight = cpu_weight(packed);
  const Arena::Scope scope(ctx.arena());
  const Tensor rows = product_rows(ctx, x, weight, y.shape[1]);
  const RowFinish finish{.y = y.data, .y_type = y.dtype, .y_stride = weight.out, .activation = activation};
  multiply(ctx, rows, weight, [&](Tile tile, float*) {
    tile.column /= 2;
    finish_gated(tile, finish);
  });
}

void qkv_projection(Context& ctx, const Qkv& qkv, const Tensor& x, const PackedWeight& packed, const QkvOptions& options) {
  const CpuWeight& weight = cpu_weight(packed);
  const Arena::Scope scope(ctx.arena());
  const Tensor rows = product_rows(ctx, x, weight, x.shape[1]);
  const int64_t head_dim = qkv.q.shape[3], width = weight.columns;
  const QkvFinish finish{.out = {qkv.q.data, qkv.k.data, qkv.v.data}, .type = qkv.q.dtype, .heads = qkv.q.shape[1], .head_dim = head_dim,
                         .item_rows = x.shape[1], .bias = floats(options.bias), .norm = {floats(options.q_norm), floats(options.k_norm)},
                         .eps = options.eps, .rope = floats(options.rope)};
  if (!options.q_norm || CpuWeight::kTileColumns % head_dim == 0) {
    multiply(ctx, rows, weight, [&](const Tile& tile, float* c) { finish_qkv(tile, c, finish); });
    return;
  }
  // A norm over heads that straddle tiles needs the whole product first.
  const int64_t num_rows = x.shape[0] * x.shape[1];
  const Tensor whole = ctx.f32({num_rows, width});
  const RowFinish copy{.y = whole.data, .y_stride = width};
  multiply(ctx, rows, weight, [&](const Tile& tile, float*) { finish_rows(tile, copy); });
  if (ctx.planning()) return;
  parallel_blocks(ctx.parallel(), num_rows, kRowsPerBlock, [&](int64_t begin, int64_t end) {
    float* c = static_cast<float*>(whole.data) + begin * width;
    finish_qkv(Tile{.c = c, .c_stride = width, .row = begin, .rows = end - begin, .columns = width}, c, finish);
  });
}

}  // namespace ts::cpu
