#include "models/clip_vision.h"

#include <cmath>

#include "ops/elementwise.h"
#include "ops/image.h"
#include "ops/norm.h"
#include "ops/rows.h"

namespace ts {

ClipVisionConfig parse_clip_vision_config(const nlohmann::json& json, const std::string& origin) {
  const JsonObject outer(json, origin);
  const JsonObject object = outer.has("vision_config") ? outer.get_object("vision_config") : outer;
  ClipVisionConfig config;
  static_cast<ClipLayerConfig&>(config) = parse_clip_layers(object);
  config.image_size = object.get_int("image_size", 1, 4096, 224);
  config.patch_size = object.get_int("patch_size", 1, 512, 14);
  object.check(config.image_size % config.patch_size == 0, "patch_size must divide image_size");
  object.check(object.get_int("num_channels", 1, 64, 3) == 3, "num_channels must be 3");
  config.projection_dim = outer.get_int("projection_dim", 1, 16384, object.get_int("projection_dim", 1, 16384, config.hidden_size));
  return config;
}

ClipVision ClipVision::load(Loader& loader, const ClipVisionConfig& config) {
  ClipVision tower;
  tower.config_ = config;
  const int64_t width = config.hidden_size, patch = config.patch_size;
  tower.class_embedding_ = loader.vector("vision_model.embeddings.class_embedding", {width});
  tower.patch_embedding_ = loader.pack(loader.host("vision_model.embeddings.patch_embedding.weight", {width, 3, patch, patch}),
                                       {width, 3 * patch * patch}, {.dtype = loader.product_dtype()});
  tower.position_embedding_ = loader.vector("vision_model.embeddings.position_embedding.weight", {1 + config.num_patches(), width});
  tower.pre_norm_ = load_clip_norm(loader, "vision_model.pre_layrnorm", width);  // the published spelling
  for (int64_t i = 0; i < config.num_layers; ++i) tower.layers_.push_back(ClipLayer::load(loader, concat("vision_model.encoder.layers.", i), config));
  tower.post_norm_ = load_clip_norm(loader, "vision_model.post_layernorm", width);
  tower.projection_ = loader.linear("visual_projection", config.projection_dim, width, 1, false);
  for (const char* unused : {"text_model.", "text_projection.", "logit_scale", "vision_model.embeddings.position_ids"}) loader.source().ignore(unused);
  loader.finish();
  const int32_t first = 0;
  tower.first_row_ = make_buffer(loader.backend(), tensor_of(&first, {1}), DType::i32);
  return tower;
}

void ClipVision::forward(Context& ctx, const Tensor& features, const Tensor& pixels) const {
  const int64_t frames = pixels.shape[0], width = config_.hidden_size, patches = config_.num_patches(), tokens = 1 + patches;
  require(pixels.shape == Shape({frames, 3, config_.image_size, config_.image_size}), "clip_vision: pixels are ", pixels.shape.str(),
          ", expected [F, 3, ", config_.image_size, ", ", config_.image_size, "]");
  const Arena::Scope scope(ctx.arena());
  const Tensor h = ctx.f32({frames, tokens, width}), x = ctx.f32(h.shape);
  {
    const Arena::Scope embedding(ctx.arena());
    const Tensor rows = ctx.product({frames, patches, 3 * config_.patch_size * config_.patch_size}), embedded = ctx.f32({frames, patches, width});
    ops::patchify(ctx, rows, pixels, 1, config_.patch_size);                                           // [F, patches, 3·p·p]
    ops::linear(ctx, embedded, rows, *patch_embedding_);                                               // [F, patches, D]
    ops::copy_block(ctx, x, 0, 0, class_embedding_.tensor().reshape({1, 1, width}));
    ops::copy_block(ctx, x, 1, 0, embedded);                                                           // [F, 1 + patches, D]
  }
  ops::add(ctx, x, x, position_embedding_.tensor().reshape({1, tokens, width}));
  ctx.probe("vision.embeddings", x);
  ops::layer_norm(ctx, h, x, pre_norm_.weight, pre_norm_.bias, config_.eps);
  ctx.probe("vision.pre_layrnorm", h);
  const AttentionOptions attention{.scale = 1.0f / std::sqrt(float(config_.head_dim()))};
  for (size_t i = 0; i < layers_.size(); ++i) {
    ctx.check_cancelled();
    layers_[i].forward(ctx, h, config_, attention);                                                    // [F, 1 + patches, D]
    ctx.probe(concat("vision.layer", i), h);
  }
  const Tensor cls = ctx.f32({frames, 1, width}), pooled = ctx.f32({frames, 1, width});
  ops::gather_rows(ctx, cls, h, first_row_);                                                           // [F, 1, D]
  ops::layer_norm(ctx, pooled, cls, post_norm_.weight, post_norm_.bias, config_.eps);
  ctx.probe("vision.pooled", pooled, {frames, width});
  ops::linear(ctx, features.reshape({1, frames, config_.projection_dim}), pooled.reshape({1, frames, width}), *projection_.weight);  // [F, P]
}

}  // namespace ts
