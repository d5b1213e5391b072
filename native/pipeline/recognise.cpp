#include "pipeline/recognise.h"

#include <algorithm>
#include <cmath>

namespace ts {
namespace {

// What goes in and what comes out, all on the host: clip [C, clip_dim], sync [S, sync_dim], scene [classes + materials],
// onsets [S, onsets_per_step].
struct Host {
  int64_t clip_len, sync_len;
  const float *clip, *sync;
  float *scene, *onsets;
};

void run(Context& ctx, const Recogniser& recogniser, const Host& host) {
  const Arena::Scope scope(ctx.arena());
  const RecogniserConfig& config = recogniser.config();
  const Tensor clip = ctx.f32({1, host.clip_len, config.clip_dim}), sync = ctx.f32({1, host.sync_len, config.sync_dim});
  const Tensor scene = ctx.f32({1, config.scene_dim()}), onsets = ctx.f32({1, host.sync_len, config.onsets_per_step});
  ops::upload(ctx, clip, tensor_of(host.clip, clip.shape));
  ops::upload(ctx, sync, tensor_of(host.sync, sync.shape));
  recogniser.forward(ctx, scene, onsets, clip, sync);
  ops::download(ctx, tensor_of(host.scene, scene.shape), scene);
  ops::download(ctx, tensor_of(host.onsets, onsets.shape), onsets);
}

void check_finite(std::span<const float> logits) {
  require(std::all_of(logits.begin(), logits.end(), [](float logit) { return std::isfinite(logit); }),
          "the features are so large that what the recogniser makes of them is not finite");
}

void sigmoid(std::span<float> logits) {
  for (float& logit : logits) logit = 1.0f / (1.0f + std::exp(-logit));
}

void softmax(std::span<float> logits) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  float sum = 0;
  for (float& logit : logits) {
    logit = std::exp(logit - largest);
    sum += logit;
  }
  for (float& logit : logits) logit /= sum;
}

}  // namespace

Recognition recognise(Workspace& workspace, const Recogniser& recogniser, std::span<const float> clip, std::span<const float> sync) {
  const RecogniserConfig& config = recogniser.config();
  const int64_t clip_len = int64_t(clip.size()) / config.clip_dim, sync_len = int64_t(sync.size()) / config.sync_dim;
  std::vector<float> scene(size_t(config.scene_dim()));
  Recognition result;
  result.onsets.resize(size_t(sync_len * config.onsets_per_step));
  workspace.run([&](Context& ctx) { run(ctx, recogniser, {clip_len, sync_len, clip.data(), sync.data(), scene.data(), result.onsets.data()}); });
  check_finite(scene);
  check_finite(result.onsets);
  result.classes.assign(scene.begin(), scene.begin() + config.num_classes());
  result.materials.assign(scene.begin() + config.num_classes(), scene.end());
  sigmoid(result.classes);
  softmax(result.materials);
  sigmoid(result.onsets);
  return result;
}

int64_t plan_recognise(const Workspace& workspace, const Recogniser& recogniser, int64_t clip_len, int64_t sync_len) {
  return workspace.plan([&](Context& ctx) { run(ctx, recogniser, {clip_len, sync_len, nullptr, nullptr, nullptr, nullptr}); });
}

}  // namespace ts
