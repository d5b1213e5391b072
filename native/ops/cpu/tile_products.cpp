#include "ops/cpu/tile_products.h"

#include "ops/cpu/taps.h"

namespace ts::cpu {

TileProducts::TileProducts(const CpuWeight& weight, int64_t num_rows, int64_t max_tile_rows) : weight_(weight), num_rows_(num_rows) {
  row_tiles_ = (num_rows + max_tile_rows - 1) / max_tile_rows;
  tile_rows_ = (num_rows + row_tiles_ - 1) / row_tiles_;
  row_tiles_ = (num_rows + tile_rows_ - 1) / tile_rows_;
  const int64_t rows[] = {tile_rows_, num_rows - begin(row_tiles_ - 1)};
  const int64_t columns[] = {weight.tile_columns(0), weight.tile_columns(weight.num_tiles() - 1)};
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j) {
      products_[i][j] = product_for(rows[i], columns[j], weight.depth, weight.compute());
      scratch_bytes_ = std::max(scratch_bytes_, products_[i][j]->scratch_bytes());
    }
}

TileProducts::Slot TileProducts::take(Carver& carver) const {
  Slot slot;
  slot.c = carver.take<float>(tile_rows_ * weight_.tile_columns(0));
  slot.scratch = carver.take<std::byte>(scratch_bytes_);
  slot.widened = carver.take<float>(weight_.widens() ? weight_.tile_numel(0) : 0);
  return slot;
}

Tile TileProducts::run(const void* a, int64_t row_tile, int64_t column_tile, const Slot& slot) const {
  const void* b = weight_.tile(column_tile);
  if (weight_.widens()) {
    convert(b, weight_.dtype, slot.widened, DType::f32, DType::f32, weight_.tile_numel(column_tile));
    b = slot.widened;
  }
  products_[row_tile == row_tiles_ - 1][column_tile == column_tiles() - 1]->run(a, b, slot.c, slot.scratch);
  const int64_t columns = weight_.tile_columns(column_tile);
  return {.c = slot.c, .c_stride = columns, .row = begin(row_tile), .rows = end(row_tile) - begin(row_tile),
          .column = column_tile * CpuWeight::kTileColumns, .columns = columns};
}

}  // namespace ts::cpu
