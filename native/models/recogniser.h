// The recogniser: what is seen, of what material, and when something strikes, read off the features of a video.
// docs/networks.md.
//
//   clip [B, C, clip_dim] ─ mean ──────┐
//   sync [B, S, sync_dim] ─ mean, max ─┴─ summary ─ fc1 ─ gelu ─ fc2 ─► scene [B, classes + materials]
//   sync [B, S, sync_dim] ─ moments ─ fc1 ─ gelu ─ fc2 ───────────────► onsets [B, S, onsets_per_step]
//
// Moments are the rows of sync themselves, or, with a temporal patch of 2, for every two frames the two rows that are about
// them side by side. Row 8g + j of Synchformer's features is about frames 8g + 2j and 8g + 2j + 1, and segments overlap by
// half: frames lie in the first half of segment g and in the second half of segment g − 1 (the first segment's rows twice).
//
// Logits all of them: sigmoid for classes and onsets (several may hold at once), softmax over the materials.
// A network of our own; training/twin/recogniser.py is what it was trained as.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "models/mlp.h"

namespace ts {

struct RecogniserConfig {
  std::vector<std::string> classes, materials;  // what the logits stand for, in their order; each named once
  int64_t clip_dim = 0, sync_dim = 0, hidden_dim = 96, onsets_per_step = 4;
  int64_t temporal_patch = 1;  // frames that a row of sync features is about, 1 or 2; with 2, S is a multiple of 8
  double onset_threshold = 0.5;  // probability from which on an onset counts; for those who read the onsets, not for the network

  int64_t num_classes() const { return int64_t(classes.size()); }
  int64_t num_materials() const { return int64_t(materials.size()); }
  int64_t summary_dim() const { return clip_dim + 2 * sync_dim; }
  int64_t scene_dim() const { return num_classes() + num_materials(); }
  int64_t moment_dim() const { return temporal_patch > 1 ? 2 * sync_dim : sync_dim; }
};

// TS_BAD_BUNDLE with the field.
RecogniserConfig parse_recogniser_config(const nlohmann::json& config, const std::string& origin);

// Immutable once loaded; any number of contexts may use it at a time.
class Recogniser {
 public:
  // Takes every tensor and finishes the loader.
  static Recogniser load(Loader& loader, const RecogniserConfig& config);
  const RecogniserConfig& config() const { return config_; }

  // scene f32 [B, classes + materials] and onsets f32 [B, S, onsets_per_step] from clip f32 [B, C, clip_dim] and sync f32
  // [B, S, sync_dim]; C and S from 1, independent of each other.
  void forward(Context& ctx, const Tensor& scene, const Tensor& onsets, const Tensor& clip, const Tensor& sync) const;

 private:
  Tensor moments(Context& ctx, const Tensor& sync) const;  // [B, S/temporal_patch, moment_dim]

  RecogniserConfig config_;
  Mlp scene_;  // [H, clip_dim + 2·sync_dim], [classes + materials, H]
  Mlp onset_;  // [H, moment_dim], [temporal_patch·onsets_per_step, H]
};

}  // namespace ts
