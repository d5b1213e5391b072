#include "core/weights.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "safetensors_bytes.h"
#include "temp_folder.h"

using namespace ts;
using namespace ts::test;

namespace {

std::shared_ptr<const SafetensorsFile> written(const TempFolder& folder, const std::string& name,
                                               const SafetensorsBuilder& builder) {
  return std::make_shared<SafetensorsFile>(folder.write(name, builder.bytes()));
}

std::string fault_of(WeightSource& source) {
  try {
    source.finish();
  } catch (const Error& error) {
    CHECK(error.status() == TS_BAD_WEIGHTS);
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("weights: a network that takes everything with the right shapes has no fault") {
  const TempFolder folder;
  const auto file = written(folder, "w", SafetensorsBuilder().f32("net.a", {2, 1}, {1, 2}).f32("net.b", {1}, {3}));
  const auto source = open_weights({{file, "net."}});
  CHECK(source->has("a"));
  CHECK_FALSE(source->has("net.a"));
  CHECK(source->take("a", {2, 1}).as<float>()[1] == 2);
  CHECK(source->take_any("b", {7}).shape == Shape{1});
  CHECK(fault_of(*source).empty());
}

TEST_CASE("weights: every fault of a file is reported at once, by kind and name") {
  const TempFolder folder;
  SafetensorsBuilder builder;
  builder.f32("shape", {2, 3}, {1, 2, 3, 4, 5, 6}).tensor<int32_t>("type", "I32", {1}, {1});
  builder.f32("extra.x", {1}, {1}).f32("known.x", {1}, {1}).raw("packed", "F8_E4M3", {1}, "x");
  const auto source = open_weights({{written(folder, "dit.safetensors", builder), ""}});
  CHECK_FALSE(source->take("absent", {1}));
  CHECK_FALSE(source->take("shape", {3, 2}));
  CHECK_FALSE(source->take("type", {1}));
  CHECK_FALSE(source->take("packed", {1}));
  source->ignore("known.");
  const std::string message = fault_of(*source);
  CAPTURE(message);
  CHECK(contains(message, "dit.safetensors: do not fit the configuration: "));
  CHECK(contains(message, "missing: absent, packed (F8_E4M3 is not supported)"));
  CHECK(contains(message, "shape is [2, 3], expected [3, 2]"));
  CHECK(contains(message, "type holds i32, expected f32, f16 or bf16"));
  CHECK(contains(message, "left over: \"extra.x\""));
  CHECK_FALSE(contains(message, "known"));
}

TEST_CASE("weights: of many faults twelve are listed and the rest counted") {
  const TempFolder folder;
  const auto source = open_weights({{written(folder, "w", SafetensorsBuilder()), ""}});
  for (int i = 0; i < 20; ++i) source->take("name" + std::to_string(i), {1});
  const std::string message = fault_of(*source);
  CHECK(contains(message, "name11 and 8 more"));
  CHECK_FALSE(contains(message, "name12"));
}

TEST_CASE("weights: a name in an earlier source hides later ones") {
  const TempFolder folder;
  const auto own = written(folder, "own", SafetensorsBuilder().f32("w.k7.x", {1}, {7}));
  const auto shared = written(folder, "shared", SafetensorsBuilder().f32("w.x", {2}, {1, 2}).f32("w.y", {1}, {3}));
  const auto source = open_weights({{own, "w.k7."}, {shared, "w."}});
  CHECK(source->take("x", {1}).as<float>()[0] == 7);
  CHECK(source->take("y", {1}).as<float>()[0] == 3);
  CHECK(fault_of(*source).empty());
  CHECK(source->description() == folder.file("own") + " (w.k7.*), " + folder.file("shared") + " (w.*)");
}

TEST_CASE("weights: one file under two prefixes leaves over what neither took") {
  const TempFolder folder;
  const auto file = written(folder, "w", SafetensorsBuilder().f32("w.x", {1}, {1}).f32("w.a.x", {1}, {2}));
  const auto source = open_weights({{file, "w.a."}, {file, "w."}});
  CHECK(source->take("x", {1}).as<float>()[0] == 2);
  CHECK(contains(fault_of(*source), "left over: \"a.x\""));
  source->ignore("a.");
  CHECK(fault_of(*source).empty());
}

TEST_CASE("weights: floats of every width become the same f32") {
  const std::vector<float> f32{1.5f, -2, 0};
  const std::vector<double> f64{1.5, -2, 0};
  const std::vector<f16> half{to_f16(1.5f), to_f16(-2), to_f16(0)};
  const std::vector<bf16> brain{to_bf16(1.5f), to_bf16(-2), to_bf16(0)};
  CHECK(to_f32(tensor_of(f32.data(), {3}), "x") == f32);
  CHECK(to_f32(tensor_of(f64.data(), {3}), "x") == f32);
  CHECK(to_f32(tensor_of(half.data(), {3}), "x") == f32);
  CHECK(to_f32(tensor_of(brain.data(), {3}), "x") == f32);
  CHECK(to_f32(tensor_of(f32.data(), {0}), "x").empty());
  const std::vector<int32_t> whole{1};
  CHECK_THROWS_WITH_AS(to_f32(tensor_of(whole.data(), {1}), "x"), "weights: \"x\" holds i32, expected floats", Error);
}

TEST_CASE("weights: 8 bits and a scale per row become f32, and their scales are never left over") {
  const TempFolder folder;
  SafetensorsBuilder builder;
  builder.tensor<int8_t>("fc.weight", "I8", {2, 3}, {1, -1, 127, -128, 0, 5}).f32("fc.weight.scale", {2}, {0.5f, 2});
  builder.tensor<int8_t>("conv.weight", "I8", {2, 1, 2}, {1, 2, 3, 4}).f32("conv.weight.scale", {2}, {0, 0.25f});
  const auto source = open_weights({{written(folder, "w", builder), ""}});
  CHECK(source->has_rank("conv.weight", 3));
  const Tensor fc = source->take("fc.weight", {2, 3});
  CHECK(fc.dtype == DType::f32);
  CHECK(to_f32(fc, "fc.weight") == std::vector<float>{0.5f, -0.5f, 63.5f, -256, 0, 10});
  const Tensor conv = source->take_any("conv.weight", {7});
  CHECK(conv.shape == Shape{2, 1, 2});
  CHECK(to_f32(conv, "conv.weight") == std::vector<float>{0, 0, 0.75f, 1});
  source->release("fc.weight");
  CHECK(to_f32(source->take("fc.weight", {2, 3}), "again")[2] == 63.5f);
  CHECK(fault_of(*source).empty());
}

TEST_CASE("weights: what is wrong with weights of 8 bits is said by name") {
  const TempFolder folder;
  const auto fault = [&](std::vector<int64_t> shape, const SafetensorsBuilder& scale) {
    SafetensorsBuilder builder = scale;
    builder.raw("a.weight", "I8", shape, "abcdef");
    const auto source = open_weights({{written(folder, "w", builder), ""}});
    CHECK_FALSE(source->take("a.weight", Shape(std::span<const int64_t>(shape))));
    return fault_of(*source);
  };
  const auto scale = [](std::vector<float> values) { return SafetensorsBuilder().f32("a.weight.scale", {int64_t(values.size())}, values); };
  CHECK(contains(fault({2, 3}, {}), "missing: a.weight.scale (a.weight holds i8)"));
  CHECK(contains(fault({2, 3}, scale({1, 2, 3})), "a.weight.scale is [3], expected [2]"));
  CHECK(contains(fault({2, 3}, scale({1, NAN})), "a.weight.scale is nan at row 1, a finite number of 0 or more needed"));
  CHECK(contains(fault({2, 3}, scale({INFINITY, 1})), "a.weight.scale is inf at row 0"));
  CHECK(contains(fault({2, 3}, scale({1, -1})), "a.weight.scale is -1 at row 1"));
  CHECK(contains(fault({6}, scale({1})), "a.weight holds i8 of shape [6], two axes or more needed"));
  CHECK(contains(fault({2, 3}, SafetensorsBuilder().tensor<double>("a.weight.scale", "F64", {2}, {1, 2})), "a.weight.scale holds f64, expected f32"));

  SafetensorsBuilder builder = scale({1, 2});
  builder.raw("a.weight", "I8", {2, 3}, "abcdef").f32("b.scale", {1}, {1});
  const auto source = open_weights({{written(folder, "w", builder), ""}});
  CHECK_FALSE(source->take("a.weight", {3, 2}));
  CHECK_FALSE(source->take("c", {1}));
  const std::string message = fault_of(*source);
  CHECK(contains(message, "a.weight is [2, 3], expected [3, 2]"));
  CHECK(contains(message, "left over: \"b.scale\""));
}

TEST_CASE("weights: NaN and infinity are found wherever they stand and named") {
  for (size_t length : {1u, 511u, 512u, 513u, 2000u}) {
    for (size_t place : {size_t(0), length / 2, length - 1}) {
      std::vector<float> f32(length, 1.0f);
      f32[place] = std::numeric_limits<float>::quiet_NaN();
      CHECK_THROWS_WITH_AS(to_f32(tensor_of(f32.data(), {int64_t(length)}), "blocks.0.w"),
                           doctest::Contains(concat("\"blocks.0.w\" holds NaN at element ", place).c_str()), Error);
      std::vector<bf16> brain(length, to_bf16(1.0f));
      brain[place] = to_bf16(-INFINITY);
      CHECK_THROWS_WITH_AS(check_finite(tensor_of(brain.data(), {int64_t(length)}), "w"),
                           doctest::Contains(concat("infinity at element ", place).c_str()), Error);
      std::vector<f16> half(length, to_f16(65504));
      CHECK_NOTHROW(check_finite(tensor_of(half.data(), {int64_t(length)}), "w"));
      half[place] = to_f16(65536);
      CHECK_THROWS_AS(check_finite(tensor_of(half.data(), {int64_t(length)}), "w"), Error);
    }
  }
  const std::vector<double> large{1, 1e300};
  CHECK_NOTHROW(check_finite(tensor_of(large.data(), {2}), "w"));
  CHECK_THROWS_WITH_AS(to_f32(tensor_of(large.data(), {2}), "w"), doctest::Contains("infinity at element 1"), Error);
  const std::vector<float> largest{std::numeric_limits<float>::max(), -0.0f, std::numeric_limits<float>::denorm_min()};
  CHECK_NOTHROW(check_finite(tensor_of(largest.data(), {3}), "w"));
}
