// What the constructor of the reference's MMmodule takes, by its names. Spec 01 §1.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace ts {

struct MmditConfig {
  int64_t latent_dim = 64;
  int64_t clip_dim = 1024, sync_dim = 768;  // raw feature widths
  int64_t text_dim = 2048;                  // of T5, or of the CLIP text where there is no T5
  int64_t clip_text_dim = 1024;             // of the CLIP text; fixed in the reference, free here
  int64_t hidden_dim = 1024, num_heads = 16;
  int64_t depth = 21, fused_depth = 14;     // the first depth − fused_depth blocks are joint
  double mlp_ratio = 4.0;                   // of the blocks; the projections always have 4
  int64_t latent_seq_len = 194, clip_seq_len = 72, sync_seq_len = 216;  // where a caller names no others
  int64_t text_seq_len = 77;
  bool v2 = false;
  int64_t kernel_size = 7;                  // audio projection (v2) and fused blocks; joint blocks always have 3
  int64_t sync_kernel = 7;                  // first sync convolution (v2)
  bool use_mlp = false;
  bool use_inpaint = false;
  bool cross_attend = false;
  bool add_video = false, gated_video = false, triple_fusion = false;

  int64_t head_dim() const { return hidden_dim / num_heads; }
  // As the reference's range(): never negative, and independent of fused_depth then.
  int64_t num_joint() const { return depth > fused_depth ? depth - fused_depth : 0; }
  int64_t block_ffn_dim() const;
  int64_t projection_ffn_dim() const;
  int64_t timestep_dim() const { return v2 ? hidden_dim : 256; }
  int64_t audio_kernel() const { return v2 ? kernel_size : 7; }
  int64_t first_sync_kernel() const { return v2 ? sync_kernel : 7; }
  // Rows that leave the sync projection: an even kernel loses one.
  int64_t projected_sync_len(int64_t sync_len) const { return first_sync_kernel() % 2 ? sync_len : sync_len - 1; }
};

// Keys and defaults of the reference; `clip_text_dim` is ours. latent_mean and latent_std are accepted and ignored, as
// there. TS_BAD_BUNDLE naming `origin` for unknown keys, values out of range, and combinations with which the
// reference's class cannot be built or run: v2 false with fused blocks or use_inpaint, an even kernel_size under v2, heads
// that do not divide the width, an odd head dim. Ours alone: head dims over 128.
MmditConfig parse_mmdit_config(const nlohmann::json& config, const std::string& origin);

}  // namespace ts
