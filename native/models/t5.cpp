#include "models/t5.h"

#include <cmath>

#include "core/json.h"
#include "ops/attention.h"
#include "ops/linear.h"
#include "ops/norm.h"
#include "ops/rows.h"

namespace ts {

T5Config parse_t5_config(const nlohmann::json& json, const std::string& origin) {
  const JsonObject object(json, origin);
  T5Config config;
  config.vocab_size = object.get_int("vocab_size", 2, 1 << 24);
  config.d_model = object.get_int("d_model", 1, 16384);
  config.d_kv = object.get_int("d_kv", 2, 128);
  config.d_ff = object.get_int("d_ff", 1, 131072);
  config.num_layers = object.get_int("num_layers", 1, 256);
  config.num_heads = object.get_int("num_heads", 1, 1024);
  config.num_buckets = object.get_int("relative_attention_num_buckets", 4, 1024, 32);
  config.max_distance = object.get_int("relative_attention_max_distance", 2, 65536, 128);
  config.eps = float(object.get_number("layer_norm_epsilon", 0, 1, 1e-6));
  object.check(object.get_string("feed_forward_proj", "gated-gelu") == "gated-gelu",
               "feed_forward_proj must be \"gated-gelu\": T5 v1.1 is the only family here");
  object.check(config.d_kv % 2 == 0, "d_kv ", config.d_kv, " is odd");
  object.check(config.num_buckets % 4 == 0 && config.max_distance > config.num_buckets / 4,
               "relative attention needs buckets in fours and distances beyond the exact ones");
  return config;
}

int64_t t5_position_bucket(int64_t distance, int64_t num_buckets, int64_t max_distance) {
  const int64_t half = num_buckets / 2, exact = half / 2;
  const int64_t sign = distance > 0 ? half : 0, n = std::abs(distance);
  if (n < exact) return sign + n;
  // Logarithms in single precision, as the library takes them.
  const float position = std::log(float(n) / float(exact)) / float(std::log(double(max_distance) / double(exact))) * float(half - exact);
  return sign + std::min(half - 1, exact + int64_t(position));
}

T5 T5::load(Loader& loader, const T5Config& config) {
  T5 t5;
  t5.config_ = config;
  const int64_t inner = config.num_heads * config.d_kv;
  // One tensor under two names; files hold either or both.
  const bool shared = loader.source().has("shared.weight") || !loader.source().has("encoder.embed_tokens.weight");
  t5.embedding_ = loader.table(shared ? "shared.weight" : "encoder.embed_tokens.weight", {config.vocab_size, config.d_model});
  t5.relative_bias_ = loader.host("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", {config.num_buckets, config.num_heads});
  for (int64_t i = 0; i < config.num_layers; ++i) {
    const std::string attention = concat("encoder.block.", i, ".layer.0."), mlp = concat("encoder.block.", i, ".layer.1.");
    const std::string names[] = {attention + "SelfAttention.q", attention + "SelfAttention.k", attention + "SelfAttention.v"};
    Layer layer;
    layer.attention_norm = loader.vector(attention + "layer_norm.weight", {config.d_model});
    layer.qkv = loader.stacked(names, inner, config.d_model, false);
    layer.out = loader.linear(attention + "SelfAttention.o", config.d_model, inner, 1, false);
    layer.mlp_norm = loader.vector(mlp + "layer_norm.weight", {config.d_model});
    layer.gate = loader.gated(mlp + "DenseReluDense.wi_0.weight", mlp + "DenseReluDense.wi_1.weight", config.d_ff, config.d_model);
    layer.down = loader.linear(mlp + "DenseReluDense.wo", config.d_model, config.d_ff, 1, false);
    t5.layers_.push_back(std::move(layer));
  }
  t5.final_norm_ = loader.vector("encoder.final_layer_norm.weight", {config.d_model});
  for (const char* unused : {"shared.weight", "encoder.embed_tokens.weight", "decoder.", "lm_head."}) loader.source().ignore(unused);
  loader.finish();
  return t5;
}

std::vector<float> T5::position_bias(int64_t len) const {
  std::vector<float> bias(size_t(config_.num_heads * len * len));
  for (int64_t query = 0; query < len; ++query)
    for (int64_t key = 0; key < len; ++key) {
      const int64_t bucket = t5_position_bucket(key - query, config_.num_buckets, config_.max_distance);
      for (int64_t head = 0; head < config_.num_heads; ++head)
        bias[size_t((head * len + query) * len + key)] = relative_bias_[size_t(bucket * config_.num_heads + head)];
    }
  return bias;
}

void T5::forward(Context& ctx, const Tensor& y, std::span<const int32_t> ids, std::span<const uint8_t> mask) const {
  require(y.shape.rank() == 3 && y.shape[2] == config_.d_model, "t5: y is ", y.shape.str(), ", expected [B, n, ", config_.d_model, "]");
  const int64_t batch = y.shape[0], len = y.shape[1], heads = config_.num_heads, inner = heads * config_.d_kv;
  require(int64_t(ids.size()) == batch * len, "t5: ", ids.size(), " ids for ", batch, " × ", len);
  require(mask.empty() || mask.size() == ids.size(), "t5: mask and ids differ in length");
  for (int32_t id : ids) require(id >= 0 && id < config_.vocab_size, "t5: id ", id, " is outside the vocabulary of ", config_.vocab_size);

  const Arena::Scope scope(ctx.arena());
  const Tensor device_ids = ctx.arena().allocate<int32_t>({batch, len}), bias = ctx.f32({heads, len, len});
  ops::upload(ctx, device_ids, tensor_of(ids.data(), device_ids.shape));
  const std::vector<float> host_bias = position_bias(len);
  ops::upload(ctx, bias, tensor_of(host_bias.data(), bias.shape));
  ctx.probe("position_bias", bias, {1, heads, len, len});
  AttentionOptions options{.scale = 1.0f, .bias = bias};
  if (!mask.empty()) {
    options.key_mask = ctx.arena().allocate<uint8_t>({batch, len});
    ops::upload(ctx, options.key_mask, tensor_of(mask.data(), options.key_mask.shape));
  }

  const Tensor h = ctx.f32({batch, len, config_.d_model}), normed = ctx.product(h.shape), attended = ctx.product({batch, len, inner});
  const Tensor gated = ctx.product({batch, len, config_.d_ff});
  const Shape by_head{batch, heads, len, config_.d_kv};
  const Qkv qkv{ctx.product(by_head), ctx.product(by_head), ctx.product(by_head)};
  ops::embed(ctx, h, embedding_, device_ids);  // [B, n, d_model]
  for (size_t i = 0; i < layers_.size(); ++i) {
    ctx.check_cancelled();
    const Layer& layer = layers_[i];
    ops::rms_norm(ctx, normed, h, layer.attention_norm, config_.eps);                          // [B, n, d_model]
    ops::qkv_projection(ctx, qkv, normed, *layer.qkv.weight, {});                              // 3 × [B, H, n, d_kv]
    const AttentionStream stream{qkv.q, qkv.k, qkv.v, attended};
    ops::attention(ctx, {&stream, 1}, options);                                                // [B, n, H·d_kv]
    ops::linear(ctx, h, attended, *layer.out.weight, {.residual = h});                         // [B, n, d_model]
    ctx.probe(concat("block", i, ".after_attn"), h);
    ops::rms_norm(ctx, normed, h, layer.mlp_norm, config_.eps);
    ops::gated_linear(ctx, gated, normed, *layer.gate, Activation::gelu_tanh);                 // [B, n, d_ff]
    ops::linear(ctx, h, gated, *layer.down.weight, {.residual = h});                           // [B, n, d_model]
    ctx.probe(concat("block", i), h);
  }
  ops::rms_norm(ctx, y, h, final_norm_, config_.eps);
}

}  // namespace ts
