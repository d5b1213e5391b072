// How a product is cut into tiles. Pure functions of sizes, so that a test without a GPU can ask them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "core/dtype.h"

namespace ts::cuda {

enum class ProductKernel : uint8_t { simt, mma, wgmma, cublaslt };

// Rows and columns of one block's tile, blocks that share the summed axis, and whether tiles of rows follow each other.
struct ProductTiles {
  int32_t rows = 0, columns = 0, splits = 1;
  bool rows_first = true;
  bool operator==(const ProductTiles&) const = default;
};

constexpr int64_t tiles_of(int64_t size, int64_t tile) { return (size + tile - 1) / tile; }

// Tiles that follow each other go through the smaller of x and the weights, which the L2 cache then keeps, and share the same part of the
// larger, which is so read once.
constexpr bool rows_follow_each_other(int64_t num_rows, int64_t columns, int64_t taps) { return num_rows <= columns * taps; }

// Steps of the summed axis a block must have left after a split: filling the pipeline and adding up cost a few.
constexpr int64_t kMinStepsPerSplit = 8;
constexpr int64_t kMaxSplits = 8;
constexpr int64_t kMmaBlocks = 2;  // of mma.sync that share a multiprocessor

// So many blocks share the summed axis that the tiles fill the multiprocessors, if it is long enough.
constexpr int32_t choose_splits(int64_t tiles, int64_t steps, int64_t places) {
  int64_t splits = places / (tiles > 0 ? tiles : 1);
  if (splits > steps / kMinStepsPerSplit) splits = steps / kMinStepsPerSplit;
  if (splits > kMaxSplits) splits = kMaxSplits;
  return int32_t(splits < 1 ? 1 : splits);
}

// mma.sync: tiles of 128 × 128 where they fill the card, else 64 × 64, the summed axis split when even those do not.
constexpr ProductTiles mma_tiles(int64_t num_rows, int64_t columns, int64_t steps, int64_t taps, int64_t multiprocessors) {
  const bool rows_first = rows_follow_each_other(num_rows, columns, taps);
  const int64_t large = tiles_of(num_rows, 128) * tiles_of(columns, 128);
  if (large >= multiprocessors) return {128, 128, 1, rows_first};
  const int64_t small = tiles_of(num_rows, 64) * tiles_of(columns, 64);
  return {64, 64, choose_splits(small, steps, kMmaBlocks * multiprocessors), rows_first};
}

// Calls body(tiles) for all that mma.sync may be measured with: both tiles, and splits that leave each block steps enough and run at once.
template <class Body>
constexpr void each_mma_tiles(int64_t num_rows, int64_t columns, int64_t steps, int64_t taps, int64_t multiprocessors, const Body& body) {
  for (int32_t size : {128, 64})
    for (int32_t splits = 1; splits <= kMaxSplits; ++splits) {
      const int64_t works = tiles_of(num_rows, size) * tiles_of(columns, size) * splits;
      if (splits > 1 && (steps / splits < kMinStepsPerSplit || works > kMmaBlocks * multiprocessors)) break;
      body(ProductTiles{size, size, splits, rows_follow_each_other(num_rows, columns, taps)});
    }
}

// wgmma fetches rows of x in boxes, so they must follow each other, whatever the tap. Neighbours across items are cleared
// where items are as long as their part of x; a single item ends where x ends.
constexpr bool covers_wgmma(int64_t items, int64_t len_in, int64_t rows_per_item, int64_t stride) {
  return stride == 1 && (items == 1 || len_in == rows_per_item);
}

// cuBLASLt multiplies the rows of x as they are; product_finish reads its sums four at a time.
constexpr bool covers_cublaslt(int64_t taps, int64_t len_in, int64_t rows_per_item, int64_t stride, int64_t first, int64_t columns) {
  return taps == 1 && stride == 1 && first == 0 && len_in == rows_per_item && columns % 4 == 0;
}

// Shapes of wgmma tiles: columns · rows, blocks that share a multiprocessor; the part of the tensor cores' rate at which a
// multiprocessor computes them, and clocks for what is not multiplying: filling the pipeline, finishing. The last two are fitted
// to the products of the published networks on an H200 for tiles of 136 and 64 rows; those of 128, and where a split meets, are guesses
// (bench/NOTES.md).
struct WgmmaTile {
  int32_t columns, rows, blocks, percent, clocks;
};
constexpr WgmmaTile kWgmmaTiles[] = {{128, 128, 1, 84, 9000}, {128, 136, 1, 84, 7000}, {64, 64, 2, 34, 1700}};
constexpr int64_t kMeetClocks = 4500;   // instead, where the blocks of a split meet and finish together

constexpr const WgmmaTile* find_wgmma_tile(int32_t rows) {
  for (const WgmmaTile& tile : kWgmmaTiles)
    if (tile.rows == rows) return &tile;
  return nullptr;
}

// Whether blocks may share the summed axis of such a tile: not of those that two groups of warps take by turns.
constexpr bool splits_wgmma_tile(int32_t rows) { return rows != 128; }

// What runs at the same time.
struct Card {
  int64_t multiprocessors = 0;
  bool has_wgmma = false;
  // Of each of kWgmmaTiles, clusters of so many blocks: these lie within one group of multiprocessors, of which cards have some that are smaller.
  std::array<std::array<int32_t, kMaxSplits + 1>, std::size(kWgmmaTiles)> clusters = {};

