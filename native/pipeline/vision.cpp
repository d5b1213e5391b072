#include "pipeline/vision.h"

#include <algorithm>
#include <optional>

#include "models/range.h"
#include "ops/beside.h"

namespace ts {
namespace {

// Frames and segments at a time: enough for products to be efficient, few enough for activations to stay in a
// processor's cache, or in a small part of a card's memory.
int64_t clip_batch(const Workspace& workspace) { return workspace.table().is_host ? 8 : 24; }
int64_t sync_batch(const Workspace& workspace) { return workspace.table().is_host ? 1 : 9; }

// Resized frames [F, size, size, 3] of a tower's batches, each made while the tower is still at the one before.
class ResizedFrames {
 public:
  // `largest`: frames of a batch. Takes its memory from ctx's arena, for as long as the caller's scope.
  ResizedFrames(Context& ctx, const Frames& frames, const ops::ResizeGeometry& geometry, ops::ResizeKind kind, int64_t size, int64_t largest)
      : frames_(frames), geometry_(geometry), kind_(kind) {
    const Shape shape{largest, size, size, 3};
    places_[0] = ctx.arena().allocate<uint8_t>(shape);
    if (Beside::exists(ctx)) places_[1] = ctx.arena().allocate<uint8_t>(shape);
    beside_.emplace(ctx, [&](Context& planning) { ops::resize(planning, places_[0], frames.slice(0, largest), geometry, kind); });
  }

  // Batches take turns in two places: the tower has been waited for before it comes to a batch, so no one reads the place of
  // the batch before that any more. Where nothing runs beside, there is one.
  void start(Range range) {
    turn_ = places_[1] ? 1 - turn_ : 0;
    batch_ = places_[turn_].slice(0, range.length());
    beside_->run([&](Context& ctx) { ops::resize(ctx, batch_, frames_.slice(range.begin, range.length()), geometry_, kind_); });
  }
  // That were started last.
  Tensor batch() const { return batch_; }

