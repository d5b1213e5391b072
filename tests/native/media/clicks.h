// A sound that says where it is: pulses at irregular times, the same at any sample rate, and a search for their lag.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace media_test {

// Pulses of 2 kHz in a Gaussian of 0.4 ms, at times that no shift maps onto each other.
inline std::vector<double> click_times(double duration_s, double phase = 0.05) {
  std::vector<double> times;
  for (double t = phase, step = 0.1; t < duration_s - 0.02; t += step, step = step > 0.17 ? 0.1 : step + 0.013) times.push_back(t);
  return times;
}

inline std::vector<float> clicks(double duration_s, double rate, double phase = 0.05, float level = 0.5f) {
  std::vector<float> samples(size_t(std::llround(duration_s * rate)));
  for (const double at : click_times(duration_s, phase)) {
    const int64_t middle = std::llround(at * rate), reach = int64_t(0.003 * rate);
    for (int64_t i = std::max<int64_t>(0, middle - reach); i < std::min<int64_t>(int64_t(samples.size()), middle + reach); ++i) {
      const double t = double(i) / rate - at;
      samples[size_t(i)] += level * float(std::cos(2 * 3.14159265358979 * 2000 * t) * std::exp(-t * t / (2 * 0.0004 * 0.0004)));
    }
  }
  return samples;
}

// By how many samples `heard` lies after `said`, searched within ± reach; 999999 if they do not resemble each other.
inline int64_t lag(const std::vector<float>& heard, const std::vector<float>& said, int64_t reach = 4000) {
  double best = 0, energy_a = 1e-12, energy_b = 1e-12;
  int64_t best_lag = 0;
  for (const float v : heard) energy_a += double(v) * v;
  for (const float v : said) energy_b += double(v) * v;
  std::vector<size_t> loud;  // only these matter
  for (size_t i = 0; i < said.size(); ++i) {
    if (std::fabs(said[i]) > 0.15f) loud.push_back(i);
  }
  for (int64_t shift = -reach; shift <= reach; ++shift) {
    double sum = 0;
    for (const size_t i : loud) {
      const int64_t j = int64_t(i) + shift;
      if (j >= 0 && j < int64_t(heard.size())) sum += double(said[i]) * heard[size_t(j)];
    }
    if (sum > best) {
      best = sum;
      best_lag = shift;
    }
  }
  return best / std::sqrt(energy_a * energy_b) > 0.7 ? best_lag : 999999;
}

}  // namespace media_test
