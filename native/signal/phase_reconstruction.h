// From log-mel to sound, frame by frame, with a look-ahead of three frames (docs/mel-codec.md, "From log-mel to sound").
//
//   y ─ magnitudes a_left, a_right ─ a = √((a_left² + a_right²)/2) ─ one phase φ for both ─ two inverse FFTs ─ overlap-add
//
// The frame to be committed and the three after it are pending. Each has a wave: the windowed inverse FFT of a·e^{iφ}.
// A round adds all waves and what committed frames left behind, looks at every pending frame's stretch of that sum, and
// keeps the phase it finds there; the magnitude stays. After `iterations` rounds the oldest frame is committed.
//
// Cost     35 transforms of two real signals a frame, all of the time; nothing depends on how the frames arrive, so
//          chunks give the samples of the whole, bit for bit.
// Source   Zhu, Beauregard and Wyse, "Real-time signal estimation from modified short-time Fourier transform magnitude
//          spectra", 2007.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "signal/fft.h"
#include "signal/mel.h"

namespace ts {

class PhaseReconstruction {
 public:
  static constexpr int64_t kLookAhead = 3;
  static constexpr int kIterations = 8;

  explicit PhaseReconstruction(const MelShape& shape, int iterations = kIterations);

  // Frames of log-mel y [n, 2·num_bands]. Samples that are final by now are appended to `left` and `right`: after M
  // frames all but the last hop·kLookAhead + reach.
  void push(std::span<const float> y, std::vector<float>& left, std::vector<float>& right);
  // The sound is over: appends the rest, so that M frames have given exactly hop·M samples. Nothing may be pushed after.
  void flush(std::vector<float>& left, std::vector<float>& right);

 private:
  struct Pending {
    std::vector<float> magnitude[2];  // of left and right, in units of the FFT
    std::vector<float> common;
    Spectrum spectrum;                // common·e^{iφ}
    std::vector<float> wave;          // what it adds to the sum
  };

  void enter(std::span<const float> y);
  void refine();
  void commit();
  void add_up();
  void inverse_waves(Pending& first, Pending* second);
  void emit(int64_t count, std::vector<float>& left, std::vector<float>& right);
  float missing(int64_t sample) const;

  const MelShape shape_;
  const int iterations_;
  MelInversion inversion_;
  PairFft fft_;
  std::vector<float> window_, wave_window_;  // Hann; Hann over the windows' sum
  std::deque<Pending> pending_;
  std::vector<float> tail_;                  // what committed frames left in the span of the pending ones
  std::vector<float> sum_, segments_[2];
  Spectrum found_[2];
  std::vector<float> sound_[2];              // begins with the first sample that is not out yet
  int64_t num_entered_ = 0, num_committed_ = 0, next_sample_;
  bool over_ = false;
};

}  // namespace ts
