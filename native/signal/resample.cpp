#include "signal/resample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "core/error.h"

namespace ts {
namespace {

constexpr double kPi = std::numbers::pi;
// Above this many bytes of kernels (44 100 phases of 137 taps are 24 MB, of 593 taps 105 MB) taps are computed where
// they are used.
constexpr int64_t kMaxTableBytes = 256 << 20;

// Modified Bessel function of the first kind, order 0, by its power series Σ ((x/2)^k / k!)²; all terms are positive,
// so the sum is good to a few ulp for the arguments that windows use.
double bessel_i0(double x) {
  const double quarter = x * x / 4;
  double sum = 1, term = 1;
  for (int k = 1; term > sum * 1e-17; ++k) {
    term *= quarter / (double(k) * k);
    sum += term;
  }
  return sum;
}

class Kernel {
 public:
  Kernel(int64_t from, int64_t to, const ResampleFilter& filter)
      : from_(from), to_(to), filter_(filter), cutoff_(double(std::min(from, to)) * filter.rolloff),
        window_at_zero_(bessel_i0(filter.beta)) {
    // |τ| < w reaches this many source samples to either side of the output's own place.
    reach_ = int64_t(std::ceil(filter.lowpass_width * double(from) / cutoff_));
    num_taps_ = 2 * reach_ + 1;
  }

  int64_t num_taps() const { return num_taps_; }
  // Source sample, relative to q·o, of the first tap of a phase.
  int64_t first_tap(int64_t phase) const { return phase * from_ / to_ - reach_; }

  // Tap `i`, counted from q·o.
  double tap(int64_t phase, int64_t i) const {
    // i/o − p/n over their common denominator, so that τ is exact to one rounding.
    const double tau = cutoff_ * (double(i * to_ - phase * from_) / (double(from_) * double(to_)));
    const double place = tau / filter_.lowpass_width;
    if (std::fabs(place) >= 1) return 0;  // the reference clamps τ to ±w, where sinc is 0: w is whole
    const double sinc = tau == 0 ? 1 : std::sin(kPi * tau) / (kPi * tau);
    return cutoff_ / double(from_) * sinc * window(place);
  }

 private:
  double window(double place) const {
    if (filter_.window == ResampleWindow::hann) {
      const double c = std::cos(kPi / 2 * place);
      return c * c;
    }
    return bessel_i0(filter_.beta * std::sqrt(1 - place * place)) / window_at_zero_;
  }
  int64_t from_, to_;
  ResampleFilter filter_;
  double cutoff_, window_at_zero_;
  int64_t reach_, num_taps_;
};

// Σ taps·samples in eight interleaved sums, which is both the vector form and the more accurate one.
float dot(const float* taps, const float* samples, int64_t count) {
  constexpr int kLanes = 8;
  float sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (int lane = 0; lane < kLanes; ++lane) sums[lane] += taps[i + lane] * samples[i + lane];
  float sum = 0;
  for (; i < count; ++i) sum += taps[i] * samples[i];
  for (float lane : sums) sum += lane;
  return sum;
}

void check_rate(const char* name, int64_t rate) {
  require(rate >= 1 && rate <= kMaxSampleRate, "resample: ", name, " is ", rate, " Hz, allowed 1 to ", kMaxSampleRate);
}

}  // namespace

int64_t resampled_length(int64_t num_samples, int64_t from_rate, int64_t to_rate) {
  check_rate("the source rate", from_rate);
  check_rate("the target rate", to_rate);
  require(from_rate / to_rate <= kMaxRateRatio && to_rate / from_rate <= kMaxRateRatio, "resample: from ", from_rate,
          " to ", to_rate, " Hz is more than 1 : ", kMaxRateRatio);
  require(num_samples >= 0, "resample: num_samples is negative");
  const int64_t divisor = std::gcd(from_rate, to_rate);
  const int64_t from = from_rate / divisor, to = to_rate / divisor;
  require(num_samples <= std::numeric_limits<int64_t>::max() / kMaxSampleRate - 1, "resample: ", num_samples,
          " samples are too many");
  return (num_samples * to + from - 1) / from;
}

std::vector<float> resample(std::span<const float> samples, int64_t from_rate, int64_t to_rate,
                            const ResampleFilter& filter) {
  const int64_t num_in = int64_t(samples.size());
  const int64_t num_out = resampled_length(num_in, from_rate, to_rate);
  if (from_rate == to_rate) return {samples.begin(), samples.end()};
  require(filter.lowpass_width >= 1 && filter.lowpass_width <= 256, "resample: lowpass_width is ",
          filter.lowpass_width, ", allowed 1 to 256");
  require(filter.rolloff > 0 && filter.rolloff <= 1, "resample: rolloff is ", filter.rolloff, ", allowed above 0 to 1");
  require(filter.beta >= 0 && filter.beta <= 100, "resample: beta is ", filter.beta, ", allowed 0 to 100");

  const int64_t divisor = std::gcd(from_rate, to_rate);
  const int64_t from = from_rate / divisor, to = to_rate / divisor;
  const Kernel kernel(from, to, filter);
  const int64_t num_taps = kernel.num_taps();

  const bool tabled = num_out >= to && num_taps * to <= kMaxTableBytes / int64_t(sizeof(float));
  std::vector<float> table(static_cast<size_t>(tabled ? num_taps * to : num_taps));
  const auto fill = [&](int64_t phase, float* taps) {
    const int64_t first = kernel.first_tap(phase);
    for (int64_t j = 0; j < num_taps; ++j) taps[j] = float(kernel.tap(phase, first + j));
  };
  if (tabled)
    for (int64_t phase = 0; phase < to; ++phase) fill(phase, &table[size_t(phase * num_taps)]);

  std::vector<float> out(static_cast<size_t>(num_out));
  for (int64_t m = 0; m < num_out; ++m) {
    const int64_t phase = m % to;
    float* taps = tabled ? &table[size_t(phase * num_taps)] : table.data();
    if (!tabled) fill(phase, taps);
    const int64_t start = m / to * from + kernel.first_tap(phase);
    const int64_t begin = std::max<int64_t>(start, 0), end = std::min(start + num_taps, num_in);
    if (begin < end) out[size_t(m)] = dot(taps + (begin - start), samples.data() + begin, end - begin);
  }
  return out;
}

}  // namespace ts
