// The public interface as a stranger uses it.
#include "abi/tiny_engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <thread>

using ts::test::TinyEngine;
using ts::test::TinyRequest;
using ts::test::generate;

namespace {

std::string last_error() { return ts_last_error(); }

// Cancels at the first report of `stage`.
struct CancelAt {
  ts_stage stage;
  int reports = 0;
  static int32_t report(void* user_data, ts_stage stage, uint32_t, uint32_t) {
    auto* self = static_cast<CancelAt*>(user_data);
    self->reports += stage == self->stage;
    return stage == self->stage;
  }
};

}  // namespace

TEST_CASE("abi: the version is the header's and every status has a name") {
  CHECK(ts_abi_version() == TS_ABI_VERSION);
  CHECK(std::strlen(ts_version()) > 0);
  for (ts_status status = TS_OK; status <= TS_INTERNAL; ++status) CHECK(std::strncmp(ts_status_name(status), "TS_", 3) == 0);
  CHECK(std::string(ts_status_name(99)) == "unknown status");
}

TEST_CASE("abi: null handles and pointers are refused in words, and destroying null is fine") {
  uint64_t num_samples = 0;
  TinyRequest request;
  CHECK(ts_generate(nullptr, &request.conditions, &request.options, nullptr, nullptr, nullptr, 0, &num_samples) == TS_INVALID_ARGUMENT);
  CHECK(last_error() == "session is NULL");
  CHECK(ts_engine_create(nullptr, nullptr) == TS_INVALID_ARGUMENT);
  CHECK(ts_job_poll(nullptr, nullptr) == TS_INVALID_ARGUMENT);
  CHECK(ts_job_read(nullptr, nullptr, 1) == 0);
  ts_engine_destroy(nullptr);
  ts_session_destroy(nullptr);
  ts_session_cancel(nullptr);
  ts_job_destroy(nullptr);
  ts_job_cancel(nullptr);
  ts_network_destroy(nullptr);
}

TEST_CASE("abi: structs of older and newer callers") {
  TinyEngine tiny;
  TinyRequest request;
  uint64_t num_samples = 0;
  const auto ask = [&](const ts_generate_options* options) {
    return ts_generate(tiny.session, &request.conditions, options, nullptr, nullptr, nullptr, 0, &num_samples);
  };
  // An older caller knows only the first fields; the rest take their defaults.
  ts_generate_options older = request.options;
  older.struct_size = offsetof(ts_generate_options, seed);
  older.sigma_max = 77;  // beyond what it says it knows
  CHECK(ask(&older) == TS_OK);
  // A newer caller's unknown fields must be zero.
  struct Newer {
    ts_generate_options options;
    uint64_t unknown;
  } newer{request.options, 0};
  newer.options.struct_size = sizeof newer;
  CHECK(ask(&newer.options) == TS_OK);
  newer.unknown = 1;
  CHECK(ask(&newer.options) == TS_INVALID_ARGUMENT);
  CHECK(last_error().find("newer version") != std::string::npos);
  // One that never called _init.
  ts_generate_options zero{};
  CHECK(ask(&zero) == TS_INVALID_ARGUMENT);
  CHECK(last_error().find("ts_generate_options_init") != std::string::npos);
  // Results are cut to what the caller knows.
  ts_engine_info info;
  std::memset(&info, 0x5A, sizeof info);
  info.struct_size = offsetof(ts_engine_info, device);
  CHECK(ts_engine_get_info(tiny.engine, &info) == TS_OK);
  CHECK(info.struct_size == offsetof(ts_engine_info, device));
  CHECK(std::string(info.name) == "tiny");
  CHECK(info.device[0] == 0x5A);
}

