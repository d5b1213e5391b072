// Outputs straight from the registers in which wgmma leaves its sums: every form (finish_form.h) but heads whose norm no group of
// warps has whole.
//
// Of the 64 columns of a group of four warps, thread t has 16·(t div 32) + t mod 32 div 4 and the one eight further, and of
// every eight rows 2·(t mod 4) and the next: c[4·j + 2·h + e] is of row 8·j + 2·(t mod 4) + e and column + 8·h (wgmma.cuh).
// What belongs to a column is therefore loaded once for a tile, and a pair of gate and value (kGatedGroup) is one thread's. Pairs that
// a rotation turns are neighbouring columns, of lanes t and t^4: they exchange one number in two. A head of 64 is a group's columns: its
// squares are added up over eight lanes, then over four warps.
//
//   f32    four rows of eight columns at a time, whole sectors of 32 bytes, loaded and stored where they lie
//   bf16   8 × 8 outputs at a time turned by stmatrix, or stored as pairs that have been turned, into rows in shared memory, then
//          16 bytes a thread
//
// All of it is inlined and unrolled: sums that a call passes on or a loop chooses would lie in memory.
#pragma once

#include "ops/cuda/hopper.cuh"
#include "ops/cuda/product_finish.cuh"

namespace ts::cuda {
namespace {

// Outputs of bf16 are staged so many rows at a time, in blocks of eight, with a number for each row of the tile behind them.
constexpr int kStagedRows = 64, kStagedBlocks = kStagedRows / 8, kStagedBytes = kStagedRows * 64 * 2;
template <int rows>
constexpr int kGroupSharedBytes = kStagedBytes + rows * 4;

// A group's part of a tile, and its shared memory: outputs on their way out and a number for each row.
struct GroupTile {
  int first_row, first_column, num_rows;  // of the product
  int thread;                   // of the group's 128
  int barrier;                  // of its own
  unsigned char* staged;

  static constexpr int kThreads = 128, kColumns = 64;
  __device__ float* of_rows() const { return reinterpret_cast<float*>(staged + kStagedBytes); }
  __device__ int lane() const { return thread % 32; }
  __device__ int row() const { return first_row + thread % 4 * 2; }
  __device__ int column() const { return first_column + thread / 32 * 16 + thread % 32 / 4; }
  __device__ void sync() const { ptx::sync_warps(barrier, kThreads); }
};

// The bias of a thread's two columns.
struct TwoBiases {
  float of[2] = {0, 0};
  __device__ TwoBiases(const Finish& f, int column) {
    if (f.bias)
#pragma unroll
      for (int h = 0; h < 2; ++h)
        if (column + 8 * h < f.columns) of[h] = f.bias[f.bias_period.remainder(uint32_t(column + 8 * h))];
  }
};

// Residuals of eight rows are on their way while the eight before are finished. The outputs stay in c; `is_stored` says whether
// they also go to y.
template <int rows, bool has_residual>
__device__ __forceinline__ void finish_group_f32(const Finish& f, const GroupTile& g, bool is_stored, float (&c)[rows / 2]) {
  const int column = g.column(), stride = int(f.y_stride);
  const uint32_t end = uint32_t(f.y_end);
  const TwoBiases bias(f, column);
  const bool has[2] = {column < f.columns, column + 8 < f.columns};
  float* const y = static_cast<float*>(f.y[0]);
  float other[2][4];
  const auto fetch = [&](int at, float (&other)[4]) {  // of the row that begins `at` and the next
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int from = at + i % 2 * stride + i / 2 * 8;
      other[i] = has[i / 2] && uint32_t(from) < end ? f.residual[from] : 0.0f;
    }
  };
  int at = int(f.y_first) + g.row() * stride + column;
  if constexpr (has_residual) fetch(at, other[0]);
#pragma unroll
  for (int j = 0; j < rows / 8; ++j) {
    if constexpr (has_residual)
      if (j + 1 < rows / 8) fetch(at + 8 * stride, other[(j + 1) % 2]);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int to = at + i % 2 * stride + i / 2 * 8;
      float& v = c[4 * j + i];
      v += bias.of[i / 2];
      if constexpr (has_residual) v += other[j % 2][i];
      if (is_stored && has[i / 2] && uint32_t(to) < end) y[to] = v;
    }
    at += 8 * stride;
  }
}

