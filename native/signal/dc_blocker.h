// Takes what a channel is off centre out of it, sample by sample: y[n] = x[n] − x[n−1] + r · y[n−1], a zero at 0 Hz, −3 dB at 5 Hz.
#pragma once

#include <numbers>
#include <span>

namespace ts {

class DcBlocker {
 public:
  explicit DcBlocker(double sample_rate) : r_(1 - 2 * std::numbers::pi * kCutoffHz / sample_rate) {}

  void apply(std::span<float> samples) {
    for (float& sample : samples) {
      y_ = double(sample) - x_ + r_ * y_;
      x_ = double(sample);
      sample = float(y_);
    }
  }

 private:
  static constexpr double kCutoffHz = 5;
  const double r_;
  double x_ = 0, y_ = 0;
};

}  // namespace ts
