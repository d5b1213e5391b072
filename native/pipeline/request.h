// What one generation is made from and how: the owned twins of ts_conditions and ts_generate_options.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "thinksound.h"

namespace ts {

// Empty = absent: the learned empties take its place.
struct Conditions {
  std::vector<float> clip;           // [num_clip, clip_dim]
  std::vector<float> sync;           // [num_sync, sync_dim]
  int64_t num_clip = 0, num_sync = 0, num_text = 0;
  std::optional<std::string> caption, cot, negative_caption, negative_cot;
  std::vector<float> text;           // [num_text, text_dim], instead of the caption
  std::vector<float> t5;             // [text_len, t5_dim], instead of the chain of thought
  std::vector<float> global_text;    // [text_dim]
  std::vector<float> masked_latent;  // [latent_dim, N]
};

struct GenerateOptions {
  int64_t num_steps = 24;
  float cfg_scale = 5.0f, scale_phi = 0.0f;
  double duration_s = 8.0;
  uint64_t seed = 42;
  ts_sampler sampler = TS_SAMPLER_EULER;
  ts_length_rule lengths = TS_LENGTHS_EXACT;
  std::vector<float> noise, init_latent;  // [latent_dim, N]
  float sigma_max = 1.0f;
  std::vector<float> known_latent;  // [latent_dim, N]
  std::vector<float> known_mask;    // [N], with known_latent: 1 = kept … 0 = made anew
  int64_t num_jumps = 0, jump_length = 4;
  int64_t num_candidates = 1;  // the one that fits the caption best goes on
  int64_t decode_chunk = 0;
};

struct EditOptions {
  int64_t num_steps = 24, num_edit_steps = 16, num_target_steps = 0, num_averages = 1;
  float source_cfg_scale = 1.0f, target_cfg_scale = 5.0f;
  double duration_s = 8.0;
  uint64_t seed = 42;
  ts_length_rule lengths = TS_LENGTHS_EXACT;
  std::vector<float> source_latent;  // [latent_dim, N]
  std::vector<float> known_mask;     // [N] or empty: 1 = stays
};

}  // namespace ts
