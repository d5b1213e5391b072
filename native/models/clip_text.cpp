#include "models/clip_text.h"

#include <algorithm>
#include <cmath>

#include "ops/elementwise.h"
#include "ops/norm.h"
#include "ops/rows.h"

namespace ts {

ClipTextConfig parse_clip_text_config(const nlohmann::json& json, const std::string& origin) {
  const JsonObject outer(json, origin);
  const JsonObject object = outer.has("text_config") ? outer.get_object("text_config") : outer;
  ClipTextConfig config;
  static_cast<ClipLayerConfig&>(config) = parse_clip_layers(object);
  config.vocab_size = object.get_int("vocab_size", 3, 1 << 24);
  config.max_positions = object.get_int("max_position_embeddings", 2, 4096, 77);
  config.projection_dim = outer.get_int("projection_dim", 1, 16384, object.get_int("projection_dim", 1, 16384, config.hidden_size));
  // Old configurations carry 2, which no CLIP vocabulary means; the closing token is its last entry.
  const int64_t eos = object.get_int("eos_token_id", 0, config.vocab_size - 1, 2);
  config.eos_id = eos == 2 ? config.vocab_size - 1 : eos;
  return config;
}

ClipText ClipText::load(Loader& loader, const ClipTextConfig& config) {
  ClipText tower;
  tower.config_ = config;
  tower.token_embedding_ = loader.table("text_model.embeddings.token_embedding.weight", {config.vocab_size, config.hidden_size});
  const Shape positions{config.max_positions, config.hidden_size};
  tower.position_embedding_ = loader.vector("text_model.embeddings.position_embedding.weight", positions);
  for (int64_t i = 0; i < config.num_layers; ++i) tower.layers_.push_back(ClipLayer::load(loader, concat("text_model.encoder.layers.", i), config));
  tower.final_norm_ = load_clip_norm(loader, "text_model.final_layer_norm", config.hidden_size);
  tower.projection_ = loader.linear("text_projection", config.projection_dim, config.hidden_size, 1, false);
  for (const char* unused : {"vision_model.", "visual_projection.", "logit_scale", "text_model.embeddings.position_ids"}) loader.source().ignore(unused);
  loader.finish();
  return tower;
}

void ClipText::forward(Context& ctx, const Tensor& hidden, const Tensor& pooled, std::span<const int32_t> ids, std::span<const uint8_t> mask) const {
  require(hidden.shape.rank() == 3 && hidden.shape[2] == config_.hidden_size, "clip_text: hidden is ", hidden.shape.str());
  const int64_t batch = hidden.shape[0], len = hidden.shape[1], width = config_.hidden_size;
  require(len <= config_.max_positions, "clip_text: ", len, " tokens, at most ", config_.max_positions);
  require(int64_t(ids.size()) == batch * len && (mask.empty() || mask.size() == ids.size()), "clip_text: ", ids.size(), " ids and ",
          mask.size(), " mask entries for ", batch, " × ", len);
  for (int32_t id : ids) require(id >= 0 && id < config_.vocab_size, "clip_text: id ", id, " is outside the vocabulary of ", config_.vocab_size);

  const Arena::Scope scope(ctx.arena());
  const Tensor device_ids = ctx.arena().allocate<int32_t>({batch, len});
  ops::upload(ctx, device_ids, tensor_of(ids.data(), device_ids.shape));
  AttentionOptions attention{.scale = 1.0f / std::sqrt(float(config_.head_dim())), .causal = true};
  if (!mask.empty()) {
    attention.key_mask = ctx.arena().allocate<uint8_t>({batch, len});
    ops::upload(ctx, attention.key_mask, tensor_of(mask.data(), attention.key_mask.shape));
  }
  const Tensor h = ctx.f32({batch, len, width});
  ops::embed(ctx, h, token_embedding_, device_ids);                                                    // [B, n, D]
  ops::add(ctx, h, h, position_embedding_.tensor().slice(0, len).reshape({1, len, width}));
  ctx.probe("text.embeddings", h);
  for (size_t i = 0; i < layers_.size(); ++i) {
    ctx.check_cancelled();
    layers_[i].forward(ctx, h, config_, attention);                                                    // [B, n, D]
    ctx.probe(concat("text.layer", i), h);
  }
  ops::layer_norm(ctx, hidden, h, final_norm_.weight, final_norm_.bias, config_.eps);                  // [B, n, D]
  if (!pooled) return;

  std::vector<int32_t> rows;  // of the first closing token of each item, counted through the batch
  for (int64_t b = 0; b < batch; ++b) {
    const auto item = ids.subspan(size_t(b * len), size_t(len));
    const auto eos = std::find(item.begin(), item.end(), int32_t(config_.eos_id));
    require(eos != item.end(), "clip_text: item ", b, " has no closing token ", config_.eos_id);
    rows.push_back(int32_t(b * len + (eos - item.begin())));
  }
  const Tensor index = ctx.arena().allocate<int32_t>({1, batch}), chosen = ctx.product({1, batch, width});
  ops::upload(ctx, index, tensor_of(rows.data(), index.shape));
  ops::embed(ctx, chosen, hidden.reshape({batch * len, width}), index);                                // [1, B, D]
  ops::linear(ctx, pooled.reshape({1, batch, config_.projection_dim}), chosen, *projection_.weight);   // [1, B, P]
}

}  // namespace ts
