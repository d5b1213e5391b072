// Keeping and editing latents through the public interface.
#include <algorithm>
#include <cmath>

#include "abi/tiny_engine.h"

namespace ts::test {
namespace {

constexpr size_t kLen = 22, kSize = 64 * kLen;  // a second

std::string last_error() { return ts_last_error(); }
bool says(const char* word) { return last_error().find(word) != std::string::npos; }

// Every step that is told, and a stop at one of them.
struct Steps {
  uint32_t stop_at = UINT32_MAX;
  std::vector<uint32_t> told;
  uint32_t of = 0;
  static int32_t report(void* user_data, ts_stage stage, uint32_t step, uint32_t num_steps) {
    auto* self = static_cast<Steps*>(user_data);
    if (stage != TS_STAGE_SAMPLE) return 0;
    self->told.push_back(step);
    self->of = num_steps;
    return step == self->stop_at;
  }
};

// The middle of a second is free, its rest kept.
struct KnownRequest : TinyRequest {
  KnownRequest() : known(kSize), mask(kLen, 1.0f) {
    for (size_t i = 0; i < known.size(); ++i) known[i] = std::sin(0.37f * float(i));
    std::fill(mask.begin() + 8, mask.begin() + 15, 0.0f);
    options.known_latent = known.data();
    options.known_mask = mask.data();
  }
  std::vector<float> known, mask;
};

std::vector<float> sample(ts_session* session, const TinyRequest& request, Steps* steps = nullptr) {
  std::vector<float> latent(kSize);
  const ts_status status = ts_sample(session, &request.conditions, &request.options, steps ? Steps::report : nullptr, steps, latent.data(), latent.size());
  REQUIRE_MESSAGE(status == TS_OK, ts_last_error());
  return latent;
}

// Whether step n of a latent [64, kLen] is that of another.
bool is_equal_at(const std::vector<float>& a, const std::vector<float>& b, size_t n) {
  for (size_t c = 0; c < 64; ++c)
    if (a[c * kLen + n] != b[c * kLen + n]) return false;
  return true;
}

TEST_CASE("known latent: what is kept comes out bit for bit, and the rest is made, the same on any number of threads") {
  TinyEngine one(1), three(3);
  KnownRequest request;
  for (const uint32_t jumps : {0u, 2u}) {
    request.options.num_jumps = jumps;
    request.options.jump_length = 2;
    const std::vector<float> latent = sample(one.session, request);
    for (size_t n = 0; n < kLen; ++n) CHECK(is_equal_at(latent, request.known, n) == (request.mask[n] == 1));
    CHECK(sample(one.session, request) == latent);
    CHECK(sample(three.session, request) == latent);
    REQUIRE(ts::test::all_finite(latent));
  }
  // What is kept is heard by what is made.
  KnownRequest louder;
  for (float& value : louder.known) value *= 3;
  CHECK(!is_equal_at(sample(one.session, louder), sample(one.session, request), 11));
}

TEST_CASE("known latent: nothing kept is plain sampling") {
  TinyEngine tiny;
  KnownRequest nothing;
  std::fill(nothing.mask.begin(), nothing.mask.end(), 0.0f);
  CHECK(sample(tiny.session, nothing) == sample(tiny.session, TinyRequest()));
}

TEST_CASE("known latent: steps of repeated stretches are told, and any can be the last") {
  TinyEngine tiny;
  KnownRequest request;
  request.options.num_steps = 4;
  request.options.num_jumps = 2;
  request.options.jump_length = 2;
  Steps all;
  sample(tiny.session, request, &all);
  CHECK(all.told == std::vector<uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(all.of == 8);
  Steps some{.stop_at = 5, .told = {}};
  std::vector<float> latent(kSize);
  CHECK(ts_sample(tiny.session, &request.conditions, &request.options, Steps::report, &some, latent.data(), latent.size()) == TS_CANCELLED);
  CHECK(some.told.back() == 5);
}

TEST_CASE("known latent: a cap of exactly the plan is enough for it") {
  TinyEngine tiny;
  KnownRequest request;
  ts_memory_plan plan;
  ts_memory_plan_init(&plan);
  REQUIRE(ts_plan_memory(tiny.engine, &request.options, &plan) == TS_OK);
  TinyEngine capped(1, "cpu", plan.weights_bytes + plan.sample_bytes);
  REQUIRE(capped.status == TS_OK);
  sample(capped.session, request);
}

TEST_CASE("known latent: a checkpoint that can be shown what is kept is shown it, and makes no jumps") {
  TinyEngine tiny(1, "cpu", 0, kTinyOobleck, TS_COMPONENT_ALL, R"(, "use_inpaint": true)");
  REQUIRE_MESSAGE(tiny.status == TS_OK, ts_last_error());
  KnownRequest request;
  const std::vector<float> shown = sample(tiny.session, request);
  std::vector<float> masked = request.known;
  for (size_t i = 0; i < masked.size(); ++i) masked[i] *= request.mask[i % kLen];
  request.conditions.masked_latent = masked.data();
  CHECK(sample(tiny.session, request) == shown);
  std::fill(masked.begin(), masked.end(), 0.0f);
  CHECK(sample(tiny.session, request) != shown);
  request.conditions.masked_latent = nullptr;
  request.options.num_jumps = 3;
  CHECK(sample(tiny.session, request) == shown);
}

TEST_CASE("known latent: what cannot be is refused by name") {
  TinyEngine tiny;
  const auto refused = [&](const char* word, auto&& change) {
    KnownRequest request;
    change(request);
    uint64_t num_samples = 0;
    CHECK(ts_generate(tiny.session, &request.conditions, &request.options, nullptr, nullptr, nullptr, 0, &num_samples) == TS_INVALID_ARGUMENT);
    CHECK_MESSAGE(says(word), last_error());
  };
  refused("go together", [](KnownRequest& r) { r.options.known_mask = nullptr; });
  refused("go together", [](KnownRequest& r) { r.options.known_latent = nullptr; });
  refused("known_mask holds 1.5", [](KnownRequest& r) { r.mask[3] = 1.5f; });
  refused("known_mask holds a NaN", [](KnownRequest& r) { r.mask[3] = std::nanf(""); });
  refused("known_latent holds a NaN", [](KnownRequest& r) { r.known[3] = INFINITY; });
  refused("v objective", [](KnownRequest& r) { r.options.sampler = TS_SAMPLER_V_DDIM; });
  refused("num_jumps", [](KnownRequest& r) { r.options.num_jumps = 1001; });
  refused("jump_length", [](KnownRequest& r) { r.options.jump_length = 0; });
}

#undef ts_generate_options_init
extern "C" {
TS_API void ts_generate_options_init(ts_generate_options* options);
TS_API void ts_generate_options_init_2(ts_generate_options* options);
}

TEST_CASE("known latent: programs of before keep their structs") {
  TinyEngine tiny;
  TinyRequest request;
  const std::vector<float> now = sample(tiny.session, request);
  const auto same_of = [&](void (*init)(ts_generate_options*), size_t size, auto&& beyond) {
    ts_generate_options before;
    std::fill_n(reinterpret_cast<unsigned char*>(&before), sizeof before, static_cast<unsigned char>(0x5A));
    init(&before);
    CHECK(before.struct_size == size);
    CHECK(before.*beyond == 0x5A5A5A5A);  // beyond what it has room for
    before.duration_s = 1;
    before.num_steps = 3;
    request.options = before;
    CHECK(sample(tiny.session, request) == now);
  };
  same_of(ts_generate_options_init, offsetof(ts_generate_options, known_latent), &ts_generate_options::num_jumps);
  same_of(ts_generate_options_init_2, offsetof(ts_generate_options, num_candidates), &ts_generate_options::num_candidates);
}

// ---- Editing ----

struct EditRequest {
  EditRequest() : source(kSize) {
    for (size_t i = 0; i < source.size(); ++i) source[i] = std::sin(0.37f * float(i));
    to.conditions.caption = "a glass breaks";
    to.conditions.text_features = nullptr;
    to.conditions.num_text = 0;
    ts_edit_options_init(&options);
    options.duration_s = 1;
    options.num_steps = 6;
    options.source_latent = source.data();
  }
  TinyRequest from, to;
  std::vector<float> source;
  ts_edit_options options;
};

ts_status edit(ts_session* session, const EditRequest& request, std::vector<float>& latent, Steps* steps = nullptr) {
  latent.resize(kSize);
  return ts_edit_latent(session, &request.from.conditions, &request.to.conditions, &request.options, steps ? Steps::report : nullptr, steps,
                        latent.data(), latent.size());
}
std::vector<float> edited(ts_session* session, const EditRequest& request, Steps* steps = nullptr) {
  std::vector<float> latent;
  const ts_status status = edit(session, request, latent, steps);
  REQUIRE_MESSAGE(status == TS_OK, ts_last_error());
  return latent;
}

TEST_CASE("edit: other words change the sound, the same on any number of threads, another seed otherwise") {
  TinyEngine one(1), three(3);
  EditRequest request;
  const std::vector<float> latent = edited(one.session, request);
  CHECK(latent != request.source);
  REQUIRE(ts::test::all_finite(latent));
  CHECK(edited(one.session, request) == latent);
  CHECK(edited(three.session, request) == latent);
  request.options.seed = 43;
  CHECK(edited(one.session, request) != latent);
}

TEST_CASE("edit: the same words and guidance change nothing, and what is kept stays, bit for bit") {
  TinyEngine tiny;
  EditRequest request;
  request.options.num_averages = 2;
  std::vector<float> mask(kLen, 0.0f);
  std::fill(mask.begin(), mask.begin() + 9, 1.0f);
  request.options.known_mask = mask.data();
  for (const uint32_t alone : {0u, 2u}) {
    request.options.num_target_steps = alone;
    const std::vector<float> latent = edited(tiny.session, request);
    for (size_t n = 0; n < kLen; ++n) CHECK(is_equal_at(latent, request.source, n) == (mask[n] == 1));
  }
  request.options.known_mask = nullptr;
  request.options.num_target_steps = 0;
  request.to.conditions = request.from.conditions;
  for (const float scale : {1.0f, 4.0f}) {
    request.options.source_cfg_scale = request.options.target_cfg_scale = scale;
    CHECK(edited(tiny.session, request) == request.source);
  }
}

TEST_CASE("edit: two thirds of the steps are walked unless said otherwise, and any can be the last") {
  TinyEngine tiny;
  EditRequest request;
  Steps all, fewer, stopped{.stop_at = 2, .told = {}};
  edited(tiny.session, request, &all);
  CHECK(all.told == std::vector<uint32_t>{0, 1, 2, 3, 4});
  CHECK(all.of == 4);
  request.options.num_edit_steps = 2;
  edited(tiny.session, request, &fewer);
  CHECK(fewer.of == 2);
  std::vector<float> latent;
  CHECK(edit(tiny.session, request, latent, &stopped) == TS_CANCELLED);
  CHECK(edit(tiny.session, request, latent) == TS_OK);
  // In place.
  const std::vector<float> expected = latent;
  REQUIRE(ts_edit_latent(tiny.session, &request.from.conditions, &request.to.conditions, &request.options, nullptr, nullptr, request.source.data(), kSize) == TS_OK);
  CHECK(request.source == expected);
}

TEST_CASE("edit: what cannot be is refused by name") {
  TinyEngine tiny;
  std::vector<float> latent;
  const auto refused = [&](const char* word, auto&& change) {
    EditRequest request;
    change(request);
    CHECK(edit(tiny.session, request, latent) == TS_INVALID_ARGUMENT);
    CHECK_MESSAGE(says(word), last_error());
  };
  refused("source_latent is NULL", [](EditRequest& r) { r.options.source_latent = nullptr; });
  refused("num_edit_steps 7", [](EditRequest& r) { r.options.num_edit_steps = 7; });
  refused("num_target_steps 5", [](EditRequest& r) { r.options.num_target_steps = 5; });
  refused("num_averages", [](EditRequest& r) { r.options.num_averages = 0; });
  refused("num_steps", [](EditRequest& r) { r.options.num_steps = 0; });
  refused("target_cfg_scale", [](EditRequest& r) { r.options.target_cfg_scale = NAN; });
  refused("duration", [](EditRequest& r) { r.options.duration_s = 0.5; });
  refused("source_latent holds a NaN", [](EditRequest& r) { r.source[7] = NAN; });
  refused("ts_edit_options_init", [](EditRequest& r) { r.options = {}; });
  EditRequest request;
  CHECK(ts_edit_latent(tiny.session, &request.from.conditions, nullptr, &request.options, nullptr, nullptr, latent.data(), kSize) == TS_INVALID_ARGUMENT);
  CHECK(ts_edit_latent(tiny.session, &request.from.conditions, &request.to.conditions, &request.options, nullptr, nullptr, latent.data(), kSize - 1) == TS_BUFFER_TOO_SMALL);
}

// ---- What a bundle recommends ----

TEST_CASE("defaults: a bundle's stand in place of the library's, as much of them as the caller knows") {
  TinyEngine plain, tuned(1, "cpu", 0, kTinyOobleck, TS_COMPONENT_ALL, "", R"("defaults": {"cfg_scale": 3.0, "num_steps": 12, "num_jumps": 2}, )");
  ts_generate_options options;
  ts_generate_options_init_3(&options);
  REQUIRE(ts_get_generate_defaults(plain.engine, &options) == TS_OK);
  CHECK(options.cfg_scale == 5);
  CHECK(options.num_steps == 24);
  REQUIRE(ts_get_generate_defaults(tuned.engine, &options) == TS_OK);
  CHECK(options.cfg_scale == 3);
  CHECK(options.num_steps == 12);
  CHECK(options.num_jumps == 2);
  CHECK(options.jump_length == 4);
  CHECK(options.struct_size == sizeof options);
  options.num_jumps = 77;
  options.struct_size = offsetof(ts_generate_options, known_latent);
  REQUIRE(ts_get_generate_defaults(tuned.engine, &options) == TS_OK);
  CHECK(options.num_jumps == 77);
  CHECK(ts_get_generate_defaults(nullptr, &options) == TS_INVALID_ARGUMENT);
}

}  // namespace
}  // namespace ts::test
