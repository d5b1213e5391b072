// Log-mel spectrograms of stereo sound, and the magnitudes of bins that they stand for (docs/mel-codec.md).
//
//   frame m   samples hop·m − (n_fft − hop)/2 …, centred on hop m, zeros outside the sound, times a periodic Hann window
//   a[k]      |FFT|·4/n_fft: a sine of amplitude A reaches A
//   y[m, b]   (ln(Σ_k filter[b, k]·a[k] + 1e-4) + 5)/2, left bands, then right bands
//
// Source   the mel scale of Slaney's Auditory Toolbox, 1998: linear below 1 kHz, 27 mel a factor of 6.4 above.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/parallel.h"
#include "signal/fft.h"

namespace ts {

struct MelShape {
  int64_t n_fft = 1024, hop = 256, num_bands = 96, sample_rate = 44100;
  double max_hz = 20000;

  int64_t num_bins() const { return n_fft / 2 + 1; }
  int64_t features() const { return 2 * num_bands; }
  int64_t reach() const { return (n_fft - hop) / 2; }  // of a frame beyond its hop, to either side
  double bin_hz() const { return double(sample_rate) / double(n_fft); }
};

std::vector<float> periodic_hann(int64_t length);
// Centres of the bands on the mel scale, equally spaced from one bin to max_hz.
std::vector<double> band_centres_mel(const MelShape& shape);
double hz_to_mel(double hz);
double mel_to_hz(double mel);

// Sound → log-mel. Any thread.
class MelAnalysis {
 public:
  explicit MelAnalysis(const MelShape& shape);
  const MelShape& shape() const { return shape_; }
  // Weight of bin k in band b; each band's sum to 1. For tests.
  float filter(int64_t band, int64_t bin) const;
  // Frames [first, first + y.size()/features) of planar stereo `left`, `right`, which may begin and end anywhere.
  void analyse(Parallel& parallel, std::span<const float> left, std::span<const float> right, int64_t first, std::span<float> y) const;

 private:
  // Triangles are narrow: the bins a band sees, and their weights.
  struct Band {
    int64_t first_bin = 0;
    std::vector<float> weights;
  };
  void analyse_frame(PairFft& fft, Spectrum (&spectra)[2], std::vector<float> (&frames)[2], std::span<const float> left,
                     std::span<const float> right, int64_t frame, float* y) const;

  MelShape shape_;
  PairFft fft_;  // copied for each task
  std::vector<float> window_;
  std::vector<Band> bands_;
};

// Log-mel → magnitude of every bin: ln a interpolated over the mel scale between the centres of the bands, constant below
// the first; less the floor that the analysis added; 0 above max_hz and in bin 0, which no band sees. Any thread.
class MelInversion {
 public:
  explicit MelInversion(const MelShape& shape);
  // y [num_bands] of one channel → a [n_fft/2 + 1].
  void magnitudes(std::span<const float> y, std::span<float> a) const;

 private:
  struct Place {
    int64_t lower;  // band
    float weight;   // of the next
  };
  std::vector<Place> places_;  // of bin 1 and on, up to max_hz
};

}  // namespace ts