TEST_CASE("abi: options out of range are refused by name") {
  TinyEngine tiny;
  uint64_t num_samples = 0;
  const auto refused = [&](const char* word, auto&& change) {
    TinyRequest request;
    change(request);
    CHECK(ts_generate(tiny.session, &request.conditions, &request.options, nullptr, nullptr, nullptr, 0, &num_samples) == TS_INVALID_ARGUMENT);
    CHECK_MESSAGE(last_error().find(word) != std::string::npos, last_error());
  };
  refused("num_steps", [](TinyRequest& r) { r.options.num_steps = 0; });
  refused("num_steps", [](TinyRequest& r) { r.options.num_steps = 1001; });
  refused("duration", [](TinyRequest& r) { r.options.duration_s = 61; });
  refused("duration", [](TinyRequest& r) { r.options.duration_s = std::nan(""); });
  refused("cfg_scale", [](TinyRequest& r) { r.options.cfg_scale = INFINITY; });
  refused("sampler", [](TinyRequest& r) { r.options.sampler = 9; });
  refused("sigma_max", [](TinyRequest& r) { r.options.sigma_max = 0.5f; });
  refused("sync_features", [](TinyRequest& r) { r.conditions.num_sync = 23; });
  refused("clip_features", [](TinyRequest& r) { r.conditions.clip_features = nullptr; });
  refused("NaN", [](TinyRequest& r) { r.t5[5] = std::nanf(""); });
  std::vector<float> masked(64 * 22);
  refused("masked_latent", [&](TinyRequest& r) { r.conditions.masked_latent = masked.data(); });
}

TEST_CASE("abi: the same seed gives the same samples on any number of threads, another seed others") {
  TinyEngine one(1), three(3);
  TinyRequest request;
  const std::vector<float> first = generate(one.session, request);
  CHECK(first.size() == 2 * 44100);
  CHECK(generate(one.session, request) == first);
  CHECK(generate(three.session, request) == first);
  REQUIRE(ts::test::all_finite(first));
  request.options.seed = 43;
  CHECK(generate(one.session, request) != first);
}

TEST_CASE("abi: every combination of modalities is allowed") {
  TinyEngine tiny;
  for (int present = 0; present < 16; ++present) {
    TinyRequest request;
    request.options.num_steps = 1;
    if (!(present & 1)) request.conditions.clip_features = nullptr, request.conditions.num_clip = 0;
    if (!(present & 2)) request.conditions.sync_features = nullptr, request.conditions.num_sync = 0;
    if (!(present & 4)) request.conditions.text_features = nullptr, request.conditions.num_text = 0;
    if (!(present & 8)) request.conditions.t5_features = nullptr;
    CHECK(generate(tiny.session, request).size() == 2 * 44100);
  }
}

TEST_CASE("abi: words and features are the same thing, and a negative prompt needs guidance") {
  TinyEngine tiny;
  TinyRequest request;
  request.conditions.text_features = nullptr;
  request.conditions.num_text = 0;
  request.conditions.t5_features = nullptr;
  request.conditions.caption = "rain on a tin roof";
  request.conditions.cot = "drops, first single, then dense";
  const std::vector<float> by_words = generate(tiny.session, request);
  std::vector<float> text(77 * ts::test::kTextDim), t5(77 * ts::test::kT5Dim);
  REQUIRE(ts_encode_text(tiny.session, TS_TEXT_CLIP, request.conditions.caption, text.data(), text.size()) == TS_OK);
  REQUIRE(ts_encode_text(tiny.session, TS_TEXT_T5, request.conditions.cot, t5.data(), t5.size()) == TS_OK);
  request.conditions.text_features = text.data();
  request.conditions.num_text = 77;
  request.conditions.t5_features = t5.data();
  CHECK(generate(tiny.session, request) == by_words);
  request.conditions.negative_caption = "speech";
  CHECK(generate(tiny.session, request) != by_words);
  request.options.cfg_scale = 1;
  uint64_t num_samples = 0;
  CHECK(ts_generate(tiny.session, &request.conditions, &request.options, nullptr, nullptr, nullptr, 0, &num_samples) == TS_INVALID_ARGUMENT);
  CHECK(last_error().find("guidance") != std::string::npos);
}

