#include "pipeline/vision.h"

#include "core/philox.h"
#include "json_text.h"
#include "ops/harness.h"
#include "runtime/thread_pool.h"

namespace ts {
namespace {

ClipVision clip_tower(const OperatorTable& table) {
  const auto source = synthetic_weights(5);
  Loader loader(*source, table, DType::f32);
  return ClipVision::load(loader, parse_clip_vision_config(test::parsed(R"({"vision_config": {"hidden_size": 32, "intermediate_size": 64,
    "num_attention_heads": 2, "num_hidden_layers": 2, "image_size": 28, "patch_size": 14}, "projection_dim": 24})"), "clip"));
}
Synchformer sync_tower(const OperatorTable& table) {
  const auto source = synthetic_weights(6);
  Loader loader(*source, table, DType::f32);
  return Synchformer::load(loader, parse_synchformer_config(test::parsed(
    R"({"embed_dim": 32, "depth": 1, "num_heads": 2, "image": 32, "patch": 16, "temporal_patch": 2, "frames_per_segment": 16})"), "sync"));
}

// Noise, no two frames alike; rows and frames apart by more than they need.
struct Video {
  std::vector<uint8_t> bytes;
  Frames frames;

  Video(int64_t count, int64_t height, int64_t width, int64_t slack = 0) : frames(Frames::rgb24(nullptr, count, height, width)) {
    frames.row_bytes += slack;
    frames.frame_bytes = frames.row_bytes * height + 2 * slack;
    bytes.resize(size_t(count * frames.frame_bytes), 0xEE);
    frames.pixels = bytes.data();
    uint32_t state = 99;
    for (int64_t row = 0; row < count * height; ++row)
      for (int64_t x = 0; x < 3 * width; ++x)
        bytes[size_t(row / height * frames.frame_bytes + row % height * frames.row_bytes + x)] = uint8_t((state = state * 1664525u + 1013904223u) >> 24);
  }
};

std::vector<float> clip_features(Workspace& workspace, const ClipVision& tower, const Frames& frames, const Progress& progress = {}) {
  std::vector<float> features(size_t(frames.count * 24));
  encode_clip_frames(workspace, tower, frames, ops::ResizeKind::pil, progress, features);
  return features;
}
std::vector<float> sync_features(Workspace& workspace, const Synchformer& tower, const Frames& frames, const Progress& progress = {}) {
  std::vector<float> features(size_t(num_sync_features(tower, frames.count) * 32));
  encode_sync_frames(workspace, tower, frames, progress, features);
  return features;
}

void append(std::vector<float>& all, const std::vector<float>& more) { all.insert(all.end(), more.begin(), more.end()); }

TEST_CASE("vision: frames in many batches, the last of them odd, have the features that each batch has alone") {
  TS_FOR_EACH_BACKEND(table) {
    const ClipVision clip = clip_tower(table);
    const Synchformer sync = sync_tower(table);
    Serial serial;
    ThreadPool three(3);
    MemoryBudget budget;
    Workspace workspace(table, serial, DType::f32, budget), together(table, three, DType::f32, budget);
    const Video video(24 + 24 + 24 + 5, 40, 50), gaps(24 + 24 + 24 + 5, 40, 50, 3);
    const int64_t count = video.frames.count, batch = table.is_host ? 8 : 24;
    std::vector<float> alone;
    for (int64_t first = 0; first < count; first += batch)
      append(alone, clip_features(workspace, clip, video.frames.slice(first, std::min(batch, count - first))));
    CHECK(clip_features(workspace, clip, video.frames) == alone);
    CHECK(clip_features(together, clip, video.frames) == alone);
    CHECK(clip_features(workspace, clip, gaps.frames) == alone);

    const Video longer((2 * 9 + 1 + 1) * 8 + 3, 40, 50), longer_gaps((2 * 9 + 1 + 1) * 8 + 3, 40, 50, 5);
    alone.clear();
    const int64_t segments = 2 * 9 + 1, at_once = table.is_host ? 1 : 9;
    for (int64_t first = 0; first < segments; first += at_once)
      append(alone, sync_features(workspace, sync, longer.frames.slice(first * 8, (std::min(at_once, segments - first) + 1) * 8)));
    CHECK(sync_features(together, sync, longer_gaps.frames) == alone);
  }
}

TEST_CASE("vision: frames larger than what a card takes of them at a time have the features that each has alone") {
  TS_FOR_EACH_BACKEND(table) {
    const ClipVision clip = clip_tower(table);
    Serial serial;
    MemoryBudget budget;
    Workspace workspace(table, serial, DType::f32, budget);
    const Video video(26, 700, 1300);  // 2.7 MB each, 71 MB in all: three passes of the first batch, many turns of pinned memory
    const int64_t count = video.frames.count, at_once = table.is_host ? 8 : 1;  // a CPU's products may round otherwise with fewer rows
    std::vector<float> alone;
    for (int64_t first = 0; first < count; first += at_once) append(alone, clip_features(workspace, clip, video.frames.slice(first, std::min(at_once, count - first))));
    CHECK(clip_features(workspace, clip, video.frames) == alone);
  }
}

TEST_CASE("vision: progress comes after every batch, and cancelling there leaves the workspace as good as new") {
  TS_FOR_EACH_BACKEND(table) {
    const ClipVision clip = clip_tower(table);
    Serial serial;
    MemoryBudget budget;
    Workspace workspace(table, serial, DType::f32, budget);
    const Video video(60, 30, 30);
    const int64_t batch = table.is_host ? 8 : 24;
    std::vector<int64_t> steps, expected;
    const Progress count([&](ts_stage stage, uint32_t step, uint32_t num_steps) {
      CHECK(stage == TS_STAGE_CLIP_VISION);
      CHECK(num_steps == 60);
      steps.push_back(step);
      return true;
    });
    const std::vector<float> features = clip_features(workspace, clip, video.frames, count);
    for (int64_t step = 0; step < 60; step += batch) expected.push_back(step);
    expected.push_back(60);
    CHECK(steps == expected);
    const Progress first_only([&](ts_stage, uint32_t step, uint32_t) { return step == 0; });
    CHECK_THROWS_WITH_AS(clip_features(workspace, clip, video.frames, first_only), "cancelled by the caller", Error);
    CHECK(clip_features(workspace, clip, video.frames) == features);
  }
}

}  // namespace
}  // namespace ts
