// From the sums of a product to its outputs, shared by every product kernel. The sums lie in shared memory or, after a split,
// in device memory; `sums(c, v)` gives columns c … c + 3. Products of a form (finish_form.h) take eight neighbouring columns
// at a time, by a thread that keeps its columns, the rest four by four. wgmma finishes nearly all forms without it (finish_group.cuh).
#pragma once

#include <type_traits>

#include "ops/cuda/activation.h"
#include "ops/cuda/element.h"
#include "ops/cuda/finish_form.h"
#include "ops/cuda/product.h"
#include "ops/cuda/square_sine.h"

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
__device__ inline void store_four(const Finish& f, DType type, void* y, int64_t at, const float (&v)[4], uint32_t mask) {
  if (f.is_vector) {
    if (mask != 15) return;
    if (type != DType::f32) {
      *reinterpret_cast<uint2*>(static_cast<uint16_t*>(y) + at) = make_uint2(pack(type, v[0], v[1]), pack(type, v[2], v[3]));
    } else {
      *reinterpret_cast<float4*>(static_cast<float*>(y) + at) = make_float4(v[0], v[1], v[2], v[3]);
    }
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (mask >> i & 1) Elements(y, type).set(at + i, v[i]);
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

// Four outputs on their way: where they go and what else than the sums goes into them, fetched ahead.
struct Outputs {
  int64_t at = 0;
  uint32_t mask = 0;   // which of the four there are
  uint32_t which = 0;  // of q, k, v
  float bias[4], factor[4], other[4];  // rows: gate, residual; qkv: weight of the norm, cosines and sines
};

__device__ inline void fill_four(float (&v)[4], float value) { v[0] = v[1] = v[2] = v[3] = value; }

__device__ inline Outputs begin_rows(const Finish& f, int32_t row, int32_t c) {
  Outputs o;
  o.mask = columns_mask(c, f.columns);
  const int32_t item = int32_t(f.rows_per_item.quotient(uint32_t(row))), m = row - item * int32_t(f.rows_per_item.divisor);
  const int64_t place = f.y_first + m * f.y_stride + c;
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (place + i < 0 || place + i >= f.y_item) o.mask &= ~(1u << i);
  o.at = item * f.y_item + place;
  fill_four(o.bias, 0);
  if (f.bias) {
    if (f.is_vector) load_masked(f, f.bias, f.bias_period.remainder(uint32_t(c)), o.mask, o.bias);
    else
#pragma unroll
      for (int i = 0; i < 4; ++i)
        if (o.mask >> i & 1) o.bias[i] = f.bias[f.bias_period.remainder(uint32_t(c + i))];
  }
  fill_four(o.factor, 1);
  if (f.gate) load_masked(f, f.gate, (f.gate_rows ? f.gate_rows[row] * f.gate_row : item * f.gate_item + m * f.gate_row) + c, o.mask, o.factor);
  fill_four(o.other, 0);
  if (f.residual) load_masked(f, f.residual, o.at, o.mask, o.other);
  return o;
}

__device__ inline void end_rows(const Finish& f, const Outputs& o, int32_t c, float (&v)[4]) {
#pragma unroll
  for (int i = 0; i < 4; ++i) v[i] += o.bias[i];
  if (f.activation != Activation::none) {
#pragma unroll
    for (int i = 0; i < 4; ++i) v[i] = activated(v[i], f.activation);
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) v[i] = v[i] * o.factor[i] + o.other[i];
  if (f.y[0]) store_four(f, f.type, f.y[0], o.at, v, o.mask);
  if (!f.snaked) return;
#pragma unroll
  for (int i = 0; i < 4; ++i)
    if (o.mask >> i & 1) {
      const uint32_t channel = f.bias_period.remainder(uint32_t(c + i));
      const float z = f.snake_a[channel] * v[i];
      v[i] += (f.snaked_type == DType::f32 ? square_sine_f32(z) : square_sine(z)) * f.snake_inv_b[channel];
    }
  store_four(f, f.snaked_type, f.snaked, o.at, v, o.mask);
}

// head_dim is a multiple of four, so four columns are of one head.
__device__ inline Outputs begin_qkv(const Finish& f, int32_t row, int32_t c) {
  Outputs o;
  o.mask = columns_mask(c, f.columns);
  fill_four(o.bias, 0);
  fill_four(o.factor, 1);
  o.other[0] = o.other[2] = 1;
  o.other[1] = o.other[3] = 0;
  if (o.mask == 0) return o;
  const uint32_t head_dim = f.head_dim.divisor;
  o.which = f.width.quotient(uint32_t(c));
  const uint32_t inside = uint32_t(c) - o.which * f.width.divisor, head = f.head_dim.quotient(inside), d = inside - head * head_dim;
  const int32_t item = int32_t(f.rows_per_item.quotient(uint32_t(row))), m = row - item * int32_t(f.rows_per_item.divisor);
  o.at = ((int64_t(item) * f.heads + head) * f.rows_per_item.divisor + m) * head_dim + d;
  if (f.bias) load_masked(f, f.bias, c, 15, o.bias);
  if (f.norm[0] && o.which < 2) load_masked(f, f.norm[o.which], d, 15, o.factor);
  if (f.rope && o.which < 2) load_masked(f, f.rope, int64_t(m) * head_dim + d, 15, o.other);
  return o;
}

// Whole warps call it. With norms head_dim is a power of two up to 128 whose columns lie in neighbouring lanes.
__device__ inline void end_qkv(const Finish& f, const Outputs& o, float (&v)[4]) {
#pragma unroll
  for (int i = 0; i < 4; ++i) v[i] += o.bias[i];
  if (f.norm[0]) {
    const uint32_t head_dim = f.head_dim.divisor;
    float square = v[0] * v[0] + v[1] * v[1] + (v[2] * v[2] + v[3] * v[3]);
    for (uint32_t lanes = 1; lanes * 4 < head_dim; lanes *= 2) square += __shfl_xor_sync(0xFFFFFFFFu, square, int(lanes));
    const float scale = o.which < 2 ? 1.0f / sqrtf(square / float(head_dim) + f.eps) : 1.0f;
#pragma unroll
    for (int i = 0; i < 4; ++i) v[i] = v[i] * scale * o.factor[i];
  }
  if (f.rope && o.which < 2) {
#pragma unroll
    for (int i = 0; i < 4; i += 2) {
      const float even = v[i], odd = v[i + 1];
      v[i] = even * o.other[i] - odd * o.other[i + 1];
      v[i + 1] = even * o.other[i + 1] + odd * o.other[i];
    }
  }
  store_four(f, f.type, f.y[o.which], o.at, v, o.mask);
}

// The sums of columns c … c + 3 times their scales.
__device__ inline void scale_four(const Finish& f, int32_t c, uint32_t mask, float (&v)[4]) {
  if (!f.scale) return;
  float scale[4];
  load_masked(f, f.scale, c, mask, scale);
#pragma unroll
  for (int i = 0; i < 4; ++i) v[i] *= scale[i];
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
  scale_four(f, column, mask, gate);
  scale_four(f, column + int32_t(kGatedGroup), mask, value);
#pragma unroll
  for (int i = 0; i < 4; ++i) value[i] *= activated(gate[i], f.activation);
  store_four(f, f.type, f.y[0], row * f.y_stride + o, value, mask);
}

__device__ inline void load_eight(const float* from, float (&v)[8]) {
#pragma unroll
  for (int i = 0; i < 8; i += 4) {
    const float4 four = *reinterpret_cast<const float4*>(from + i);
    v[i] = four.x, v[i + 1] = four.y, v[i + 2] = four.z, v[i + 3] = four.w;
  }
}
__device__ inline void load_eight_or(const float* from, float otherwise, float (&v)[8]) {
#pragma unroll
  for (int i = 0; i < 8; ++i) v[i] = otherwise;
  if (from) load_eight(from, v);
}

__device__ inline void store_eight(float* to, const float (&v)[8]) {
#pragma unroll
  for (int i = 0; i < 8; i += 4) *reinterpret_cast<float4*>(to + i) = make_float4(v[i], v[i + 1], v[i + 2], v[i + 3]);
}
__device__ inline void store_eight(__nv_bfloat16* to, const float (&v)[8]) {
  uint32_t pairs[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) pairs[i] = ptx::pack<__nv_bfloat16>(v[2 * i], v[2 * i + 1]);
  *reinterpret_cast<uint4*>(to) = make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
}

// z·Φ(z) = max(z, 0) − |z|·½erfc(|z|/√2), where ½erfc(t/√2) = exp(−t²/2)·R(k), k = 1/(1 + p·t), as Abramowitz and Stegun 7.1.26 has
// it, with the polynomial R of the smallest relative error over 0 ≤ t ≤ 13.5 (by Remez), so that the negative tail keeps its digits too.
// Against f64, over both signs of 2⁻¹²⁶ ≤ |z| ≤ 32 and outputs down to 2⁻¹²⁶: 3.4e-5 of the output at worst, a fiftieth of half
// a unit of bf16 (2⁻⁹); two ulp of the exponential and one of the reciprocal are in it.
__device__ inline float gelu_erf_for_bf16(float z) {
  constexpr float kP = 0.375f, kMinusHalfLog2e = -0.72134752f;
  constexpr float kR1 = 0.1490411327f, kR2 = 0.1579200601f, kR3 = 0.08297408022f, kR4 = 0.2010432682f, kR5 = -0.0909852158f;
  const float t = fabsf(z), k = ptx::reciprocal_fast(fmaf(kP, t, 1.0f));
  const float r = k * fmaf(k, fmaf(k, fmaf(k, fmaf(k, kR5, kR4), kR3), kR2), kR1);
  return fmaf(-t * ptx::exp2_fast(t * t * kMinusHalfLog2e), r, fmaxf(z, 0.0f));
}

// For outputs that are rounded to bf16: divisions, exponentials and an error function of a few ulp of f32, or far below one of bf16,
// instead of exact ones.
template <Activation activation>
__device__ inline float activate_for_bf16(float z) {
  constexpr float kTwoSqrt2OverPi = 1.5957691216f, kGeluCubic = 0.044715f, kQuickGelu = 1.702f;
  const auto gated = [z](float by) { return __fdividef(z, 1.0f + __expf(-by)); };  // z·σ(by)
  if constexpr (activation == Activation::silu) return gated(z);
  else if constexpr (activation == Activation::quick_gelu) return gated(kQuickGelu * z);
  else if constexpr (activation == Activation::gelu_tanh) return gated(kTwoSqrt2OverPi * (z + kGeluCubic * z * z * z));  // ½(1 + tanh u) = σ(2u)
  else if constexpr (activation == Activation::gelu_erf) return gelu_erf_for_bf16(z);
  else return activate<activation>(z);
}

// Which row of the table of gates row `row` takes, as an offset.
__device__ inline int64_t gate_offset(const Finish& f, int32_t row) {
  if (f.gate_rows) return f.gate_rows[row] * f.gate_row;
  const int32_t item = int32_t(f.rows_per_item.quotient(uint32_t(row)));
  return item * f.gate_item + (row - item * int32_t(f.rows_per_item.divisor)) * f.gate_row;
}

// The part of a tile that a thread of a form finishes: eight columns of rows that follow each other evenly.
struct Strip {
  int32_t column, row, step;  // its first column, its first row in the tile, the way to its next

  __device__ Strip(int32_t first_column, int32_t columns, int32_t thread, int32_t threads) {
    const int32_t units = columns / 8;
    row = thread / units;
    column = first_column + (thread - row * units) * 8;
    step = threads / units;
  }
};

// snake(v) of one channel on its way to bf16.
__device__ inline float snaked_for_bf16(float v, float a, float inv_b) { return fmaf(square_sine(a * v), inv_b, v); }

template <class To, Activation activation, bool has_gate, bool has_residual, bool has_snake, class SumsOf>
__device__ void finish_strip_rows(const Finish& f, int32_t first_row, int32_t rows, int32_t num_rows, const Strip& strip, const SumsOf& sums_of) {
  constexpr int kAhead = 2;
  if (strip.column >= f.columns) return;
  if (rows > num_rows - first_row) rows = num_rows - first_row;
  const uint32_t channel = f.bias_period.remainder(uint32_t(strip.column)), end = uint32_t(f.y_end);
  float bias[8], a[8], inv_b[8];
  load_eight_or(f.bias ? f.bias + channel : nullptr, 0, bias);
  if constexpr (has_snake) {
    load_eight(f.snake_a + channel, a);
    load_eight(f.snake_inv_b + channel, inv_b);
  }
  To* const y = static_cast<To*>(f.y[0]);
  const int32_t y_stride = int32_t(f.y_stride), origin = int32_t(f.y_first) + first_row * y_stride + strip.column;
#pragma unroll 1
  for (int32_t first = strip.row; first < rows; first += kAhead * strip.step) {
    float other[kAhead][8], factor[kAhead][8];
#pragma unroll
    for (int u = 0; u < kAhead; ++u) {
      const int32_t r = first + u * strip.step, at = origin + r * y_stride;
      const bool is_there = r < rows && uint32_t(at) < end;
      if constexpr (has_residual) load_eight_or(is_there ? f.residual + at : nullptr, 0, other[u]);
      if constexpr (has_gate) load_eight_or(is_there ? f.gate + gate_offset(f, first_row + r) + strip.column : nullptr, 0, factor[u]);
    }
#pragma unroll
    for (int u = 0; u < kAhead; ++u) {
      const int32_t r = first + u * strip.step, at = origin + r * y_stride;
      if (r >= rows || uint32_t(at) >= end) continue;
      float v[8];
      sums_of(r)(strip.column, v);
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        v[i] = activate_for_bf16<activation>(v[i] + bias[i]);
        if constexpr (has_gate) v[i] *= factor[u][i];
        if constexpr (has_residual) v[i] += other[u][i];
      }
      if (!has_snake || y) store_eight(y + at, v);
      if constexpr (has_snake) {
#pragma unroll
        for (int i = 0; i < 8; ++i) v[i] = snaked_for_bf16(v[i], a[i], inv_b[i]);
        store_eight(static_cast<__nv_bfloat16*>(f.snaked) + at, v);
      }
    }
  }
}

template <Activation activation, class SumsOf>
__device__ void finish_strip_gated(const Finish& f, int32_t first_row, int32_t rows, int32_t num_rows, int32_t first_column, int32_t columns,
                                   int32_t thread, int32_t threads, const SumsOf& sums_of) {
  const Strip strip(first_column / 2, columns / 2, thread, threads);
  static_assert(kGatedGroup == 8);
  if (strip.column >= f.columns) return;
  if (rows > num_rows - first_row) rows = num_rows - first_row;
  __nv_bfloat16* const y = static_cast<__nv_bfloat16*>(f.y[0]) + strip.column;
#pragma unroll 1
  for (int32_t r = strip.row; r < rows; r += strip.step) {
    float gate[8], value[8];
    const auto sums = sums_of(r);
    sums(2 * strip.column, gate);
    sums(2 * strip.column + 8, value);
#pragma unroll
    for (int i = 0; i < 8; ++i) value[i] *= activate_for_bf16<activation>(gate[i]);
    store_eight(y + (first_row + r) * int32_t(f.y_stride), value);
  }
}

// head_dim is a multiple of eight, so a strip is of one head; with norms a power of two up to 64, whose columns lie in
// neighbouring lanes.
template <class SumsOf>
__device__ void finish_strip_qkv(const Finish& f, int32_t first_row, int32_t rows, int32_t num_rows, const Strip& strip, const SumsOf& sums_of) {
  const int32_t head_dim = int32_t(f.head_dim.divisor), rows_per_item = int32_t(f.rows_per_item.divisor);
  const bool has_column = strip.column < f.columns;
  const uint32_t column = has_column ? uint32_t(strip.column) : 0, which = f.width.quotient(column), inside = column - which * f.width.divisor;
  const int32_t head = int32_t(f.head_dim.quotient(inside)), d = int32_t(inside) - head * head_dim;
  const bool is_normed = f.norm[0] && which < 2, is_turned = f.rope && which < 2;
  float bias[8], norm[8];
  load_eight_or(f.bias ? f.bias + column : nullptr, 0, bias);
  load_eight_or(is_normed ? f.norm[which] + d : nullptr, 1, norm);
  __nv_bfloat16* const y = static_cast<__nv_bfloat16*>(f.y[which]);
  const float one_part = 1.0f / float(head_dim);
#pragma unroll 1
  for (int32_t r = strip.row; r < rows; r += strip.step) {
    const int32_t row = first_row + r, item = int32_t(f.rows_per_item.quotient(uint32_t(row))), m = row - item * rows_per_item;
    const bool is_there = has_column && row < num_rows;
    float v[8] = {}, turn[8];
    if (is_turned && is_there) load_eight(f.rope + int64_t(m) * head_dim + d, turn);
    if (is_there) sums_of(r)(strip.column, v);
#pragma unroll
    for (int i = 0; i < 8; ++i) v[i] += bias[i];
    if (f.norm[0]) {
      float square = 0;
#pragma unroll
      for (int i = 0; i < 8; ++i) square = fmaf(v[i], v[i], square);
      for (int32_t lanes = 1; lanes * 8 < head_dim; lanes *= 2) square += __shfl_xor_sync(0xFFFFFFFFu, square, lanes);
      const float scale = is_normed ? rsqrtf(fmaf(square, one_part, f.eps)) : 1.0f;
#pragma unroll
      for (int i = 0; i < 8; ++i) v[i] *= scale * norm[i];
    }
    if (!is_there) continue;
    if (is_turned)
#pragma unroll
      for (int i = 0; i < 8; i += 2) {
        const float even = v[i], odd = v[i + 1];
        v[i] = even * turn[i] - odd * turn[i + 1];
        v[i + 1] = even * turn[i + 1] + odd * turn[i];
      }
    store_eight(y + (int64_t(item * f.heads + head) * rows_per_item + m) * head_dim + d, v);
  }
}

// v = the sums of `count` parts, in order; load(s, i, four) gives four numbers of part s from place i. Those of `together` parts are asked
// for before the first is added: nothing else hides the way to them.
template <int together, int width, class Load>
__device__ void add_parts(int count, float (&v)[width], const Load& load) {
#pragma unroll
  for (float& sum : v) sum = 0;
  for (int first = 0; first < count; first += together) {
    float part[together][width / 4][4];
#pragma unroll
    for (int s = 0; s < together; ++s)
      if (first + s < count)
#pragma unroll
        for (int i = 0; i < width / 4; ++i) load(first + s, 4 * i, part[s][i]);
#pragma unroll
    for (int s = 0; s < together; ++s)
      if (first + s < count)
#pragma unroll
        for (int i = 0; i < width; ++i) v[i] += part[s][i / 4][i % 4];
  }
}

// Which forms a kernel has code for: each of these has those before it, too. What is left after finish_group is q, k and v; where
// wgmma splits a sum of the published networks, their outputs are f32 besides; kernels that are seldom the fastest have none,
// since every form is compiled for every card.
enum class Forms { none, qkv, f32, all };

// Whether the product is of a form that there is code for, and has been finished.
template <Forms forms, class SumsOf>
__device__ bool finish_form(const Finish& f, int32_t first_row, int32_t rows, int32_t num_rows, int32_t first_column, int32_t columns,
                            int32_t thread, int32_t threads, const SumsOf& sums_of) {
  const auto eight_of = [&](int32_t r) {
    return [sums = sums_of(r)](int32_t c, float (&v)[8]) {
      if constexpr (std::is_invocable_v<decltype(sums), int32_t, float (&)[8]>) {
        sums(c, v);
      } else {
        float four[4];
#pragma unroll
        for (int i = 0; i < 8; i += 4) {
          sums(c + i, four);
          v[i] = four[0], v[i + 1] = four[1], v[i + 2] = four[2], v[i + 3] = four[3];
        }
      }
    };
  };
  using Form = Finish::Form;
  if (f.form == Form::general) return false;
  const Strip strip(first_column, columns, thread, threads);
  if (f.form == Form::qkv_bf16) {
    finish_strip_qkv(f, first_row, rows, num_rows, strip, eight_of);
    return true;
  }
  if constexpr (forms >= Forms::f32)
    if (f.form == Form::rows_f32) {
      if (f.gate) finish_strip_rows<float, Activation::none, true, true, false>(f, first_row, rows, num_rows, strip, eight_of);
      else if (f.residual) finish_strip_rows<float, Activation::none, false, true, false>(f, first_row, rows, num_rows, strip, eight_of);
      else finish_strip_rows<float, Activation::none, false, false, false>(f, first_row, rows, num_rows, strip, eight_of);
      return true;
    }
  if constexpr (forms == Forms::all) {
    const auto gated = [&](auto activation) {
      finish_strip_gated<decltype(activation)::value>(f, first_row, rows, num_rows, first_column, columns, thread, threads, eight_of);
    };
    if (f.form == Form::gated_bf16) {
      if (f.activation == Activation::silu) gated(std::integral_constant<Activation, Activation::silu>());
      else gated(std::integral_constant<Activation, Activation::gelu_tanh>());
    } else if (f.form == Form::snake_bf16) {
      if (f.residual) finish_strip_rows<float, Activation::none, false, true, true>(f, first_row, rows, num_rows, strip, eight_of);
      else finish_strip_rows<float, Activation::none, false, false, true>(f, first_row, rows, num_rows, strip, eight_of);
    } else {
      if (f.activation == Activation::gelu_erf)
        finish_strip_rows<__nv_bfloat16, Activation::gelu_erf, false, false, false>(f, first_row, rows, num_rows, strip, eight_of);
      else if (f.activation == Activation::quick_gelu)
        finish_strip_rows<__nv_bfloat16, Activation::quick_gelu, false, false, false>(f, first_row, rows, num_rows, strip, eight_of);
      else finish_strip_rows<__nv_bfloat16, Activation::none, false, false, false>(f, first_row, rows, num_rows, strip, eight_of);
    }
    return true;
  }
  return false;
}

// The tile of `columns` columns (64 or 128) from `first_column`, a multiple of 64, and of rows [first_row, first_row + rows), by
// `threads` threads that all call; rows · columns/4 is a multiple of them when there are norms. sums_of(row) counts rows from
// first_row and gives what takes columns of the product. What is read beside the sums is asked for some outputs ahead: in a
// kernel whose every thread finishes, nothing else hides the way to memory.
template <Forms forms, class SumsOf>
__device__ void finish_tile(const Finish& f, int32_t first_row, int32_t rows, int32_t num_rows, int32_t first_column, int32_t columns,
                            int32_t thread, int32_t threads, const SumsOf& sums_of) {
  constexpr int kAhead = 4;
  if constexpr (forms != Forms::none)
    if (finish_form<forms>(f, first_row, rows, num_rows, first_column, columns, thread, threads, sums_of)) return;
  if (f.kind == Finish::Kind::gated) {
    const int32_t units = columns / 8;
    for (int32_t i = thread; i < rows * units; i += threads)
      if (const int32_t r = i / units; first_row + r < num_rows) finish_gated(f, first_row + r, first_column / 2 + i % units * 4, sums_of(r));
    return;
  }
  const int32_t units = columns / 4, count = rows * units;
  const bool is_qkv = f.kind == Finish::Kind::qkv;
  for (int32_t first = 0; first < count; first += kAhead * threads) {
    Outputs ahead[kAhead];
#pragma unroll
    for (int u = 0; u < kAhead; ++u) {
      const int32_t i = first + u * threads + thread, row = first_row + i / units, c = first_column + i % units * 4;
      if (i < count && row < num_rows) ahead[u] = is_qkv ? begin_qkv(f, row, c) : begin_rows(f, row, c);
    }
#pragma unroll
    for (int u = 0; u < kAhead; ++u) {
      const int32_t i = first + u * threads + thread;
      float v[4] = {};
      if (const int32_t c = first_column + i % units * 4; ahead[u].mask != 0) {
        sums_of(i / units)(c, v);
        scale_four(f, c, ahead[u].mask, v);
      }
      if (is_qkv) end_qkv(f, ahead[u], v);
      else if (ahead[u].mask != 0) end_rows(f, ahead[u], first_column + i % units * 4, v);
    }
  }
}

}  // namespace
}  // namespace ts::cuda
