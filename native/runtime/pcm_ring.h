// Finished sound on its way from the decoder to an audio thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

namespace ts {

// Interleaved stereo, one writer and one reader, no locks: each side only moves its own counter. Positions count
// samples per channel since the start and never wrap in practice (2⁶⁴ samples are 13 million years).
class PcmRing {
 public:
  explicit PcmRing(uint64_t capacity) : samples_(size_t(2 * std::max<uint64_t>(1, capacity))), capacity_(std::max<uint64_t>(1, capacity)) {}

  // Writer: takes as many as there is room for, returns how many.
  uint64_t write(const float* left, const float* right, uint64_t num_samples) {
    const uint64_t head = written_.load(std::memory_order_relaxed);
    const uint64_t room = capacity_ - (head - read_.load(std::memory_order_acquire));
    const uint64_t count = std::min(room, num_samples);
    for (uint64_t i = 0; i < count; ++i) {
      const size_t at = size_t(2 * ((head + i) % capacity_));
      samples_[at] = left[i];
      samples_[at + 1] = right[i];
    }
    written_.store(head + count, std::memory_order_release);
    return count;
  }

  // Reader: fills `interleaved` with what is there, at most num_samples, and returns how many.
  uint64_t read(float* interleaved, uint64_t num_samples) {
    const uint64_t tail = read_.load(std::memory_order_relaxed);
    const uint64_t count = std::min(written_.load(std::memory_order_acquire) - tail, num_samples);
    for (uint64_t i = 0; i < count; ++i) {
      const size_t at = size_t(2 * ((tail + i) % capacity_));
      interleaved[2 * i] = samples_[at];
      interleaved[2 * i + 1] = samples_[at + 1];
    }
    read_.store(tail + count, std::memory_order_release);
    return count;
  }

  uint64_t written() const { return written_.load(std::memory_order_acquire); }

 private:
  std::vector<float> samples_;
  const uint64_t capacity_;
  alignas(64) std::atomic<uint64_t> written_{0};
  alignas(64) std::atomic<uint64_t> read_{0};
};

}  // namespace ts
