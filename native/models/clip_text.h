// The text tower of (Meta)CLIP, which reads the caption. Spec 04 §2.
//
//   ids [B, N] ─ token + position embedding ─► h [B, N, D] ─ 24 blocks, causal ─ LN ─► hidden [B, N, D]
//                                             hidden at the first end-of-text ─ projection ─► pooled [B, P]
//
// Source   huggingface/transformers modeling_clip.py; Radford et al., 2021; Xu et al., "Demystifying CLIP data", 2023.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "models/encoder_layers.h"
#include "models/token_input.h"

namespace ts {

struct ClipTextConfig {
  int64_t hidden_size = 1024, num_layers = 24, vocab_size = 49408, max_positions = 77, projection_dim = 1024;
  int32_t eos_id = 49407;
  ClipTower tower;
};

// A Hugging Face config.json of a whole CLIPModel (its "text_config" is read) or of the text tower alone.
ClipTextConfig parse_clip_text_config(const nlohmann::json& config, const std::string& origin);

// Immutable once loaded; any number of contexts may use it at a time.
class ClipText {
 public:
  // Takes every tensor of the tower (the other tower is ignored) and finishes the loader.
  static ClipText load(Loader& loader, const ClipTextConfig& config);
  const ClipTextConfig& config() const { return config_; }

  // hidden f32 [B, N, hidden_size]: every position after the final norm, not projected. pooled f32 [B, projection_dim]:
  // projected, not L2-normalised; may be empty. N up to max_positions.
  // TS_INVALID_ARGUMENT when a row without an end-of-text is to be pooled.
  void forward(Context& ctx, const Tensor& hidden, const Tensor& pooled, const TokenBatch& tokens) const;

 private:
  void pool(Context& ctx, const Tensor& pooled, const Tensor& hidden, std::span<const int32_t> ids) const;

  ClipTextConfig config_;
  Buffer token_embedding_;     // [vocab_size, D]
  Buffer position_embedding_;  // [max_positions, D]
  std::vector<ClipBlock> blocks_;
  LayerNorm final_norm_;       // [D]
  Linear projection_;          // [P, D], no bias
};

}  // namespace ts
