// Integrated loudness after ITU-R BS.1770-4.
//
//   channel → K-filter (head shelf, then low cut) → mean square z_i over 400 ms blocks, every 100 ms
//   block loudness  l_j = −0.691 + 10·log10 Σ_i G_i·z_ij           G = 1; 1.41 for the surround pair; no LFE
//   blocks above −70 LUFS → their mean loudness − 10 LU is the second gate → the mean of what passes both
//
// The recommendation tabulates the filters at 48 kHz only. Other rates use the same analogue filters: each table is
// taken back through the bilinear transform to its corner frequency and brought to the new rate by the same transform.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace ts {

// The same of a sound that comes piece by piece: the value of the whole, bit for bit, in 8 bytes per 100 ms.
class LoudnessMeter {
 public:
  // Errors as integrated_loudness, but rates below 32 000 Hz are refused, too.
  LoudnessMeter(int num_channels, int64_t sample_rate);
  LoudnessMeter(LoudnessMeter&&) noexcept;
  ~LoudnessMeter();

  // The next samples, planar [num_channels, n].
  void push(std::span<const float> planar);
  // Of all so far, in LUFS.
  double integrated() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Planar audio [num_channels, num_samples], 1 to 8 channels: 5 are read as L R C Ls Rs, 6 as L R C LFE Ls Rs, any other
// number with weight 1 each. LUFS; −infinity for silence, for less than 0.4 s, and when nothing passes the gates.
// TS_INVALID_ARGUMENT for rates outside 8 000 … 768 000 Hz, and for samples that are NaN or infinite. Any thread.
double integrated_loudness(std::span<const float> planar, int num_channels, int64_t sample_rate);

// What to multiply samples by so that `from_lufs` becomes `to_lufs`; 1 when there is nothing to measure (−infinity).
double loudness_gain(double from_lufs, double to_lufs);

}  // namespace ts
