// Matrix products and what surrounds them. Sources: spec 01 §§2, 7; 04; 05.
#pragma once

#include "ops/context.h"
#include "ops/packed_weight.h"

namespace ts {

enum class Activation : uint8_t {
  none,
  silu,        // z·σ(z)
  selu,        // λ·z for z > 0, λ·α·(eᶻ − 1) else
  gelu_erf,    // exact
  gelu_tanh,   // T5's gelu_new
  quick_gelu,  // z·σ(1.702 z)
  sigmoid
};

// One vector per position or per item out of a modulation table f32 [B, L, num_chunks·width]: L = 1 serves every
// position of an item, otherwise L is the number of positions. With `rows` the table is [1, any, num_chunks·width] and
// holds every vector once.
struct Chunk {
  Tensor table;
  int64_t index = 0;   // which chunk
  int64_t width = 0;
  Tensor rows = {};    // i32 [B, N] on the device: which row of the table each position takes, checked by the caller
  explicit operator bool() const { return bool(table); }
  // Host backends only; `len` positions to an item.
  const float* row(int64_t item, int64_t position, int64_t len) const {
    const int64_t own = table.shape[1] == 1 ? item : item * len + position;
    return static_cast<const float*>(table.data) + (rows ? rows.as<int32_t>()[item * len + position] : own) * table.shape[2] + index * width;
  }
};

// y = residual + gate ⊙ act(x·Wᵀ + bias); what is empty is left out.
struct Epilogue {
  Tensor bias = {};       // f32 [out]
  Activation activation = Activation::none;
  Chunk gate = {};        // width out
  Tensor residual = {};   // f32, shape of y; may be y itself
};

// The three streams' queries, keys and values, ready for attention.
struct Qkv {
  Tensor q, k, v;    // [B, heads, N, head_dim], f32 or product dtype (all alike)
};

// How q and k are treated on their way out of the projection.
struct QkvOptions {
  Tensor bias = {};          // f32 [3·heads·head_dim], in the order of the packed weight
  Tensor q_norm = {}, k_norm = {};  // f32 [head_dim]: RMS norm over the head; empty = none
  float eps = 1.1920929e-7f; // 2⁻²³, the framework default for f32 (spec 01 §7)
  Tensor rope = {};          // f32 [N, head_dim/2, 2] of (cos, sin), adjacent pairs (spec 01 §8); empty = none
};

namespace ops {

// x [B, N, in] of f32 or the weight's dtype → y [B, N, out] of f32, bf16 or f16 (f32 when there is a residual).
// With taps k > 1 (odd) the product runs over k neighbouring rows, zeros beyond both ends of each item:
//   y[n] = Σ_j W[:, :, j] · x[n + j − (k − 1)/2]
// An even k leaves N − 1 rows (padding (k − 1) div 2), and y has that many.
void linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& weight, const Epilogue& epilogue = {});

// y = act(W1 x) ⊙ (W3 x), the first half of every gated MLP; same shapes and taps as linear, no bias.
void gated_linear(Context& ctx, const Tensor& y, const Tensor& x, const PackedWeight& weight, Activation activation);

// q|k|v of x [B, N, in] in one product; the weight's rows are q, k, v, each head-major (the loader de-interleaves).
void qkv_projection(Context& ctx, const Qkv& qkv, const Tensor& x, const PackedWeight& weight, const QkvOptions& options);

}  // namespace ops
}  // namespace ts