namespace {
void check_stages_and_plan(const char* codec) {
  TinyEngine tiny(1, "cpu", 0, codec);
  TinyRequest request;
  ts_lengths lengths;
  ts_lengths_init(&lengths);
  REQUIRE(ts_get_lengths(tiny.engine, 1.0, TS_LENGTHS_EXACT, &lengths) == TS_OK);
  std::vector<float> latent(64 * lengths.latent_len), audio(2 * 2048 * size_t(lengths.latent_len));
  REQUIRE(ts_sample(tiny.session, &request.conditions, &request.options, nullptr, nullptr, latent.data(), latent.size()) == TS_OK);
  REQUIRE(ts_decode(tiny.session, latent.data(), lengths.latent_len, 0, nullptr, nullptr, nullptr, audio.data(), audio.size()) == TS_OK);
  const std::vector<float> generated = generate(tiny.session, request);
  const size_t kept = lengths.num_samples, whole = 2048 * size_t(lengths.latent_len), fade = 221;
  for (size_t channel = 0; channel < 2; ++channel)
    REQUIRE(std::equal(&generated[channel * kept], &generated[channel * kept] + (kept - fade), &audio[channel * whole]));
  CHECK(ts_sample(tiny.session, &request.conditions, &request.options, nullptr, nullptr, latent.data(), latent.size() - 1) == TS_BUFFER_TOO_SMALL);

  ts_memory_plan plan;
  ts_memory_plan_init(&plan);
  REQUIRE(ts_plan_memory(tiny.engine, &request.options, &plan) == TS_OK);
  CHECK(plan.total_bytes == plan.weights_bytes + plan.arena_bytes);
  CHECK(plan.sample_bytes > 0);
  CHECK(plan.decode_bytes > 0);
  // A cap of exactly the plan is enough; one byte less is not.
  TinyEngine capped(1, "cpu", plan.weights_bytes + std::max(plan.sample_bytes, plan.decode_bytes), codec);
  REQUIRE(capped.status == TS_OK);
  generate(capped.session, request);
  TinyEngine tight(1, "cpu", plan.weights_bytes + std::max(plan.sample_bytes, plan.decode_bytes) / 2, codec);
  REQUIRE(tight.status == TS_OK);
  uint64_t num_samples = 0;
  std::vector<float> room(2 * 44100);
  CHECK(ts_generate(tight.session, &request.conditions, &request.options, nullptr, nullptr, room.data(), room.size(), &num_samples) == TS_OUT_OF_MEMORY);
  CHECK(last_error().find("memory cap") != std::string::npos);
  // Where smaller pieces need less, the refusal names the largest that fit, and they do.
  ts_memory_plan least;
  ts_memory_plan_init(&least);
  request.options.decode_chunk = 1;
  REQUIRE(ts_plan_memory(tiny.engine, &request.options, &least) == TS_OK);
  request.options.decode_chunk = 0;
  const uint64_t enough = std::max(least.sample_bytes, least.decode_bytes);
  const bool helps = enough < std::max(plan.sample_bytes, plan.decode_bytes);
  CHECK(helps == (codec == ts::test::kTinyOobleck));
  if (helps) {
    TinyEngine advised(1, "cpu", plan.weights_bytes + enough, codec);
    CHECK(ts_generate(advised.session, &request.conditions, &request.options, nullptr, nullptr, room.data(), room.size(), &num_samples) == TS_OUT_OF_MEMORY);
    const std::string advice = "what would fit: decode_chunk ";
    const size_t at = last_error().find(advice);
    REQUIRE_MESSAGE(at != std::string::npos, last_error());
    request.options.decode_chunk = uint32_t(std::stoul(last_error().substr(at + advice.size())));
    generate(advised.session, request);
    request.options.decode_chunk = 0;
  }
  TinyEngine hopeless(1, "cpu", 1000, codec);
  CHECK(hopeless.status == TS_OUT_OF_MEMORY);
}
}  // namespace

TEST_CASE("abi: sample, decode and generate agree, and the plan is what is used") {
  for (const char* codec : {ts::test::kTinyOobleck, ts::test::kTinyMel}) check_stages_and_plan(codec);
}

