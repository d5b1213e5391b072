// The recogniser through the public interface.
#include <cmath>
#include <limits>
#include <numeric>

#include "abi/tiny_engine.h"

namespace ts::test {
namespace {

constexpr size_t kClasses = 3, kMaterials = 2, kOnsetsPerStep = 4;  // of the tiny engine

struct Recognised {
  std::vector<float> classes = std::vector<float>(kClasses), materials = std::vector<float>(kMaterials), onsets;
  bool operator==(const Recognised&) const = default;
};

ts_status recognise(ts_session* session, const std::vector<float>& clip, const std::vector<float>& sync, Recognised& result) {
  result.onsets.assign(sync.size() / kSyncDim * kOnsetsPerStep, -1.0f);
  return ts_recognise(session, clip.data(), uint32_t(clip.size() / kClipDim), sync.data(), uint32_t(sync.size() / kSyncDim), result.classes.data(),
                      result.classes.size(), result.materials.data(), result.materials.size(), result.onsets.data(), result.onsets.size());
}

std::string last_error() { return ts_last_error(); }

TEST_CASE("recogniser engine: says what it tells apart, by name") {
  TinyEngine tiny;
  ts_engine_info info;
  ts_engine_info_init(&info);
  REQUIRE(ts_engine_get_info(tiny.engine, &info) == TS_OK);
  CHECK((info.components & TS_COMPONENT_RECOGNISER) != 0);
  CHECK(info.num_classes == kClasses);
  CHECK(info.num_materials == kMaterials);
  CHECK(info.onsets_per_step == kOnsetsPerStep);
  CHECK(std::string(ts_class_name(tiny.engine, 0)) == "bell");
  CHECK(std::string(ts_class_name(tiny.engine, 2)) == "rain");
  CHECK(std::string(ts_class_name(tiny.engine, 3)) == "");
  CHECK(std::string(ts_material_name(tiny.engine, 1)) == "wood");
  CHECK(std::string(ts_material_name(tiny.engine, UINT32_MAX)) == "");
  CHECK(std::string(ts_class_name(nullptr, 0)) == "");
  CHECK(std::string(ts_material_name(nullptr, 0)) == "");
}

TEST_CASE("recogniser engine: probabilities for features of any length, the same on any number of threads") {
  TinyEngine one(1), three(3), plain(1, "cpu:plain");
  for (auto [num_clip, num_sync] : {std::pair{1, 1}, {8, 24}, {3, 255}, {257, 7}}) {
    std::vector<float> clip(size_t(num_clip) * kClipDim), sync(size_t(num_sync) * kSyncDim);
    for (size_t i = 0; i < clip.size(); ++i) clip[i] = std::sin(0.37f * float(i));
    for (size_t i = 0; i < sync.size(); ++i) sync[i] = 2 * std::cos(0.11f * float(i * i % 1009));
    Recognised first, again, parallel, elsewhere;
    REQUIRE_MESSAGE(recognise(one.session, clip, sync, first) == TS_OK, last_error());
    REQUIRE(recognise(one.session, clip, sync, again) == TS_OK);
    REQUIRE(recognise(three.session, clip, sync, parallel) == TS_OK);
    REQUIRE(recognise(plain.session, clip, sync, elsewhere) == TS_OK);
    CHECK(again == first);
    CHECK(parallel == first);
    for (const auto* values : {&first.classes, &first.materials, &first.onsets})
      for (float value : *values) CHECK((value > 0 && value < 1));
    CHECK(std::accumulate(first.materials.begin(), first.materials.end(), 0.0) == doctest::Approx(1).epsilon(1e-6));
    for (size_t i = 0; i < first.onsets.size(); ++i) REQUIRE(first.onsets[i] == doctest::Approx(elsewhere.onsets[i]).epsilon(1e-4));
    for (size_t i = 0; i < kClasses; ++i) CHECK(first.classes[i] == doctest::Approx(elsewhere.classes[i]).epsilon(1e-4));
    // The onsets of a row do not depend on the others.
    const std::vector<float> last_row(sync.end() - kSyncDim, sync.end());
    Recognised alone;
    REQUIRE(recognise(one.session, clip, last_row, alone) == TS_OK);
    for (size_t i = 0; i < kOnsetsPerStep; ++i) CHECK(alone.onsets[i] == doctest::Approx(first.onsets[first.onsets.size() - kOnsetsPerStep + i]).epsilon(1e-5));
  }
}

TEST_CASE("recogniser engine: each output may be left out, and none is written beyond its capacity") {
  TinyEngine tiny;
  const std::vector<float> clip(2 * kClipDim, 0.1f), sync(3 * kSyncDim, 0.2f);
  Recognised whole;
  REQUIRE(recognise(tiny.session, clip, sync, whole) == TS_OK);
  std::vector<float> onsets(3 * kOnsetsPerStep);
  CHECK(ts_recognise(tiny.session, clip.data(), 2, sync.data(), 3, nullptr, 0, nullptr, 0, onsets.data(), onsets.size()) == TS_OK);
  CHECK(onsets == whole.onsets);
  const auto short_of = [&](uint64_t classes, uint64_t materials, uint64_t cells, const char* word) {
    Recognised small = whole;
    CHECK(ts_recognise(tiny.session, clip.data(), 2, sync.data(), 3, small.classes.data(), classes, small.materials.data(), materials, small.onsets.data(),
                       cells) == TS_BUFFER_TOO_SMALL);
    CHECK_MESSAGE(last_error().find(word) != std::string::npos, last_error());
  };
  short_of(2, 2, 12, "classes: 3 floats are needed");
  short_of(3, 1, 12, "materials: 2 floats are needed");
  short_of(3, 2, 11, "onsets: 12 floats are needed");
}

TEST_CASE("recogniser engine: what is no features is refused by name") {
  TinyEngine tiny;
  const auto refused = [&](std::vector<float> clip, std::vector<float> sync, const char* word) {
    Recognised result;
    CHECK(recognise(tiny.session, clip, sync, result) == TS_INVALID_ARGUMENT);
    CHECK_MESSAGE(last_error().find(word) != std::string::npos, last_error());
  };
  const std::vector<float> clip(kClipDim, 0.5f), sync(kSyncDim, 0.5f);
  std::vector<float> nan = sync, infinite = clip;
  nan[7] = std::nanf("");
  infinite[3] = -INFINITY;
  refused(clip, nan, "sync_features holds a NaN");
  refused(infinite, sync, "clip_features holds a NaN or an infinity");
  refused(clip, std::vector<float>(2 * kSyncDim, std::numeric_limits<float>::max()), "not finite");
  float out[16];
  CHECK(ts_recognise(tiny.session, clip.data(), 0, sync.data(), 1, out, 16, nullptr, 0, nullptr, 0) == TS_INVALID_ARGUMENT);
  CHECK(ts_recognise(tiny.session, nullptr, 1, sync.data(), 1, out, 16, nullptr, 0, nullptr, 0) == TS_INVALID_ARGUMENT);
  CHECK(last_error().find("clip_features is NULL") != std::string::npos);
  CHECK(ts_recognise(tiny.session, nullptr, 0, nullptr, 0, out, 16, nullptr, 0, nullptr, 0) == TS_INVALID_ARGUMENT);
  CHECK(last_error().find("at least") != std::string::npos);
  CHECK(ts_recognise(nullptr, clip.data(), 1, sync.data(), 1, out, 16, nullptr, 0, nullptr, 0) == TS_INVALID_ARGUMENT);
  Recognised result;
  CHECK(recognise(tiny.session, clip, sync, result) == TS_OK);
}

TEST_CASE("recogniser engine: an engine without one says so, and counts nothing") {
  TinyEngine tiny(1, "cpu", 0, kTinyOobleck, TS_COMPONENT_CLIP_VISION | TS_COMPONENT_SYNCHFORMER);
  REQUIRE(tiny.status == TS_OK);
  ts_engine_info info;
  ts_engine_info_init(&info);
  REQUIRE(ts_engine_get_info(tiny.engine, &info) == TS_OK);
  CHECK((info.num_classes == 0 && info.num_materials == 0 && info.onsets_per_step == 0));
  CHECK(std::string(ts_class_name(tiny.engine, 0)) == "");
  Recognised result;
  CHECK(recognise(tiny.session, std::vector<float>(kClipDim), std::vector<float>(kSyncDim), result) == TS_UNSUPPORTED);
  CHECK_MESSAGE(last_error().find("bundle tiny has no component recogniser loaded") != std::string::npos, last_error());
  ts_generate_options request;
  ts_generate_options_init(&request);
  ts_memory_plan plan;
  ts_memory_plan_init(&plan);
  REQUIRE(ts_plan_memory(tiny.engine, &request, &plan) == TS_OK);
  CHECK(plan.recognise_bytes == 0);
}

TEST_CASE("recogniser engine: alone it knows its widths, and a cap of its plan is exactly enough") {
  TinyEngine alone(1, "cpu", 0, kTinyOobleck, TS_COMPONENT_RECOGNISER);
  ts_engine_info info;
  ts_engine_info_init(&info);
  REQUIRE(ts_engine_get_info(alone.engine, &info) == TS_OK);
  CHECK(info.components == TS_COMPONENT_RECOGNISER);
  CHECK(info.clip_dim == kClipDim);
  CHECK(info.sync_dim == kSyncDim);
  CHECK(info.num_parameters == (24 + 64 + 1) * 12 + 13 * 5 + 33 * 12 + 13 * 4);
  ts_generate_options request;
  ts_generate_options_init(&request);
  request.duration_s = 2;  // 16 rows and 48
  ts_memory_plan plan;
  ts_memory_plan_init(&plan);
  REQUIRE(ts_plan_memory(alone.engine, &request, &plan) == TS_OK);
  CHECK(plan.recognise_bytes > 0);
  CHECK(plan.arena_bytes == plan.recognise_bytes);
  const std::vector<float> clip(16 * kClipDim, 0.1f), sync(48 * kSyncDim, 0.2f);
  Recognised result;
  TinyEngine capped(1, "cpu", plan.total_bytes, kTinyOobleck, TS_COMPONENT_RECOGNISER), tight(1, "cpu", plan.total_bytes - 1, kTinyOobleck, TS_COMPONENT_RECOGNISER);
  REQUIRE((capped.status == TS_OK && tight.status == TS_OK));
  CHECK(recognise(capped.session, clip, sync, result) == TS_OK);
  CHECK(recognise(tight.session, clip, sync, result) == TS_OUT_OF_MEMORY);
  CHECK(last_error().find("memory cap") != std::string::npos);
}

TEST_CASE("recogniser engine: one that does not fit its bundle is refused by what disagrees") {
  const auto refused = [](const std::string& from, const std::string& to, ts_components components, const char* word) {
    TempFolder folder;
    std::string json = tiny_bundle_json();
    const size_t recogniser = json.find("\"recogniser\"");
    json.replace(json.find(from, recogniser), from.size(), to);
    const std::string bundle = folder.write("bundle.json", json);
    ts_engine_options options;
    ts_engine_options_init(&options);
    options.synthetic = bundle.c_str();
    options.components = components;
    ts_engine* engine = nullptr;
    CHECK(ts_engine_create(&options, &engine) == TS_BAD_BUNDLE);
    CHECK_MESSAGE(last_error().find(word) != std::string::npos, last_error());
  };
  refused("\"clip_dim\": 24", "\"clip_dim\": 25", TS_COMPONENT_ALL, "recogniser.clip_dim");
  refused("\"sync_dim\": 32", "\"sync_dim\": 31", TS_COMPONENT_SYNCHFORMER | TS_COMPONENT_RECOGNISER, "synchformer.embed_dim is 32, but recogniser.sync_dim is 31");
  refused("\"sync_dim\": 32", "\"sync_dim\": 31", TS_COMPONENT_MMDIT | TS_COMPONENT_RECOGNISER, "recogniser.sync_dim is 31, but mmdit.sync_dim is 32");
  refused("\"door\"", "\"bell\"", TS_COMPONENT_ALL, "components.recogniser.config: classes lists \"bell\" twice");
}

}  // namespace
}  // namespace ts::test
