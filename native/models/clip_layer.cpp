#include "models/clip_layer.h"

#include <array>

#include "ops/norm.h"

namespace ts {

ClipLayerConfig parse_clip_layers(const JsonObject& object) {
  ClipLayerConfig config;
  config.hidden_size = object.get_int("hidden_size", 2, 16384);
  config.intermediate_size = object.get_int("intermediate_size", 1, 131072);
  config.num_heads = object.get_int("num_attention_heads", 1, 1024);
  config.num_layers = object.get_int("num_hidden_layers", 1, 256);
  config.eps = float(object.get_number("layer_norm_eps", 0, 1, 1e-5));
  object.check(config.hidden_size % config.num_heads == 0, "num_attention_heads must divide hidden_size");
  object.check(config.head_dim() % 2 == 0 && config.head_dim() <= 128, "head dim ", config.head_dim(), " must be even, up to 128");
  const std::string activation = object.get_choice("hidden_act", {"quick_gelu", "gelu"}, "quick_gelu");
  config.activation = activation == "gelu" ? Activation::gelu_erf : Activation::quick_gelu;
  return config;
}

ClipNorm load_clip_norm(Loader& loader, const std::string& name, int64_t width) {
  return {loader.vector(name + ".weight", {width}), loader.vector(name + ".bias", {width})};
}

ClipLayer ClipLayer::load(Loader& loader, const std::string& name, const ClipLayerConfig& config) {
  const std::array<std::string, 3> projections{name + ".self_attn.q_proj", name + ".self_attn.k_proj", name + ".self_attn.v_proj"};
  ClipLayer layer;
  layer.norm1_ = load_clip_norm(loader, name + ".layer_norm1", config.hidden_size);
  layer.qkv_ = loader.stacked(projections, config.hidden_size, config.hidden_size);
  layer.out_ = loader.linear(name + ".self_attn.out_proj", config.hidden_size, config.hidden_size);
  layer.norm2_ = load_clip_norm(loader, name + ".layer_norm2", config.hidden_size);
  layer.fc1_ = loader.linear(name + ".mlp.fc1", config.intermediate_size, config.hidden_size);
  layer.fc2_ = loader.linear(name + ".mlp.fc2", config.hidden_size, config.intermediate_size);
  return layer;
}

void ClipLayer::forward(Context& ctx, const Tensor& h, const ClipLayerConfig& config, const AttentionOptions& attention) const {
  const Arena::Scope scope(ctx.arena());
  const int64_t batch = h.shape[0], len = h.shape[1];
  const Tensor normed = ctx.product(h.shape);
  {
    const Arena::Scope attention_scope(ctx.arena());
    const Shape by_head{batch, config.num_heads, len, config.head_dim()};
    const Qkv qkv{ctx.product(by_head), ctx.product(by_head), ctx.product(by_head)};
    const Tensor attended = ctx.product(h.shape);
    ops::layer_norm(ctx, normed, h, norm1_.weight, norm1_.bias, config.eps);                                   // [B, n, D]
    ops::qkv_projection(ctx, qkv, normed, *qkv_.weight, {.bias = qkv_.bias});                                  // 3 × [B, H, n, d]
    const AttentionStream stream{qkv.q, qkv.k, qkv.v, attended};
    ops::attention(ctx, {&stream, 1}, attention);                                                              // [B, n, D]
    ops::linear(ctx, h, attended, *out_.weight, {.bias = out_.bias, .residual = h});                           // [B, n, D]
  }
  const Tensor hidden = ctx.product({batch, len, config.intermediate_size});
  ops::layer_norm(ctx, normed, h, norm2_.weight, norm2_.bias, config.eps);
  ops::linear(ctx, hidden, normed, *fc1_.weight, {.bias = fc1_.bias, .activation = config.activation});        // [B, n, F]
  ops::linear(ctx, h, hidden, *fc2_.weight, {.bias = fc2_.bias, .residual = h});                               // [B, n, D]
}

}  // namespace ts