TEST_CASE("abi: frames become features, whatever their size") {
  TinyEngine tiny;
  for (auto [width, height] : {std::pair{1u, 1u}, {7u, 5u}, {64u, 48u}, {33u, 100u}}) {
    std::vector<uint8_t> pixels(24u * width * height * 3);
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = uint8_t(i * 37);
    ts_frames frames;
    ts_frames_init(&frames);
    frames.pixels = pixels.data();
    frames.num_frames = 24;
    frames.width = width;
    frames.height = height;
    std::vector<float> clip(24 * ts::test::kClipDim), sync(16 * ts::test::kSyncDim), part(8 * ts::test::kSyncDim);
    REQUIRE(ts_encode_clip_frames(tiny.session, &frames, nullptr, nullptr, clip.data(), clip.size()) == TS_OK);
    REQUIRE(ts_encode_sync_frames(tiny.session, &frames, nullptr, nullptr, sync.data(), sync.size()) == TS_OK);
    // Going on after a call repeats its last eight frames.
    frames.pixels += size_t(8) * width * height * 3;
    frames.num_frames = 16;
    REQUIRE(ts_encode_sync_frames(tiny.session, &frames, nullptr, nullptr, part.data(), part.size()) == TS_OK);
    CHECK(std::equal(part.begin(), part.end(), sync.begin() + 8 * ts::test::kSyncDim));
  }
  ts_frames frames;
  ts_frames_init(&frames);
  std::vector<float> features(8 * ts::test::kSyncDim);
  std::vector<uint8_t> pixels(16 * 3);
  frames.pixels = pixels.data();
  frames.num_frames = 15;
  frames.width = frames.height = 1;
  CHECK(ts_encode_sync_frames(tiny.session, &frames, nullptr, nullptr, features.data(), features.size()) == TS_INVALID_ARGUMENT);
  frames.width = 20000;
  CHECK(ts_encode_clip_frames(tiny.session, &frames, nullptr, nullptr, features.data(), features.size()) == TS_INVALID_ARGUMENT);
}

