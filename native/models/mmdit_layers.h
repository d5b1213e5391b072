// The small layers that the conditions and the blocks of the MM-DiT share.
#pragma once

#include "models/mmdit_weights.h"
#include "ops/table.h"

namespace ts {

// y = w2( silu(w1 x) ⊙ (w3 x) ); x of f32 or the product dtype, y f32 or product dtype, same rows.
inline void run_mlp(Context& ctx, const Tensor& y, const Tensor& x, const GatedMlp& mlp, const Epilogue& epilogue = {}) {
  const Arena::Scope scope(ctx.arena());
  const Tensor inner = ctx.product({x.shape[0], x.shape[1], mlp.width});
  ops::gated_linear(ctx, inner, x, *mlp.in, Activation::silu);
  ops::linear(ctx, y, inner, *mlp.out.weight, epilogue);
}

// y [B, rows, D] f32 of x [B, n, in]; rows = n, or n − 1 after an even kernel.
inline void project(Context& ctx, const Tensor& y, const Tensor& x, const InputProjection& layers) {
  const Arena::Scope scope(ctx.arena());
  const Tensor hidden = ctx.product(y.shape);
  ops::linear(ctx, hidden, x, *layers.input.weight, {.bias = layers.input.bias, .activation = layers.activation});
  run_mlp(ctx, y, hidden, layers.mlp);
}

}  // namespace ts