// The same with gates, of which each row looks up its own: once for all rows of the tile, into shared memory.
template <int rows>
__device__ __forceinline__ void finish_group_f32_gated(const Finish& f, const GroupTile& g, float (&c)[rows / 2]) {
  constexpr int kBlocks = rows / 8, kAhead = rows == 136 ? 3 : 1, kKept = kAhead + 1;
  const int column = g.column(), stride = int(f.y_stride), first = int(f.y_first) + g.row() * stride + column;
  const uint32_t end = uint32_t(f.y_end);
  const TwoBiases bias(f, column);
  const bool has[2] = {column < f.columns, column + 8 < f.columns};
  float* const y = static_cast<float*>(f.y[0]);
  int64_t* const gates = reinterpret_cast<int64_t*>(g.staged);
  static_assert(rows * int(sizeof(int64_t)) <= kStagedBytes);
  float other[kKept][4], factor[kKept][4];
  const auto place = [&](int j, int i) { return first + (8 * j + i % 2) * stride + i / 2 * 8; };
  const auto is_there = [&](int j, int i) { return has[i / 2] && uint32_t(place(j, i)) < end; };
  const auto fetch_residual = [&](int j) {
#pragma unroll
    for (int i = 0; i < 4; ++i) other[j % kKept][i] = is_there(j, i) ? f.residual[place(j, i)] : 0.0f;
  };
  const auto fetch_gate = [&](int j) {
    const longlong2 two = *reinterpret_cast<const longlong2*>(gates + 8 * j + g.thread % 4 * 2);
#pragma unroll
    for (int i = 0; i < 4; ++i) factor[j % kKept][i] = is_there(j, i) ? f.gate[(i % 2 ? two.y : two.x) + column + i / 2 * 8] : 0.0f;
  };
#pragma unroll
  for (int j = 0; j < kAhead; ++j) fetch_residual(j);
  g.sync();  // what was staged before is stored or read
  for (int row = g.thread; row < rows; row += GroupTile::kThreads) gates[row] = g.first_row + row < g.num_rows ? gate_offset(f, g.first_row + row) : 0;
  g.sync();
#pragma unroll
  for (int j = 0; j < kAhead; ++j) fetch_gate(j);
#pragma unroll
  for (int j = 0; j < kBlocks; ++j) {
    if (j + kAhead < kBlocks) {
      fetch_residual(j + kAhead);
      fetch_gate(j + kAhead);
    }
#pragma unroll
    for (int i = 0; i < 4; ++i)
      if (is_there(j, i)) y[place(j, i)] = fmaf(c[4 * j + i] + bias.of[i / 2], factor[j % kKept][i], other[j % kKept][i]);
  }
}

// Where eight columns of a row of the product go: null where there are none.
struct ToRows {
  __nv_bfloat16* y;
  int first, stride;
  uint32_t end;
  __device__ ToRows(const Finish& f, void* y, int column)
      : y(static_cast<__nv_bfloat16*>(y)), first(int(f.y_first) + column), stride(int(f.y_stride)), end(column < f.columns ? uint32_t(f.y_end) : 0) {}
  __device__ __nv_bfloat16* operator()(int row) const {
    const int at = first + row * stride;
    return uint32_t(at) < end ? y + at : nullptr;
  }
};

// A column of q, k or v: which of them, whose head, where in it.
struct HeadColumn {
  int which, head, d;
  __device__ HeadColumn(const Finish& f, int column) {
    which = int(f.width.quotient(uint32_t(column)));
    const int inside = column - which * int(f.width.divisor);
    head = int(f.head_dim.quotient(uint32_t(inside)));
    d = inside - head * int(f.head_dim.divisor);
  }
};

struct ToHeads {
  const Finish& f;
  __nv_bfloat16* y = nullptr;
  int head = 0, num_rows = 0;
  __device__ ToHeads(const Finish& f, int column, int rows) : f(f) {
    if (column >= f.columns) return;
    const HeadColumn at(f, column);
    y = static_cast<__nv_bfloat16*>(f.y[at.which]) + at.d;
    head = at.head;
    num_rows = rows;
  }
  __device__ __nv_bfloat16* operator()(int row) const {
    if (row >= num_rows) return nullptr;
    const int per_item = int(f.rows_per_item.divisor), item = int(f.rows_per_item.quotient(uint32_t(row)));
    return y + (int64_t(item * f.heads + head) * per_item + (row - item * per_item)) * int(f.head_dim.divisor);
  }
};

