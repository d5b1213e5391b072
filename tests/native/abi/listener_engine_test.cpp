// The listener and the choice among candidates, through the public interface.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include <nlohmann/json.hpp>

#include "abi/tiny_engine.h"
#include "core/parallel.h"
#include "models/listener.h"
#include "ops/table.h"
#include "pipeline/sample.h"

namespace ts::test {
namespace {

constexpr uint32_t kLatents = 22;  // of a second
constexpr size_t kLatentDim = 64;

std::string last_error() { return ts_last_error(); }
bool says(const std::string& words) { return last_error().find(words) != std::string::npos; }

// A request in words: what the listener compares with.
struct WordedRequest : TinyRequest {
  explicit WordedRequest(uint32_t num_candidates = 4) {
    conditions.text_features = nullptr;
    conditions.num_text = 0;
    conditions.caption = "a bell rings";
    options.num_candidates = num_candidates;
  }
};

std::vector<float> sample(ts_session* session, const TinyRequest& request) {
  std::vector<float> latent(kLatentDim * kLatents);
  const ts_status status = ts_sample(session, &request.conditions, &request.options, nullptr, nullptr, latent.data(), latent.size());
  REQUIRE_MESSAGE(status == TS_OK, last_error());
  return latent;
}

float listen(ts_session* session, const std::vector<float>& latent, const char* caption) {
  float fit = -1;
  const ts_status status = ts_listen(session, latent.data(), uint32_t(latent.size() / kLatentDim), caption, &fit);
  REQUIRE_MESSAGE(status == TS_OK, last_error());
  return fit;
}

struct Choice {
  std::vector<float> fits;
  uint32_t chosen = 77;
};
Choice choice_of(ts_session* session) {
  Choice choice;
  uint32_t count = 77;
  REQUIRE(ts_get_fits(session, nullptr, 0, &count, nullptr) == TS_OK);
  choice.fits.resize(count);
  REQUIRE(ts_get_fits(session, choice.fits.data(), count, &count, &choice.chosen) == TS_OK);
  return choice;
}

std::vector<float> waves(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = std::sin(0.37f * float(i)) + 0.5f * std::cos(0.11f * float(i * i % 1009));
  return values;
}

TEST_CASE("listener engine: the fit is what the network says of the caption's tokens") {
  TinyEngine tiny(1, "cpu:plain");
  // The same seeded weights, the network run by hand over the tokens' rows, pads left out.
  const auto source = synthetic_weights(9);  // the engine's seed of it
  Loader loader(*source, plain_table(), DType::f32);
  const nlohmann::json config = nlohmann::json::parse(tiny_bundle_json())["components"]["listener"]["config"];
  const Listener listener = Listener::load(loader, parse_listener_config(config, "listener"));
  for (const auto& asked : {std::pair{"a bell rings", 22}, {"rain", 1}, {"", 257}}) {
    const char* const caption = asked.first;
    const int64_t len = asked.second;
    int32_t ids[77];
    uint32_t num_tokens = 0;
    REQUIRE(ts_tokenize(tiny.engine, TS_TEXT_CLIP, caption, ids, 77, &num_tokens, nullptr) == TS_OK);
    std::vector<float> rows(77 * kTextDim), sound(8), words(8);
    REQUIRE(ts_encode_text(tiny.session, TS_TEXT_CLIP, caption, rows.data(), rows.size()) == TS_OK);
    const std::vector<float> latent = waves(kLatentDim * size_t(len));  // [N, 64]
    Serial serial;
    MemoryBudget budget;
    Workspace workspace(plain_table(), serial, DType::f32, budget);
    workspace.run([&](Context& ctx) {
      const Arena::Scope scope(ctx.arena());
      const Tensor x = ctx.f32({1, len, 64}), y = ctx.f32({1, int64_t(num_tokens), kTextDim}), s = ctx.f32({1, 8}), t = ctx.f32({1, 8});
      ops::upload(ctx, x, tensor_of(latent.data(), x.shape));
      ops::upload(ctx, y, tensor_of(rows.data(), y.shape));
      listener.hear(ctx, s, x);
      listener.read(ctx, t, y);
      ops::download(ctx, tensor_of(sound.data(), s.shape), s);
      ops::download(ctx, tensor_of(words.data(), t.shape), t);
    });
    std::vector<float> columns(latent.size());
    for (size_t n = 0; n < size_t(len); ++n)
      for (size_t c = 0; c < kLatentDim; ++c) columns[c * size_t(len) + n] = latent[n * kLatentDim + c];
    CHECK(listen(tiny.session, columns, caption) == listener.fit(sound, words));
  }
}

TEST_CASE("listener engine: a fit for latents of any length, the same on any number of threads") {
  TinyEngine one(1), three(3), plain(1, "cpu:plain");
  for (uint32_t len : {1u, 2u, 22u, 257u, 1292u}) {
    const std::vector<float> latent = waves(kLatentDim * len);
    const float fit = listen(one.session, latent, "a bell rings");
    CHECK((fit > 0 && fit < 1));
    CHECK(listen(one.session, latent, "a bell rings") == fit);
    CHECK(listen(three.session, latent, "a bell rings") == fit);
    CHECK(listen(plain.session, latent, "a bell rings") == doctest::Approx(fit).epsilon(1e-4));
    CHECK(listen(one.session, latent, "rain on a tin roof") != fit);
  }
}

TEST_CASE("listener engine: what cannot be listened to is refused by name") {
  TinyEngine tiny;
  float fit = -1;
  std::vector<float> latent(kLatentDim * 3, 0.5f);
  const auto refused = [&](ts_status status, const char* words) {
    CHECK(status == TS_INVALID_ARGUMENT);
    CHECK_MESSAGE(says(words), last_error());
  };
  refused(ts_listen(tiny.session, latent.data(), 0, "rain", &fit), "a step at least");
  refused(ts_listen(tiny.session, nullptr, 3, "rain", &fit), "latent is NULL");
  refused(ts_listen(tiny.session, latent.data(), 3, nullptr, &fit), "caption is NULL");
  refused(ts_listen(tiny.session, latent.data(), 3, "rain", nullptr), "fit is NULL");
  refused(ts_listen(nullptr, latent.data(), 3, "rain", &fit), "session is NULL");
  refused(ts_listen(tiny.session, latent.data(), 3, "\xFF", &fit), "UTF-8");
  latent[7] = std::nanf("");
  refused(ts_listen(tiny.session, latent.data(), 3, "rain", &fit), "latent holds a NaN");
  std::fill(latent.begin(), latent.end(), std::numeric_limits<float>::max());
  refused(ts_listen(tiny.session, latent.data(), 3, "rain", &fit), "not finite");
  CHECK(fit == -1);
}

TEST_CASE("candidates: one is what it was, and leaves nothing to choose from") {
  TinyEngine tiny, deaf(1, "cpu", 0, kTinyOobleck, TS_COMPONENT_ALL & ~TS_COMPONENT_LISTENER);
  const WordedRequest one(1);
  const std::vector<float> latent = sample(tiny.session, one);
  CHECK(sample(deaf.session, one) == latent);
  CHECK(choice_of(tiny.session).fits.empty());
  sample(tiny.session, WordedRequest(2));
  CHECK(choice_of(tiny.session).fits.size() == 2);
  CHECK(sample(tiny.session, one) == latent);
  CHECK(choice_of(tiny.session).fits.empty());
}

// Candidates are the sounds of their seeds, and the one that goes on is the first of those that fit best.
void check_choice(ts_session* session, WordedRequest request, const std::function<float(const std::vector<float>&)>& judge) {
  const uint32_t count = request.options.num_candidates;
  const std::vector<float> chosen = sample(session, request);
  const Choice choice = choice_of(session);
  REQUIRE(choice.fits.size() == count);
  const uint64_t seed = request.options.seed;
  request.options.num_candidates = 1;
  std::vector<std::vector<float>> latents;
  for (uint32_t i = 0; i < count; ++i) {
    request.options.seed = candidate_seed(seed, i);
    latents.push_back(sample(session, request));
    CHECK(choice.fits[i] == judge(latents.back()));
  }
  const auto best = uint32_t(std::max_element(choice.fits.begin(), choice.fits.end()) - choice.fits.begin());
  CHECK(choice.chosen == best);
  CHECK(chosen == latents[best]);
  CHECK(std::set<std::vector<float>>(latents.begin(), latents.end()).size() == count);
}

TEST_CASE("candidates: the best of the sounds that their seeds make, whatever the flow") {
  const std::vector<float> sound = waves(kLatentDim * kLatents);
  std::vector<float> mask(kLatents, 0.0f);
  std::fill_n(mask.begin(), 9, 1.0f);
  using Change = std::function<void(WordedRequest&)>;
  const std::vector<std::pair<const char*, Change>> flows = {
      {"Euler", [](WordedRequest&) {}},
      {"more steps than are looked ahead to", [](WordedRequest& r) { r.options.num_steps = 40, r.options.num_candidates = 2; }},
      {"Runge-Kutta without guidance", [](WordedRequest& r) { r.options.sampler = TS_SAMPLER_RK4, r.options.cfg_scale = 1; }},
      {"the v objective", [](WordedRequest& r) { r.options.sampler = TS_SAMPLER_V_DDIM; }},
      {"varied", [&](WordedRequest& r) { r.options.init_latent = sound.data(), r.options.sigma_max = 0.6f; }},
      {"with a known part and jumps", [&](WordedRequest& r) {
         r.options.known_latent = sound.data(), r.options.known_mask = mask.data(), r.options.num_jumps = 2, r.options.jump_length = 1;
       }},
      {"with features in the caption's place", [](WordedRequest& r) { r.conditions.text_features = r.text.data(), r.conditions.num_text = 77; }},
      {"many", [](WordedRequest& r) { r.options.num_steps = 1, r.options.num_candidates = 64; }}};
  TinyEngine tiny(2);
  for (const auto& [name, change] : flows) {
    CAPTURE(name);
    WordedRequest request;
    change(request);
    check_choice(tiny.session, request, [&](const std::vector<float>& latent) { return listen(tiny.session, latent, "a bell rings"); });
  }
}

TEST_CASE("candidates: seeds of others share none") {
  std::set<uint64_t> seeds;
  for (uint64_t seed : {uint64_t(0), uint64_t(1), uint64_t(2), uint64_t(42), uint64_t(43), UINT64_MAX})
    for (int64_t i = 0; i < 64; ++i) {
      CHECK(seeds.insert(candidate_seed(seed, i)).second);
      if (i == 0) CHECK(candidate_seed(seed, i) == seed);
    }
}

TEST_CASE("candidates: generating and jobs go on with the chosen one, and their steps are counted together") {
  TinyEngine tiny;
  const WordedRequest request;
  struct Steps {
    std::vector<uint32_t> done;
    uint32_t of = 0;
    static int32_t report(void* user_data, ts_stage stage, uint32_t step, uint32_t num_steps) {
      if (stage != TS_STAGE_SAMPLE) return 0;
      auto* self = static_cast<Steps*>(user_data);
      self->done.push_back(step);
      self->of = num_steps;
      return 0;
    }
  };
  const std::vector<float> latent = sample(tiny.session, request);
  const Choice choice = choice_of(tiny.session);
  WordedRequest alone(1);
  alone.options.seed = candidate_seed(request.options.seed, choice.chosen);
  const std::vector<float> expected = generate(tiny.session, alone);
  CHECK(sample(tiny.session, alone) == latent);

  Steps steps;
  std::vector<float> audio(2 * 44100);
  uint64_t num_samples = 0;
  REQUIRE(ts_generate(tiny.session, &request.conditions, &request.options, Steps::report, &steps, audio.data(), audio.size(), &num_samples) == TS_OK);
  CHECK(audio == expected);
  std::vector<uint32_t> counted(13);
  for (uint32_t i = 0; i < counted.size(); ++i) counted[i] = i;
  CHECK(steps.of == 12);
  CHECK(steps.done == counted);
  CHECK(choice_of(tiny.session).fits == choice.fits);

  generate(tiny.session, alone);
  CHECK(choice_of(tiny.session).fits.empty());
  ts_job* job = nullptr;
  REQUIRE(ts_job_start(tiny.session, &request.conditions, &request.options, nullptr, nullptr, nullptr, 0, &job) == TS_OK);
  REQUIRE(ts_job_wait(job, UINT32_MAX) == TS_OK);
  std::vector<float> interleaved(audio.size());
  CHECK(ts_job_read(job, interleaved.data(), num_samples) == num_samples);
  ts_job_destroy(job);
  bool same = true;
  for (size_t i = 0; i < num_samples; ++i) same &= interleaved[2 * i] == expected[i] && interleaved[2 * i + 1] == expected[num_samples + i];
  CHECK(same);
  CHECK(choice_of(tiny.session).fits == choice.fits);
  CHECK(choice_of(tiny.session).chosen == choice.chosen);
}

TEST_CASE("candidates: a call is cancelled within any of them, and the session goes on") {
  TinyEngine tiny;
  const WordedRequest request;
  struct CancelAt {
    uint32_t step;
    static int32_t report(void* user_data, ts_stage stage, uint32_t step, uint32_t) {
      return stage == TS_STAGE_SAMPLE && step == static_cast<CancelAt*>(user_data)->step;
    }
  };
  const std::vector<float> whole = sample(tiny.session, request);
  const Choice before = choice_of(tiny.session);
  std::vector<float> latent(whole.size());
  for (uint32_t step : {0u, 2u, 3u, 7u, 12u}) {
    CancelAt cancel{step};
    CHECK(ts_sample(tiny.session, &request.conditions, &request.options, CancelAt::report, &cancel, latent.data(), latent.size()) == TS_CANCELLED);
    CHECK(choice_of(tiny.session).fits == before.fits);  // of what was finished
  }
  CHECK(sample(tiny.session, request) == whole);
}

TEST_CASE("candidates: what cannot be chosen from is refused by name, before anything is computed") {
  TinyEngine tiny, deaf(1, "cpu", 0, kTinyOobleck, TS_COMPONENT_ALL & ~TS_COMPONENT_LISTENER);
  REQUIRE(deaf.status == TS_OK);
  std::vector<float> latent(kLatentDim * kLatents);
  const auto refused = [&](ts_session* session, const WordedRequest& request, ts_status expected, const char* words) {
    CHECK(ts_sample(session, &request.conditions, &request.options, nullptr, nullptr, latent.data(), latent.size()) == expected);
    CHECK_MESSAGE(says(words), last_error());
    uint64_t num_samples = 0;
    CHECK(ts_generate(session, &request.conditions, &request.options, nullptr, nullptr, nullptr, 0, &num_samples) == expected);
    ts_job* job = nullptr;
    CHECK(ts_job_start(session, &request.conditions, &request.options, nullptr, nullptr, nullptr, 0, &job) == expected);
    CHECK(job == nullptr);
  };
  refused(tiny.session, WordedRequest(0), TS_INVALID_ARGUMENT, "num_candidates 0 is outside 1");
  refused(tiny.session, WordedRequest(65), TS_INVALID_ARGUMENT, "num_candidates 65 is outside 1");
  refused(deaf.session, WordedRequest(2), TS_UNSUPPORTED, "no component listener loaded, which it takes to choose among candidates");
  WordedRequest silent(2), noisy(2);
  silent.conditions.caption = nullptr;
  refused(tiny.session, silent, TS_INVALID_ARGUMENT, "num_candidates is 2: the caption chooses among them");
  const std::vector<float> noise = waves(latent.size());
  noisy.options.noise = noise.data();
  refused(tiny.session, noisy, TS_INVALID_ARGUMENT, "num_candidates is 2: each has noise of its own");
  float fit = 0;
  CHECK(ts_listen(deaf.session, latent.data(), kLatents, "rain", &fit) == TS_UNSUPPORTED);
  CHECK_MESSAGE(says("bundle tiny has no component listener loaded"), last_error());
  TinyEngine unlettered(1, "cpu", 0, kTinyOobleck, TS_COMPONENT_LISTENER);
  CHECK(ts_listen(unlettered.session, latent.data(), kLatents, "rain", &fit) == TS_UNSUPPORTED);
  CHECK_MESSAGE(says("no component clip_text loaded"), last_error());

  uint32_t count = 77;
  float fits[2];
  CHECK(ts_get_fits(tiny.session, fits, 2, nullptr, nullptr) == TS_INVALID_ARGUMENT);
  CHECK(ts_get_fits(nullptr, fits, 2, &count, nullptr) == TS_INVALID_ARGUMENT);
  sample(tiny.session, WordedRequest(3));
  CHECK(ts_get_fits(tiny.session, fits, 2, &count, nullptr) == TS_BUFFER_TOO_SMALL);
  CHECK(count == 3);
}

TEST_CASE("listener engine: alone it knows its widths, and a cap of its plan is exactly enough") {
  TinyEngine alone(1, "cpu", 0, kTinyOobleck, TS_COMPONENT_LISTENER);
  ts_engine_info info;
  ts_engine_info_init(&info);
  REQUIRE(ts_engine_get_info(alone.engine, &info) == TS_OK);
  CHECK(info.components == TS_COMPONENT_LISTENER);
  CHECK(info.latent_dim == kLatentDim);
  CHECK(info.text_dim == kTextDim);
  CHECK(info.num_parameters == (64 * 3 + 1) * 12 + 2 * ((7 + 1) * 12 + 24 + 13 * 24 + 25 * 12) + 24 + 25 * 12 + 13 * 8 + 33 * 12 + 13 * 8 + 2);
  ts_generate_options request;
  ts_generate_options_init(&request);
  request.duration_s = 60;
  ts_memory_plan plan;
  ts_memory_plan_init(&plan);
  REQUIRE(ts_plan_memory(alone.engine, &request, &plan) == TS_OK);
  CHECK(plan.sample_bytes > 0);
  CHECK(plan.arena_bytes == plan.sample_bytes);
  const auto with_cap = [](uint64_t cap) { return std::make_unique<TinyEngine>(1, "cpu", cap, kTinyOobleck, TS_COMPONENT_LISTENER | TS_COMPONENT_CLIP_TEXT); };
  const auto reads = with_cap(0);
  REQUIRE(ts_plan_memory(reads->engine, &request, &plan) == TS_OK);
  CHECK(plan.arena_bytes == plan.sample_bytes);  // a minute is more than a caption
  const std::vector<float> latent(kLatentDim * 1292, 0.1f);
  const auto enough = with_cap(plan.total_bytes), tight = with_cap(plan.total_bytes - 1);
  REQUIRE((enough->status == TS_OK && tight->status == TS_OK));
  float fit = 0;
  CHECK(ts_listen(enough->session, latent.data(), 1292, "rain", &fit) == TS_OK);
  CHECK(ts_listen(tight->session, latent.data(), 1292, "rain", &fit) == TS_OUT_OF_MEMORY);
  CHECK(says("memory cap"));
}

TEST_CASE("candidates: a cap of their plan is enough") {
  TinyEngine tiny;
  WordedRequest request;
  ts_memory_plan plan;
  ts_memory_plan_init(&plan);
  REQUIRE(ts_plan_memory(tiny.engine, &request.options, &plan) == TS_OK);
  TinyEngine capped(1, "cpu", plan.total_bytes);
  REQUIRE(capped.status == TS_OK);
  CHECK(generate(capped.session, request) == generate(tiny.session, request));
}

TEST_CASE("listener engine: one that does not fit its bundle is refused by what disagrees") {
  const auto refused = [](const std::string& from, const std::string& to, ts_components components, const char* words) {
    TempFolder folder;
    std::string json = tiny_bundle_json();
    json.replace(json.find(from, json.find("\"listener\"")), from.size(), to);
    const std::string bundle = folder.write("bundle.json", json);
    ts_engine_options options;
    ts_engine_options_init(&options);
    options.synthetic = bundle.c_str();
    options.components = components;
    ts_engine* engine = nullptr;
    CHECK(ts_engine_create(&options, &engine) == TS_BAD_BUNDLE);
    CHECK_MESSAGE(says(words), last_error());
  };
  const auto with = [](ts_components other) { return TS_COMPONENT_LISTENER | other; };
  refused("\"latent_dim\": 64", "\"latent_dim\": 63", with(TS_COMPONENT_MMDIT), "listener.latent_dim is 63, but mmdit.latent_dim is 64");
  refused("\"latent_dim\": 64", "\"latent_dim\": 63", with(TS_COMPONENT_VAE_DECODER), "vae.decoder.latent_dim is 64, but listener.latent_dim is 63");
  refused("\"latent_dim\": 64", "\"latent_dim\": 63", with(TS_COMPONENT_VAE_ENCODER), "vae.encoder.latent_dim is 64, but listener.latent_dim is 63");
  refused("\"text_dim\": 32", "\"text_dim\": 31", with(TS_COMPONENT_CLIP_TEXT), "clip_text.hidden_size is 32, but listener.text_dim is 31");
  refused("\"text_dim\": 32", "\"text_dim\": 31", with(TS_COMPONENT_MMDIT), "listener.text_dim is 31, but mmdit.clip_text_dim is 32");
  refused("\"num_blocks\": 2", "\"num_blocks\": 65", TS_COMPONENT_ALL, "components.listener.config: num_blocks");
}

}  // namespace
}  // namespace ts::test