  constexpr int64_t clustered_blocks(const WgmmaTile& tile, int64_t splits) const {
    return clusters[size_t(&tile - kWgmmaTiles)][size_t(splits)] * splits;
  }
};

// Clocks until all is done, of the slowest multiprocessor's tiles.
constexpr int64_t wgmma_clocks(const WgmmaTile& tile, int64_t num_rows, int64_t columns, int64_t steps, int64_t splits, int64_t multiprocessors) {
  constexpr int64_t kStep = 64, kMultiplyAddsPerClock = 2048;
  const int64_t works = tiles_of(num_rows, tile.rows) * tiles_of(columns, tile.columns) * splits;
  const int64_t per_place = tiles_of(works, multiprocessors > 1 ? multiprocessors : 1);
  const int64_t steps_each = tiles_of(steps, splits);
  const int64_t multiplying = steps_each * kStep * tile.columns * tile.rows * 100 / (kMultiplyAddsPerClock * tile.percent);
  if (!splits_wgmma_tile(tile.rows)) return (per_place - 1) * (multiplying > tile.clocks ? multiplying : tile.clocks) + multiplying + tile.clocks;
  return per_place * (multiplying + (splits > 1 ? kMeetClocks : tile.clocks));
}

// Sums of fp8 are kept twice, too many for tiles by turns.
constexpr bool has_wgmma_tile(int32_t rows, DType stored) { return rows != 128 || stored != DType::e4m3; }

// Calls body(tile, tiles) for all that wgmma may be asked for: every tile, and splits that leave each block steps enough and run at once.
template <class Body>
constexpr void each_wgmma_tiles(int64_t num_rows, int64_t columns, int64_t steps, int64_t taps, const Card& card, DType stored, const Body& body) {
  for (const WgmmaTile& tile : kWgmmaTiles)
    for (int32_t splits = 1; has_wgmma_tile(tile.rows, stored) && splits <= (splits_wgmma_tile(tile.rows) ? kMaxSplits : 1); ++splits) {
      const int64_t works = tiles_of(num_rows, tile.rows) * tiles_of(columns, tile.columns) * splits;
      if (splits > 1 && (steps / splits < kMinStepsPerSplit || works > card.clustered_blocks(tile, splits))) continue;
      body(tile, ProductTiles{tile.rows, tile.columns, splits, rows_follow_each_other(num_rows, columns, taps)});
    }
}

// The tile and the splits that are done first.
constexpr ProductTiles wgmma_tiles(int64_t num_rows, int64_t columns, int64_t steps, int64_t taps, const Card& card, DType stored = DType::bf16) {
  ProductTiles best;
  int64_t best_clocks = 0;
  each_wgmma_tiles(num_rows, columns, steps, taps, card, stored, [&](const WgmmaTile& tile, const ProductTiles& tiles) {
    const int64_t clocks = wgmma_clocks(tile, num_rows, columns, steps, tiles.splits, card.multiprocessors);
    if (best.rows != 0 && clocks >= best_clocks) return;
    best_clocks = clocks;
    best = tiles;
  });
  return best;
}

// Whether a kernel has tiles of so many rows, and whether blocks may share the summed axis of one.
constexpr bool has_tile(ProductKernel kernel, int32_t rows) {
  return kernel == ProductKernel::mma ? rows == 128 || rows == 64 : kernel == ProductKernel::wgmma && find_wgmma_tile(rows);
}
constexpr bool splits_tile(ProductKernel kernel, int32_t rows) { return kernel == ProductKernel::mma || splits_wgmma_tile(rows); }

}  // namespace ts::cuda
