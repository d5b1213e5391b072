// The MetaCLIP vision tower that sees single frames. Spec 05 §3.
//
//   frames [F, 3, S, S] ─ patches ─ product ─ cls + positions ─ LN ─ layers ─ cls row ─ LN ─ projection ─ [F, P]
#pragma once

#include <string>
#include <vector>

#include "models/clip_layer.h"

namespace ts {

struct ClipVisionConfig : ClipLayerConfig {
  int64_t image_size = 224, patch_size = 14, projection_dim = 0;
  int64_t num_patches() const { return (image_size / patch_size) * (image_size / patch_size); }
};
// Hugging Face's CLIP configuration: the whole one, or its vision_config with projection_dim.
ClipVisionConfig parse_clip_vision_config(const nlohmann::json& config, const std::string& origin);

// Immutable once loaded; any number of contexts may use it at a time.
class ClipVision {
 public:
  static ClipVision load(Loader& loader, const ClipVisionConfig& config);
  const ClipVisionConfig& config() const { return config_; }

  // features f32 [F, projection_dim], not L2-normalised, of normalised pixels f32 [F, 3, image_size, image_size].
  void forward(Context& ctx, const Tensor& features, const Tensor& pixels) const;

 private:
  ClipVisionConfig config_;
  Weight patch_embedding_;                       // [D, 3·p·p]
  Buffer class_embedding_, position_embedding_;  // [1, 1, D], [1, 1 + patches, D]
  Buffer first_row_;                             // i32 [1]: where the cls token is
  ClipNorm pre_norm_, post_norm_;
  std::vector<ClipLayer> layers_;
  Linear projection_;
};

}  // namespace ts
