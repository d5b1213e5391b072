// The transformer layer that both CLIP towers are made of, under Hugging Face's names. Spec 04 §2, 05 §3.
//
//   h += out(attention(LN1 h)),  h += fc2(quick_gelu(fc1(LN2 h)))
#pragma once

#include <string>

#include "core/json.h"
#include "models/loader.h"
#include "ops/attention.h"
#include "ops/linear.h"

namespace ts {

struct ClipLayerConfig {
  int64_t hidden_size = 0, intermediate_size = 0, num_heads = 0, num_layers = 0;
  float eps = 1e-5f;
  Activation activation = Activation::quick_gelu;
  int64_t head_dim() const { return hidden_size / num_heads; }
};
// Out of a text_config or vision_config. MetaCLIP leaves hidden_act out, and quick_gelu is the library's default.
ClipLayerConfig parse_clip_layers(const JsonObject& object);

struct ClipNorm {
  Buffer weight, bias;
};
ClipNorm load_clip_norm(Loader& loader, const std::string& name, int64_t width);

class ClipLayer {
 public:
  static ClipLayer load(Loader& loader, const std::string& name, const ClipLayerConfig& config);
  // h f32 [B, n, hidden_size], in place.
  void forward(Context& ctx, const Tensor& h, const ClipLayerConfig& config, const AttentionOptions& attention) const;

 private:
  ClipNorm norm1_, norm2_;
  Linear qkv_, out_, fc1_, fc2_;
};

}  // namespace ts