// `count` staged rows of `vectors` times 16 bytes, the first of them row `row`. Vector v of row r lies at place(r, v); this thread's
// go where `to` says.
template <int vectors, class To, class Place>
__device__ inline void store_staged(const GroupTile& g, const To& to, int row, int count, const Place& place) {
#pragma unroll 2
  for (int r = g.thread / vectors; r < count; r += GroupTile::kThreads / vectors)
    if (__nv_bfloat16* const y = to(row + r)) *reinterpret_cast<uint4*>(y) = *reinterpret_cast<const uint4*>(g.staged + place(r, g.thread % vectors));
}

// Vectors of 128-byte rows, spread so that the rows of a matrix and the vectors of a row each cover all banks.
__device__ inline int wide_place(int row, int vector) { return row * 128 + ((vector ^ (row & 7)) << 4); }
__device__ inline int narrow_place(int row, int vector) { return row * 64 + ((vector ^ (row >> 1 & 3)) << 4); }

// The first column of those that a thread stores of such rows.
__device__ inline int stored_column(const GroupTile& g) { return g.first_column + g.thread % 8 * 8; }

// finished(j, i) is output i = 2·h + e of block j.
template <int rows, class To, class Finished>
__device__ __forceinline__ void stage_group_rows(const GroupTile& g, const To& to_row, const Finished& finished) {
  const int lane = g.lane();
  // Lane l addresses row l mod 8 of matrix l div 8: blocks j and j + 1, each left half, right half.
  const uint32_t to = ptx::shared_address(g.staged) + uint32_t(wide_place(lane / 16 * 8 + lane % 8, g.thread / 32 * 2 + lane / 8 % 2));
#pragma unroll
  for (int first = 0; first < rows / 8; first += kStagedBlocks) {
    g.sync();  // what was staged before is stored
#pragma unroll
    for (int j = first; j < first + kStagedBlocks && j < rows / 8; j += 2) {
      uint32_t pairs[4];
#pragma unroll
      for (int m = 0; m < 4; ++m)
        if (j + m / 2 < rows / 8) pairs[m] = ptx::pack<__nv_bfloat16>(finished(j + m / 2, m % 2 * 2), finished(j + m / 2, m % 2 * 2 + 1));
      if (j + 1 < rows / 8) ptx::store_matrices_transposed(to + (j - first) * 1024, pairs);
      else ptx::store_two_matrices_transposed(to + (j - first) * 1024, pairs[0], pairs[1]);
    }
    g.sync();
    const int left = rows - first * 8;
    store_staged<8>(g, to_row, g.first_row + first * 8, left < kStagedRows ? left : kStagedRows, wide_place);
  }
}

template <int rows, Activation activation>
__device__ __forceinline__ void finish_group_bf16(const Finish& f, const GroupTile& g, const float (&c)[rows / 2]) {
  const TwoBiases bias(f, g.column());
  stage_group_rows<rows>(g, ToRows(f, f.y[0], stored_column(g)), [&](int j, int i) { return activate_for_bf16<activation>(c[4 * j + i] + bias.of[i / 2]); });
}

// The outputs in f32 where they are wanted, then their snake.
template <int rows>
__device__ __forceinline__ void finish_group_snake(const Finish& f, const GroupTile& g, float (&c)[rows / 2]) {
  const bool is_stored = f.y[0] != nullptr;
  if (f.residual) finish_group_f32<rows, true>(f, g, is_stored, c);
  else finish_group_f32<rows, false>(f, g, is_stored, c);
  float a[2] = {}, inv_b[2] = {};
#pragma unroll
  for (int h = 0; h < 2; ++h)
    if (const int column = g.column() + 8 * h; column < f.columns) {
      const uint32_t channel = f.bias_period.remainder(uint32_t(column));
      a[h] = f.snake_a[channel];
      inv_b[h] = f.snake_inv_b[channel];
    }
  stage_group_rows<rows>(g, ToRows(f, f.snaked, stored_column(g)), [&](int j, int i) { return snaked_for_bf16(c[4 * j + i], a[i / 2], inv_b[i / 2]); });
}