TEST_CASE("abi: frames in NV12 are found by their distances, given or not, and hostile ones are refused") {
  TinyEngine tiny;
  constexpr uint32_t kFrames = 3, kWidth = 13, kHeight = 9;
  // Packed: luma rows of 13, chroma of 14.
  std::vector<uint8_t> packed(kFrames * (kHeight * kWidth + 5 * 14));
  for (size_t i = 0; i < packed.size(); ++i) packed[i] = uint8_t(i * 37 ^ i >> 3);
  ts_frames frames;
  ts_frames_init(&frames);
  frames.pixels = packed.data();
  frames.num_frames = kFrames;
  frames.width = kWidth;
  frames.height = kHeight;
  frames.format = TS_PIXELS_NV12;
  frames.color = TS_YUV_BT709;
  const ts_frames one_piece = frames;
  const auto features_of = [&](const ts_frames& given) {
    std::vector<float> clip(kFrames * ts::test::kClipDim);
    CHECK_MESSAGE(ts_encode_clip_frames(tiny.session, &given, nullptr, nullptr, clip.data(), clip.size()) == TS_OK, ts_last_error());
    return clip;
  };
  const std::vector<float> expected = features_of(one_piece);
  // Planes of their own, without gaps.
  std::vector<uint8_t> luma, chroma, pitched(kFrames * 32 * (16 + 8)), apart(kFrames * 600);
  for (uint32_t f = 0; f < kFrames; ++f) {
    const uint8_t* from = packed.data() + f * 187;
    luma.insert(luma.end(), from, from + 117);
    chroma.insert(chroma.end(), from + 117, from + 187);
    for (uint32_t row = 0; row < kHeight; ++row) std::copy_n(from + row * 13, 13, pitched.data() + f * 768 + row * 32);
    for (uint32_t row = 0; row < 5; ++row) std::copy_n(from + 117 + row * 14, 14, pitched.data() + f * 768 + 512 + row * 32);
    for (uint32_t row = 0; row < 5; ++row) std::copy_n(from + 117 + row * 14, 14, apart.data() + f * 600 + row * 20);
  }
  frames.pixels = luma.data();
  frames.chroma = chroma.data();
  CHECK(features_of(frames) == expected);
  // A decoder's surface of 16 rows of 32.
  frames.pixels = pitched.data();
  frames.chroma = pitched.data() + 512;
  frames.row_bytes = 32;
  frames.frame_bytes = 768;
  CHECK(features_of(frames) == expected);
  frames.chroma = apart.data();
  frames.chroma_row_bytes = 20;
  frames.chroma_frame_bytes = 600;
  CHECK(features_of(frames) == expected);

  const auto refuse = [&](const char* why, auto&& change) {
    ts_frames bad = one_piece;
    change(bad);
    std::vector<float> clip(kFrames * ts::test::kClipDim);
    CHECK(ts_encode_clip_frames(tiny.session, &bad, nullptr, nullptr, clip.data(), clip.size()) == TS_INVALID_ARGUMENT);
    CHECK(std::string(ts_last_error()).find(why) != std::string::npos);
  };
  refuse("format 2", [](ts_frames& f) { f.format = 2; });
  refuse("format -1", [](ts_frames& f) { f.format = -1; });
  refuse("color 4", [](ts_frames& f) { f.color = 4; });
  refuse("color -1", [](ts_frames& f) { f.color = -1; });
  refuse("row_bytes 12", [](ts_frames& f) { f.row_bytes = 12; });
  refuse("row_bytes 18446744073709551615", [](ts_frames& f) { f.row_bytes = UINT64_MAX; });
  refuse("chroma_row_bytes 13", [](ts_frames& f) { f.chroma_row_bytes = 13; });
  refuse("chroma_row_bytes 18446744073709551615", [](ts_frames& f) { f.chroma_row_bytes = UINT64_MAX; });
  refuse("frame_bytes 186", [](ts_frames& f) { f.frame_bytes = 186; });  // the chroma follows
  refuse("frame_bytes 9223372036854775808", [](ts_frames& f) { f.frame_bytes = uint64_t(1) << 63; });
  refuse("chroma_frame_bytes 69", [](ts_frames& f) { f.chroma_frame_bytes = 69; });
  refuse("chroma_frame_bytes 18446744073709551615", [](ts_frames& f) { f.chroma_frame_bytes = UINT64_MAX; });
  refuse("chroma", [&](ts_frames& f) { f.chroma = chroma.data(), f.frame_bytes = 117, f.chroma_row_bytes = 40; });  // 5·40 are not 117
  refuse("holds no frames", [](ts_frames& f) { f.pixels = nullptr; });
  // RGB does not read what it does not have.
  frames = one_piece;
  frames.format = TS_PIXELS_RGB24;
  frames.num_frames = 1;
  frames.color = 77;
  frames.chroma_row_bytes = 1;
  std::vector<float> clip(ts::test::kClipDim);
  CHECK(ts_encode_clip_frames(tiny.session, &frames, nullptr, nullptr, clip.data(), clip.size()) == TS_OK);
}

TEST_CASE("abi: sound becomes latents and the posterior's mean is the default") {
  TinyEngine tiny;
  std::vector<float> audio(3 * 10000, 0.1f);
  uint32_t latent_len = 0;
  REQUIRE(ts_encode_audio(tiny.session, audio.data(), 3, 10000, 48000, 0, nullptr, nullptr, nullptr, 0, &latent_len) == TS_OK);
  CHECK(latent_len == 5);  // 10000·44100/48000 = 9188 samples, 4.5 hops
  std::vector<float> mean(64 * latent_len), again(mean.size()), drawn(mean.size());
  const auto encode = [&](uint64_t seed, std::vector<float>& latent) {
    return ts_encode_audio(tiny.session, audio.data(), 3, 10000, 48000, seed, nullptr, nullptr, latent.data(), latent.size(), &latent_len);
  };
  REQUIRE(encode(0, mean) == TS_OK);
  REQUIRE(encode(0, again) == TS_OK);
  REQUIRE(encode(7, drawn) == TS_OK);
  CHECK(mean == again);
  CHECK(mean != drawn);
}

