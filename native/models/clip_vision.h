// The vision tower of (Meta)CLIP, one feature per frame. Spec 05 §3.
//
//   pixels [F, 3, S, S] ─ patch product ─► [F, (S/p)², D] ─ class token in front, + positions ─ LN ─ 32 blocks ─►
//   class token ─ LN ─ projection ─► [F, P]
//
// Source   huggingface/transformers modeling_clip.py; Radford et al., 2021.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "models/encoder_layers.h"

namespace ts {

struct ClipVisionConfig {
  int64_t hidden_size = 1280, num_layers = 32, image_size = 224, patch_size = 14, projection_dim = 1024;
  ClipTower tower;

  int64_t num_patches() const { return (image_size / patch_size) * (image_size / patch_size); }
};

// A Hugging Face config.json of a whole CLIPModel (its "vision_config" is read) or of the vision tower alone.
ClipVisionConfig parse_clip_vision_config(const nlohmann::json& config, const std::string& origin);

// Immutable once loaded; any number of contexts may use it at a time.
class ClipVision {
 public:
  // Takes every tensor of the tower (the other tower is ignored) and finishes the loader.
  static ClipVision load(Loader& loader, const ClipVisionConfig& config);
  const ClipVisionConfig& config() const { return config_; }

  // features f32 [F, projection_dim], not L2-normalised, of pixels f32 [F, 3, image_size, image_size], normalised
  // (ops/image.h). Frames are independent: any batch gives the same.
  void forward(Context& ctx, const Tensor& features, const Tensor& pixels) const;

 private:
  void run_last_block(Context& ctx, const Tensor& y, const Tensor& h) const;

  ClipVisionConfig config_;
  Buffer class_embedding_;     // [1, 1, D]
  Weight patch_;               // [D, 3·p·p], no bias
  Buffer position_embedding_;  // [1, 1 + patches, D]
  LayerNorm pre_norm_, post_norm_;  // [D]
  std::vector<ClipBlock> blocks_;
  Linear projection_;          // [P, D], no bias
  Buffer class_row_;           // i32 [1]: where the class token stands
};

}  // namespace ts
