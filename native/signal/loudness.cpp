#include "signal/loudness.h"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "core/error.h"
#include "signal/resample.h"

namespace ts {
namespace {

constexpr double kSilence = -std::numeric_limits<double>::infinity();
constexpr double kAbsoluteGateLufs = -70, kRelativeGateLu = -10;
constexpr int kStepsPerSecond = 10, kStepsPerBlock = 4;  // 400 ms blocks, three quarters overlapping
constexpr double kSurroundWeight = 1.41;
// Below this rate the bilinear transform bends the head shelf by more than 0.05 LU (0.2 LU at 8 kHz).
constexpr int64_t kMinFilterRate = 32000;

// y[n] = b0·x[n] + b1·x[n−1] + b2·x[n−2] − a1·y[n−1] − a2·y[n−2]
struct Biquad {
  double b0, b1, b2, a1, a2;
};

// BS.1770-4 tables 1 and 2, at 48 kHz.
constexpr double kTableRate = 48000;
constexpr Biquad kHeadShelf48k{1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241,
                               0.73248077421585};
constexpr Biquad kLowCut48k{1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621};

Biquad at_rate(const Biquad& table, double rate) {
  // z⁻¹ = (1 − s)/(1 + s) turns b0 + b1·z⁻¹ + b2·z⁻² into a quadratic in s, and so the denominator.
  const double n0 = table.b0 + table.b1 + table.b2, n1 = 2 * (table.b0 - table.b2), n2 = table.b0 - table.b1 + table.b2;
  const double d0 = 1 + table.a1 + table.a2, d1 = 2 * (1 - table.a2), d2 = 1 - table.a1 + table.a2;
  // The poles' corner lies at s = tan(π·f/rate); it stays at the same f at the new rate.
  const double corner = std::sqrt(d0 / d2);
  const double frequency = std::atan(corner) * kTableRate / std::numbers::pi;
  const double stretch = corner / std::tan(std::numbers::pi * frequency / rate);
  const double p1 = n1 * stretch, p2 = n2 * stretch * stretch, q1 = d1 * stretch, q2 = d2 * stretch * stretch;
  const double a0 = d0 + q1 + q2;
  return {(n0 + p1 + p2) / a0, 2 * (n0 - p2) / a0, (n0 - p1 + p2) / a0, 2 * (d0 - q2) / a0, (d0 - q1 + q2) / a0};
}

class Filter {
 public:
  explicit Filter(const Biquad& c) : c_(c) {}
  double step(double x) {  // transposed direct form II
    const double y = c_.b0 * x + s1_;
    s1_ = c_.b1 * x - c_.a1 * y + s2_;
    s2_ = c_.b2 * x - c_.a2 * y;
    return y;
  }

 private:
  Biquad c_;
  double s1_ = 0, s2_ = 0;
};

double channel_weight(int channel, int num_channels) {
  if (num_channels == 5) return channel >= 3 ? kSurroundWeight : 1;
  if (num_channels == 6) return channel == 3 ? 0 : channel >= 4 ? kSurroundWeight : 1;
  return 1;
}

double lufs_of(double power) { return -0.691 + 10 * std::log10(power); }

// Mean power of the blocks louder than a gate; 0 when there is none.
double mean_above(const std::vector<double>& powers, double gate_lufs) {
  double sum = 0;
  int64_t count = 0;
  for (double power : powers) {
    if (power <= 0 || lufs_of(power) <= gate_lufs) continue;
    sum += power;
    ++count;
  }
  return count ? sum / double(count) : 0;
}

double loudness_of_upsampled(std::span<const float> planar, int num_channels, int64_t sample_rate) {
  const int64_t factor = (kMinFilterRate + sample_rate - 1) / sample_rate;
  const size_t num_samples = planar.size() / size_t(num_channels);
  std::vector<float> upsampled;
  for (int channel = 0; channel < num_channels; ++channel) {
    const auto samples = planar.subspan(size_t(channel) * num_samples, num_samples);
    const std::vector<float> part = resample(samples, 1, factor);
    upsampled.insert(upsampled.end(), part.begin(), part.end());
  }
  return integrated_loudness(upsampled, num_channels, sample_rate * factor);
}

}  // namespace

double integrated_loudness(std::span<const float> planar, int num_channels, int64_t sample_rate) {
  require(num_channels >= 1 && num_channels <= 8, "loudness: ", num_channels, " channels, allowed 1 to 8");
  require(sample_rate >= 8000 && sample_rate <= 768000, "loudness: ", sample_rate, " Hz, allowed 8000 to 768000");
  require(planar.size() % size_t(num_channels) == 0, "loudness: ", planar.size(), " samples are not ", num_channels,
          " channels of equal length");
  if (sample_rate < kMinFilterRate) return loudness_of_upsampled(planar, num_channels, sample_rate);
  const int64_t num_samples = int64_t(planar.size()) / num_channels;

  // Steps of 100 ms begin at the nearest sample, so that no rate makes them drift.
  const auto step_begin = [&](int64_t step) { return (step * sample_rate + kStepsPerSecond / 2) / kStepsPerSecond; };
  int64_t num_steps = num_samples * kStepsPerSecond / sample_rate;
  while (num_steps > 0 && step_begin(num_steps) > num_samples) --num_steps;
  while (step_begin(num_steps + 1) <= num_samples) ++num_steps;
  if (num_steps < kStepsPerBlock) return kSilence;

  std::vector<double> step_energy(static_cast<size_t>(num_steps), 0.0);
  for (int channel = 0; channel < num_channels; ++channel) {
    const double weight = channel_weight(channel, num_channels);
    const auto samples = planar.subspan(size_t(channel * num_samples), size_t(num_samples));
    Filter shelf(at_rate(kHeadShelf48k, double(sample_rate))), cut(at_rate(kLowCut48k, double(sample_rate)));
    for (int64_t step = 0; step < num_steps; ++step) {
      double energy = 0;
      for (int64_t i = step_begin(step); i < step_begin(step + 1); ++i) {
        const double y = cut.step(shelf.step(double(samples[size_t(i)])));
        energy += y * y;
      }
      require(std::isfinite(energy), "loudness: the sound holds NaN or infinite samples");
      step_energy[size_t(step)] += weight * energy;
    }
  }

  std::vector<double> powers;
  for (int64_t step = 0; step + kStepsPerBlock <= num_steps; ++step) {
    double energy = 0;
    for (int64_t k = step; k < step + kStepsPerBlock; ++k) energy += step_energy[size_t(k)];
    powers.push_back(energy / double(step_begin(step + kStepsPerBlock) - step_begin(step)));
  }
  const double ungated = mean_above(powers, kAbsoluteGateLufs);
  if (ungated == 0) return kSilence;
  const double relative_gate = lufs_of(ungated) + kRelativeGateLu;
  const double gated = mean_above(powers, relative_gate > kAbsoluteGateLufs ? relative_gate : kAbsoluteGateLufs);
  return gated == 0 ? kSilence : lufs_of(gated);
}

double loudness_gain(double from_lufs, double to_lufs) {
  return std::isfinite(from_lufs) ? std::pow(10.0, (to_lufs - from_lufs) / 20) : 1.0;
}

}  // namespace ts
