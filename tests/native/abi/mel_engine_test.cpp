// The public interface on a bundle whose codec is of type "mel". abi_test.cpp holds both families to what they share.
#include <algorithm>
#include <cmath>

#include "abi/tiny_engine.h"

namespace ts::test {
namespace {

struct MelEngine : TinyEngine {
  explicit MelEngine(uint32_t num_threads = 1) : TinyEngine(num_threads, "cpu", 0, kTinyMel) {
    REQUIRE_MESSAGE(status == TS_OK, ts_last_error());
  }
};

TEST_CASE("mel engine: says what its codec is, and makes the same samples on any number of threads") {
  MelEngine one(1), three(3);
  ts_engine_info info;
  ts_engine_info_init(&info);
  REQUIRE(ts_engine_get_info(one.engine, &info) == TS_OK);
  CHECK(info.hop == 2048);
  CHECK(info.latent_dim == 64);
  CHECK((info.components & TS_COMPONENT_VAE_ENCODER) != 0);
  CHECK(std::string(ts_engine_description(one.engine)).find("\"type\": \"mel\"") != std::string::npos);
  const TinyRequest request;
  const std::vector<float> first = generate(one.session, request);
  CHECK(first.size() == 2 * 44100);
  CHECK(generate(one.session, request) == first);
  CHECK(generate(three.session, request) == first);
  REQUIRE(ts::test::all_finite(first));
}

TEST_CASE("mel engine: a call is cancelled at every stage and the session goes on") {
  MelEngine tiny;
  struct CancelAt {
    ts_stage stage;
    static int32_t report(void* user_data, ts_stage stage, uint32_t, uint32_t) { return stage == static_cast<CancelAt*>(user_data)->stage; }
  };
  const TinyRequest request;
  for (ts_stage stage : {TS_STAGE_SAMPLE, TS_STAGE_DECODE}) {
    CancelAt cancel{stage};
    std::vector<float> audio(2 * 44100);
    uint64_t num_samples = 0;
    CHECK(ts_generate(tiny.session, &request.conditions, &request.options, CancelAt::report, &cancel, audio.data(), audio.size(), &num_samples) == TS_CANCELLED);
    generate(tiny.session, request);
  }
  CancelAt cancel{TS_STAGE_ENCODE_AUDIO};
  std::vector<float> sound(2 * 40000, 0.1f), latent(64 * 20);
  uint32_t latent_len = 0;
  CHECK(ts_encode_audio(tiny.session, sound.data(), 2, 40000, 44100, 0, CancelAt::report, &cancel, latent.data(), latent.size(), &latent_len) == TS_CANCELLED);
  CHECK(ts_encode_audio(tiny.session, sound.data(), 2, 40000, 44100, 0, nullptr, nullptr, latent.data(), latent.size(), &latent_len) == TS_OK);
}

TEST_CASE("mel engine: sound becomes latents, of any rate and number of channels") {
  MelEngine tiny;
  std::vector<float> audio(3 * 10000);
  for (size_t i = 0; i < audio.size(); ++i) audio[i] = 0.1f * std::sin(0.05f * float(i));
  uint32_t latent_len = 0;
  REQUIRE(ts_encode_audio(tiny.session, audio.data(), 3, 10000, 48000, 0, nullptr, nullptr, nullptr, 0, &latent_len) == TS_OK);
  CHECK(latent_len == 5);
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

TEST_CASE("mel engine: latents that come piece by piece are decoded to the samples of the whole") {
  MelEngine tiny;
  constexpr uint32_t kLatents = 50;
  std::vector<float> latent(64 * kLatents), whole(2 * 2048 * kLatents), heard;
  for (size_t i = 0; i < latent.size(); ++i) latent[i] = std::sin(0.1f * float(i));
  REQUIRE(ts_decode(tiny.session, latent.data(), kLatents, 0, nullptr, nullptr, nullptr, whole.data(), whole.size()) == TS_OK);
  const ts_pcm_fn hear = [](void* to, const float* left, const float*, uint64_t offset, uint64_t num_samples) {
    auto& sound = *static_cast<std::vector<float>*>(to);
    CHECK(offset == sound.size());
    sound.insert(sound.end(), left, left + num_samples);
    return int32_t(0);
  };
  ts_decode_stream* stream = nullptr;
  REQUIRE(ts_decode_stream_create(tiny.session, 0, &stream) == TS_OK);
  std::vector<float> piece(64 * 25);
  for (uint32_t part : {0u, 1u}) {
    for (size_t channel = 0; channel < 64; ++channel)
      std::copy_n(latent.begin() + int64_t(channel * kLatents + part * 25), 25, piece.begin() + int64_t(channel * 25));
    CHECK(ts_decode_stream_push(stream, piece.data(), 25, int32_t(part), nullptr, hear, &heard) == TS_OK);
  }
  CHECK(heard == std::vector<float>(whole.begin(), whole.begin() + 2048 * kLatents));
  CHECK(ts_decode_stream_push(stream, piece.data(), 25, 1, nullptr, hear, &heard) == TS_INVALID_ARGUMENT);
  ts_decode_stream_destroy(stream);
  CHECK(ts_decode_stream_create(nullptr, 0, &stream) == TS_INVALID_ARGUMENT);
  CHECK(stream == nullptr);
}

TEST_CASE("mel engine: a codec that does not fit its bundle is refused by what disagrees") {
  const auto refused = [](std::string codec, const std::string& from, const std::string& to) {
    codec.replace(codec.find(from), from.size(), to);
    const TinyEngine engine(1, "cpu", 0, codec.c_str());
    CHECK(engine.status == TS_BAD_BUNDLE);
    return std::string(ts_last_error());
  };
  CHECK(refused(kTinyMel, "\"latent_dim\": 64", "\"latent_dim\": 32").find("vae.encoder.latent_dim is 32, but vae.decoder.latent_dim is 64") != std::string::npos);
  CHECK(refused(kTinyMel, "\"expansion\": 2", "\"expansion\": 2, \"sample_rate\": 48000").find("vae's sample_rate is 48000") != std::string::npos);
  CHECK(refused(kTinyMel, "\"type\": \"mel\"", "\"type\": \"dac\"").find("must be \"oobleck\" or \"mel\"") != std::string::npos);
}

}  // namespace
}  // namespace ts::test
