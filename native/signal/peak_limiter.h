// Keeps sound below full scale without bending its waveform: a gain for both channels that follows the peaks of blocks, one
// block ahead (docs/mel-codec.md, "From log-mel to sound").
//
//   need[k] = min(1, kLimit / peak of block k)       held[k] = min(need[k], held[k-1] + kRelease · (1 − held[k-1]))
//   gain in block k: a line from min(held[k-1], held[k]) to min(held[k], held[k+1])
//
// Nothing depends on how the samples arrive, so chunks give the samples of the whole, bit for bit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ts {

class PeakLimiter {
 public:
  static constexpr float kLimit = 0.965f;   // of full scale: −0.31 dBFS
  static constexpr float kRelease = 0.02f;  // of what is missing, a block: at blocks of 256, back to a third of it in 0.3 s
  static constexpr int64_t kLookAhead = 1;  // blocks

  explicit PeakLimiter(int64_t block) : block_(block) {}

  // As many samples of one channel as of the other. Those that are final are appended to `left` and `right`: all whole
  // blocks but the last.
  void push(std::span<const float> in_left, std::span<const float> in_right, std::vector<float>& left, std::vector<float>& right);
  // The sound is over: appends the rest. Nothing may be pushed after.
  void flush(std::vector<float>& left, std::vector<float>& right);

 private:
  float need(int64_t first, int64_t count) const;
  void emit(float next, int64_t count, std::vector<float>& left, std::vector<float>& right);

  const int64_t block_;
  std::vector<float> waiting_[2];  // begins with the block whose gain ends where the next one is known
  bool has_held_ = false;
  float before_ = 1, held_ = 1;    // held[k-1], held[k] of the block that waits
};

}  // namespace ts
