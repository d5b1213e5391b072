#include "models/encoder_layers.h"

#include <array>
#include <cmath>

#include "core/json.h"
#include "ops/rows.h"

namespace ts {

void add_mlp(Context& ctx, const Tensor& x, const EncoderMlp& mlp, Activation activation, float eps) {
  const Arena::Scope scope(ctx.arena());
  const Tensor normed = ctx.product(x.shape);                                  // [B, N, D]
  const Tensor inner = ctx.product({x.shape[0], x.shape[1], mlp.width});       // [B, N, F]
  run_layer_norm(ctx, normed, x, mlp.norm, eps);
  ops::linear(ctx, inner, normed, *mlp.fc1.weight, {.bias = mlp.fc1.bias, .activation = activation});
  ops::linear(ctx, x, inner, *mlp.fc2.weight, {.bias = mlp.fc2.bias, .residual = x});
}

ClipTower parse_clip_tower(const JsonObject& object, const ClipTower& defaults) {
  ClipTower tower;
  tower.width = object.get_int("hidden_size", 1, 16384, defaults.width);
  tower.num_heads = object.get_int("num_attention_heads", 1, 1024, defaults.num_heads);
  tower.ffn_dim = object.get_int("intermediate_size", 1, 65536, defaults.ffn_dim);
  tower.eps = float(object.get_number("layer_norm_eps", 0, 1, 1e-5));
  // MetaCLIP's weights want quick_gelu, which is also the class's default; a file that says "gelu" was trained with the
  // exact one.
  tower.activation = object.get_choice("hidden_act", {"quick_gelu", "gelu"}, "quick_gelu") == "gelu" ? Activation::gelu_erf : Activation::quick_gelu;
  object.check(tower.width % tower.num_heads == 0, "num_attention_heads ", tower.num_heads, " does not divide hidden_size ", tower.width);
  object.check(tower.head_dim() % 2 == 0 && tower.head_dim() <= 128, "head dim ", tower.head_dim(),
               " (hidden_size / num_attention_heads) must be even and at most 128");
  return tower;
}

ClipBlock load_clip_block(Loader& loader, const std::string& name, const ClipTower& tower) {
  const int64_t width = tower.width;
  const std::string attention = name + ".self_attn.";
  ClipBlock block;
  const Loader::Blocks blocks(loader);
  block.norm1 = load_layer_norm(loader, name + ".layer_norm1", width);
  block.qkv = loader.stacked(std::array{attention + "q_proj", attention + "k_proj", attention + "v_proj"}, width, width);
  block.out = loader.linear(attention + "out_proj", width, width);
  block.mlp.norm = load_layer_norm(loader, name + ".layer_norm2", width);
  block.mlp.width = tower.ffn_dim;
  block.mlp.fc1 = loader.linear(name + ".mlp.fc1", tower.ffn_dim, width);
  block.mlp.fc2 = loader.linear(name + ".mlp.fc2", width, tower.ffn_dim);
  return block;
}

void run_clip_block(Context& ctx, const Tensor& x, const ClipBlock& block, const ClipTower& tower, bool causal, const Tensor& key_mask) {
  {
    const Arena::Scope scope(ctx.arena());
    const Tensor normed = ctx.product(x.shape);                                                              // [B, N, D]
    const Qkv qkv = allocate_qkv(ctx, x.shape[0], tower.num_heads, x.shape[1], tower.head_dim());            // 3 × [B, H, N, d]
    run_layer_norm(ctx, normed, x, block.norm1, tower.eps);
    ops::qkv_projection(ctx, qkv, normed, *block.qkv.weight, {.bias = block.qkv.bias});
    const Tensor& attended = normed;                                                                         // [B, N, D]
    const AttentionStream stream{qkv.q, qkv.k, qkv.v, attended};
    const float scale = 1.0f / std::sqrt(float(tower.head_dim()));
    ops::attention(ctx, {&stream, 1}, {.scale = scale, .causal = causal, .key_mask = key_mask});
    ops::linear(ctx, x, attended, *block.out.weight, {.bias = block.out.bias, .residual = x});               // [B, N, D]
  }
  add_mlp(ctx, x, block.mlp, tower.activation, tower.eps);
}

void run_clip_block_for_row(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& row, const ClipBlock& block, const ClipTower& tower) {
  const int64_t batch = x.shape[0], len = x.shape[1], width = x.shape[2], heads = tower.num_heads, head_dim = tower.head_dim();
  const Tensor rows = y.reshape({1, batch, width});  // as rows of one item: a product is faster over many than over one
  {
    const Arena::Scope scope(ctx.arena());
    const Tensor normed = ctx.product(x.shape), attended = ctx.product({batch, 1, width});                   // [B, N, D], [B, 1, D]
    const Qkv qkv = allocate_qkv(ctx, batch, heads, len, head_dim);                                          // 3 × [B, H, N, d]
    const Tensor query = ctx.product({batch, heads, 1, head_dim});
    run_layer_norm(ctx, normed, x, block.norm1, tower.eps);
    ops::qkv_projection(ctx, qkv, normed, *block.qkv.weight, {.bias = block.qkv.bias});
    ops::gather_rows(ctx, query.reshape({batch * heads, 1, head_dim}), qkv.q.reshape({batch * heads, len, head_dim}), row);
    const AttentionStream stream{query, qkv.k, qkv.v, attended};
    ops::attention(ctx, {&stream, 1}, {.scale = 1.0f / std::sqrt(float(head_dim))});                         // [B, 1, D]
    ops::gather_rows(ctx, y, x, row);
    ops::linear(ctx, rows, attended.reshape(rows.shape), *block.out.weight, {.bias = block.out.bias, .residual = rows});
  }
  add_mlp(ctx, rows, block.mlp, tower.activation, tower.eps);
}

}  // namespace ts
