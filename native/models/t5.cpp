#include "models/t5.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <list>
#include <mutex>
#include <utility>

#include "core/json.h"
#include "ops/attention.h"
#include "ops/norm.h"
#include "ops/rows.h"

namespace ts {

T5Config parse_t5_config(const nlohmann::json& json, const std::string& origin) {
  constexpr int64_t kMaxWidth = 65536;
  const JsonObject object(json, origin);
  T5Config config;
  config.vocab_size = object.get_int("vocab_size", 1, 1 << 24, config.vocab_size);
  config.d_model = object.get_int("d_model", 1, 16384);
  config.d_kv = object.get_int("d_kv", 2, 128);
  config.d_ff = object.get_int("d_ff", 1, kMaxWidth);
  config.num_layers = object.get_int("num_layers", 0, 256);
  config.num_heads = object.get_int("num_heads", 1, 1024);
  config.num_buckets = object.get_int("relative_attention_num_buckets", 4, 4096, config.num_buckets);
  config.max_distance = object.get_int("relative_attention_max_distance", 2, 1 << 20, config.max_distance);
  config.eps = float(object.get_number("layer_norm_epsilon", 0, 1, 1e-6));
  object.check(config.d_kv % 2 == 0, "d_kv ", config.d_kv, " is odd");
  object.check(config.inner_dim() <= kMaxWidth, "num_heads ", config.num_heads, " of d_kv ", config.d_kv, " make ", config.inner_dim(),
               " channels, more than ", kMaxWidth);
  object.check(config.num_buckets % 4 == 0, "relative_attention_num_buckets ", config.num_buckets,
               " is not a multiple of 4: half look each way, half of those are exact");
  object.check(config.max_distance > config.num_buckets / 4, "relative_attention_max_distance ", config.max_distance,
               " is not beyond the ", config.num_buckets / 4, " exact buckets");
  // "gated-gelu" means gelu_new, the tanh form, wherever the class is asked for it (spec 04 §1). T5 v1.0's plain "relu"
  // has one input matrix instead of two and belongs to no ThinkSound.
  const std::string projection = object.get_choice("feed_forward_proj", {"gated-gelu", "gated-silu"}, "gated-gelu");
  config.activation = projection == "gated-silu" ? Activation::silu : Activation::gelu_tanh;
  const std::string dense = projection == "gated-silu" ? "silu" : "gelu_new";
  object.check(object.get_string("dense_act_fn", dense) == dense, "dense_act_fn ", in_quotes(object.get_string("dense_act_fn", dense)),
               " contradicts feed_forward_proj ", projection);
  return config;
}

T5 T5::load(Loader& loader, const T5Config& config) {
  const int64_t width = config.d_model, inner = config.inner_dim();
  WeightSource& source = loader.source();
  source.ignore("decoder.");
  source.ignore("lm_head.");
  // One tensor under two names; files hold either or both.
  source.ignore("shared.");
  source.ignore("encoder.embed_tokens.");
  const bool only_alias = source.has("encoder.embed_tokens.weight") && !source.has("shared.weight");

  T5 t5;
  t5.config_ = config;
  t5.kept_biases_ = std::make_shared<KeptBiases>();
  t5.embedding_ = loader.table(only_alias ? "encoder.embed_tokens.weight" : "shared.weight", {config.vocab_size, width});
  t5.relative_bias_ = loader.host("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", {config.num_buckets, config.num_heads});
  for (int64_t i = 0; i < config.num_layers; ++i) {
    const std::string layer = concat("encoder.block.", i, ".layer."), attention = layer + "0.SelfAttention.", dense = layer + "1.DenseReluDense.";
    T5Block& block = t5.blocks_.emplace_back();
    block.attention_norm = loader.vector(layer + "0.layer_norm.weight", {width});
    block.qkv = loader.stacked(std::array{attention + "q", attention + "k", attention + "v"}, inner, width, false);
    block.out = loader.linear(attention + "o", width, inner, 1, false);
    block.mlp_norm = loader.vector(layer + "1.layer_norm.weight", {width});
    block.wi = loader.gated(dense + "wi_0.weight", dense + "wi_1.weight", config.d_ff, width);
    block.wo = loader.linear(dense + "wo", width, config.d_ff, 1, false);
  }
  t5.final_norm_ = loader.vector("encoder.final_layer_norm.weight", {width});
  loader.finish();
  return t5;
}

int64_t relative_bucket(int64_t distance, int64_t num_buckets, int64_t max_distance) {
  const int64_t one_way = num_buckets / 2, exact = one_way / 2, n = std::abs(distance);
  const int64_t later = distance > 0 ? one_way : 0;
  if (n < exact) return later + n;
  // Logarithms in f32, as the reference takes them: near whole numbers the type decides the bucket.
  const float ratio = std::log(float(n) / float(exact)) / float(std::log(double(max_distance) / double(exact)));
  return later + std::min(one_way - 1, exact + int64_t(ratio * float(one_way - exact)));
}

std::vector<float> T5::position_bias(int64_t len) const {
  std::vector<float> bias(size_t(config_.num_heads * len * len));
  for (int64_t distance = 1 - len; distance < len; ++distance) {
    const int64_t bucket = relative_bucket(distance, config_.num_buckets, config_.max_distance);
    for (int64_t head = 0; head < config_.num_heads; ++head) {
      const float value = relative_bias_[size_t(bucket * config_.num_heads + head)];
      for (int64_t query = std::max<int64_t>(0, -distance); query < std::min(len, len - distance); ++query)
        bias[size_t((head * len + query) * len + query + distance)] = value;
    }
  }
  return bias;
}

// Latest first. Whoever works with one that is dropped keeps it until it is done.
struct T5::KeptBiases {
  static constexpr size_t kMost = 4;
  std::mutex mutex;
  std::list<std::pair<int64_t, std::shared_ptr<const Buffer>>> of_lengths;
};

std::shared_ptr<const Buffer> T5::device_bias(const OperatorTable& table, int64_t len) const {
  const std::lock_guard lock(kept_biases_->mutex);
  auto& kept = kept_biases_->of_lengths;
  const auto known = std::find_if(kept.begin(), kept.end(), [&](const auto& bias) { return bias.first == len; });
  if (known != kept.end()) {
    kept.splice(kept.begin(), kept, known);
  } else {
    const Shape shape{config_.num_heads, len, len};
    kept.emplace_front(len, std::make_shared<const Buffer>(make_buffer(table, tensor_of(position_bias(len).data(), shape), DType::f32)));
    finish(table);  // other threads may be next
    if (kept.size() > KeptBiases::kMost) kept.pop_back();
  }
  return kept.front().second;
}

void T5::attend(Context& ctx, const Tensor& h, const T5Block& block, const Tensor& bias, const Tensor& mask) const {
  const Arena::Scope scope(ctx.arena());
  const int64_t batch = h.shape[0], len = h.shape[1];
  const Shape heads{batch, config_.num_heads, len, config_.d_kv};
  const Tensor normed = ctx.product(h.shape);                                       // [B, N, D]
  const Qkv qkv{ctx.product(heads), ctx.product(heads), ctx.product(heads)};        // 3 × [B, H, N, d_kv]
  const Tensor attended = ctx.product({batch, len, config_.inner_dim()});           // [B, N, H·d_kv]
  ops::rms_norm(ctx, normed, h, block.attention_norm, config_.eps);
  ops::qkv_projection(ctx, qkv, normed, *block.qkv.weight, {});
  const AttentionStream stream{qkv.q, qkv.k, qkv.v, attended};
  ops::attention(ctx, {&stream, 1}, {.scale = 1.0f, .key_mask = mask, .bias = bias});
  ops::linear(ctx, h, attended, *block.out.weight, {.residual = h});                // [B, N, D]
}

void T5::feed_forward(Context& ctx, const Tensor& h, const T5Block& block) const {
  const Arena::Scope scope(ctx.arena());
  const Tensor normed = ctx.product(h.shape);                                       // [B, N, D]
  const Tensor inner = ctx.product({h.shape[0], h.shape[1], config_.d_ff});         // [B, N, F]
  ops::rms_norm(ctx, normed, h, block.mlp_norm, config_.eps);
  ops::gated_linear(ctx, inner, normed, *block.wi, config_.activation);
  ops::linear(ctx, h, inner, *block.wo.weight, {.residual = h});                    // [B, N, D]
}

void T5::forward(Context& ctx, const Tensor& y, const TokenBatch& tokens) const {
  require(y.shape.rank() == 3 && y.shape[1] >= 1 && y.shape[2] == config_.d_model, "t5: y is ", y.shape.str(), ", [batch, tokens, ",
          config_.d_model, "] needed");
  const int64_t batch = y.shape[0], len = y.shape[1];
  const Arena::Scope scope(ctx.arena());
  const DeviceTokens input = upload_tokens(ctx, "t5", tokens, batch, len, config_.vocab_size);  // [B, N]
  const std::shared_ptr<const Buffer> kept = device_bias(ctx.table(), len);
  const Tensor& bias = kept->tensor();                                              // [H, N, N]
  ctx.probe("position_bias", bias, {1, config_.num_heads, len, len});

  const Tensor h = ctx.f32(y.shape);                                                // [B, N, D]
  ops::embed(ctx, h, embedding_, input.ids);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    ctx.check_cancelled();
    attend(ctx, h, blocks_[i], bias, input.mask);                                   // [B, N, D]
    if (ctx.probing()) ctx.probe(concat("block", i, ".after_attn"), h);
    feed_forward(ctx, h, blocks_[i]);                                               // [B, N, D]
    if (ctx.probing()) ctx.probe(concat("block", i), h);
  }
  ops::rms_norm(ctx, y, h, final_norm_, config_.eps);                               // [B, N, D]
}

}  // namespace ts
