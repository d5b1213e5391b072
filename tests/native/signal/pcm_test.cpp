#include "signal/pcm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <vector>

#include "core/weights.h"
#include "skip.h"
#include "source_dir.h"

using namespace ts;

namespace {

std::vector<int16_t> int16_of(const std::vector<float>& samples, float peak) {
  std::vector<int16_t> out(samples.size());
  to_int16(samples, peak, out);
  return out;
}

}  // namespace

TEST_CASE("pcm: gives the reference's 16-bit samples bit for bit") {
  const char* goldens = std::getenv("THINKSOUND_GOLDENS");
  const std::string path =
      (goldens ? std::string(goldens) : test::source_dir() + "/tests/golden") + "/pipeline_small.safetensors";
  if (!std::filesystem::exists(path)) TS_SKIP("no golden file " << path);
  const SafetensorsFile file(path);
  const auto audio = file.tensors().find("mid.audio_float"), expected = file.tensors().find("out.audio_int16");
  if (audio == file.tensors().end() || expected == file.tensors().end()) TS_SKIP("no output stage in " << path);
  const std::span<const float> samples(audio->second.as<float>(), size_t(audio->second.numel()));
  std::vector<int16_t> ours(samples.size());
  to_int16(samples, peak_of(samples), ours);  // over the batch, as the reference does
  REQUIRE(expected->second.numel() == int64_t(ours.size()));
  int64_t differing = 0;
  for (size_t i = 0; i < ours.size(); ++i) differing += ours[i] != expected->second.as<int16_t>()[i];
  CHECK(differing == 0);
}

TEST_CASE("pcm: truncates toward zero, clamps, and keeps silence silent") {
  CHECK(int16_of({0.5f, -0.5f, 1, -1, 1.5f, -7}, 1) == std::vector<int16_t>{16383, -16383, 32767, -32767, 32767, -32767});
  CHECK(int16_of({1e-5f, -1e-5f, 3.1e-5f, -3.1e-5f}, 1) == std::vector<int16_t>{0, 0, 1, -1});
  CHECK(int16_of({0.25f, -0.125f}, 0.25f) == std::vector<int16_t>{32767, -16383});
  CHECK(int16_of({0, 0}, 0) == std::vector<int16_t>{0, 0});
  CHECK(int16_of({NAN, INFINITY, -INFINITY, 0.5f}, 1) == std::vector<int16_t>{0, 32767, -32767, 16383});
  CHECK(int16_of({NAN, INFINITY, 1}, INFINITY) == std::vector<int16_t>{0, 0, 0});
  CHECK(int16_of({1e-45f, -1e-45f}, 1e-45f) == std::vector<int16_t>{32767, -32767});
  std::vector<int16_t> out(1);
  CHECK_THROWS_AS(to_int16(std::vector<float>(2), 1, out), Error);
  CHECK_THROWS_AS(to_int16(std::vector<float>(1), -1, out), Error);
  CHECK_THROWS_AS(to_int16(std::vector<float>(1), NAN, out), Error);
}

TEST_CASE("pcm: the peak ignores sign and NaN") {
  CHECK(peak_of(std::vector<float>{0.25f, -0.75f, NAN, 0.5f}) == 0.75f);
  CHECK(peak_of({}) == 0);
}

TEST_CASE("pcm: durations become the nearest number of samples") {
  CHECK(samples_of(9, 44100) == 396900);
  CHECK(samples_of(0.1, 44100) == 4410);
  CHECK(samples_of(8.037, 44100) == 354432);  // 354431.7
  CHECK(samples_of(0, 44100) == 0);
  CHECK_THROWS_AS(samples_of(-1, 44100), Error);
  CHECK_THROWS_AS(samples_of(NAN, 44100), Error);
  CHECK_THROWS_AS(samples_of(INFINITY, 44100), Error);
}

TEST_CASE("pcm: the last 5 ms fall from one to zero, alike in blocks and as a whole") {
  constexpr int64_t kRate = 44100, kSamples = 1000, kFade = 221;  // 220.5 rounded
  std::vector<float> whole(kSamples, 1.0f);
  fade_end(whole, 0, kSamples, kRate);
  for (int64_t i = 0; i < kSamples - kFade; ++i) REQUIRE(whole[size_t(i)] == 1.0f);
  for (int64_t i = kSamples - kFade; i < kSamples; ++i) REQUIRE(whole[size_t(i)] < whole[size_t(i - 1)]);
  CHECK(whole[kSamples - kFade] > 0.9999f);
  CHECK(whole.back() > 0);
  CHECK(whole.back() < 1e-4f);
  CHECK(whole[kSamples - kFade / 2 - 1] == doctest::Approx(0.5));
  for (int64_t block : {1, 7, 255, 999}) {
    std::vector<float> blocks(kSamples, 1.0f);
    for (int64_t begin = 0; begin < kSamples; begin += block)
      fade_end(std::span(blocks).subspan(size_t(begin), size_t(std::min(block, kSamples - begin))), begin, kSamples, kRate);
    REQUIRE(blocks == whole);
  }
  std::vector<float> tiny(3, 1.0f);  // shorter than the fade: the fade shrinks with it
  fade_end(tiny, 0, 3, kRate);
  CHECK(tiny[1] == doctest::Approx(0.5));
  CHECK_THROWS_AS(fade_end(tiny, 998, kSamples, kRate), Error);
  CHECK_THROWS_AS(fade_end(tiny, -1, kSamples, kRate), Error);
}
