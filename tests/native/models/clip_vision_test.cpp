#include "models/clip_vision.h"

#include "golden.h"
#include "models/published_names.h"
#include "ops/backends.h"
#include "skip.h"

namespace ts {
namespace {

golden::Array run(const ClipVision& vision, const OperatorTable& table, const golden::Array& pixels, DType dtype = DType::f32,
                  const Probe* probe = nullptr) {
  golden::Array features({pixels.shape[0], vision.config().projection_dim});
  golden::run(table, dtype, [&](Context& ctx) {
    const Arena::Scope scope(ctx.arena());
    const Tensor x = ctx.f32(pixels.shape), y = ctx.f32(features.shape);
    ops::upload(ctx, x, pixels.view());
    vision.forward(ctx, y, x);
    ops::download(ctx, features.view(), y);
  }, probe);
  return features;
}

ClipVision load(WeightSource& source, const OperatorTable& table, const nlohmann::json& config, DType dtype = DType::f32) {
  Loader loader(source, table, dtype);
  return ClipVision::load(loader, parse_clip_vision_config(config, "config.json"));
}

// [1, F, 3, S, S] → [F, 3, S, S]
golden::Array read_pixels(const golden::File& file) {
  golden::Array pixels = file.array("in.pixel_values");
  pixels.shape = {pixels.shape[1], pixels.shape[2], pixels.shape[3], pixels.shape[4]};
  return pixels;
}

TEST_CASE("clip_vision: features and intermediates match the reference") {
  const auto file = golden::open("clip_vision_small");
  if (!file) TS_SKIP("no golden file clip_vision_small.safetensors");
  TS_FOR_EACH_BACKEND(table) {
    golden::Recorder recorder;
    golden::Array features = run(load(*file->weights(), table, file->metadata("config")), table, read_pixels(*file), DType::f32, &recorder.probe());
    const Tensor& expected = file->tensor("out.image_features");
    golden::check_close("image_features", features.view().reshape(expected.shape), expected, golden::kEncoder);
    recorder.check_all(*file, "mid.", golden::kEncoder);
  }
}

TEST_CASE("clip_vision: products of 16 bits stay near the reference") {
  const auto file = golden::open("clip_vision_small");
  if (!file) TS_SKIP("no golden file clip_vision_small.safetensors");
  TS_FOR_EACH_BACKEND(table)
    for (DType product : test::narrow_types(table)) {
      const golden::Array features = run(load(*file->weights(), table, file->metadata("config"), product), table, read_pixels(*file), product);
      const Tensor& expected = file->tensor("out.image_features");
      golden::check_close(std::string(name_of(product)), features.view().reshape(expected.shape), expected, golden::coarse(product, golden::kEncoderBf16));
    }
}

TEST_CASE("clip_vision: other image and patch sizes work, and frames do not see each other") {
  const auto config = test::parsed(R"({"projection_dim": 10, "vision_config": {"hidden_size": 24, "intermediate_size": 40,
    "num_attention_heads": 4, "num_hidden_layers": 2, "image_size": 64, "patch_size": 16}})");
  TS_FOR_EACH_BACKEND(table) {
    const auto source = synthetic_weights(3);
    const ClipVision vision = load(*source, table, config);
    golden::Array both({2, 3, 64, 64}), second({1, 3, 64, 64});
    for (size_t i = 0; i < both.values.size(); ++i) both.values[i] = float(i * 7919 % 1000) / 500 - 1;
    std::copy(both.values.begin() + ptrdiff_t(second.values.size()), both.values.end(), second.values.begin());
    const golden::Array together = run(vision, table, both), alone = run(vision, table, second);
    golden::check_close("second frame", alone.view(), together.view().slice(1, 1), {1e-6, 5e-6});
    CHECK(golden::difference(together.view().slice(0, 1), alone.view()).rel_l2 > 1e-3);
  }
}

TEST_CASE("clip_vision: a listener hears all rows of every block and changes nothing, however few blocks there are") {
  golden::Array pixels({2, 3, 32, 32});
  for (size_t i = 0; i < pixels.values.size(); ++i) pixels.values[i] = float(i * 7919 % 1000) / 500 - 1;
  TS_FOR_EACH_BACKEND(table)
    for (int64_t num_layers : {0, 1, 3}) {
      CAPTURE(num_layers);
      nlohmann::json config = {{"projection_dim", 10}, {"vision_config", {{"hidden_size", 24}, {"intermediate_size", 40}, {"num_attention_heads", 4},
                               {"num_hidden_layers", num_layers}, {"image_size", 32}, {"patch_size", 16}}}};
      const auto source = synthetic_weights(5);
      const ClipVision vision = load(*source, table, config);
      golden::Recorder recorder;
      const golden::Array heard = run(vision, table, pixels, DType::f32, &recorder.probe());
      CHECK(heard.values == run(vision, table, pixels).values);
      for (int64_t i = 0; i < num_layers; ++i) {
        REQUIRE(recorder.heard().count(concat("vision.layer", i)) == 1);
        CHECK(recorder.heard().at(concat("vision.layer", i)).shape == Shape({2, 5, 24}));
      }
    }
}

TEST_CASE("clip_vision: the published configuration asks for exactly the published tensors") {
  test::check_published_names("metaclip_h14", {"text_model.", "text_projection.", "logit_scale"}, [](Loader& loader) {
    const auto config = test::parsed(R"({"projection_dim": 1024, "vision_config": {"hidden_size": 1280, "intermediate_size": 5120,
      "num_attention_heads": 16, "num_hidden_layers": 32, "image_size": 224, "patch_size": 14}})");
    ClipVision::load(loader, parse_clip_vision_config(config, "config"));
  });
}

TEST_CASE("clip_vision: geometry that does not fit is refused in words") {
  const auto parse = [](const char* config) { return parse_clip_vision_config(test::parsed(config), "config.json"); };
  CHECK(parse(R"({"vision_config": {}})").patch_size == 32);  // the class's default
  CHECK_THROWS_WITH_AS(parse(R"({"vision_config": {"patch_size": 15}})"), doctest::Contains("patch_size 15 does not divide image_size 224"), Error);
  CHECK_THROWS_WITH_AS(parse(R"({"vision_config": {"num_channels": 1}})"), doctest::Contains("num_channels"), Error);
}

}  // namespace
}  // namespace ts
