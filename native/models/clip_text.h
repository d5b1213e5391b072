// The MetaCLIP text tower that reads the caption. Spec 04 §2.
//
//   ids [B, n] ─ token + position embedding ─ layers, causal ─ final LN ─ hidden [B, n, D] ─ first EOS ─ projection ─ [B, P]
//
// The DiT reads the hidden states of every position; the projected one is stored beside them and unused.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "models/clip_layer.h"

namespace ts {

struct ClipTextConfig : ClipLayerConfig {
  int64_t vocab_size = 0, max_positions = 77, projection_dim = 0, eos_id = 0;
};
// Hugging Face's CLIP configuration: the whole one, or its text_config with projection_dim.
ClipTextConfig parse_clip_text_config(const nlohmann::json& config, const std::string& origin);

// Immutable once loaded; any number of contexts may use it at a time.
class ClipText {
 public:
  static ClipText load(Loader& loader, const ClipTextConfig& config);
  const ClipTextConfig& config() const { return config_; }

  // hidden f32 [B, n, hidden_size] of ids [B·n]; mask [B·n] is 1 for tokens and 0 for pads, empty = all are tokens. Both
  // on the host. pooled f32 [B, projection_dim] may be empty.
  void forward(Context& ctx, const Tensor& hidden, const Tensor& pooled, std::span<const int32_t> ids, std::span<const uint8_t> mask) const;

 private:
  ClipTextConfig config_;
  Buffer token_embedding_, position_embedding_;  // [vocab, D], [1, positions, D]
  std::vector<ClipLayer> layers_;
  ClipNorm final_norm_;
  Linear projection_;
};

}  // namespace ts
