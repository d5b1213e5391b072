// The listener: how well words say what is heard. A latent and a caption become a vector each; near vectors fit. docs/bundle.md.
//
//   latent [B, N, latent_dim] ─ in (3 taps) ─ blocks [B, N, H] ─ norm ─ mean, max ─ sound.fc1 ─ gelu ─ sound.fc2 ─► s [B, embed_dim]
//   text [B, T, text_dim], real tokens ─ mean ─ text.fc1 ─ gelu ─ text.fc2 ────────────────────────────────────────► t [B, embed_dim]
//   fit = sigmoid(scale · cos(s, t) + bias)
//
// Blocks are those of models/convnext_blocks.h. It hears latents, so that a sound can be judged before it is decoded.
// A network of our own, a CLAP (Elizalde et al., 2022) with a sigmoid for every pair (Zhai et al., 2023);
// training/twin/listener.py is what it was trained as.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "models/convnext_blocks.h"
#include "models/mlp.h"

namespace ts {

struct ListenerConfig {
  int64_t latent_dim = 0, text_dim = 0, hidden_dim = 96, embed_dim = 96, num_blocks = 4, expansion = 3;
};

// TS_BAD_BUNDLE with the field.
ListenerConfig parse_listener_config(const nlohmann::json& config, const std::string& origin);

// Immutable once loaded; any number of contexts may use it at a time.
class Listener {
 public:
  // Takes every tensor and finishes the loader.
  static Listener load(Loader& loader, const ListenerConfig& config);
  const ListenerConfig& config() const { return config_; }

  // sound f32 [B, embed_dim] from latent f32 [B, N, latent_dim], N from 1.
  void hear(Context& ctx, const Tensor& sound, const Tensor& latent) const;
  // words f32 [B, embed_dim] from text f32 [B, T, text_dim]: the rows of the CLIP text tower that are tokens, not pads; T from 1.
  void read(Context& ctx, const Tensor& words, const Tensor& text) const;

  // Of one vector each, on the host, as hear() and read() leave them or normalised. Not finite where a vector is not.
  double logit(std::span<const float> sound, std::span<const float> words) const;
  float fit(std::span<const float> sound, std::span<const float> words) const;  // 0 … 1
  // To length 1.
  static void normalise(std::span<float> vector);

 private:
  ListenerConfig config_;
  Linear in_;  // [H, latent_dim, 3]
  std::vector<ConvNextBlock> blocks_;
  LayerNorm norm_;
  Mlp sound_;  // [H, 2·H], [embed_dim, H]
  Mlp text_;   // [H, text_dim], [embed_dim, H]
  float scale_ = 0, bias_ = 0;
};

}  // namespace ts
