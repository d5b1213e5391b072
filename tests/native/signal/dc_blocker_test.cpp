#include "signal/dc_blocker.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace ts {
namespace {

TEST_CASE("dc blocker: an offset goes, what can be heard stays") {
  std::vector<float> samples;
  for (int i = 0; i < 88200; ++i) samples.push_back(float(0.2 + 0.3 * std::sin(2 * std::numbers::pi * 50 * i / 44100)));
  DcBlocker(44100).apply(samples);
  double offset = 0, energy = 0;
  for (size_t i = 44100; i < samples.size(); ++i) {
    offset += double(samples[i]) / 44100;
    energy += double(samples[i]) * double(samples[i]) / 44100;
  }
  CHECK(std::abs(offset) < 1e-6);
  CHECK(std::sqrt(2 * energy) == doctest::Approx(0.3).epsilon(0.006));  // at 50 Hz, ten times the corner: 0.5 %
}

TEST_CASE("dc blocker: parts give the samples of the whole, silence stays silence") {
  std::vector<float> whole;
  for (int i = 0; i < 1000; ++i) whole.push_back(float(std::sin(0.01 * i * i)));
  std::vector<float> parts = whole;
  DcBlocker(44100).apply(whole);
  DcBlocker blocker(44100);
  blocker.apply(std::span(parts).first(1));
  blocker.apply(std::span(parts).subspan(1, 500));
  blocker.apply(std::span(parts).subspan(501));
  CHECK(parts == whole);
  std::vector<float> silence(100);
  DcBlocker(44100).apply(silence);
  CHECK(silence == std::vector<float>(100));
}

}  // namespace
}  // namespace ts