// Rows of 32 outputs, since half of the sums are gates.
template <int rows, Activation activation>
__device__ __forceinline__ void finish_group_gated(const Finish& f, const GroupTile& g, const float (&c)[rows / 2]) {
  constexpr int kChunk = kStagedBytes / 64, kBlocks = kChunk / 8;
  const ToRows to_row(f, f.y[0], g.first_column / 2 + g.thread % 4 * 8);
  const int lane = g.lane();
  // Lane l addresses row l mod 8 of matrix l div 8, which is block j + l div 8.
  const uint32_t to = ptx::shared_address(g.staged) + uint32_t(narrow_place(lane, g.thread / 32));
#pragma unroll
  for (int first = 0; first < rows / 8; first += kBlocks) {
    g.sync();
#pragma unroll
    for (int j = first; j < first + kBlocks && j < rows / 8; j += 4) {
      uint32_t pairs[4];
#pragma unroll
      for (int m = 0; m < 4; ++m)
        if (j + m < rows / 8) {
          const int at = 4 * (j + m);
          pairs[m] = ptx::pack<__nv_bfloat16>(activate_for_bf16<activation>(c[at]) * c[at + 2], activate_for_bf16<activation>(c[at + 1]) * c[at + 3]);
        }
      static_assert(rows / 8 % 4 <= 1);
      if (j + 3 < rows / 8) ptx::store_matrices_transposed(to + (j - first) * 512, pairs);
      else ptx::store_matrix_transposed(to + (j - first) * 512, pairs[0]);
    }
    g.sync();
    const int left = rows - first * 8;
    store_staged<4>(g, to_row, g.first_row + first * 8, left < kChunk ? left : kChunk, narrow_place);
  }
}

// Values; and queries and keys of networks that neither norm nor turn them.
template <int rows>
__device__ __forceinline__ void finish_group_heads(const Finish& f, const GroupTile& g, const float (&c)[rows / 2]) {
  const TwoBiases bias(f, g.column());
  stage_group_rows<rows>(g, ToHeads(f, stored_column(g), g.num_rows), [&](int j, int i) { return c[4 * j + i] + bias.of[i / 2]; });
}

// 1/sqrt(mean of squares + eps) of each row, of which the group has one head. A row's sums of two columns lie in eight lanes of each
// warp: of eight rows at a time each of these lanes adds up one, in three exchanges of half of what is left, then the warps
// meet in shared memory.
template <int rows>
__device__ __forceinline__ void scale_group_rows(const Finish& f, const GroupTile& g, const float (&c)[rows / 2]) {
  const int lane = g.lane();
  float* const parts = reinterpret_cast<float*>(g.staged);  // [4, rows]
  static_assert(4 * rows * int(sizeof(float)) <= kStagedBytes);
  g.sync();  // what was staged before is stored
#pragma unroll
  for (int first = 0; first < rows / 8; first += 4) {
    float square[8];
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const int j = first + i / 2;
      square[i] = j < rows / 8 ? fmaf(c[4 * j + i % 2], c[4 * j + i % 2], c[4 * j + 2 + i % 2] * c[4 * j + 2 + i % 2]) : 0.0f;
    }
#pragma unroll
    for (int half = 4; half > 0; half /= 2) {
      const bool keeps_upper = (lane & 4 * half) != 0;
#pragma unroll
      for (int i = 0; i < half; ++i) {
        const float kept = keeps_upper ? square[half + i] : square[i], given = keeps_upper ? square[i] : square[half + i];
        square[i] = kept + __shfl_xor_sync(0xFFFFFFFFu, given, 4 * half);
      }
    }
    if (const int row = (first + lane / 8) * 8 + lane % 4 * 2 + lane / 4 % 2; row < rows) parts[g.thread / 32 * rows + row] = square[0];
  }
  g.sync();
#pragma unroll
  for (int row = g.thread; row < rows; row += GroupTile::kThreads) {
    const float sum = (parts[row] + parts[rows + row]) + (parts[2 * rows + row] + parts[3 * rows + row]);
    g.of_rows()[row] = rsqrtf(fmaf(sum, 1.0f / GroupTile::kColumns, f.eps));
  }
}

