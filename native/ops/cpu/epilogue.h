// What happens to a tile of a product while it is still in the cache: bias, activation, gate, residual, head norms,
// rotation, and the way out as f32 or bf16.
#pragma once

#include "ops/linear.h"

namespace ts::cpu {

// c [rows, columns] f32, rows `c_stride` apart: a rectangle of a product whose upper left element is (row, column).
struct Tile {
  const float* c = nullptr;
  int64_t c_stride = 0;
  int64_t row = 0, rows = 0;
  int64_t column = 0, columns = 0;
};

// y[r, ·] = residual + gate ⊙ act(c + bias), y and residual of `y_stride` elements a row, pointers at row 0, column 0.
struct RowFinish {
  void* y = nullptr;
  DType y_type = DType::f32;
  int64_t y_stride = 0;
  const float* bias = nullptr;  // at column 0
  Activation activation = Activation::none;
  Chunk gate = {};
  int64_t item_rows = 1;        // rows of one item, for the gate
  const float* residual = nullptr;
};
void finish_rows(const Tile& tile, const RowFinish& finish);

// y = act(left half of c) ⊙ right half; tile.column and y in columns of one half.
void finish_gated(const Tile& tile, const RowFinish& finish);

// Heads of q, k, v. With norms, tiles hold whole heads. c may be overwritten.
struct QkvFinish {
  void* out[3] = {};            // [B, heads, N, head_dim]
  DType type = DType::f32;
  int64_t heads = 0, head_dim = 0, item_rows = 1;
  const float* bias = nullptr;  // [3·heads·head_dim]
  const float* norm[3] = {};    // of q and k; v has none
  float eps = 0;
  const float* rope = nullptr;  // [N, head_dim/2, 2]
};
void finish_qkv(const Tile& tile, float* c, const QkvFinish& finish);

}  // namespace ts::cpu
