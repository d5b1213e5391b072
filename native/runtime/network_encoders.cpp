// The text and vision encoders by themselves.
#include <algorithm>

#include "models/clip_text.h"
#include "models/clip_vision.h"
#include "models/synchformer.h"
#include "models/t5.h"
#include "ops/image.h"
#include "runtime/model_network.h"

namespace ts {
namespace {

struct TokenInputs {
  int64_t batch = 0, len = 0;
  std::vector<int32_t> ids;
  std::vector<uint8_t> mask;  // empty without attention_mask
};

TokenInputs read_tokens(const Inputs& inputs) {
  const Shape shape = inputs.get("input_ids", 2).shape;
  TokenInputs tokens{shape[0], shape[1], inputs.integers("input_ids", 2), {}};
  if (!inputs.has("attention_mask")) return tokens;
  require(inputs.get("attention_mask", 2).shape == shape, "attention_mask is ", inputs.get("attention_mask", 2).shape.str(), ", input_ids ", shape.str());
  for (int32_t value : inputs.integers("attention_mask", 2)) tokens.mask.push_back(value != 0);
  return tokens;
}

void encode_t5(const T5& t5, NetworkWorkspace& workspace, const Inputs& inputs, const Outputs& outputs) {
  const TokenInputs tokens = read_tokens(inputs);
  const Shape shape{tokens.batch, tokens.len, t5.config().d_model};
  std::vector<float> hidden(size_t(shape.numel()));
  workspace.run([&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor y = ctx.f32(shape);
    t5.forward(ctx, y, {tokens.ids, tokens.mask});
    ops::download(ctx, tensor_of(hidden.data(), shape), y);
  });
  put(outputs, "last_hidden_state", hidden, shape);
}

void encode_clip_text(const ClipText& tower, NetworkWorkspace& workspace, const Inputs& inputs, const Outputs& outputs) {
  const TokenInputs tokens = read_tokens(inputs);
  const Shape shape{tokens.batch, tokens.len, tower.config().hidden_size}, pooled_shape{tokens.batch, tower.config().projection_dim};
  std::vector<float> hidden(size_t(shape.numel())), pooled(size_t(pooled_shape.numel()));
  workspace.run([&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor y = ctx.f32(shape), projected = ctx.f32(pooled_shape);
    tower.forward(ctx, y, projected, {tokens.ids, tokens.mask});
    ops::download(ctx, tensor_of(hidden.data(), shape), y);
    ops::download(ctx, tensor_of(pooled.data(), pooled_shape), projected);
  });
  put(outputs, "last_hidden_state", hidden, shape);
  put(outputs, "text_features", pooled, pooled_shape);
}

void encode_clip_vision(const ClipVision& tower, NetworkWorkspace& workspace, const Inputs& inputs, const Outputs& outputs) {
  const Shape given = inputs.get("pixel_values", 5).shape;  // [B, F, 3, S, S]
  const std::vector<float> values = inputs.floats("pixel_values", 5);
  const int64_t frames = given[0] * given[1], width = tower.config().projection_dim;
  const Shape pixels{frames, given[2], given[3], given[4]};
  std::vector<float> features(size_t(frames * width));
  workspace.run([&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor x = ctx.f32(pixels), y = ctx.f32({frames, width});
    ops::upload(ctx, x, tensor_of(values.data(), pixels));
    tower.forward(ctx, y, x);
    ops::download(ctx, tensor_of(features.data(), y.shape), y);
  });
  put(outputs, "image_features", features, {given[0], given[1], width});
}

std::vector<float> encode_segments(const Synchformer& tower, Workspace& workspace, const Inputs& inputs, std::span<const int32_t> index) {
  const SynchformerConfig& config = tower.config();
  const uint8_t* planes = inputs.bytes("frames_u8", 4);
  const int64_t side = config.image_size, frame_size = 3 * side * side, segments = config.num_segments(int64_t(index.size()));
  std::vector<uint8_t> pixels(size_t(segments * config.frames_per_segment * frame_size));  // [.., S, S, 3]
  for (int64_t s = 0; s < segments; ++s)
    for (int64_t f = 0; f < config.frames_per_segment; ++f) {
      const uint8_t* source = planes + index[size_t(s * config.segment_hop() + f)] * frame_size;
      uint8_t* target = pixels.data() + (s * config.frames_per_segment + f) * frame_size;
      for (int64_t i = 0; i < side * side; ++i)
        for (int64_t c = 0; c < 3; ++c) target[3 * i + c] = source[c * side * side + i];
    }
  const Shape shape{segments, config.steps(), config.embed_dim}, u8_shape{segments * config.frames_per_segment, side, side, 3};
  std::vector<float> features(size_t(shape.numel()));
  workspace.run([&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor u8 = ctx.arena().allocate<uint8_t>(u8_shape), x = ctx.f32({u8_shape[0], 3, side, side}), y = ctx.f32(shape);
    ops::upload(ctx, u8, tensor_of(pixels.data(), u8_shape));
    ops::normalise(ctx, x, u8, ops::Normalisation::sync);
    tower.forward(ctx, y, x);
    ops::download(ctx, tensor_of(features.data(), shape), y);
  });
  return features;
}

void encode_synchformer(const Synchformer& tower, NetworkWorkspace& workspace, const Inputs& inputs, const Outputs& outputs) {
  const SynchformerConfig& config = tower.config();
  const Shape given = inputs.get("frames_u8", 4).shape;  // [F, 3, S, S]
  require(given[0] >= config.frames_per_segment && given[1] == 3, "input frames_u8 is ", given.str(), ", expected at least ",
          config.frames_per_segment, " frames of three planes");
  require(given[2] == config.image_size && given[3] == config.image_size, "input frames_u8 is ", given.str(), ", expected sides of ", config.image_size);
  std::vector<int32_t> first(static_cast<size_t>(config.frames_per_segment));
  for (size_t i = 0; i < first.size(); ++i) first[i] = int32_t(i);
  put(outputs, "segment", encode_segments(tower, workspace, inputs, first), {1, 1, config.steps(), config.embed_dim});
  if (!inputs.has("video_index")) return;
  workspace.set_probe({});
  const std::vector<int32_t> index = inputs.integers("video_index", 1);
  for (int32_t frame : index) require(frame >= 0 && frame < given[0], "video_index holds ", frame, ", there are ", given[0], " frames");
  const int64_t segments = config.num_segments(int64_t(index.size()));
  require(segments > 0, "video_index has ", index.size(), " frames, fewer than one segment");
  put(outputs, "video", encode_segments(tower, workspace, inputs, index), {1, segments * config.steps(), config.embed_dim});
}

}  // namespace

std::unique_ptr<Network> create_t5_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device) {
  return load_model_network<T5>({"t5", "encode", encode_t5}, parse_t5_config(config, "t5 config"), source, device);
}
std::unique_ptr<Network> create_clip_text_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device) {
  return load_model_network<ClipText>({"clip_text", "encode", encode_clip_text}, parse_clip_text_config(config, "clip_text config"), source, device);
}
std::unique_ptr<Network> create_clip_vision_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device) {
  return load_model_network<ClipVision>({"clip_vision", "encode", encode_clip_vision}, parse_clip_vision_config(config, "clip_vision config"), source, device);
}
std::unique_ptr<Network> create_synchformer_network(const nlohmann::json& config, WeightSource& source, const NetworkDevice& device) {
  return load_model_network<Synchformer>({"synchformer", "encode", encode_synchformer}, parse_synchformer_config(config, "synchformer config"), source, device);
}

}  // namespace ts
