// The Oobleck VAE of Stable Audio 2.0: stereo sound ↔ latents at 1/2048 of the rate. Spec 03.
//
//   decode   latent [B, N, 64] ─ conv7 ─ 5 × (snake, transposed conv ×s, 3 residual units) ─ snake ─ conv7 ─ [B, hop·N, 2]
//   encode   audio [B, L, 2] ─ conv7 ─ 5 × (3 residual units, snake, strided conv ÷s) ─ snake ─ conv3 ─ [B, ⌊L/hop⌋, 128]
//   residual unit   x + conv1(snake(conv7, dilation d (snake(x)))),  d = 1, 3, 9
//
// Every layer sees only a few neighbours, so any range of the output can be computed from the range of the input that
// reaches it: chunks compute exactly what they need in every layer and equal the whole up to the order of summation.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "models/loader.h"
#include "models/range.h"
#include "ops/snake.h"

namespace ts {

struct OobleckConfig {
  int64_t audio_channels = 2;
  int64_t channels = 128;
  std::vector<int64_t> c_mults{1, 2, 4, 8, 16};
  std::vector<int64_t> strides{2, 4, 4, 8, 8};
  int64_t latent_dim = 64;      // of one side: 64 into the decoder, 128 (mean and scale) out of the encoder

  int64_t hop() const;
  // Channels between the blocks, from the audio side: c_mults with a 1 in front, times `channels`.
  int64_t width(size_t level) const { return (level == 0 ? 1 : c_mults[level - 1]) * channels; }
};

// "encoder" or "decoder" object of the reference's model configuration. TS_BAD_BUNDLE for what is not supported
// (use_snake or final_tanh other than published, odd strides).
OobleckConfig parse_oobleck_encoder(const nlohmann::json& config, const std::string& origin);
OobleckConfig parse_oobleck_decoder(const nlohmann::json& config, const std::string& origin);

struct SnakeParameters {
  Buffer a, inv_b;
  Snake view() const { return {a.tensor(), inv_b.tensor()}; }
};

struct OobleckConv {
  Weight weight;
  Buffer bias;
};

struct ResidualUnit {
  SnakeParameters snake1, snake2;
  OobleckConv conv1, conv2;
  int64_t dilation = 1;
};

struct OobleckBlock {
  SnakeParameters snake;
  OobleckConv conv;        // transposed in the decoder, strided in the encoder
  int64_t stride = 1, channels_in = 0, channels_out = 0;
  std::array<ResidualUnit, 3> units;
};

class OobleckDecoder {
 public:
  static OobleckDecoder load(Loader& loader, const OobleckConfig& config);
  const OobleckConfig& config() const { return config_; }

  // Latents that must be at hand to decode `latents` of a sequence of `latent_len`.
  Range needed(Range latents, int64_t latent_len) const;
  // audio [B, hop·latents.length(), 2] from z [B, needed(latents).length(), latent_dim], both f32, channel-last. B > 1
  // only for the whole sequence.
  void decode(Context& ctx, const Tensor& audio, const Tensor& z, Range latents, int64_t latent_len) const;

 private:
  OobleckConfig config_;
  OobleckConv conv_in_, conv_out_;
  std::vector<OobleckBlock> blocks_;
  SnakeParameters snake_out_;
};

class OobleckEncoder {
 public:
  static OobleckEncoder load(Loader& loader, const OobleckConfig& config);
  const OobleckConfig& config() const { return config_; }

  int64_t latent_len(int64_t num_samples) const;
  // Samples that must be at hand to encode `latents` of a sound of `num_samples`.
  Range needed(Range latents, int64_t num_samples) const;
  // moments [B, latents.length(), 2·latent_dim] (means, then raw scales) from audio [B, needed(latents).length(), 2].
  void encode(Context& ctx, const Tensor& moments, const Tensor& audio, Range latents, int64_t num_samples) const;

 private:
  OobleckConfig config_;
  OobleckConv conv_in_, conv_out_;
  std::vector<OobleckBlock> blocks_;
  SnakeParameters snake_out_;
};

}  // namespace ts
