// Weights of the CPU backend: the right operands of products, cut into tiles of columns and laid out as the product
// kernels read them. Convolutions are products too; their columns and summed rows are
//
//   linear, conv      column o        row j·in + i  = W[o, i, j]
//   gated             tile t holds columns 64·t … of W1, then the same of W3
//   conv_transpose    column p·out + o, p < stride:   row i = W[i, o, p + stride],  row in + i = W[i, o, p]
//
// The last is the polyphase form: with q = ⌊(m + offset)/stride⌋ and p the remainder, y[m] takes tap p of x[q] and tap
// p + stride of x[q − 1], so all phases of one q are one row of the product [x[q − 1] | x[q]] · b (spec 03 §1).
#pragma once

#include "ops/memory.h"
#include "ops/packed_weight.h"
#include "ops/cpu/product.h"

namespace ts::cpu {

class CpuWeight final : public PackedWeight {
 public:
  static constexpr int64_t kTileColumns = 128;

  int64_t depth = 0;    // length of the summed axis
  int64_t columns = 0;  // of all tiles
  int64_t stride = 1;   // conv_transpose

  int64_t num_tiles() const { return (columns + kTileColumns - 1) / kTileColumns; }
  int64_t tile_columns(int64_t tile) const { return tile + 1 < num_tiles() ? kTileColumns : columns - tile * kTileColumns; }
  // f32 or bf16 as `dtype` says, in b_layout(compute()) order.
  const std::byte* tile(int64_t index) const { return static_cast<const std::byte*>(memory.tensor().data) + index * tile_bytes(0); }
  int64_t tile_numel(int64_t index) const { return b_numel(compute(), depth, tile_columns(index)); }
  int64_t tile_bytes(int64_t index) const { return tile_numel(index) * int64_t(size_of(dtype)); }
  // What products of this weight are computed in: its own type, or f32 where the CPU has no bf16 products.
  DType compute() const { return compute_dtype(dtype); }
  bool widens() const { return compute() != dtype; }
  int64_t bytes() const override { return memory.tensor().bytes(); }

  Buffer memory;
};

const CpuWeight& cpu_weight(const PackedWeight& weight);

Weight pack_weight(const OperatorTable& table, const Tensor& weight, const PackOptions& options);
Weight pack_gated_weight(const OperatorTable& table, const Tensor& w1, const Tensor& w3, const PackOptions& options);

}  // namespace ts::cpu
