#include "ops/cpu/epilogue.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/epilogue.cpp"
#include <hwy/foreach_target.h>

#include "ops/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ts::cpu {
namespace HWY_NAMESPACE {

template <Activation activation, class Y>
void finish_rows_as(const Tile& tile, const RowFinish& finish) {
  const float* bias = finish.bias ? finish.bias + tile.column : nullptr;
  for (int64_t r = 0; r < tile.rows; ++r) {
    const int64_t row = tile.row + r, at = row * finish.y_stride + tile.column;
    const float* c = tile.c + r * tile.c_stride;
    const float* gate = finish.gate ? finish.gate.row(row / finish.item_rows, row % finish.item_rows, finish.item_rows) + tile.column : nullptr;
    const float* residual = finish.residual ? finish.residual + at : nullptr;
    Y* y = static_cast<Y*>(finish.y) + at;
    over(tile.columns, [&](auto lanes, int64_t i) HWY_ATTR {
      V value = lanes.load(c + i);
      if (bias) value = hn::Add(value, lanes.load(bias + i));
      value = activate<activation>(value);
      if (gate) value = hn::Mul(value, lanes.load(gate + i));
      if (residual) value = hn::Add(value, lanes.load(residual + i));
      lanes.store(value, y + i);
    });
  }
}

void finish_rows_kernel(const Tile& tile, const RowFinish& finish) {
  with_activation(finish.activation, [&](auto chosen) HWY_ATTR {
    if (finish.y_type == DType::bf16) finish_rows_as<decltype(chosen)::activation, bf16>(tile, finish);
    else finish_rows_as<decltype(chosen)::activation, float>(tile, finish);
  });
}

template <Activation activation, class Y>
void finish_gated_as(const Tile& tile, const RowFinish& finish) {
  const int64_t half = tile.columns / 2;
  for (int64_t r = 0; r < tile.rows; ++r) {
    const float* c = tile.c + r * tile.c_stride;
    Y* y = static_cast<Y*>(finish.y) + (tile.row + r) * finish.y_stride + tile.column;
    over(half, [&](auto lanes, int64_t i) HWY_ATTR {
      lanes.store(hn::Mul(activate<activation>(lanes.load(c + i)), lanes.load(c + half + i)), y + i);
    });
  }
}

void finish_gated_kernel(const Tile& tile, const RowFinish& finish) {
  with_activation(finish.activation, [&](auto chosen) HWY_ATTR {
    if (finish.y_type == DType::bf16) finish_gated_as<decltype(chosen)::activation, bf16>(tile, finish);
    else finish_gated_as<decltype(chosen)::activation, float>(tile, finish);
  });
}

// Turns the adjacent pairs of x by the (cos, sin) pairs of `table`.
HWY_INLINE V rotate(V x, V table) {
#if HWY_TARGET == HWY_SCALAR
  (void)table;
  return x;  // a lane is no pair: rotate_row does it
#else
  const V cosine = hn::DupEven(table), sine = hn::DupOdd(table);
  const V straight = hn::Mul(x, cosine), crossed = hn::Mul(hn::Shuffle2301(x), sine);
  return hn::OddEven(hn::Add(straight, crossed), hn::Sub(straight, crossed));
#endif
}

// As rotate, for targets of one lane.
HWY_INLINE void rotate_row(float* c, const float* table, int64_t count) {
  for (int64_t i = 0; i + 1 < count; i += 2) {
    const float even = c[i], odd = c[i + 1];
    c[i] = even * table[i] - odd * table[i + 1];
    c[i + 1] = even * table[i + 1] + odd * table[i];
  }
}

// One piece of a head, bias already added.
template <class Y>
void finish_piece(float* c, int64_t count, const float* norm, float scale, const float* rope, Y* y) {
  if (HWY_TARGET == HWY_SCALAR && rope) {
    if (norm)
      for (int64_t i = 0; i < count; ++i) c[i] = c[i] * scale * norm[i];
    rotate_row(c, rope, count);
    norm = rope = nullptr;
  }
  over(count, [&](auto lanes, int64_t i) HWY_ATTR {
    V value = lanes.load(c + i);
    if (norm) value = hn::Mul(hn::Mul(value, set(scale)), lanes.load(norm + i));
    if (rope) value = rotate(value, lanes.load(rope + i));
    lanes.store(value, y + i);
  });
}

template <class Y>
void finish_qkv_as(const Tile& tile, float* c, const QkvFinish& finish) {
  const int64_t d = finish.head_dim, width = finish.heads * d, end = tile.column + tile.columns;
  for (int64_t r = 0; r < tile.rows; ++r) {
    const int64_t row = tile.row + r, item = row / finish.item_rows, position = row % finish.item_rows;
    float* line = c + r * tile.c_stride - tile.column;
    for (int64_t column = tile.column; column < end;) {
      const int64_t which = column / width, head = column % width / d, first = column % d;
      const int64_t count = std::min(d - first, end - column);
      float* piece = line + column;
      V squares = zero();
      over(count, [&](auto lanes, int64_t i) HWY_ATTR {
        V value = lanes.load(piece + i);
        if (finish.bias) value = hn::Add(value, lanes.load(finish.bias + column + i));
        squares = hn::MulAdd(value, value, squares);
        lanes.store(value, piece + i);
      });
      const float* norm = finish.norm[which];
      const float scale = norm ? 1.0f / std::sqrt(sum_lanes(squares) / float(d) + finish.eps) : 1.0f;
      const float* rope = finish.rope && which < 2 ? finish.rope + position * d + first : nullptr;
      Y* y = static_cast<Y*>(finish.out[which]) + ((item * finish.heads + head) * finish.item_rows + position) * d + first;
      finish_piece(piece, count, norm, scale, rope, y);
      column += count;
    }
  }
}

void finish_qkv_kernel(const Tile& tile, float* c, const QkvFinish& finish) {
  if (finish.type == DType::bf16) finish_qkv_as<bf16>(tile, c, finish);
  else finish_qkv_as<float>(tile, c, finish);
}

}  // namespace HWY_NAMESPACE
}  // namespace ts::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts::cpu {

HWY_EXPORT(finish_rows_kernel);
HWY_EXPORT(finish_gated_kernel);
HWY_EXPORT(finish_qkv_kernel);

void finish_rows(const Tile& tile, const RowFinish& finish) { HWY_DYNAMIC_DISPATCH(finish_rows_kernel)(tile, finish); }
void finish_gated(const Tile& tile, const RowFinish& finish) { HWY_DYNAMIC_DISPATCH(finish_gated_kernel)(tile, finish); }
void finish_qkv(const Tile& tile, float* c, const QkvFinish& finish) { HWY_DYNAMIC_DISPATCH(finish_qkv_kernel)(tile, c, finish); }

}  // namespace ts::cpu
#endif