// Queries and keys, normed, turned or both. The columns of a pair are those of lanes t and t^4; once these have exchanged one number, the
// lane with the even column has both of the first of two rows, the other both of the second. So each reads cosine and sine of one
// row, some blocks ahead, and has two neighbours to stage.
template <int rows>
__device__ __forceinline__ void finish_group_turned(const Finish& f, const GroupTile& g, float (&c)[rows / 2]) {
  constexpr int kBlocks = rows / 8, kAhead = rows == 136 ? 8 : 4;
  const int lane = g.lane();
  const bool is_odd = lane / 4 % 2 != 0;
  const int own = lane % 4 * 2 + is_odd;  // the row of every eight
  float norm[2] = {1, 1};
  const float* turns[2] = {};
#pragma unroll
  for (int h = 0; h < 2; ++h)
    if (const int column = g.column() + 8 * h; column < f.columns)
      if (const HeadColumn at(f, column); at.which < 2) {
        if (f.norm[0]) norm[h] = f.norm[at.which][at.d];
        if (f.rope) turns[h] = f.rope + (at.d - is_odd);
      }
  float2 turn[kAhead][2];
  const auto fetch = [&](int j) {
    const int64_t m = f.rows_per_item.remainder(uint32_t(g.first_row + 8 * j + own));
#pragma unroll
    for (int h = 0; h < 2; ++h) turn[j % kAhead][h] = turns[h] ? *reinterpret_cast<const float2*>(turns[h] + m * int(f.head_dim.divisor)) : make_float2(1, 0);
  };
#pragma unroll
  for (int j = 0; j < kAhead; ++j) fetch(j);

  const TwoBiases bias(f, g.column());
#pragma unroll
  for (int i = 0; i < rows / 2; ++i) c[i] += bias.of[i / 2 % 2];
  const bool is_normed = f.norm[0] != nullptr;
  if (is_normed) scale_group_rows<rows>(f, g, c);

  const ToHeads to_row(f, stored_column(g), g.num_rows);
  unsigned char* const to[2] = {g.staged + wide_place(own, g.thread / 32 * 2) + lane / 8 * 4, g.staged + wide_place(own, g.thread / 32 * 2 + 1) + lane / 8 * 4};
#pragma unroll
  for (int first = 0; first < kBlocks; first += kStagedBlocks) {
    g.sync();  // what was staged before is stored; the rows' scales are there
#pragma unroll
    for (int j = first; j < first + kStagedBlocks && j < kBlocks; ++j) {
      const float scale = is_normed ? g.of_rows()[8 * j + own] : 1.0f;
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const float row0 = c[4 * j + 2 * h] * norm[h], row1 = c[4 * j + 2 * h + 1] * norm[h];
        const float mine = is_odd ? row1 : row0, others = __shfl_xor_sync(0xFFFFFFFFu, is_odd ? row0 : row1, 4);
        const float even = is_odd ? others : mine, odd = is_odd ? mine : others;
        const float cosine = turn[j % kAhead][h].x * scale, sine = turn[j % kAhead][h].y * scale;
        *reinterpret_cast<uint32_t*>(to[h] + (j - first) * 1024) = ptx::pack<__nv_bfloat16>(even * cosine - odd * sine, even * sine + odd * cosine);
      }
      if (j + kAhead < kBlocks) fetch(j + kAhead);
    }
    g.sync();
    const int left = rows - first * 8;
    store_staged<8>(g, to_row, g.first_row + first * 8, left < kStagedRows ? left : kStagedRows, wide_place);
  }
}

// Whether the tile is of a form that needs nobody else's sums, and has been finished.
template <int rows>
__device__ __forceinline__ bool finish_group(const Finish& f, const GroupTile& g, float (&c)[rows / 2]) {
  using Form = Finish::Form;
  switch (f.form) {
    case Form::rows_f32:
      if (f.gate) finish_group_f32_gated<rows>(f, g, c);  // its form has a residual too
      else if (f.residual) finish_group_f32<rows, true>(f, g, true, c);
      else finish_group_f32<rows, false>(f, g, true, c);
      return true;
    case Form::snake_bf16: finish_group_snake<rows>(f, g, c); return true;
    case Form::rows_bf16:
      if (f.activation == Activation::gelu_erf) finish_group_bf16<rows, Activation::gelu_erf>(f, g, c);
      else if (f.activation == Activation::quick_gelu) finish_group_bf16<rows, Activation::quick_gelu>(f, g, c);
      else finish_group_bf16<rows, Activation::none>(f, g, c);
      return true;
    case Form::gated_bf16:
      if (f.activation == Activation::silu) finish_group_gated<rows, Activation::silu>(f, g, c);
      else finish_group_gated<rows, Activation::gelu_tanh>(f, g, c);
      return true;
    case Form::qkv_bf16:
      if (f.norm[0] && f.head_dim.divisor != GroupTile::kColumns) return false;  // heads that no group has whole, or several in one
      if (g.first_column >= f.columns) return true;
      if ((f.norm[0] || f.rope) && f.width.quotient(uint32_t(g.first_column)) < 2) finish_group_turned<rows>(f, g, c);
      else finish_group_heads<rows>(f, g, c);
      return true;
    default: return false;
  }
}

}  // namespace
}  // namespace ts::cuda
