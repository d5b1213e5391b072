// The layers that the four encoders share: a layer norm with its parameters, and the block of both CLIP towers.
#pragma once

#include <string>

#include "models/loader.h"
#include "ops/attention.h"
#include "ops/linear.h"
#include "ops/norm.h"

namespace ts {

struct LayerNorm {
  Buffer weight, bias;  // [D]
};

inline LayerNorm load_layer_norm(Loader& loader, const std::string& name, int64_t dim) {
  return {loader.vector(name + ".weight", {dim}), loader.vector(name + ".bias", {dim})};
}

inline void run_layer_norm(Context& ctx, const Tensor& y, const Tensor& x, const LayerNorm& norm, float eps) {
  ops::layer_norm(ctx, y, x, norm.weight, norm.bias, eps);
}

// Queries, keys and values of `heads` heads over [B, N] positions, in the product dtype.
inline Qkv allocate_qkv(Context& ctx, int64_t batch, int64_t heads, int64_t len, int64_t head_dim) {
  const Shape shape{batch, heads, len, head_dim};
  Qkv qkv;
  qkv.q = ctx.product(shape);
  qkv.k = ctx.product(shape);
  qkv.v = ctx.product(shape);
  return qkv;
}

// x ← x + fc2(act(fc1(LN(x)))), x f32 [B, N, D].
struct EncoderMlp {
  LayerNorm norm;
  Linear fc1, fc2;     // [F, D], [D, F]
  int64_t width = 0;   // F
};
void add_mlp(Context& ctx, const Tensor& x, const EncoderMlp& mlp, Activation activation, float eps);

// One block of a CLIP tower:
//   x ← x + out_proj(attention(LN1(x)));  x ← x + fc2(act(fc1(LN2(x))))
struct ClipBlock {
  LayerNorm norm1;
  Linear qkv, out;     // [3·D, D] of q_proj, k_proj, v_proj; [D, D]
  EncoderMlp mlp;
};

// What all blocks of a tower have in common.
struct ClipTower {
  int64_t width = 0, num_heads = 0, ffn_dim = 0;
  Activation activation = Activation::quick_gelu;
  float eps = 1e-5f;
  int64_t head_dim() const { return width / num_heads; }
};

// Names below `name` as Hugging Face has them: "text_model.encoder.layers.3".
ClipBlock load_clip_block(Loader& loader, const std::string& name, const ClipTower& tower);
// x f32 [B, N, D] in place; key_mask u8 [B, N] or empty.
void run_clip_block(Context& ctx, const Tensor& x, const ClipBlock& block, const ClipTower& tower, bool causal, const Tensor& key_mask);
// y f32 [B, 1, D]: one row of what run_clip_block makes of x, neither causal nor masked. `row` i32 [1] on the device says which.
void run_clip_block_for_row(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& row, const ClipBlock& block, const ClipTower& tower);

// hidden_act, layer_norm_eps, hidden_size, num_attention_heads, intermediate_size of a tower's configuration, with the
// defaults of the Hugging Face class where they are missing.
ClipTower parse_clip_tower(const class JsonObject& object, const ClipTower& defaults);

}  // namespace ts
