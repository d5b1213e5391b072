// Which samples a stretch of latents reaches, and the other way round: held to what decoding and encoding do.
#include <algorithm>
#include <cmath>

#include "abi/tiny_engine.h"

namespace ts::test {
namespace {

constexpr uint32_t kLatents = 40;
constexpr uint64_t kSamples = 2048 * kLatents;

std::vector<float> decoded(ts_session* session, const std::vector<float>& latent) {
  std::vector<float> audio(2 * kSamples);
  REQUIRE(ts_decode(session, latent.data(), kLatents, 0, nullptr, nullptr, nullptr, audio.data(), audio.size()) == TS_OK);
  return audio;
}

std::vector<float> encoded(ts_session* session, const std::vector<float>& audio) {
  std::vector<float> latent(64 * kLatents);
  uint32_t latent_len = 0;
  REQUIRE(ts_encode_audio(session, audio.data(), 2, kSamples, 44100, 0, nullptr, nullptr, latent.data(), latent.size(), &latent_len) == TS_OK);
  REQUIRE(latent_len == kLatents);
  return latent;
}

// First and last place, of `length` in each of the channels, where two differ; [end, 0) if nowhere.
std::pair<uint64_t, uint64_t> difference(const std::vector<float>& a, const std::vector<float>& b, uint64_t length) {
  uint64_t begin = length, end = 0;
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i]) begin = std::min<uint64_t>(begin, i % length), end = std::max<uint64_t>(end, i % length + 1);
  return {begin, end};
}

TEST_CASE("ranges: samples outside do not change with the latents, those at the ends of the range do") {
  for (const bool is_mel : {false, true}) {
    CAPTURE(is_mel);
    TinyEngine tiny(1, "cpu", 0, is_mel ? kTinyMel : kTinyOobleck);
    std::vector<float> latent(64 * kLatents);
    for (size_t i = 0; i < latent.size(); ++i) latent[i] = std::sin(0.7f * float(i * i % 1009));
    const std::vector<float> before = decoded(tiny.session, latent);
    for (const auto& range : {std::pair<uint32_t, uint32_t>{17, 20}, {0, 1}, {39, 40}}) {
      const auto begin = range.first, end = range.second;  // not names bound to a pair, which clang 14 cannot capture
      CAPTURE(begin);
      std::vector<float> changed = latent;
      for (size_t c = 0; c < 64; ++c)
        for (size_t n = begin; n < end; ++n) changed[c * kLatents + n] += 0.5f;
      uint64_t first = 0, after = 0;
      REQUIRE(ts_decoded_range(tiny.engine, begin, end, kLatents, &first, &after) == TS_OK);
      const auto [found, found_end] = difference(before, decoded(tiny.session, changed), kSamples);
      CHECK(found >= first);
      CHECK(found_end <= after);
      CHECK(found < first + 2048);       // not far too wide either,
      CHECK(found_end + 2048 > after);
      CHECK(first <= 2048 * begin);      // and never narrower than the latents
      CHECK(after >= 2048 * end);
      if (is_mel) CHECK(after == kSamples);
    }
  }
}

TEST_CASE("ranges: latents outside do not change with the samples, those at the ends of the range do") {
  for (const bool is_mel : {false, true}) {
    CAPTURE(is_mel);
    TinyEngine tiny(1, "cpu", 0, is_mel ? kTinyMel : kTinyOobleck);
    std::vector<float> audio(2 * kSamples);
    for (size_t i = 0; i < audio.size(); ++i) audio[i] = 0.3f * std::sin(0.05f * float(i));
    const std::vector<float> before = encoded(tiny.session, audio);
    for (const auto& range : {std::pair<uint64_t, uint64_t>{30000, 40000}, {0, 2048}, {kSamples - 1024, kSamples}}) {
      const auto begin = range.first, end = range.second;
      CAPTURE(begin);
      std::vector<float> changed = audio;
      for (size_t c = 0; c < 2; ++c)
        for (uint64_t i = begin; i < end; ++i) changed[c * kSamples + i] *= -0.4f;
      uint32_t first = 0, after = 0;
      REQUIRE(ts_encoded_range(tiny.engine, begin, end, kSamples, &first, &after) == TS_OK);
      const auto [found, found_end] = difference(before, encoded(tiny.session, changed), kLatents);
      CHECK(found >= first);
      CHECK(found_end <= after);
      CHECK(found <= first + 1);
      CHECK(found_end + 1 >= after);
      CHECK(first <= begin / 2048);
      CHECK(after >= (end + 2047) / 2048);
    }
  }
}

TEST_CASE("ranges: an empty one, or one outside, is refused, and so is what has no decoder") {
  TinyEngine tiny;
  uint64_t first = 0, after = 0;
  uint32_t latent = 0;
  CHECK(ts_decoded_range(tiny.engine, 3, 3, 10, &first, &after) == TS_INVALID_ARGUMENT);
  CHECK(ts_decoded_range(tiny.engine, 3, 11, 10, &first, &after) == TS_INVALID_ARGUMENT);
  CHECK(ts_decoded_range(tiny.engine, 3, 4, 10, &first, nullptr) == TS_INVALID_ARGUMENT);
  CHECK(ts_encoded_range(tiny.engine, 5, 4, 10, &latent, &latent) == TS_INVALID_ARGUMENT);
  CHECK(ts_encoded_range(nullptr, 0, 4, 10, &latent, &latent) == TS_INVALID_ARGUMENT);
  TinyEngine mute(1, "cpu", 0, kTinyOobleck, TS_COMPONENT_MMDIT);
  CHECK(ts_decoded_range(mute.engine, 0, 1, 10, &first, &after) == TS_UNSUPPORTED);
  CHECK(ts_encoded_range(mute.engine, 0, 1, 10, &latent, &latent) == TS_UNSUPPORTED);
}

}  // namespace
}  // namespace ts::test