 private:
  const Frames& frames_;
  const ops::ResizeGeometry& geometry_;
  const ops::ResizeKind kind_;
  std::optional<Beside> beside_;
  Tensor places_[2], batch_;
  int turn_ = 1;
};

// Features of `num` frames or segments, `batch` of them at a time. `frames_of(range)` of these are the frames that encode(range, u8,
// meanwhile) sees; it calls meanwhile() when its work is started and not yet waited for.
template <class FramesOf, class Encode>
void encode_batches(Context& ctx, int64_t num, int64_t batch, const FramesOf& frames_of, ResizedFrames& resized, const Encode& encode) {
  const auto at = [&](int64_t begin) { return Range{begin, std::min(begin + batch, num)}; };
  const int64_t end = ctx.planning() ? std::min(num, 2 * batch) : num;  // later batches need what the first two do
  resized.start(frames_of(at(0)));
  for (int64_t begin = 0; begin < end; begin += batch)
    encode(at(begin), resized.batch(), [&] {
      if (begin + batch < end) resized.start(frames_of(at(begin + batch)));
    });
}

void encode_clip(Context& ctx, const ClipVision& tower, const Frames& frames, ops::ResizeKind kind, int64_t batch, const Progress& progress,
                 float* features) {
  const Arena::Scope scope(ctx.arena());
  const int64_t size = tower.config().image_size, width = tower.config().projection_dim;
  const ops::ResizeGeometry geometry = ops::clip_geometry(frames.height, frames.width, size);
  ResizedFrames resized(ctx, frames, geometry, kind, size, std::min(batch, frames.count));
  encode_batches(ctx, frames.count, batch, [](Range range) { return range; }, resized, [&](Range range, const Tensor& u8, const auto& meanwhile) {
    const Arena::Scope encoding(ctx.arena());
    const Tensor pixels = ctx.f32({range.length(), 3, size, size}), out = ctx.f32({range.length(), width});
    ops::normalise(ctx, pixels, u8, kind == ops::ResizeKind::pil ? ops::Normalisation::clip_slow : ops::Normalisation::clip_fast);
    tower.forward(ctx, out, pixels);
    meanwhile();
    ops::download(ctx, tensor_of(features + range.begin * width, out.shape), out);
    if (!ctx.planning()) progress.report(TS_STAGE_CLIP_VISION, range.end, frames.count);
  });
}

// Neighbouring segments share half of their frames, which a batch resizes once.
void encode_sync(Context& ctx, const Synchformer& tower, const Frames& frames, int64_t batch, const Progress& progress, float* features) {
  const Arena::Scope scope(ctx.arena());
  const SynchformerConfig& config = tower.config();
  const int64_t size = config.image_size, per_segment = config.frames_per_segment, hop = config.segment_hop(), num = config.num_segments(frames.count);
  const ops::ResizeGeometry geometry = ops::sync_geometry(frames.height, frames.width, size);
  const auto frames_of = [&](Range segments) { return Range{segments.begin * hop, (segments.end - 1) * hop + per_segment}; };
  ResizedFrames resized(ctx, frames, geometry, ops::ResizeKind::torchvision, size, frames_of({0, std::min(batch, num)}).length());
  encode_batches(ctx, num, batch, frames_of, resized, [&](Range range, const Tensor& u8, const auto& meanwhile) {
    const Arena::Scope encoding(ctx.arena());
    const int64_t count = range.length();
    const Tensor pixels = ctx.f32({count * per_segment, 3, size, size}), out = ctx.f32({count, config.steps(), config.embed_dim});
    for (int64_t i = 0; i < count; ++i)
      ops::normalise(ctx, pixels.slice(i * per_segment, per_segment), u8.slice(i * hop, per_segment), ops::Normalisation::sync);
    tower.forward(ctx, out, pixels);
    meanwhile();
    ops::download(ctx, tensor_of(features + range.begin * config.steps() * config.embed_dim, out.shape), out);
    if (!ctx.planning()) progress.report(TS_STAGE_SYNCHFORMER, range.end, num);
  });
}

// Of a plan: larger frames take as much (ops::resize goes through them in passes), smaller ones a little less.
constexpr int64_t kPlanWidth = 640, kPlanHeight = 360;

}  // namespace

void encode_clip_frames(Workspace& workspace, const ClipVision& tower, const Frames& frames, ops::ResizeKind kind, const Progress& progress,
                        std::span<float> features) {
  require(int64_t(features.size()) == frames.count * tower.config().projection_dim, "features has ", features.size(), " elements");
  progress.report(TS_STAGE_CLIP_VISION, 0, frames.count);
  if (frames.count == 0) return;
  workspace.run([&](Context& ctx) { encode_clip(ctx, tower, frames, kind, clip_batch(workspace), progress, features.data()); });
}

int64_t num_sync_features(const Synchformer& tower, int64_t num_frames) {
  return tower.config().num_segments(num_frames) * tower.config().steps();
}

void encode_sync_frames(Workspace& workspace, const Synchformer& tower, const Frames& frames, const Progress& progress,
                        std::span<float> features) {
  const SynchformerConfig& config = tower.config();
  const int64_t segments = config.num_segments(frames.count), width = config.steps() * config.embed_dim;
  require(segments > 0, frames.count, " frames are fewer than one segment of ", config.frames_per_segment);
  require(int64_t(features.size()) == segments * width, "features has ", features.size(), " elements");
  progress.report(TS_STAGE_SYNCHFORMER, 0, segments);
  workspace.run([&](Context& ctx) { encode_sync(ctx, tower, frames, sync_batch(workspace), progress, features.data()); });
}

int64_t plan_clip_frames(const Workspace& workspace, const ClipVision& tower) {
  const int64_t batch = clip_batch(workspace);
  const Frames frames = Frames::rgb24(nullptr, batch, kPlanHeight, kPlanWidth);
  return workspace.plan([&](Context& ctx) { encode_clip(ctx, tower, frames, ops::ResizeKind::pil, batch, {}, nullptr); });
}

int64_t plan_sync_frames(const Workspace& workspace, const Synchformer& tower) {
  const int64_t batch = sync_batch(workspace);
  const Frames frames =
      Frames::rgb24(nullptr, tower.config().frames_per_segment + (batch - 1) * tower.config().segment_hop(), kPlanHeight, kPlanWidth);
  return workspace.plan([&](Context& ctx) { encode_sync(ctx, tower, frames, batch, {}, nullptr); });
}

}  // namespace ts
