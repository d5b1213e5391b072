// How a product is cut into tiles. Pure functions of sizes, so that a test without a GPU can ask them.
#pragma once

#include <cstdint>

namespace ts::cuda {

enum class ProductKernel : uint8_t { simt, mma, wgmma, cublaslt };

// Rows and columns of one block's tile, blocks that share the summed axis, and whether tiles of rows follow each other.
struct ProductTiles {
  int32_t rows = 0, columns = 0, splits = 1;
  bool rows_first = true;
  bool operator==(const ProductTiles&) const = default;
};

constexpr int64_t tiles_of(int64_t size, int64_t tile) { return (size + tile - 1) / tile; }

// Blocks of one column of tiles read the same weights: they run together unless x is the larger part.
constexpr bool rows_follow_each_other(int64_t num_rows, int64_t columns) { return num_rows <= 16 * columns; }

// Steps of the summed axis a block must have left after a split: filling the pipeline and adding up cost a few.
constexpr int64_t kMinStepsPerSplit = 8;
constexpr int64_t kMaxSplits = 8;

// So many blocks share the summed axis that the tiles fill the multiprocessors, if it is long enough.
constexpr int32_t choose_splits(int64_t tiles, int64_t steps, int64_t places) {
  int64_t splits = places / (tiles > 0 ? tiles : 1);
  if (splits > steps / kMinStepsPerSplit) splits = steps / kMinStepsPerSplit;
  if (splits > kMaxSplits) splits = kMaxSplits;
  return int32_t(splits < 1 ? 1 : splits);
}

// mma.sync: tiles of 128 × 128 where they fill the card, else 64 × 64, the summed axis split when even those do not.
constexpr ProductTiles mma_tiles(int64_t num_rows, int64_t columns, int64_t steps, int64_t multiprocessors) {
  const bool rows_first = rows_follow_each_other(num_rows, columns);
  const int64_t large = tiles_of(num_rows, 128) * tiles_of(columns, 128);
  if (large >= multiprocessors) return {128, 128, 1, rows_first};
  const int64_t small = tiles_of(num_rows, 64) * tiles_of(columns, 64);
  return {64, 64, choose_splits(small, steps, 2 * multiprocessors), rows_first};
}

}  // namespace ts::cuda
