#include "signal/mel.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"

namespace ts {
namespace {

constexpr float kFloor = 1e-4f;               // −80 dB of a full-scale sine
constexpr float kShift = 5.0f, kScale = 2.0f; // y = (ln + shift)/scale
// ln a, 78 dB above full scale: whatever a network says, nothing overflows.
constexpr float kMaxLog = 9.0f;
constexpr double kLinearHz = 1000, kHzPerMel = 200.0 / 3, kLinearMel = kLinearHz / kHzPerMel;
const double kMelPerLog = 27 / std::log(6.4);
constexpr int64_t kFramesPerTask = 32;

}  // namespace

std::vector<float> periodic_hann(int64_t length) {
  std::vector<float> window(static_cast<size_t>(length));
  for (int64_t i = 0; i < length; ++i) window[size_t(i)] = float(0.5 - 0.5 * std::cos(2 * std::numbers::pi * double(i) / double(length)));
  return window;
}

double hz_to_mel(double hz) { return hz < kLinearHz ? hz / kHzPerMel : kLinearMel + std::log(hz / kLinearHz) * kMelPerLog; }
double mel_to_hz(double mel) { return mel < kLinearMel ? mel * kHzPerMel : kLinearHz * std::exp((mel - kLinearMel) / kMelPerLog); }

std::vector<double> band_centres_mel(const MelShape& shape) {
  const double first = hz_to_mel(shape.bin_hz()), last = hz_to_mel(shape.max_hz);
  std::vector<double> centres;
  for (int64_t b = 0; b < shape.num_bands; ++b) centres.push_back(first + (last - first) * double(b) / double(shape.num_bands - 1));
  return centres;
}

MelAnalysis::MelAnalysis(const MelShape& shape) : shape_(shape), fft_(shape.n_fft), window_(periodic_hann(shape.n_fft)) {
  require(shape.num_bands >= 2 && shape.hop * 4 == shape.n_fft, "mel: ", shape.num_bands, " bands, hop ", shape.hop, " of ", shape.n_fft);
  std::vector<double> centres = band_centres_mel(shape);
  for (double& centre : centres) centre = mel_to_hz(centre);
  const auto spacing = [&](int64_t b) { return centres[size_t(b + 1)] - centres[size_t(b)]; };  // from band b to the next
  const int64_t last = shape.num_bands - 1;
  for (int64_t b = 0; b <= last; ++b) {
    const double below = std::max(spacing(std::max<int64_t>(b - 1, 0)), shape.bin_hz());
    const double above = std::max(spacing(std::min(b, last - 1)), shape.bin_hz());
    std::vector<double> triangle;
    Band band;
    double sum = 0;
    for (int64_t k = 0; k < shape.num_bins(); ++k) {
      const double distance = double(k) * shape.bin_hz() - centres[size_t(b)];
      const double weight = distance < 0 ? 1 + distance / below : 1 - distance / above;
      if (weight <= 0) continue;
      if (triangle.empty()) band.first_bin = k;
      triangle.push_back(weight);
      sum += weight;
    }
    for (double weight : triangle) band.weights.push_back(float(weight / sum));
    bands_.push_back(std::move(band));
  }
}

float MelAnalysis::filter(int64_t band, int64_t bin) const {
  const Band& b = bands_[size_t(band)];
  const int64_t i = bin - b.first_bin;
  return i >= 0 && i < int64_t(b.weights.size()) ? b.weights[size_t(i)] : 0.0f;
}

void MelAnalysis::analyse(Parallel& parallel, std::span<const float> left, std::span<const float> right, int64_t first, std::span<float> y) const {
  const int64_t count = int64_t(y.size()) / shape_.features();
  require(left.size() == right.size() && int64_t(y.size()) == count * shape_.features(), "mel: ", left.size(), " and ", right.size(),
          " samples into ", y.size(), " values");
  parallel_blocks(parallel, count, kFramesPerTask, [&](int64_t begin, int64_t end) {
    PairFft fft = fft_;
    Spectrum spectra[2]{Spectrum(shape_.num_bins()), Spectrum(shape_.num_bins())};
    std::vector<float> frames[2]{std::vector<float>(window_.size()), std::vector<float>(window_.size())};
    for (int64_t i = begin; i < end; ++i) analyse_frame(fft, spectra, frames, left, right, first + i, y.data() + i * shape_.features());
  });
}

void MelAnalysis::analyse_frame(PairFft& fft, Spectrum (&spectra)[2], std::vector<float> (&frames)[2], std::span<const float> left,
                                std::span<const float> right, int64_t frame, float* y) const {
  const int64_t start = frame * shape_.hop - shape_.reach(), length = int64_t(left.size());
  for (int channel = 0; channel < 2; ++channel) {
    const std::span<const float> sound = channel == 0 ? left : right;
    for (int64_t i = 0; i < shape_.n_fft; ++i) {
      const int64_t at = start + i;
      frames[channel][size_t(i)] = at >= 0 && at < length ? sound[size_t(at)] * window_[size_t(i)] : 0.0f;
    }
  }
  fft.forward(frames[0].data(), frames[1].data(), spectra[0], spectra[1]);
  const float unit = 4.0f / float(shape_.n_fft);
  for (int channel = 0; channel < 2; ++channel) {
    std::vector<float>& magnitude = frames[channel];
    const Spectrum& s = spectra[channel];
    for (size_t k = 0; k < s.re.size(); ++k) magnitude[k] = unit * std::sqrt(s.re[k] * s.re[k] + s.im[k] * s.im[k]);
    for (size_t b = 0; b < bands_.size(); ++b) {
      float sum = 0;
      const float* a = &magnitude[size_t(bands_[b].first_bin)];
      for (size_t i = 0; i < bands_[b].weights.size(); ++i) sum += bands_[b].weights[i] * a[i];
      y[size_t(channel) * bands_.size() + b] = (std::log(sum + kFloor) + kShift) / kScale;
    }
  }
}

MelInversion::MelInversion(const MelShape& shape) {
  const std::vector<double> centres = band_centres_mel(shape);
  for (int64_t k = 1; k < shape.num_bins() && double(k) * shape.bin_hz() <= shape.max_hz; ++k) {
    const double mel = std::clamp(hz_to_mel(double(k) * shape.bin_hz()), centres.front(), centres.back());
    const double place = (mel - centres.front()) / (centres.back() - centres.front()) * double(shape.num_bands - 1);
    const int64_t lower = std::min(int64_t(place), shape.num_bands - 2);
    places_.push_back({lower, float(place - double(lower))});
  }
}

void MelInversion::magnitudes(std::span<const float> y, std::span<float> a) const {
  a[0] = 0;
  for (size_t k = 1; k <= places_.size(); ++k) {
    const auto [lower, weight] = places_[k - 1];
    const float blend = y[size_t(lower)] * (1 - weight) + y[size_t(lower + 1)] * weight, log = kScale * blend - kShift;
    a[k] = std::max(std::exp(log > kMaxLog ? kMaxLog : log) - kFloor, 0.0f);
  }
  std::fill(a.begin() + int64_t(places_.size()) + 1, a.end(), 0.0f);
}

}  // namespace ts
