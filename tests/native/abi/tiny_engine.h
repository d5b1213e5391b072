// A whole engine in a few megabytes: every network, seeded random weights, through the public interface.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/temp_folder.h"
#include "thinksound.h"

namespace ts::test {

constexpr uint32_t kClipDim = 24, kSyncDim = 32, kTextDim = 32, kT5Dim = 48;

// The two families of codecs; both have latents of 64 channels, 2048 samples apart.
constexpr const char* kTinyOobleck = R"({
      "encoder": {"type": "oobleck", "config": {"in_channels": 2, "channels": 4, "c_mults": [1, 2, 4, 4, 4],
        "strides": [2, 4, 4, 8, 8], "latent_dim": 128}},
      "decoder": {"type": "oobleck", "config": {"out_channels": 2, "channels": 4, "c_mults": [1, 2, 4, 4, 4], "strides": [2, 4, 4, 8, 8], "latent_dim": 64}}})";
constexpr const char* kTinyMel = R"({
      "encoder": {"type": "mel", "config": {"latent_dim": 64, "fine_width": 16, "coarse_width": 24, "fine_blocks": 1, "coarse_blocks": 2, "expansion": 2}},
      "decoder": {"type": "mel", "config": {"latent_dim": 64, "fine_width": 16, "coarse_width": 24, "fine_blocks": 2, "coarse_blocks": 1, "expansion": 2}}})";

// `mmdit`: further settings of the velocity network, each behind a comma; `more`: further members of the bundle.
inline std::string tiny_bundle_json(const char* codec = kTinyOobleck, const char* mmdit = "", const char* more = "") {
  return std::string(R"({"format": "thinksound-bundle", "version": 1, "name": "tiny", )") + more + R"("components": {
    "mmdit": {"config": {"latent_dim": 64, "clip_dim": 24, "sync_dim": 32, "text_dim": 48, "clip_text_dim": 32, "hidden_dim": 32, "depth": 3,
      "fused_depth": 1, "num_heads": 2, "v2": true, "kernel_size": 3)" + mmdit + R"(}},
    "vae": {"config": )" + codec + R"(},
    "t5": {"config": {"vocab_size": 100, "d_model": 48, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}},
    "clip_text": {"config": {"text_config": {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2,
      "vocab_size": 100, "max_position_embeddings": 77}, "projection_dim": 24}},
    "clip_vision": {"config": {"vision_config": {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2,
      "image_size": 28, "patch_size": 14}, "projection_dim": 24}},
    "synchformer": {"config": {"embed_dim": 32, "depth": 1, "num_heads": 2, "image": 32, "patch": 16, "temporal_patch": 2, "frames_per_segment": 16}},
    "recogniser": {"config": {"classes": ["bell", "door", "rain"], "materials": ["glass", "wood"], "clip_dim": 24, "sync_dim": 32, "hidden_dim": 12,
      "onsets_per_step": 4}},
    "listener": {"config": {"latent_dim": 64, "text_dim": 32, "hidden_dim": 12, "embed_dim": 8, "num_blocks": 2, "expansion": 2}}}})";
}

class TinyEngine {
 public:
  explicit TinyEngine(uint32_t num_threads = 1, const char* device = "cpu", uint64_t memory_cap_bytes = 0, const char* codec = kTinyOobleck,
                      ts_components components = TS_COMPONENT_ALL, const char* mmdit = "", const char* more = "", ts_precision precision = TS_PRECISION_F32) {
    const std::string name = folder_.write("bundle.json", tiny_bundle_json(codec, mmdit, more));
    ts_engine_options options;
    ts_engine_options_init(&options);
    options.synthetic = name.c_str();
    options.device = device;
    options.num_threads = num_threads;
    options.precision = precision;
    options.memory_cap_bytes = memory_cap_bytes;
    options.components = components;
    status = ts_engine_create(&options, &engine);
    if (status == TS_OK) REQUIRE(ts_session_create(engine, &session) == TS_OK);
  }
  ~TinyEngine() {
    ts_session_destroy(session);
    ts_engine_destroy(engine);
  }
  TinyEngine(const TinyEngine&) = delete;
  TinyEngine& operator=(const TinyEngine&) = delete;

  ts_engine* engine = nullptr;
  ts_session* session = nullptr;
  ts_status status = TS_OK;

 private:
  TempFolder folder_;
};

// Features of a second of video, and the struct that points at them.
struct TinyRequest {
  TinyRequest() : clip(8 * kClipDim), sync(24 * kSyncDim), text(77 * kTextDim), t5(77 * kT5Dim) {
    for (auto* values : {&clip, &sync, &text, &t5})
      for (size_t i = 0; i < values->size(); ++i) (*values)[i] = float(i % 17) / 17.0f - 0.4f;
    ts_conditions_init(&conditions);
    conditions.clip_features = clip.data();
    conditions.num_clip = 8;
    conditions.sync_features = sync.data();
    conditions.num_sync = 24;
    conditions.text_features = text.data();
    conditions.num_text = 77;
    conditions.t5_features = t5.data();
    ts_generate_options_init(&options);
    options.duration_s = 1;
    options.num_steps = 3;
  }
  std::vector<float> clip, sync, text, t5;
  ts_conditions conditions;
  ts_generate_options options;
};

inline std::vector<float> generate(ts_session* session, const TinyRequest& request) {
  uint64_t num_samples = 0;
  REQUIRE(ts_generate(session, &request.conditions, &request.options, nullptr, nullptr, nullptr, 0, &num_samples) == TS_OK);
  std::vector<float> audio(size_t(2 * num_samples));
  const ts_status status = ts_generate(session, &request.conditions, &request.options, nullptr, nullptr, audio.data(), audio.size(), &num_samples);
  REQUIRE_MESSAGE(status == TS_OK, ts_last_error());
  return audio;
}

// One assertion for all of a sound: each costs as much as making a sample.
inline bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

}  // namespace ts::test
