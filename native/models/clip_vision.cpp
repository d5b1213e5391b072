#include "models/clip_vision.h"

#include "core/json.h"
#include "ops/elementwise.h"
#include "ops/image.h"
#include "ops/rows.h"

namespace ts {

ClipVisionConfig parse_clip_vision_config(const nlohmann::json& json, const std::string& origin) {
  const JsonObject outer(json, origin);
  const JsonObject object = outer.has("vision_config") ? outer.get_object("vision_config") : outer;
  ClipVisionConfig config;
  config.tower = parse_clip_tower(object, {.width = 768, .num_heads = 12, .ffn_dim = 3072});
  config.hidden_size = config.tower.width;
  config.num_layers = object.get_int("num_hidden_layers", 0, 256, 12);
  config.image_size = object.get_int("image_size", 1, 4096, 224);
  config.patch_size = object.get_int("patch_size", 1, 256, 32);
  config.projection_dim = outer.get_int("projection_dim", 1, 16384, 512);  // of the whole model, whatever the tower says
  object.check(object.get_int("num_channels", 1, 16, 3) == 3, "num_channels must be 3, frames are RGB");
  object.check(config.image_size % config.patch_size == 0, "patch_size ", config.patch_size, " does not divide image_size ", config.image_size);
  return config;
}

ClipVision ClipVision::load(Loader& loader, const ClipVisionConfig& config) {
  const int64_t width = config.hidden_size, patch = config.patch_size, patch_len = 3 * patch * patch;
  for (const char* unused : {"text_model.", "text_projection.", "logit_scale", "vision_model.embeddings.position_ids"})
    loader.source().ignore(unused);
  const std::string embeddings = "vision_model.embeddings.";
  ClipVision vision;
  vision.config_ = config;
  vision.class_embedding_ = loader.keep(loader.host(embeddings + "class_embedding", {width}), {1, 1, width});
  vision.patch_ = loader.pack(loader.host(embeddings + "patch_embedding.weight", {width, 3, patch, patch}), {width, patch_len},
                              {.dtype = loader.product_dtype()});
  const int64_t positions = 1 + config.num_patches();
  vision.position_embedding_ = loader.keep(loader.host(embeddings + "position_embedding.weight", {positions, width}), {1, positions, width});
  vision.pre_norm_ = load_layer_norm(loader, "vision_model.pre_layrnorm", width);  // the checkpoint's spelling
  for (int64_t i = 0; i < config.num_layers; ++i)
    vision.blocks_.push_back(load_clip_block(loader, concat("vision_model.encoder.layers.", i), config.tower));
  vision.post_norm_ = load_layer_norm(loader, "vision_model.post_layernorm", width);
  vision.projection_ = loader.linear("visual_projection", config.projection_dim, width, 1, false);
  loader.finish();
  const int32_t first = 0;
  vision.class_row_ = make_buffer(loader.backend(), tensor_of(&first, {1}), DType::i32);
  return vision;
}

// Of the last block only the class row is read, so only that is computed.
void ClipVision::run_last_block(Context& ctx, const Tensor& y, const Tensor& h) const {
  if (blocks_.empty()) return ops::gather_rows(ctx, y, h, class_row_);
  ctx.check_cancelled();
  run_clip_block_for_row(ctx, y, h, class_row_, blocks_.back(), config_.tower);
  if (!ctx.has_listener()) return;
  run_clip_block(ctx, h, blocks_.back(), config_.tower, false, {});                 // all rows, for whoever listens; h is read no more
  if (ctx.probing()) ctx.probe(concat("vision.layer", blocks_.size() - 1), h);
}

void ClipVision::forward(Context& ctx, const Tensor& features, const Tensor& pixels) const {
  const int64_t side = config_.image_size, patch = config_.patch_size, width = config_.hidden_size, patches = config_.num_patches();
  require(pixels.shape.rank() == 4 && pixels.shape == Shape({pixels.shape[0], 3, side, side}), "clip_vision: pixels are ", pixels.shape.str(),
          ", [frames, 3, ", side, ", ", side, "] needed");
  const int64_t frames = pixels.shape[0];
  require(features.shape == Shape({frames, config_.projection_dim}), "clip_vision: features are ", features.shape.str(), ", ",
          Shape({frames, config_.projection_dim}).str(), " needed");
  const Arena::Scope scope(ctx.arena());
  const Tensor h = ctx.f32({frames, 1 + patches, width});                           // [F, 1 + patches, D]
  {
    const Arena::Scope embedding(ctx.arena());
    const Tensor rows = ctx.product({frames, patches, 3 * patch * patch});          // [F, patches, 3·p·p]
    const Tensor tokens = ctx.f32({frames, patches, width});                        // [F, patches, D]
    const Tensor embedded = ctx.f32(h.shape);                                       // [F, 1 + patches, D]
    ops::patchify(ctx, rows, pixels, 1, patch);
    ops::linear(ctx, tokens, rows, *patch_);
    ops::copy_block(ctx, embedded, 0, 0, class_embedding_);
    ops::copy_block(ctx, embedded, 1, 0, tokens);
    ops::add(ctx, embedded, embedded, position_embedding_);
    ctx.probe("vision.embeddings", embedded);
    run_layer_norm(ctx, h, embedded, pre_norm_, config_.tower.eps);                 // [F, 1 + patches, D]
  }
  ctx.probe("vision.pre_layrnorm", h);
  for (size_t i = 0; i + 1 < blocks_.size(); ++i) {
    ctx.check_cancelled();
    run_clip_block(ctx, h, blocks_[i], config_.tower, false, {});                   // [F, 1 + patches, D]
    if (ctx.probing()) ctx.probe(concat("vision.layer", i), h);
  }
  const Tensor last = ctx.f32({frames, 1, width}), pooled = ctx.f32({frames, 1, width});
  run_last_block(ctx, last, h);                                                     // [F, 1, D]
  run_layer_norm(ctx, pooled, last, post_norm_, config_.tower.eps);                 // [F, 1, D]
  ctx.probe("vision.pooled", pooled, {frames, width});
  ops::linear(ctx, features.reshape({frames, 1, config_.projection_dim}), pooled, *projection_.weight);  // [F, 1, P]
}

}  // namespace ts
