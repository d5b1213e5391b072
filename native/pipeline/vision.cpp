#include "pipeline/vision.h"

#include <algorithm>

#include "ops/table.h"

namespace ts {
namespace {

// Frames and segments at a time: enough for products to be efficient, few enough for activations to stay in a
// processor's cache, or in a small part of a card's memory.
int64_t clip_batch(const Workspace& workspace) { return workspace.table().is_host ? 8 : 24; }
int64_t sync_batch(const Workspace& workspace) { return workspace.table().is_host ? 1 : 9; }

void encode_clip_batch(Context& ctx, const ClipVision& tower, const Frames& frames, int64_t first, int64_t count,
                       const ops::ResizeGeometry& geometry, ops::ResizeKind kind, float* features) {
  const Arena::Scope scope(ctx.arena());
  const int64_t size = tower.config().image_size;
  const Tensor pixels = ctx.f32({count, 3, size, size}), out = ctx.f32({count, tower.config().projection_dim});
  {
    const Arena::Scope resizing(ctx.arena());
    const Tensor u8 = ctx.arena().allocate<uint8_t>({count, size, size, 3});
    ops::resize(ctx, u8, frames.slice(first, count), geometry, kind);
    ops::normalise(ctx, pixels, u8, kind == ops::ResizeKind::pil ? ops::Normalisation::clip_slow : ops::Normalisation::clip_fast);
  }
  tower.forward(ctx, out, pixels);
  ops::download(ctx, tensor_of(features, out.shape), out);
}

// `count` segments that begin at frame `first`. Neighbours share half of their frames, which are resized once.
void encode_sync_batch(Context& ctx, const Synchformer& tower, const Frames& frames, int64_t first, int64_t count,
                       const ops::ResizeGeometry& geometry, float* features) {
  const Arena::Scope scope(ctx.arena());
  const SynchformerConfig& config = tower.config();
  const int64_t size = config.image_size, per_segment = config.frames_per_segment, hop = config.segment_hop();
  const Tensor pixels = ctx.f32({count * per_segment, 3, size, size}), out = ctx.f32({count, config.steps(), config.embed_dim});
  {
    const Arena::Scope resizing(ctx.arena());
    const Tensor u8 = ctx.arena().allocate<uint8_t>({per_segment + (count - 1) * hop, size, size, 3});
    ops::resize(ctx, u8, frames.slice(first, u8.shape[0]), geometry, ops::ResizeKind::torchvision);
    for (int64_t i = 0; i < count; ++i)
      ops::normalise(ctx, pixels.slice(i * per_segment, per_segment), u8.slice(i * hop, per_segment), ops::Normalisation::sync);
  }
  tower.forward(ctx, out, pixels);
  ops::download(ctx, tensor_of(features, out.shape), out);
}

constexpr int64_t kPlanSide = 224;  // the arena of a batch hardly depends on the size of its source

}  // namespace

void encode_clip_frames(Workspace& workspace, const ClipVision& tower, const Frames& frames, ops::ResizeKind kind, const Progress& progress,
                        std::span<float> features) {
  const ops::ResizeGeometry geometry = ops::clip_geometry(frames.height, frames.width, tower.config().image_size);
  require(int64_t(features.size()) == frames.count * tower.config().projection_dim, "features has ", features.size(), " elements");
  progress.report(TS_STAGE_CLIP_VISION, 0, frames.count);
  const int64_t batch = clip_batch(workspace);
  for (int64_t first = 0; first < frames.count; first += batch) {
    const int64_t count = std::min(batch, frames.count - first);
    float* out = features.data() + first * tower.config().projection_dim;
    workspace.run([&](Context& ctx) { encode_clip_batch(ctx, tower, frames, first, count, geometry, kind, out); });
    progress.report(TS_STAGE_CLIP_VISION, first + count, frames.count);
  }
}

int64_t num_sync_features(const Synchformer& tower, int64_t num_frames) {
  return tower.config().num_segments(num_frames) * tower.config().steps();
}

void encode_sync_frames(Workspace& workspace, const Synchformer& tower, const Frames& frames, const Progress& progress,
                        std::span<float> features) {
  const SynchformerConfig& config = tower.config();
  const ops::ResizeGeometry geometry = ops::sync_geometry(frames.height, frames.width, config.image_size);
  const int64_t segments = config.num_segments(frames.count), width = config.steps() * config.embed_dim;
  require(segments > 0, frames.count, " frames are fewer than one segment of ", config.frames_per_segment);
  require(int64_t(features.size()) == segments * width, "features has ", features.size(), " elements");
  progress.report(TS_STAGE_SYNCHFORMER, 0, segments);
  const int64_t batch = sync_batch(workspace);
  for (int64_t first = 0; first < segments; first += batch) {
    const int64_t count = std::min(batch, segments - first);
    workspace.run([&](Context& ctx) {
      encode_sync_batch(ctx, tower, frames, first * config.segment_hop(), count, geometry, features.data() + first * width);
    });
    progress.report(TS_STAGE_SYNCHFORMER, first + count, segments);
  }
}

int64_t plan_clip_frames(const Workspace& workspace, const ClipVision& tower) {
  const ops::ResizeGeometry geometry = ops::clip_geometry(kPlanSide, kPlanSide, tower.config().image_size);
  const int64_t batch = clip_batch(workspace);
  const Frames frames = Frames::rgb24(nullptr, batch, kPlanSide, kPlanSide);
  return workspace.plan([&](Context& ctx) { encode_clip_batch(ctx, tower, frames, 0, batch, geometry, ops::ResizeKind::pil, nullptr); });
}

int64_t plan_sync_frames(const Workspace& workspace, const Synchformer& tower) {
  const ops::ResizeGeometry geometry = ops::sync_geometry(kPlanSide, kPlanSide, tower.config().image_size);
  const int64_t batch = sync_batch(workspace);
  const Frames frames = Frames::rgb24(nullptr, tower.config().frames_per_segment + (batch - 1) * tower.config().segment_hop(), kPlanSide, kPlanSide);
  return workspace.plan([&](Context& ctx) { encode_sync_batch(ctx, tower, frames, 0, batch, geometry, nullptr); });
}

}  // namespace ts
