// The T5 v1.1 encoder that reads the chain of thought. Spec 04 §1.
//
//   ids [B, n] ─ embedding ─ num_layers × { h += o(attention(RMS h)),  h += wo(gelu(wi_0 RMS h) ⊙ wi_1 RMS h) } ─ RMS ─ [B, n, d_model]
//
// Scores are not scaled; one table of relative position biases, kept in the first layer, serves all of them. Pads are
// computed like any other position, because the DiT reads their rows too.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "models/loader.h"
#include "ops/context.h"

namespace ts {

struct T5Config {
  int64_t vocab_size = 32128, d_model = 2048, d_kv = 64, d_ff = 5120, num_layers = 24, num_heads = 32;
  int64_t num_buckets = 32, max_distance = 128;
  float eps = 1e-6f;
};

// Hugging Face names. TS_BAD_BUNDLE for other feed-forwards than gated-gelu.
T5Config parse_t5_config(const nlohmann::json& config, const std::string& origin);

// Bucket of a key `distance` = key − query positions away, bidirectional.
int64_t t5_position_bucket(int64_t distance, int64_t num_buckets, int64_t max_distance);

// Immutable once loaded; any number of contexts may use it at a time.
class T5 {
 public:
  static T5 load(Loader& loader, const T5Config& config);
  const T5Config& config() const { return config_; }

  // y f32 [B, n, d_model] of ids [B·n]; mask [B·n] is 1 for tokens and 0 for pads, empty = all are tokens. Both on the host.
  void forward(Context& ctx, const Tensor& y, std::span<const int32_t> ids, std::span<const uint8_t> mask) const;

 private:
  struct Layer {
    Buffer attention_norm, mlp_norm;  // [d_model]
    Linear qkv, out;                  // [3·H·d_kv, d_model], [d_model, H·d_kv]
    Weight gate;                      // wi_0, wi_1 [d_ff, d_model]
    Linear down;                      // wo [d_model, d_ff]
  };
  std::vector<float> position_bias(int64_t len) const;  // [H, n, n]

  T5Config config_;
  Buffer embedding_;                  // [vocab, d_model]
  std::vector<float> relative_bias_;  // [buckets, H]
  std::vector<Layer> layers_;
  Buffer final_norm_;
};

}  // namespace ts
