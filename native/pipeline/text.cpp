#include "pipeline/text.h"

#include <algorithm>

namespace ts {
namespace {

void encode(Context& ctx, const Networks& networks, ts_text_encoder encoder, const Tokens& tokens, std::span<float> features) {
  const Arena::Scope scope(ctx.arena());
  const int64_t len = int64_t(tokens.ids.size());
  const bool clip = encoder == TS_TEXT_CLIP;
  const Tensor y = ctx.f32({1, len, clip ? networks.clip_text->config().hidden_size : networks.t5->config().d_model});
  if (clip) networks.clip_text->forward(ctx, y, {}, {tokens.ids, tokens.mask});
  else networks.t5->forward(ctx, y, {tokens.ids, tokens.mask});
  ops::download(ctx, tensor_of(features.data(), y.shape), y);
}

int64_t plan(const Workspace& workspace, const Networks& networks, ts_text_encoder encoder) {
  const size_t len = size_t(networks.text_len());
  Tokens tokens;
  tokens.ids.assign(len, encoder == TS_TEXT_CLIP ? int32_t(networks.clip_text->config().eos_id) : 1);
  tokens.mask.assign(len, 1);
  return workspace.plan([&](Context& ctx) { encode(ctx, networks, encoder, tokens, {}); });
}

}  // namespace

std::vector<float> encode_text(Workspace& workspace, const Networks& networks, ts_text_encoder encoder, const std::string& text) {
  const Tokens tokens = networks.tokenize(encoder, text);
  const bool clip = encoder == TS_TEXT_CLIP;
  const int64_t width = clip ? networks.need(networks.clip_text, "clip_text", "read a caption").config().hidden_size
                             : networks.need(networks.t5, "t5", "read a chain of thought").config().d_model;
  std::vector<float> features(tokens.ids.size() * size_t(width));
  workspace.run([&](Context& ctx) { encode(ctx, networks, encoder, tokens, features); });
  return features;
}

int64_t plan_text(const Workspace& workspace, const Networks& networks) {
  int64_t most = 0;
  if (networks.clip_text) most = std::max(most, plan(workspace, networks, TS_TEXT_CLIP));
  if (networks.t5) most = std::max(most, plan(workspace, networks, TS_TEXT_T5));
  return most;
}

}  // namespace ts
