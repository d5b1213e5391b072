// Sample-rate conversion by the reference's windowed sinc (spec 03 §7).
//
// With both rates divided by their gcd, o = source and n = target, f = min(o, n)·rolloff, w = lowpass width:
//
//   y[q·n + p] = Σ_i kernel_p[i]·x[q·o + i]        p = 0 … n−1, zeros outside the signal
//   kernel_p[i] = (f/o)·sinc(τ)·window(τ)          τ = f·(i/o − p/n), 0 where |τ| ≥ w
//
// Kernels are worked out in f64 and stored in f32, only where they are not zero: 2·w·o/f taps for each of n phases.
// Source   torchaudio 2.6 `_get_sinc_resample_kernel`, which computes the same sum over a longer row of zeros.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ts {

enum class ResampleWindow { hann, kaiser };

struct ResampleFilter {
  ResampleWindow window = ResampleWindow::kaiser;
  int lowpass_width = 64;  // zero crossings on each side, 1 … 256
  double rolloff = 0.9475937167399596;
  double beta = 14.769656459379492;  // of the Kaiser window

  // What training extraction used for the sound of videos; the default.
  static ResampleFilter training() { return {}; }
  // torchaudio's default: Hann, width 6.
  static ResampleFilter hann() { return {ResampleWindow::hann, 6, 0.99, 0}; }
};

inline constexpr int64_t kMaxSampleRate = 768'000;
inline constexpr int64_t kMaxRateRatio = 1024;

// ceil(num_samples·to/from), exactly. (The reference rounds the quotient to f32 before the ceil, so above some 2¹⁷
// samples it may give one fewer; it then pads to a fixed length anyway.) TS_INVALID_ARGUMENT unless both rates are
// within 1 … kMaxSampleRate and within kMaxRateRatio of each other.
int64_t resampled_length(int64_t num_samples, int64_t from_rate, int64_t to_rate);

// One channel. Equal rates copy. Never fails for want of a table: rates with very many phases compute taps as they go.
// Pure; any thread.
std::vector<float> resample(std::span<const float> samples, int64_t from_rate, int64_t to_rate,
                            const ResampleFilter& filter = ResampleFilter::training());

}  // namespace ts
