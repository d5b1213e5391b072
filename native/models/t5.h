// The T5 v1.1 encoder, which reads the chain of thought. Spec 04 §1.
//
//   ids [B, N] ─ embedding ─► h [B, N, D] ─ 24 × (attention, gated MLP) ─ RMS norm ─► [B, N, D]
//
//   h ← h + Wo·softmax(q·kᵀ + bias)·v        q, k, v of RMS(h); no 1/√d, no biases, no positions but the relative ones:
//   h ← h + W2·(act(W0 n) ⊙ (W1 n))          bias[head, i, j] = table[bucket(j − i), head], one table for all layers
//
// Source   huggingface/transformers modeling_t5.py; Raffel et al., 2020; Shazeer, "GLU variants", 2020.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "models/loader.h"
#include "models/token_input.h"
#include "ops/linear.h"

namespace ts {

struct T5Config {
  int64_t vocab_size = 32128, d_model = 2048, d_kv = 64, d_ff = 5120, num_layers = 24, num_heads = 32;
  int64_t num_buckets = 32, max_distance = 128;
  float eps = 1e-6f;
  Activation activation = Activation::gelu_tanh;

  int64_t inner_dim() const { return num_heads * d_kv; }  // need not equal d_model
};

// A Hugging Face config.json of a gated T5 (v1.1 and later). TS_BAD_BUNDLE for what is not supported.
T5Config parse_t5_config(const nlohmann::json& config, const std::string& origin);

struct T5Block {
  Buffer attention_norm;  // [d_model]
  Linear qkv, out;        // [3·inner, d_model], [d_model, inner]
  Buffer mlp_norm;        // [d_model]
  Weight wi;              // wi_0, wi_1 [d_ff, d_model]
  Linear wo;              // [d_model, d_ff]
};

// Immutable once loaded; any number of contexts may use it at a time.
class T5 {
 public:
  // Takes every tensor of the encoder (a full T5's decoder is ignored) and finishes the loader.
  static T5 load(Loader& loader, const T5Config& config);
  const T5Config& config() const { return config_; }

  // y f32 [B, N, d_model], the last hidden state of every position: pads too, whose outputs the DiT reads.
  void forward(Context& ctx, const Tensor& y, const TokenBatch& tokens) const;

  // f32 [heads, N, N], the bias on attention scores between N positions.
  std::vector<float> position_bias(int64_t len) const;

 private:
  void attend(Context& ctx, const Tensor& h, const T5Block& block, const Tensor& bias, const Tensor& mask) const;
  void feed_forward(Context& ctx, const Tensor& h, const T5Block& block) const;
  // The same on the device, computed once for the lengths asked for last; other forwards may be running.
  std::shared_ptr<const Buffer> device_bias(const OperatorTable& table, int64_t len) const;

  T5Config config_;
  Buffer embedding_;                   // [vocab_size, d_model]
  std::vector<float> relative_bias_;   // [num_buckets, num_heads], on the host
  struct KeptBiases;
  std::shared_ptr<KeptBiases> kept_biases_;
  std::vector<T5Block> blocks_;
  Buffer final_norm_;                  // [d_model]
};

// Bucket of the distance key − query, both directions: exact for near ones, logarithmic up to max_distance, one for all
// beyond (spec 04 §1).
int64_t relative_bucket(int64_t distance, int64_t num_buckets, int64_t max_distance);

}  // namespace ts
