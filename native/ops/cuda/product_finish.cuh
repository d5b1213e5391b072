// From the sums of a product to its outputs, four neighbouring columns at a time: shared by every product kernel. The
// sums lie in shared memory or, after a split, in device memory; `sums(c, v)` gives columns c … c + 3.
#pragma once

#include <cuda_bf16.h>

#include "ops/cuda/activation.h"
#include "ops/cuda/product.h"

namespace ts::cuda {
namespace {

__device__ inline float activated(float z, Activation activation) {
  switch (activation) {
    case Activation::none: return z;
    case Activation::silu: return activate<Activation::silu>(z);
    case Activation::selu: return activate<Activation::selu>(z);
    case Activation::gelu_erf: return activate<Activation::gelu_erf>(z);
    case Activation::gelu_tanh: return activate<Activation::gelu_tanh>(z);
    case Activation::quick_gelu: return activate<Activation::quick_gelu>(z);
    case Activation::sigmoid: return activate<Activation::sigmoid>(z);
  }
  return z;
}

__device__ inline void load_four(const float* from, float (&v)[4]) {
  const float4 four = *reinterpret_cast<const float4*>(from);
  v[0] = four.x, v[1] = four.y, v[2] = four.z, v[3] = four.w;
}

// Elements [at, at + 4) of y; those whose bit in `mask` is clear are left alone.
__device__ inline void store_four(const Finish& f, void* y, int64_t at, const float (&v)[4], uint32_t mask) {
  if (f.is_vector) {
    if (mask != 15) return;
    if (f.is_bf16) {
      const __nv_bfloat162 low = __floats2bfloat162_rn(v[0], v[1]), high = __floats2bfloat162_rn(v[2], v[3]);
      *reinterpret_cast<uint2*>(static_cast<__nv_bfloat16*>(y) + at) =
          make_uint2(reinterpret_cast<const uint32_t&>(low), reinterpret_cast<const uint32_t&>(high));
    } else {
      *reinterpret_cast<float4*>(static_cast<float*>(y) + at) = make_float4(v[0], v[1], v[2], v[3]);
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (mask >> i & 1) {
      if (f.is_bf16) static_cast<__nv_bfloat16*>(y)[at + i] = __float2bfloat16_rn(v[i]);
      else static_cast<float*>(y)[at + i] = v[i];
    }
}

// `from[at + i]` where the mask says so, zeros elsewhere.
__device__ inline void load_masked(const Finish& f, const float* from, int64_t at, uint32_t mask, float (&v)[4]) {
  v[0] = v[1] = v[2] = v[3] = 0;
  if (f.is_vector) {
    if (mask == 15) load_four(from + at, v);
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (mask >> i & 1) v[i] = from[at + i];
}

// Columns c … c + 3 below `count`.
__device__ inline uint32_t columns_mask(int32_t c, int32_t count) {
  const int32_t left = count - c;
  return left >= 4 ? 15u : left <= 0 ? 0u : (1u << left) - 1;
}

template <class Sums>
__device__ void finish_rows(const Finish& f, int32_t row, int32_t c, const Sums& sums) {
  uint32_t mask = columns_mask(c, f.columns);
  const int32_t item = int32_t(f.rows_per_item.quotient(uint32_t(row))), m = row - item * int32_t(f.rows_per_item.divisor);
  const int64_t place = f.y_first + m * f.y_stride + c;
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (place + i < 0 || place + i >= f.y_item) mask &= ~(1u << i);
  if (mask == 0) return;
  float v[4], other[4];
  sums(c, v);
  if (f.bias) {
#pragma unroll
    for (int i = 0; i < 4; ++i)
      if (mask >> i & 1) v[i] += f.bias[f.bias_period.remainder(uint32_t(c + i))];
  }
  if (f.activation != Activation::none) {
#pragma unroll
    for (int i = 0; i < 4; ++i) v[i] = activated(v[i], f.activation);
  }
  if (f.gate) {
    load_masked(f, f.gate, item * f.gate_item + m * f.gate_row + c, mask, other);
#pragma unroll
    for (int i = 0; i < 4; ++i) v[i] *= other[i];
  }
  const int64_t at = item * f.y_item + place;
  if (f.residual) {
    load_masked(f, f.residual, at, mask, other);
#pragma unroll
    for (int i = 0; i < 4; ++i) v[i] += other[i];
  }
  store_four(f, f.y[0], at, v, mask);
}

// o is a multiple of four.
template <class Sums>
__device__ void finish_gated(const Finish& f, int32_t row, int32_t o, const Sums& sums) {
  const uint32_t mask = columns_mask(o, f.columns);
  if (mask == 0) return;
  float gate[4], value[4];
  const int32_t column = int32_t(gated_row(o, 0));
  sums(column, gate);
  sums(column + int32_t(kGatedGroup), value);
#pragma unroll
  for (int i = 0; i < 4; ++i) value[i] *= activated(gate[i], f.activation);
  store_four(f, f.y[0], row * f.y_stride + o, value, mask);
}

// Whole warps call it; `is_row` tells which lanes have a row and columns. head_dim is a multiple of four, and with norms a
// power of two up to 128 whose columns lie in neighbouring lanes.
template <class Sums>
__device__ void finish_qkv(const Finish& f, int32_t row, int32_t c, bool is_row, const Sums& sums) {
  float v[4] = {};
  const uint32_t head_dim = f.head_dim.divisor;
  const uint32_t which = f.width.quotient(uint32_t(c)), inside = uint32_t(c) - which * f.width.divisor;
  const uint32_t head = f.head_dim.quotient(inside), d = inside - head * head_dim;
  if (is_row) sums(c, v);
  if (is_row && f.bias) {
    float bias[4];
    load_masked(f, f.bias, c, 15, bias);
#pragma unroll
    for (int i = 0; i < 4; ++i) v[i] += bias[i];
  }
  if (f.norm[0]) {
    float square = v[0] * v[0] + v[1] * v[1] + (v[2] * v[2] + v[3] * v[3]);
    for (uint32_t lanes = 1; lanes * 4 < head_dim; lanes *= 2) square += __shfl_xor_sync(0xFFFFFFFFu, square, int(lanes));
    if (is_row && which < 2) {
      const float scale = 1.0f / sqrtf(square / float(head_dim) + f.eps);
      float weight[4];
      load_masked(f, f.norm[which], d, 15, weight);
#pragma unroll
      for (int i = 0; i < 4; ++i) v[i] = v[i] * scale * weight[i];
    }
  }
  if (!is_row) return;
  const int32_t item = int32_t(f.rows_per_item.quotient(uint32_t(row))), m = row - item * int32_t(f.rows_per_item.divisor);
  if (f.rope && which < 2) {
    float turn[4];  // cos, sin of two pairs
    load_masked(f, f.rope, int64_t(m) * head_dim + d, 15, turn);
#pragma unroll
    for (int i = 0; i < 4; i += 2) {
      const float even = v[i], odd = v[i + 1];
      v[i] = even * turn[i] - odd * turn[i + 1];
      v[i + 1] = even * turn[i + 1] + odd * turn[i];
    }
  }
  const int64_t at = ((int64_t(item) * f.heads + head) * f.rows_per_item.divisor + m) * head_dim + d;
  store_four(f, f.y[which], at, v, 15);
}

// The tile of `columns` columns from `first_column`, a multiple of 64, and of rows [first_row, first_row + rows), by
// `threads` threads that all call; columns/4 · rows is a multiple of threads when there are norms. sums_of(row) counts
// rows from first_row and gives what takes columns counted from 0.
template <class SumsOf>
__device__ void finish_tile(const Finish& f, int32_t first_row, int32_t rows, int32_t num_rows, int32_t first_column, int32_t columns,
                            int32_t product_columns, int32_t thread, int32_t threads, const SumsOf& sums_of) {
  const int32_t units = f.kind == Finish::Kind::gated ? columns / 8 : columns / 4;
  for (int32_t i = thread; i < rows * units; i += threads) {
    const int32_t r = i / units, unit = i - r * units, row = first_row + r;
    const auto sums = sums_of(r);
    if (f.kind == Finish::Kind::qkv) {
      const int32_t c = first_column + 4 * unit;
      finish_qkv(f, row, c, row < num_rows && c < product_columns, sums);
    } else if (row < num_rows) {
      if (f.kind == Finish::Kind::gated) finish_gated(f, row, first_column / 2 + 4 * unit, sums);
      else finish_rows(f, row, first_column + 4 * unit, sums);
    }
  }
}

}  // namespace
}  // namespace ts::cuda
