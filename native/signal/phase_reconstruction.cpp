#include "signal/phase_reconstruction.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"

namespace ts {
namespace {

constexpr float kWindowSum = 1.5f;  // of squared Hann windows a quarter of their length apart
// A spectrum of a sine of amplitude 1e-9 and less is nothing, and has no phase.
constexpr float kNothing = 1e-9f;

// Uniform in [0, 2π), a function of frame and bin alone: the finaliser of splitmix64.
float random_phase(int64_t frame, size_t bin) {
  uint64_t x = ((uint64_t(frame) << 32) + bin + 1) * 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  x ^= x >> 31;
  return float(double(x >> 40) * (2 * std::numbers::pi / double(1 << 24)));
}

// spectrum ← the phase of `found`, the magnitude `common`; what is nothing keeps the phase it had.
void take_phase(Spectrum& spectrum, const Spectrum& found, const std::vector<float>& common, float nothing) {
  const float *__restrict fr = found.re.data(), *__restrict fi = found.im.data(), *__restrict size = common.data();
  float *__restrict re = spectrum.re.data(), *__restrict im = spectrum.im.data();
  const size_t bins = common.size();
  const float limit = nothing * nothing;
  for (size_t k = 0; k < bins; ++k) {
    const float power = fr[k] * fr[k] + fi[k] * fi[k], gain = size[k] / std::sqrt(power);
    re[k] = power > limit ? fr[k] * gain : re[k];
    im[k] = power > limit ? fi[k] * gain : im[k];
  }
}

void multiply(std::vector<float>& y, const float* x, const std::vector<float>& window) {
  for (size_t i = 0; i < y.size(); ++i) y[i] = x[i] * window[i];
}

}  // namespace

PhaseReconstruction::PhaseReconstruction(const MelShape& shape, int iterations)
    : shape_(shape), iterations_(iterations), inversion_(shape), fft_(shape.n_fft), window_(periodic_hann(shape.n_fft)), wave_window_(window_),
      tail_(size_t(shape.hop * kLookAhead + shape.n_fft)), sum_(tail_.size()), found_{Spectrum(shape.num_bins()), Spectrum(shape.num_bins())},
      next_sample_(-shape.reach()) {
  require(iterations >= 0 && shape.hop * 4 == shape.n_fft, "phase reconstruction: ", iterations, " iterations, hop ", shape.hop, " of ", shape.n_fft);
  for (float& value : wave_window_) value /= kWindowSum;
  for (std::vector<float>& segment : segments_) segment.resize(size_t(shape.n_fft));
  for (std::vector<float>& channel : sound_) channel.resize(size_t(shape.n_fft));
}

void PhaseReconstruction::push(std::span<const float> y, std::vector<float>& left, std::vector<float>& right) {
  const size_t features = size_t(shape_.features());
  require(!over_ && y.size() % features == 0, "phase reconstruction: ", y.size(), " values of ", features, over_ ? " after the end" : "");
  for (; !y.empty(); y = y.subspan(features)) {
    enter(y.first(features));
    if (int64_t(pending_.size()) <= kLookAhead) continue;
    refine();
    commit();
    emit(shape_.hop, left, right);
  }
}

void PhaseReconstruction::flush(std::vector<float>& left, std::vector<float>& right) {
  over_ = true;
  while (!pending_.empty()) {
    refine();
    commit();
    emit(shape_.hop, left, right);
  }
  if (num_entered_ > 0) emit(shape_.reach(), left, right);
}

// sum_ = everything that overlaps the pending frames, from the first sample of the oldest.
void PhaseReconstruction::add_up() {
  sum_ = tail_;
  float* to = sum_.data();
  for (const Pending& frame : pending_) {
    for (size_t i = 0; i < frame.wave.size(); ++i) to[i] += frame.wave[i];
    to += shape_.hop;
  }
}

void PhaseReconstruction::inverse_waves(Pending& first, Pending* second) {
  Pending& other = second ? *second : first;  // the second half of the transform has to hold something
  fft_.inverse(first.spectrum, other.spectrum, segments_[0].data(), segments_[1].data());
  multiply(first.wave, segments_[0].data(), wave_window_);
  if (second) multiply(second->wave, segments_[1].data(), wave_window_);
}

void PhaseReconstruction::enter(std::span<const float> y) {
  const size_t bins = size_t(shape_.num_bins()), bands = size_t(shape_.num_bands);
  add_up();
  const float* stretch = sum_.data() + shape_.hop * int64_t(pending_.size());
  Pending& frame = pending_.emplace_back(Pending{{std::vector<float>(bins), std::vector<float>(bins)}, std::vector<float>(bins),
                                                 Spectrum(int64_t(bins)), std::vector<float>(size_t(shape_.n_fft))});
  for (size_t channel = 0; channel < 2; ++channel) inversion_.magnitudes(y.subspan(channel * bands, bands), frame.magnitude[channel]);
  const float unit = float(shape_.n_fft) / 4, nothing = kNothing * unit;
  multiply(segments_[0], stretch, window_);
  fft_.forward(segments_[0].data(), segments_[0].data(), found_[0], found_[1]);
  for (size_t k = 0; k < bins; ++k) {
    const float a = frame.magnitude[0][k] *= unit, b = frame.magnitude[1][k] *= unit;
    frame.common[k] = std::sqrt((a * a + b * b) / 2);
    // Where the neighbours add up to nothing. Bins without magnitude need no phase.
    if (frame.common[k] == 0 || found_[0].re[k] * found_[0].re[k] + found_[0].im[k] * found_[0].im[k] > nothing * nothing) continue;
    const float phase = random_phase(num_entered_, k);
    frame.spectrum.re[k] = frame.common[k] * std::cos(phase);
    frame.spectrum.im[k] = frame.common[k] * std::sin(phase);
  }
  take_phase(frame.spectrum, found_[0], frame.common, nothing);
  inverse_waves(frame, nullptr);
  ++num_entered_;
}

void PhaseReconstruction::refine() {
  const float nothing = kNothing * float(shape_.n_fft) / 4;
  const size_t count = pending_.size();
  for (int round = 0; round < iterations_; ++round) {
    add_up();
    for (size_t i = 0; i < count; i += 2) {
      Pending& first = pending_[i];
      Pending* second = i + 1 < count ? &pending_[i + 1] : nullptr;
      multiply(segments_[0], sum_.data() + shape_.hop * int64_t(i), window_);
      if (second) multiply(segments_[1], sum_.data() + shape_.hop * int64_t(i + 1), window_);
      fft_.forward(segments_[0].data(), segments_[1].data(), found_[0], found_[1]);
      take_phase(first.spectrum, found_[0], first.common, nothing);
      if (second) take_phase(second->spectrum, found_[1], second->common, nothing);
      inverse_waves(first, second);
    }
  }
}

// The oldest frame is final: its wave joins the tail, its two channels the sound.
void PhaseReconstruction::commit() {
  Pending& frame = pending_.front();
  const size_t bins = frame.common.size();
  for (size_t channel = 0; channel < 2; ++channel)
    for (size_t k = 0; k < bins; ++k) {
      const float gain = frame.common[k] > 0 ? frame.magnitude[channel][k] / frame.common[k] : 0.0f;
      found_[channel].re[k] = gain * frame.spectrum.re[k];
      found_[channel].im[k] = gain * frame.spectrum.im[k];
    }
  fft_.inverse(found_[0], found_[1], segments_[0].data(), segments_[1].data());
  for (size_t channel = 0; channel < 2; ++channel)
    for (size_t i = 0; i < wave_window_.size(); ++i) sound_[channel][i] += segments_[channel][i] * wave_window_[i];

  for (size_t i = 0; i < frame.wave.size(); ++i) tail_[i] += frame.wave[i];
  std::copy(tail_.begin() + shape_.hop, tail_.end(), tail_.begin());
  std::fill(tail_.end() - shape_.hop, tail_.end(), 0.0f);
  pending_.pop_front();
  ++num_committed_;
}

// What the squared windows of frames that do not exist would have added at a sample: near the ends of the sound only.
float PhaseReconstruction::missing(int64_t sample) const {
  float sum = 0;
  const auto add = [&](int64_t frame) {
    const int64_t i = sample - (frame * shape_.hop - shape_.reach());
    if (i >= 0 && i < shape_.n_fft) sum += window_[size_t(i)] * window_[size_t(i)];
  };
  for (int64_t frame = 1; frame < shape_.n_fft / shape_.hop; ++frame) {
    add(-frame);
    if (over_) add(num_entered_ + frame - 1);
  }
  return sum;
}

void PhaseReconstruction::emit(int64_t count, std::vector<float>& left, std::vector<float>& right) {
  std::vector<float>* const out[2] = {&left, &right};
  for (int64_t i = 0; i < count; ++i) {
    const int64_t sample = next_sample_ + i;
    if (sample < 0 || sample >= num_entered_ * shape_.hop) continue;
    // Inside, four windows add up to kWindowSum, which the waves have been divided by.
    const bool is_edge = sample < shape_.reach() || (over_ && sample >= num_entered_ * shape_.hop - shape_.reach());
    const float whole = is_edge ? kWindowSum / (kWindowSum - missing(sample)) : 1.0f;
    for (size_t channel = 0; channel < 2; ++channel) out[channel]->push_back(whole * sound_[channel][size_t(i)]);
  }
  for (std::vector<float>& channel : sound_) {
    std::copy(channel.begin() + count, channel.end(), channel.begin());
    std::fill(channel.end() - count, channel.end(), 0.0f);
  }
  next_sample_ += count;
}

}  // namespace ts
