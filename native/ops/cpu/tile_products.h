// The products of one operator call: rows cut into tiles, times the column tiles of one packed weight.
#pragma once

#include <algorithm>
#include <memory>

#include "ops/cpu/epilogue.h"
#include "ops/cpu/packed_weight.h"
#include "ops/cpu/product.h"
#include "ops/cpu/scratch.h"

namespace ts::cpu {

// Tiles of rows are of one size but the last, those of columns likewise, so there are four shapes at most. Where the CPU
// has no bf16 products, a column tile of a bf16 weight is widened before each product.
class TileProducts {
 public:
  // num_rows > 0.
  TileProducts(const CpuWeight& weight, int64_t num_rows, int64_t max_tile_rows);

  int64_t row_tiles() const { return row_tiles_; }
  int64_t tile_rows() const { return tile_rows_; }
  int64_t column_tiles() const { return weight_.num_tiles(); }
  int64_t begin(int64_t row_tile) const { return row_tile * tile_rows_; }
  int64_t end(int64_t row_tile) const { return std::min(num_rows_, begin(row_tile) + tile_rows_); }

  // What a task needs.
  struct Slot {
    float* c;
    std::byte* scratch;
    float* widened;
  };
  Slot take(Carver& carver) const;
  // a is the first row of the row tile, dense rows of the weight's depth. The result lies in slot.c.
  Tile run(const void* a, int64_t row_tile, int64_t column_tile, const Slot& slot) const;

 private:
  const CpuWeight& weight_;
  int64_t num_rows_, row_tiles_, tile_rows_, scratch_bytes_ = 0;
  std::shared_ptr<const Product> products_[2][2];  // [the last rows][the last columns]
};

// rows [num_rows, depth] times a weight, in tiles of about 200 rows: a tile of the weight is read once for each, and the
// sums stay in L2 until finish(tile, c) has passed over them. c is the tile's memory, free to be overwritten.
template <class Finish>
void multiply(Context& ctx, const Tensor& rows, int64_t num_rows, const CpuWeight& weight, const Finish& finish) {
  constexpr int64_t kMaxTileRows = 208;
  if (num_rows == 0) return;
  const TileProducts products(weight, num_rows, kMaxTileRows);
  Carver sizes;
  products.take(sizes);
  const Arena::Scope scope(ctx.arena());
  ScratchSlots slots(ctx, sizes.used());
  if (ctx.planning()) return;
  const int64_t row_bytes = weight.depth * int64_t(size_of(weight.compute()));
  ctx.parallel().run(products.row_tiles() * products.column_tiles(), [&](int64_t task) {
    const int64_t row_tile = task % products.row_tiles(), column_tile = task / products.row_tiles();
    const ScratchSlots::Lease lease(slots);
    Carver carver(lease.data());
    const TileProducts::Slot slot = products.take(carver);
    const auto* a = static_cast<const std::byte*>(rows.data) + products.begin(row_tile) * row_bytes;
    finish(products.run(a, row_tile, column_tile, slot), slot.c);
  });
}

}  // namespace ts::cpu
