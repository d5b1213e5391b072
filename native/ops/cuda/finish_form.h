// Which finishing code a product takes. A pure function of what is asked for, so that a test without a GPU can ask it.
//
// The closed set is what the published networks' large products are in bf16; all the rest is general, as is what is
// stored as f16 or has scales. Kernels on the f32 units, and by mma.sync of anything but bf16, finish in general whatever
// the form; so does what wgmma splits and is neither rows_f32 nor qkv_bf16, or not bf16.
//
//   rows_f32     sums, bias, gate, residual     modulation; linear1 and w2 of the DiT; out and fc2 of the towers; T5's o, wo
//   rows_bf16    bias, (quick) GELU             fc1 of the towers; erf-GELU by a short form
//   snake_bf16   bias, residual, next snake     the VAE
//   gated_bf16   SwiGLU, gated GELU             w1, w3 of the DiT; wi of T5
//   qkv_bf16     bias, norm, rotation           every attention
#pragma once

#include <cstdlib>
#include <limits>

#include "ops/cuda/aligned.h"
#include "ops/cuda/product.h"

namespace ts::cuda {

// Whether `width` neighbours of everything that is read and written beside the sums lie side by side in whole vectors.
inline bool allows_vectors(const Finish& f, int64_t width) {
  const int64_t bias_period = f.kind == Finish::Kind::qkv ? width : int64_t(f.bias_period.divisor);
  const auto is_whole = [&](int64_t elements) { return elements % width == 0; };
  bool allows = is_whole(f.columns) && is_whole(bias_period) && is_whole(f.y_item) && is_whole(f.y_first) && is_whole(f.y_stride) &&
                is_whole(f.gate_item) && is_whole(f.gate_row) && is_aligned(f.gate) && is_aligned(f.bias) && is_aligned(f.residual) &&
                is_aligned(f.rope) && is_aligned(f.snaked) && is_aligned(f.snake_a) && is_aligned(f.snake_inv_b);
  for (int i = 0; i < 3; ++i) allows = allows && is_aligned(f.y[i]) && is_aligned(f.norm[i]);
  return allows;
}

// Outputs that one thread of a form finishes at a time: 16 bytes of bf16.
constexpr int64_t kFormWidth = 8;
// Rows that a tile may reach beyond the last: places in y stay below 2³¹ for them too.
constexpr int64_t kFormRowsBeyond = 256;

// Of `num_rows` rows in all; sets y_end where the form reads it.
inline Finish::Form choose_form(Finish& f, int64_t num_rows) {
  using Form = Finish::Form;
  constexpr int64_t kMaxPlace = std::numeric_limits<int32_t>::max();
  if (f.scale || !allows_vectors(f, kFormWidth)) return Form::general;
  if (f.kind == Finish::Kind::qkv) return f.type == DType::bf16 && f.head_dim.divisor % kFormWidth == 0 ? Form::qkv_bf16 : Form::general;
  const int64_t per_item = f.rows_per_item.divisor, end = f.y_first + num_rows * f.y_stride;
  const bool is_single = num_rows <= per_item, follows = is_single || (f.y_first == 0 && f.y_item == per_item * f.y_stride);
  if (!follows || std::abs(f.y_first) + (num_rows + kFormRowsBeyond) * f.y_stride > kMaxPlace) return Form::general;
  f.y_end = int32_t(is_single && f.y_item < end ? f.y_item : end < 0 ? 0 : end);
  if (f.kind == Finish::Kind::gated)
    return f.type == DType::bf16 && (f.activation == Activation::silu || f.activation == Activation::gelu_tanh) ? Form::gated_bf16 : Form::general;
  if (f.snaked) return f.snaked_type == DType::bf16 && f.type == DType::f32 && !f.gate && f.activation == Activation::none ? Form::snake_bf16 : Form::general;
  if (f.type == DType::f32) return f.activation == Activation::none && (!f.gate || f.residual) ? Form::rows_f32 : Form::general;
  const bool is_known = f.activation == Activation::none || f.activation == Activation::gelu_erf || f.activation == Activation::quick_gelu;
  return f.type == DType::bf16 && is_known && !f.gate && !f.residual ? Form::rows_bf16 : Form::general;
}

}  // namespace ts::cuda
