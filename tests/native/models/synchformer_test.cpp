#include "models/synchformer.h"

#include <algorithm>

#include "golden.h"
#include "models/published_names.h"
#include "ops/image.h"
#include "ops/backends.h"
#include "skip.h"

namespace ts {
namespace {

// u8 [F, S, S, 3].
struct Frames {
  std::vector<uint8_t> bytes;
  Shape shape;

  Frames(int64_t count, int64_t side) : bytes(size_t(count * side * side * 3)), shape{count, side, side, 3} {}
  Tensor view() { return tensor_of(bytes.data(), shape); }
};

// Frames `index` of planar ones [F, 3, S, S].
Frames interleaved(const Tensor& planar, const std::vector<int64_t>& index) {
  const int64_t side = planar.shape[2], area = side * side;
  Frames frames(int64_t(index.size()), side);
  for (size_t f = 0; f < index.size(); ++f)
    for (int64_t i = 0; i < area * 3; ++i)
      frames.bytes[f * size_t(area * 3) + size_t(i)] = planar.as<uint8_t>()[(index[f] * 3 + i % 3) * area + i / 3];
  return frames;
}

// [segments·T, D] of a video, `at_once` segments per pass.
golden::Array run(const Synchformer& net, const OperatorTable& table, Frames frames, int64_t at_once, DType dtype = DType::f32,
                  const Probe* probe = nullptr) {
  const SynchformerConfig& config = net.config();
  const int64_t segments = config.num_segments(frames.shape[0]), per_segment = config.frames_per_segment, side = frames.shape[1];
  golden::Array features({segments, config.steps(), config.embed_dim});
  for (int64_t first = 0; first < segments; first += at_once) {
    const int64_t count = std::min(at_once, segments - first);
    golden::run(table, dtype, [&](Context& ctx) {
      const Arena::Scope scope(ctx.arena());
      const Tensor x = ctx.arena().allocate<uint8_t>({per_segment, side, side, 3});
      const Tensor pixels = ctx.f32({count * per_segment, 3, side, side}), y = ctx.f32({count, config.steps(), config.embed_dim});
      for (int64_t s = 0; s < count; ++s) {
        ops::upload(ctx, x, frames.view().slice((first + s) * config.segment_hop(), per_segment));
        ops::normalise(ctx, pixels.slice(s * per_segment, per_segment), x, ops::Normalisation::sync);
      }
      net.forward(ctx, y, pixels);
      ops::download(ctx, features.view().slice(first, count), y);
    }, probe);
  }
  features.shape = {segments * config.steps(), config.embed_dim};
  return features;
}

Synchformer load(WeightSource& source, const OperatorTable& table, const nlohmann::json& config, DType dtype = DType::f32) {
  Loader loader(source, table, dtype);
  return Synchformer::load(loader, parse_synchformer_config(config, "config.json"));
}

std::vector<int64_t> first_frames(int64_t count) {
  std::vector<int64_t> index;
  for (int64_t i = 0; i < count; ++i) index.push_back(i);
  return index;
}

TEST_CASE("synchformer: one segment and every intermediate match the reference") {
  const auto file = golden::open("synchformer_small");
  if (!file) TS_SKIP("no golden file synchformer_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    golden::Recorder recorder;
    const Synchformer net = load(*file->weights(), table, file->metadata("config"));
    const golden::Array features = run(net, table, interleaved(file->tensor("in.frames_u8"), first_frames(16)), 1, DType::f32, &recorder.probe());
    const Tensor& expected = file->tensor("out.segment");
    golden::check_close("segment", features.view().reshape(expected.shape), expected, golden::kEncoder);
    recorder.check_all(*file, "mid.", golden::kEncoder);
  }
}

TEST_CASE("synchformer: a video matches the reference, one segment at a time and all at once") {
  const auto file = golden::open("synchformer_small");
  if (!file) TS_SKIP("no golden file synchformer_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    const Synchformer net = load(*file->weights(), table, file->metadata("config"));
    const Frames frames = interleaved(file->tensor("in.frames_u8"), file->integers<int64_t>("in.video_index"));
    const Tensor& expected = file->tensor("out.video");
    for (int64_t at_once : {1, 5}) {
      const golden::Array features = run(net, table, frames, at_once);
      golden::check_close(concat("video by ", at_once), features.view().reshape(expected.shape), expected, golden::kEncoder);
    }
  }
}

TEST_CASE("synchformer: products of 16 bits stay near the reference") {
  const auto file = golden::open("synchformer_small");
  if (!file) TS_SKIP("no golden file synchformer_small.safetensors");
  TS_FOR_EACH_BACKEND(table)
    for (DType product : test::narrow_types(table)) {
      const Synchformer net = load(*file->weights(), table, file->metadata("config"), product);
      const golden::Array features = run(net, table, interleaved(file->tensor("in.frames_u8"), first_frames(16)), 1, product);
      const Tensor& expected = file->tensor("out.segment");
      golden::check_close(std::string(name_of(product)), features.view().reshape(expected.shape), expected, golden::coarse(product, golden::kEncoderBf16));
    }
}

TEST_CASE("synchformer: other geometries work, whatever the batch, and a last incomplete segment is lost") {
  const auto config = test::parsed(R"({"embed_dim": 24, "depth": 2, "num_heads": 2, "image": 64, "patch": 8, "temporal_patch": 1,
    "frames_per_segment": 8})");
  TS_FOR_EACH_BACKEND(table) {
    const auto source = synthetic_weights(5);
    const Synchformer net = load(*source, table, config);
    CHECK(net.config().num_segments(7) == 0);
    CHECK(net.config().num_segments(8) == 1);
    CHECK(net.config().num_segments(19) == 3);
    Frames frames(19, 64), head(16, 64);
    for (size_t i = 0; i < frames.bytes.size(); ++i) frames.bytes[i] = uint8_t(i * 40503 >> 7);
    std::copy_n(frames.bytes.begin(), head.bytes.size(), head.bytes.begin());
    const golden::Array by_one = run(net, table, frames, 1), by_two = run(net, table, frames, 2), shorter = run(net, table, head, 3);
    CHECK(by_one.shape == Shape({24, 24}));
    golden::check_close("by two", by_two.view(), by_one.view(), {1e-6, 5e-6});
    golden::check_close("without the last frames", shorter.view(), by_one.view(), {1e-6, 5e-6});
    CHECK(golden::difference(by_one.view().slice(0, 8), by_one.view().slice(8, 8)).rel_l2 > 1e-3);
  }
}

TEST_CASE("synchformer: the published configuration asks for exactly the published tensors") {
  test::check_published_names("synchformer", {"vfeat_extractor.patch_embed."}, [](Loader& loader) {
    Synchformer::load(loader, parse_synchformer_config(test::parsed(R"({"embed_dim": 768, "depth": 12, "num_heads": 12})"), "config"));
  });
}

TEST_CASE("synchformer: geometry that does not fit is refused in words") {
  const auto parse = [](const char* changes) {
    auto config = test::parsed(R"({"embed_dim": 96, "depth": 2, "num_heads": 2})");
    config.update(test::parsed(changes));
    return parse_synchformer_config(config, "config.json");
  };
  CHECK_THROWS_WITH_AS(parse(R"({"num_heads": 5})"), doctest::Contains("num_heads 5 does not divide embed_dim 96"), Error);
  CHECK_THROWS_WITH_AS(parse(R"({"patch": 15})"), doctest::Contains("patch 15 does not divide image 224"), Error);
  CHECK_THROWS_WITH_AS(parse(R"({"frames_per_segment": 15})"), doctest::Contains("frames_per_segment 15"), Error);
  CHECK_THROWS_WITH_AS(parse(R"({"frames_per_segment": 32})"), doctest::Contains("8 features"), Error);
  const auto source = synthetic_weights(5);
  const Synchformer net = load(*source, plain_table(), test::parsed(R"({"embed_dim": 8, "depth": 1, "num_heads": 2, "image": 16})"));
  CHECK_THROWS_WITH_AS(run(net, plain_table(), Frames(16, 8), 1), doctest::Contains("frames [3, 16, 16] needed"), Error);
}

}  // namespace
}  // namespace ts
