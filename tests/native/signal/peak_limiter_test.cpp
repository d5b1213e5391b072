#include "signal/peak_limiter.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"

namespace ts {
namespace {

constexpr int64_t kBlock = 256;

struct Stereo {
  std::vector<float> left, right;
  bool operator==(const Stereo&) const = default;
};

Stereo limit(const Stereo& in, size_t samples_at_a_time = 1 << 20) {
  PeakLimiter limiter(kBlock);
  Stereo out;
  for (size_t at = 0; at < in.left.size(); at += samples_at_a_time) {
    const size_t count = std::min(samples_at_a_time, in.left.size() - at);
    limiter.push({in.left.data() + at, count}, {in.right.data() + at, count}, out.left, out.right);
  }
  limiter.flush(out.left, out.right);
  return out;
}

// A swell to `loudest` and back, right at half of left.
Stereo swell(int64_t num_samples, double hz, double loudest) {
  Stereo sound;
  for (int64_t i = 0; i < num_samples; ++i) {
    const double level = loudest * std::sin(std::numbers::pi * double(i) / double(num_samples));
    sound.left.push_back(float(level * std::sin(2 * std::numbers::pi * hz * double(i) / 44100)));
    sound.right.push_back(sound.left.back() / 2);
  }
  return sound;
}

float peak(const std::vector<float>& samples) {
  float loudest = 0;
  for (float sample : samples) loudest = std::max(loudest, std::abs(sample));
  return loudest;
}

TEST_CASE("peak limiter: what stays below the limit is left alone, to the bit") {
  const Stereo sound = swell(10000, 440, 0.96);
  CHECK(limit(sound) == sound);
}

TEST_CASE("peak limiter: nothing passes the limit, a lone click neither, and both channels keep their balance") {
  for (double hz : {50.0, 440.0, 8000.0})
    for (int64_t num_samples : {1, 255, 256, 257, 511, 512, 513, 20000}) {
      const Stereo sound = limit(swell(num_samples, hz, 4));
      CHECK(peak(sound.left) <= 0.9655f);
      REQUIRE(int64_t(sound.left.size()) == num_samples);
      for (size_t i = 0; i < sound.left.size(); ++i) REQUIRE(sound.right[i] == doctest::Approx(sound.left[i] / 2));
    }
  for (int64_t at : {0, 255, 256, 700, 999}) {
    Stereo click{std::vector<float>(1000), std::vector<float>(1000)};
    click.right[size_t(at)] = -30;
    CHECK(peak(limit(click).right) == doctest::Approx(0.965f));
  }
}

TEST_CASE("peak limiter: a loud sound gets no offset and no other frequency, its gain changes slowly") {
  const int64_t num_samples = 44100;
  const Stereo in = swell(num_samples, 441, 2), out = limit(in);
  double offset = 0;
  for (float sample : out.left) offset += double(sample) / double(num_samples);
  CHECK(std::abs(offset) < 1e-4);
  // The gain, seen at the crests: from one period to the next it moves by no more than a swell of 1 s and a release ask for.
  double before = 0;
  for (int64_t i = 25; i < num_samples; i += 100) {
    const double gain = double(out.left[size_t(i)]) / double(in.left[size_t(i)]);
    if (before > 0) CHECK(std::abs(gain - before) < 0.05);
    before = gain;
  }
  CHECK(peak(out.left) > 0.9f);
}

TEST_CASE("peak limiter: after a click the gain comes back") {
  Stereo sound{std::vector<float>(132300, 0.5f), std::vector<float>(132300, 0.5f)};
  sound.left[5000] = 3;
  const Stereo out = limit(sound);
  CHECK(out.left[4096] == 0.5f);                                     // two blocks before
  CHECK(out.left[5100] == doctest::Approx(0.5 * 0.965 / 3).epsilon(0.05));
  CHECK(out.left[5000 + 300 * 44] > 0.5f * 0.7f);
  CHECK(out.left[132000] == doctest::Approx(0.5).epsilon(1e-4));
}

TEST_CASE("peak limiter: however samples arrive they are the same, and come as soon as they are final") {
  const Stereo sound = swell(5000, 300, 3), whole = limit(sound);
  for (size_t count : {1u, 100u, 256u, 1000u}) CHECK(limit(sound, count) == whole);
  PeakLimiter limiter(kBlock);
  Stereo out;
  for (int64_t i = 0; i < 2000; ++i) {
    limiter.push({&sound.left[size_t(i)], 1}, {&sound.right[size_t(i)], 1}, out.left, out.right);
    CHECK(int64_t(out.left.size()) == std::max<int64_t>(0, (i + 1) / kBlock - 1) * kBlock);
  }
  CHECK_THROWS_AS(limiter.push({sound.left.data(), 2}, {sound.right.data(), 1}, out.left, out.right), Error);
  CHECK(limit({}) == Stereo{});
}

}  // namespace
}  // namespace ts