TEST_CASE("abi: a synchronous call is cancelled at every stage and the session goes on") {
  TinyEngine tiny;
  for (ts_stage stage : {TS_STAGE_TEXT, TS_STAGE_SAMPLE, TS_STAGE_DECODE}) {
    TinyRequest request;
    CancelAt cancel{stage};
    std::vector<float> audio(2 * 44100);
    uint64_t num_samples = 0;
    CHECK(ts_generate(tiny.session, &request.conditions, &request.options, CancelAt::report, &cancel, audio.data(), audio.size(), &num_samples) == TS_CANCELLED);
    CHECK(cancel.reports == 1);
    generate(tiny.session, request);
  }
}

namespace {
void check_delivery(const char* codec) {
  TinyEngine tiny(1, "cpu", 0, codec);
  TinyRequest request;
  request.options.duration_s = 2;
  request.options.decode_chunk = 4;
  const std::vector<float> expected = generate(tiny.session, request);
  const size_t num_samples = expected.size() / 2;
  struct Heard {
    std::vector<float> left;
    static int32_t take(void* user_data, const float* left, const float*, uint64_t offset, uint64_t count) {
      auto* self = static_cast<Heard*>(user_data);
      if (self->left.size() != offset) return 1;
      self->left.insert(self->left.end(), left, left + count);
      return 0;
    }
  };
  for (uint64_t ring : {uint64_t(0), uint64_t(1), uint64_t(777), uint64_t(1) << 40}) {
    Heard heard;
    ts_job* job = nullptr;
    REQUIRE(ts_job_start(tiny.session, &request.conditions, &request.options, nullptr, Heard::take, &heard, ring, &job) == TS_OK);
    std::vector<float> read;
    while (read.size() < expected.size()) {
      float block[2 * 1000];
      const uint64_t count = ts_job_read(job, block, ring == 1 ? 1 : 1000);
      read.insert(read.end(), block, block + 2 * count);
      ts_job_progress progress;
      ts_job_progress_init(&progress);
      REQUIRE(ts_job_poll(job, &progress) == TS_OK);
      REQUIRE(progress.state != TS_JOB_FAILED);
      REQUIRE(progress.num_samples == num_samples);
      if (ring == 1 && read.size() > 2000) break;  // a ring of one sample proves its point early
      if (count == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    if (ring != 1) {
      CHECK(ts_job_wait(job, UINT32_MAX) == TS_OK);
      CHECK(std::equal(heard.left.begin(), heard.left.end(), expected.begin()));
      CHECK(heard.left.size() == num_samples);
    }
    size_t wrong = 0;
    for (size_t i = 0; i < read.size() / 2; ++i) wrong += read[2 * i] != expected[i] || read[2 * i + 1] != expected[num_samples + i];
    REQUIRE(wrong == 0);
    ts_job_destroy(job);
  }
}
}  // namespace

TEST_CASE("job: delivers the same samples as the synchronous call, by ring and by callback") {
  for (const char* codec : {ts::test::kTinyOobleck, ts::test::kTinyMel}) check_delivery(codec);
}

TEST_CASE("job: cancel ends it within a step, its handles may go in any order") {
  TinyEngine tiny;
  TinyRequest request;
  request.options.num_steps = 1000;
  request.options.duration_s = 10;
  ts_session* session = nullptr;
  REQUIRE(ts_session_create(tiny.engine, &session) == TS_OK);
  ts_job* job = nullptr;
  REQUIRE(ts_job_start(session, &request.conditions, &request.options, nullptr, nullptr, nullptr, 0, &job) == TS_OK);
  ts_job* second = nullptr;
  CHECK(ts_job_start(session, &request.conditions, &request.options, nullptr, nullptr, nullptr, 0, &second) == TS_INVALID_ARGUMENT);
  CHECK(last_error().find("busy") != std::string::npos);
  CHECK(second == nullptr);
  CHECK(ts_job_wait(job, 1) == TS_OK);  // still running
  ts_session_destroy(session);          // the job keeps what it needs
  ts_job_progress progress;
  ts_job_progress_init(&progress);
  REQUIRE(ts_job_poll(job, &progress) == TS_OK);
  CHECK(progress.state == TS_JOB_RUNNING);
  ts_job_cancel(job);
  CHECK(ts_job_wait(job, UINT32_MAX) == TS_CANCELLED);
  REQUIRE(ts_job_poll(job, &progress) == TS_OK);
  CHECK(progress.state == TS_JOB_CANCELLED);
  CHECK(progress.step < 1000);
  CHECK(std::string(ts_job_error(job)).find("cancel") != std::string::npos);
  ts_job_destroy(job);
}

TEST_CASE("job: destroying one that runs, or waits for a reader, cancels it") {
  TinyEngine tiny;
  TinyRequest request;
  for (uint64_t ring : {uint64_t(0), uint64_t(16)}) {
    ts_job* job = nullptr;
    REQUIRE(ts_job_start(tiny.session, &request.conditions, &request.options, nullptr, nullptr, nullptr, ring, &job) == TS_OK);
    if (ring) std::this_thread::sleep_for(std::chrono::milliseconds(200));  // most likely blocked on the full ring by now
    ts_job_destroy(job);
  }
  generate(tiny.session, request);
}

TEST_CASE("job: two sessions of one engine run at once and do not disturb each other") {
  TinyEngine tiny(2);
  TinyRequest request;
  const std::vector<float> expected = generate(tiny.session, request);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      ts_session* session = nullptr;
      if (ts_session_create(tiny.engine, &session) != TS_OK) return void(++wrong);
      std::vector<float> audio(expected.size());
      uint64_t num_samples = 0;
      for (int round = 0; round < 2; ++round) {
        if (ts_generate(session, &request.conditions, &request.options, nullptr, nullptr, audio.data(), audio.size(), &num_samples) != TS_OK) ++wrong;
        wrong += audio != expected;
      }
      ts_session_destroy(session);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("job: a session destroyed while another thread generates cancels that call and waits for it") {
  TinyEngine tiny;
  TinyRequest request;
  request.options.num_steps = 1000;
  request.options.duration_s = 10;
  ts_session* session = nullptr;
  REQUIRE(ts_session_create(tiny.engine, &session) == TS_OK);
  std::atomic<bool> started{false};
  std::atomic<ts_status> status{TS_OK};
  std::thread worker([&] {
    std::vector<float> audio(2 * 441000);
    uint64_t num_samples = 0;
    status = ts_generate(session, &request.conditions, &request.options,
                         [](void* user_data, ts_stage, uint32_t, uint32_t) -> int32_t { *static_cast<std::atomic<bool>*>(user_data) = true; return 0; },
                         &started, audio.data(), audio.size(), &num_samples);
  });
  while (!started) std::this_thread::yield();
  ts_session_destroy(session);
  worker.join();
  CHECK(status == TS_CANCELLED);
}

TEST_CASE("abi: devices are listed, and one that is missing says why") {
  REQUIRE(ts_device_count() >= 2);
  ts_device_info info;
  ts_device_info_init(&info);
  REQUIRE(ts_device_get(0, &info) == TS_OK);
  CHECK(std::string(info.id) == "cpu");
  CHECK(info.available == 1);
  CHECK(info.num_threads >= 1);
  CHECK(ts_device_get(1000, &info) == TS_INVALID_ARGUMENT);
  TinyEngine unknown(1, "tpu");
  CHECK(unknown.status == TS_INVALID_ARGUMENT);
  TinyEngine cuda(1, "cuda");
  if (cuda.status != TS_OK) {
    CHECK(cuda.status == TS_DEVICE_ERROR);
    CHECK(last_error().find("cuda") != std::string::npos);
  }
}
