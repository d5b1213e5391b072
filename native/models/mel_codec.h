// The network of the mel codec: log-mel ↔ latents, 8 frames of 256 samples to a latent. docs/mel-codec.md.
//
//   encode   y [B, 8N, 192] ─ patch ─ fine blocks [B, 8N, W₁] ─ merge ─ coarse blocks [B, N, W₂] ─ norm, out ─ moments [B, N, 2·latent_dim]
//   decode   z [B, N, latent_dim] ─ in (3 taps) ─ coarse blocks [B, N, W₂] ─ split ─ fine blocks [B, 8N, W₁] ─ norm, out ─ y [B, 8N, 192]
//
// Blocks are those of models/convnext_blocks.h.
// As in the Oobleck VAE a chunk computes, layer by layer, exactly the rows that reach it, and so equals the whole.
// Between log-mel and sound stand signal/mel.h and signal/phase_reconstruction.h; pipeline/audio_codec.h joins them.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "models/convnext_blocks.h"

namespace ts {

struct MelCodecConfig {
  int64_t latent_dim = 64, fine_width = 128, coarse_width = 256, fine_blocks = 4, coarse_blocks = 4, expansion = 3;
  // Of the log-mel: see signal/mel.h.
  int64_t n_fft = 1024, frame_hop = 256, num_bands = 96, frames_per_latent = 8, sample_rate = 44100;
  double max_hz = 20000;

  int64_t hop() const { return frame_hop * frames_per_latent; }
  int64_t features() const { return 2 * num_bands; }  // left bands, right bands
};

// "encoder" or "decoder" object of a component `vae`, of type "mel". TS_BAD_BUNDLE with the field.
MelCodecConfig parse_mel_codec(const nlohmann::json& config, const std::string& origin);

class MelDecoder {
 public:
  // Names below "decoder.".
  static MelDecoder load(Loader& loader, const MelCodecConfig& config);
  const MelCodecConfig& config() const { return config_; }

  // Latents that must be at hand to decode `latents` of a sequence of `latent_len`.
  Range needed(Range latents, int64_t latent_len) const;
  // y [B, 8·latents.length(), 192] from z [B, needed(latents).length(), latent_dim], both f32. B > 1 only for the whole.
  void decode(Context& ctx, const Tensor& y, const Tensor& z, Range latents, int64_t latent_len) const;

 private:
  MelCodecConfig config_;
  Linear in_, split_, out_;
  std::vector<ConvNextBlock> coarse_, fine_;
  LayerNorm norm_;
};

class MelEncoder {
 public:
  // Names below "encoder.".
  static MelEncoder load(Loader& loader, const MelCodecConfig& config);
  const MelCodecConfig& config() const { return config_; }

  // Frames of log-mel that must be at hand to encode `latents` of a sequence of `latent_len`.
  Range needed(Range latents, int64_t latent_len) const;
  // moments [B, latents.length(), 2·latent_dim] (means, then raw scales) from y [B, needed(latents).length(), 192].
  void encode(Context& ctx, const Tensor& moments, const Tensor& y, Range latents, int64_t latent_len) const;

 private:
  MelCodecConfig config_;
  Linear patch_, merge_, out_;
  std::vector<ConvNextBlock> fine_, coarse_;
  LayerNorm norm_;
};

}  // namespace ts
