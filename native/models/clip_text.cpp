#include "models/clip_text.h"

#include <algorithm>

#include "core/json.h"
#include "ops/elementwise.h"
#include "ops/rows.h"

namespace ts {

ClipTextConfig parse_clip_text_config(const nlohmann::json& json, const std::string& origin) {
  const JsonObject outer(json, origin);
  const JsonObject object = outer.has("text_config") ? outer.get_object("text_config") : outer;
  ClipTextConfig config;
  config.tower = parse_clip_tower(object, {.width = 512, .num_heads = 8, .ffn_dim = 2048});
  config.hidden_size = config.tower.width;
  config.num_layers = object.get_int("num_hidden_layers", 0, 256, 12);
  config.vocab_size = object.get_int("vocab_size", 2, 1 << 24, config.vocab_size);
  config.max_positions = object.get_int("max_position_embeddings", 2, 4096, config.max_positions);
  config.projection_dim = outer.get_int("projection_dim", 1, 16384, 512);  // of the whole model, whatever the tower says
  // Old configurations say 2 and mean the last id of the vocabulary.
  const int64_t eos = object.get_int("eos_token_id", 0, config.vocab_size - 1, 2);
  config.eos_id = int32_t(eos == 2 ? config.vocab_size - 1 : eos);
  return config;
}

ClipText ClipText::load(Loader& loader, const ClipTextConfig& config) {
  const int64_t width = config.hidden_size;
  for (const char* unused : {"vision_model.", "visual_projection.", "logit_scale", "text_model.embeddings.position_ids"})
    loader.source().ignore(unused);
  ClipText text;
  text.config_ = config;
  text.token_embedding_ = loader.table("text_model.embeddings.token_embedding.weight", {config.vocab_size, width});
  text.position_embedding_ = loader.vector("text_model.embeddings.position_embedding.weight", {config.max_positions, width});
  for (int64_t i = 0; i < config.num_layers; ++i)
    text.blocks_.push_back(load_clip_block(loader, concat("text_model.encoder.layers.", i), config.tower));
  text.final_norm_ = load_layer_norm(loader, "text_model.final_layer_norm", width);
  text.projection_ = loader.linear("text_projection", config.projection_dim, width, 1, false);
  loader.finish();
  return text;
}

void ClipText::forward(Context& ctx, const Tensor& hidden, const Tensor& pooled, const TokenBatch& tokens) const {
  const int64_t width = config_.hidden_size;
  require(hidden.shape.rank() == 3 && hidden.shape[1] >= 1 && hidden.shape[1] <= config_.max_positions && hidden.shape[2] == width,
          "clip_text: hidden is ", hidden.shape.str(), ", [batch, up to ", config_.max_positions, ", ", width, "] needed");
  const int64_t batch = hidden.shape[0], len = hidden.shape[1];
  const Arena::Scope scope(ctx.arena());
  const DeviceTokens input = upload_tokens(ctx, "clip_text", tokens, batch, len, config_.vocab_size);  // [B, N]

  const Tensor h = ctx.f32(hidden.shape);                                                     // [B, N, D]
  ops::embed(ctx, h, token_embedding_, input.ids);
  ops::add(ctx, h, h, position_embedding_.tensor().slice(0, len).reshape({1, len, width}));   // [B, N, D]
  ctx.probe("text.embeddings", h);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    ctx.check_cancelled();
    run_clip_block(ctx, h, blocks_[i], config_.tower, true, input.mask);                      // [B, N, D]
    if (ctx.probing()) ctx.probe(concat("text.layer", i), h);
  }
  run_layer_norm(ctx, hidden, h, final_norm_, config_.tower.eps);                             // [B, N, D]
  if (pooled) pool(ctx, pooled, hidden, tokens.ids);                                          // [B, P]
}

void ClipText::pool(Context& ctx, const Tensor& pooled, const Tensor& hidden, std::span<const int32_t> ids) const {
  const int64_t batch = hidden.shape[0], len = hidden.shape[1], width = hidden.shape[2];
  require(pooled.shape == Shape({batch, config_.projection_dim}), "clip_text: pooled is ", pooled.shape.str(), ", ",
          Shape({batch, config_.projection_dim}).str(), " needed");
  // Pads carry the same id as the end of text; the first one counts.
  std::vector<int32_t> ends;
  for (int64_t b = 0; b < batch; ++b) {
    const auto row = ids.subspan(size_t(b * len), size_t(len));
    const auto end = std::find(row.begin(), row.end(), config_.eos_id);
    require(end != row.end(), "clip_text: row ", b, " holds no end-of-text id ", config_.eos_id, ", where it would be pooled");
    ends.push_back(int32_t(b * len + (end - row.begin())));
  }
  const Tensor index = ctx.arena().allocate<int32_t>({batch});
  ops::upload(ctx, index, tensor_of(ends.data(), index.shape));
  const Tensor last = ctx.f32({1, batch, width});                                             // [1, B, D]
  ops::gather_rows(ctx, last, hidden.reshape({1, batch * len, width}), index);
  ops::linear(ctx, pooled.reshape({1, batch, config_.projection_dim}), last, *projection_.weight);  // [1, B, P]
}

}  // namespace ts
