#include "signal/resample.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <random>

#include "core/error.h"

using namespace ts;

namespace {

constexpr double kPi = std::numbers::pi;

// Spec 03 §7 letter by letter, in T's arithmetic for the sum.
template <class T>
std::vector<T> formula(const std::vector<float>& x, int64_t from_rate, int64_t to_rate, const ResampleFilter& filter) {
  const int64_t divisor = std::gcd(from_rate, to_rate), o = from_rate / divisor, n = to_rate / divisor;
  const double w = filter.lowpass_width, f = double(std::min(o, n)) * filter.rolloff;
  const int64_t reach = int64_t(std::ceil(w * double(o) / f));
  std::vector<T> y;
  for (int64_t m = 0; m < (int64_t(x.size()) * n + o - 1) / o; ++m) {
    const int64_t q = m / n, p = m % n;
    T sum = 0;
    for (int64_t i = -reach; i < reach + o; ++i) {
      if (q * o + i < 0 || q * o + i >= int64_t(x.size())) continue;
      const double tau = std::clamp(f * (double(i) / double(o) - double(p) / double(n)), -w, w);
      const double sinc = tau == 0 ? 1 : std::sin(kPi * tau) / (kPi * tau);
      const double window = filter.window == ResampleWindow::kaiser
                                ? std::cyl_bessel_i(0.0, filter.beta * std::sqrt(1 - tau / w * (tau / w))) /
                                      std::cyl_bessel_i(0.0, filter.beta)
                                : std::pow(std::cos(kPi * tau / (2 * w)), 2);
      sum += T(f / double(o) * sinc * window) * T(x[size_t(q * o + i)]);
    }
    y.push_back(sum);
  }
  return y;
}

std::vector<float> noise(size_t count) {
  std::mt19937 random(uint32_t(count) + 1);
  std::vector<float> x(count);
  for (float& v : x) v = float(int32_t(random())) * 0x1p-31f;
  return x;
}

double rms(const std::vector<float>& x, size_t margin) {
  double sum = 0;
  for (size_t i = margin; i + margin < x.size(); ++i) sum += double(x[i]) * x[i];
  return std::sqrt(sum / double(x.size() - 2 * margin));
}

std::vector<float> sine(double hertz, double rate, size_t count) {
  std::vector<float> x(count);
  for (size_t i = 0; i < count; ++i) x[i] = float(std::sin(2 * kPi * hertz * double(i) / rate));
  return x;
}

}  // namespace

TEST_CASE("resample: agrees with the formula for every window, ratio and length") {
  const std::pair<int64_t, int64_t> rates[] = {{48000, 44100}, {44100, 48000}, {22050, 44100}, {16000, 44100},
                                               {44100, 16000}, {96000, 44100}, {8000, 44100},  {3, 2},
                                               {1, 7},         {44101, 44100}, {1009, 1000}};
  for (const auto& [from_rate, to_rate] : rates)
    for (const ResampleFilter& filter : {ResampleFilter::training(), ResampleFilter::hann()})
      for (size_t length : {1u, 2u, 77u, 255u, 1100u}) {
        const int64_t from = from_rate, to = to_rate;
        if (length * size_t(to) / size_t(from) > 3000) continue;
        if (from == 44101 && length > 77) continue;  // the letter of the formula sums 44 101 taps for each sample
        CAPTURE(from);
        CAPTURE(to);
        CAPTURE(length);
        const std::vector<float> x = noise(length);
        const std::vector<double> exact = formula<double>(x, from, to, filter);
        const std::vector<float> plain = formula<float>(x, from, to, filter);
        const std::vector<float> ours = resample(x, from, to, filter);
        REQUIRE(ours.size() == exact.size());
        double error = 0, plain_error = 0;
        for (size_t i = 0; i < ours.size(); ++i) {
          error = std::max(error, std::fabs(ours[i] - exact[i]));
          plain_error = std::max(plain_error, std::fabs(double(plain[i]) - exact[i]));
        }
        // The floor is one rounding of a sample of magnitude 1.
        CHECK(error <= 2 * plain_error + 0x1p-24);
      }
}

TEST_CASE("resample: equal rates copy, nothing stays nothing") {
  const std::vector<float> x = noise(100);
  CHECK(resample(x, 44100, 44100) == x);
  CHECK(resample({}, 48000, 44100).empty());
  CHECK(resampled_length(0, 48000, 44100) == 0);
}

TEST_CASE("resample: lengths are the exact ceiling") {
  CHECK(resampled_length(480, 48000, 44100) == 441);
  CHECK(resampled_length(481, 48000, 44100) == 442);  // 441.92
  CHECK(resampled_length(1, 48000, 44100) == 1);
  CHECK(resampled_length(1, 44100, 48000) == 2);
  CHECK(resampled_length(int64_t(1) << 40, 1, 2) == int64_t(1) << 41);
}

TEST_CASE("resample: a constant is resampled the same whether kernels are tabled or computed as they are used") {
  // 1009 → 1000 Hz has 1000 phases: shorter outputs compute their kernels, longer ones keep a table.
  const std::vector<float> x = noise(3000);
  const std::vector<float> whole = resample(x, 1009, 1000);
  const std::vector<float> start = resample(std::span(x).first(1000), 1009, 1000);
  REQUIRE(start.size() < 1000);
  REQUIRE(whole.size() > 1000);
  for (size_t i = 0; i < start.size() - 80; ++i) REQUIRE(start[i] == whole[i]);
}

TEST_CASE("resample: the pass band is kept and what would alias is gone") {
  const auto passed = resample(sine(10000, 48000, 48000), 48000, 44100);
  CHECK(rms(passed, 200) == doctest::Approx(std::sqrt(0.5)).epsilon(1e-4));
  const auto stopped = resample(sine(22800, 48000, 48000), 48000, 44100);
  CHECK(rms(stopped, 200) < 1e-5);
  // Up and down again is the same sound.
  const std::vector<float> x = sine(3000, 44100, 20000);
  const std::vector<float> back = resample(resample(x, 44100, 48000), 48000, 44100);
  REQUIRE(back.size() >= x.size());
  for (size_t i = 200; i + 200 < x.size(); ++i) REQUIRE(std::fabs(back[i] - x[i]) < 1e-5);
}

TEST_CASE("resample: rates and filters out of range are refused") {
  const std::vector<float> x(10);
  CHECK_THROWS_WITH_AS(resample(x, 0, 44100), doctest::Contains("source rate is 0 Hz"), Error);
  CHECK_THROWS_AS(resample(x, 44100, -1), Error);
  CHECK_THROWS_AS(resample(x, 768001, 44100), Error);
  CHECK_THROWS_AS(resample(x, 768000, 8), Error);
  CHECK_THROWS_AS(resampled_length(-1, 1, 2), Error);
  CHECK_THROWS_AS(resampled_length(INT64_MAX, 1, 2), Error);
  CHECK_THROWS_AS(resample(x, 48000, 44100, {ResampleWindow::hann, 0, 0.99, 0}), Error);
  CHECK_THROWS_AS(resample(x, 48000, 44100, {ResampleWindow::hann, 6, 1.5, 0}), Error);
}
