// The visual branch of Synchformer: a Motionformer with divided space-time attention and an aggregator. Spec 05 §5.
//
//   segments [B·16, 3, S, S] ─ patches of 2 frames × 16² ─ product ─ [B, 8·196, D] ─ cls + positions
//     ─ depth × { x += time(norm3 x),  x += space(norm1 x),  x += mlp(norm2 x) } ─ norm without cls
//     ─ per time step: own cls, one transformer layer, its cls row ─ [B, 8, D]
//
// Segments of 16 frames start every 8 and are independent; their features follow one another.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "models/encoder_layers.h"
#include "ops/divided_attention.h"

namespace ts {

struct SynchformerConfig {
  int64_t embed_dim = 768, depth = 12, num_heads = 12, mlp_dim = 3072;
  int64_t image_size = 224, patch_size = 16, frames_per_patch = 2, frames_per_segment = 16;
  float eps = 1e-6f;

  int64_t head_dim() const { return embed_dim / num_heads; }
  int64_t sites() const { return (image_size / patch_size) * (image_size / patch_size); }
  int64_t steps() const { return frames_per_segment / frames_per_patch; }  // features of one segment
  int64_t segment_hop() const { return frames_per_segment / 2; }
  int64_t num_segments(int64_t num_frames) const {
    return num_frames < frames_per_segment ? 0 : (num_frames - frames_per_segment) / segment_hop() + 1;
  }
};
SynchformerConfig parse_synchformer_config(const nlohmann::json& config, const std::string& origin);

// Immutable once loaded; any number of contexts may use it at a time.
class Synchformer {
 public:
  // Takes every tensor of the visual branch (the audio branch and what joins them are ignored) and finishes the loader.
  static Synchformer load(Loader& loader, const SynchformerConfig& config);
  const SynchformerConfig& config() const { return config_; }

  // features f32 [B, steps, embed_dim] of normalised pixels f32 [B·frames_per_segment, 3, image_size, image_size]. Segments
  // are independent: any batch gives the same.
  void forward(Context& ctx, const Tensor& features, const Tensor& pixels) const;

 private:
  struct Attention {
    LayerNorm norm;
    Linear qkv, out;  // [3·D, D], [D, D]
  };
  struct Block {
    Attention time, space;
    EncoderMlp mlp;
  };
  void divided(Context& ctx, const Tensor& x, const Attention& attention, ops::DividedAxis axis, const std::string& probe_name) const;
  void aggregate(Context& ctx, const Tensor& features, const Tensor& tokens) const;

  SynchformerConfig config_;
  Linear patch_embedding_;           // [D, 3·t·p·p]
  Buffer cls_token_, positions_;     // [1, 1, D], [1, 1 + steps·sites, D]
  Buffer first_row_, patch_rows_;    // i32: row 0; rows 1 …
  std::vector<Block> blocks_;
  LayerNorm norm_;
  Buffer aggregator_cls_;            // [1, 1, D]
  Attention aggregator_;
  EncoderMlp aggregator_mlp_;
};

}  // namespace ts
