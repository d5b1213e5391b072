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

void check_format(int num_channels, int64_t sample_rate) {
  require(num_channels >= 1 && num_channels <= 8, "loudness: ", num_channels, " channels, allowed 1 to 8");
  require(sample_rate >= 8000 && sample_rate <= 768000, "loudness: ", sample_rate, " Hz, allowed 8000 to 768000");
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

// Steps of 100 ms begin at the nearest sample, so that no rate makes them drift.
struct LoudnessMeter::State {
  struct Channel {
    Filter shelf, cut;
    double weight, energy = 0;  // of the step that is not over
  };

  int64_t step_begin(int64_t step) const { return (step * sample_rate + kStepsPerSecond / 2) / kStepsPerSecond; }

  int64_t sample_rate, num_samples = 0;
  std::vector<Channel> channels;
  std::vector<double> step_energy;
};

LoudnessMeter::LoudnessMeter(int num_channels, int64_t sample_rate) : state_(std::make_unique<State>()) {
  check_format(num_channels, sample_rate);
  require(sample_rate >= kMinFilterRate, "loudness: ", sample_rate, " Hz cannot be measured piece by piece, from ", kMinFilterRate, " on");
  state_->sample_rate = sample_rate;
  for (int channel = 0; channel < num_channels; ++channel)
    state_->channels.push_back({Filter(at_rate(kHeadShelf48k, double(sample_rate))), Filter(at_rate(kLowCut48k, double(sample_rate))),
                                channel_weight(channel, num_channels)});
}

LoudnessMeter::LoudnessMeter(LoudnessMeter&&) noexcept = default;
LoudnessMeter::~LoudnessMeter() = default;

void LoudnessMeter::push(std::span<const float> planar) {
  State& state = *state_;
  const int64_t num_channels = int64_t(state.channels.size()), count = int64_t(planar.size()) / num_channels;
  require(int64_t(planar.size()) % num_channels == 0, "loudness: ", planar.size(), " samples are not ", num_channels, " channels of equal length");
  for (int64_t at = 0; at < count;) {
    const int64_t left = state.step_begin(int64_t(state.step_energy.size()) + 1) - state.num_samples, take = std::min(left, count - at);
    for (int64_t channel = 0; channel < num_channels; ++channel) {
      State::Channel& to = state.channels[size_t(channel)];
      for (float sample : planar.subspan(size_t(channel * count + at), size_t(take))) {
        const double y = to.cut.step(to.shelf.step(double(sample)));
        to.energy += y * y;
      }
      require(std::isfinite(to.energy), "loudness: the sound holds NaN or infinite samples");
    }
    at += take;
    state.num_samples += take;
    if (take < left) continue;
    double energy = 0;
    for (State::Channel& channel : state.channels) {
      energy += channel.weight * channel.energy;
      channel.energy = 0;
    }
    state.step_energy.push_back(energy);
  }
}

double LoudnessMeter::integrated() const {
  std::vector<double> powers;
  const int64_t num_steps = int64_t(state_->step_energy.size());
  for (int64_t step = 0; step + kStepsPerBlock <= num_steps; ++step) {
    double energy = 0;
    for (int64_t k = step; k < step + kStepsPerBlock; ++k) energy += state_->step_energy[size_t(k)];
    powers.push_back(energy / double(state_->step_begin(step + kStepsPerBlock) - state_->step_begin(step)));
  }
  const double ungated = mean_above(powers, kAbsoluteGateLufs);
  if (ungated == 0) return kSilence;
  const double relative_gate = lufs_of(ungated) + kRelativeGateLu;
  const double gated = mean_above(powers, relative_gate > kAbsoluteGateLufs ? relative_gate : kAbsoluteGateLufs);
  return gated == 0 ? kSilence : lufs_of(gated);
}

double integrated_loudness(std::span<const float> planar, int num_channels, int64_t sample_rate) {
  check_format(num_channels, sample_rate);
  require(planar.size() % size_t(num_channels) == 0, "loudness: ", planar.size(), " samples are not ", num_channels,
          " channels of equal length");
  if (sample_rate < kMinFilterRate) return loudness_of_upsampled(planar, num_channels, sample_rate);
  LoudnessMeter meter(num_channels, sample_rate);
  meter.push(planar);
  return meter.integrated();
}

double loudness_gain(double from_lufs, double to_lufs) {
  return std::isfinite(from_lufs) ? std::pow(10.0, (to_lufs - from_lufs) / 20) : 1.0;
}

}  // namespace ts
