#include "signal/peak_limiter.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace ts {

// Of the waiting samples [first, first + count).
float PeakLimiter::need(int64_t first, int64_t count) const {
  float peak = 0;
  for (const std::vector<float>& channel : waiting_)
    for (int64_t i = first; i < first + count; ++i) peak = std::max(peak, std::fabs(channel[size_t(i)]));
  return peak > kLimit ? kLimit / peak : 1.0f;
}

// The first `count` waiting samples are a block with held_, the one after it has `next`.
void PeakLimiter::emit(float next, int64_t count, std::vector<float>& left, std::vector<float>& right) {
  const float from = std::min(before_, held_), to = std::min(held_, next);
  std::vector<float>* const out[2] = {&left, &right};
  for (size_t channel = 0; channel < 2; ++channel) {
    std::vector<float>& samples = waiting_[channel];
    for (int64_t i = 0; i < count; ++i) {
      const float gain = from + (to - from) * (float(i) / float(block_));
      out[channel]->push_back(gain * samples[size_t(i)]);
    }
    samples.erase(samples.begin(), samples.begin() + count);
  }
  before_ = held_;
  held_ = next;
}

void PeakLimiter::push(std::span<const float> in_left, std::span<const float> in_right, std::vector<float>& left, std::vector<float>& right) {
  require(in_left.size() == in_right.size(), "peak limiter: ", in_left.size(), " samples left, ", in_right.size(), " right");
  waiting_[0].insert(waiting_[0].end(), in_left.begin(), in_left.end());
  waiting_[1].insert(waiting_[1].end(), in_right.begin(), in_right.end());
  if (!has_held_) {
    if (int64_t(waiting_[0].size()) < block_) return;
    before_ = held_ = need(0, block_);
    has_held_ = true;
  }
  while (int64_t(waiting_[0].size()) >= 2 * block_) emit(std::min(need(block_, block_), held_ + kRelease * (1 - held_)), block_, left, right);
}

void PeakLimiter::flush(std::vector<float>& left, std::vector<float>& right) {
  const int64_t rest = int64_t(waiting_[0].size());
  if (!has_held_) before_ = held_ = need(0, rest);
  if (rest > block_) emit(std::min(need(block_, rest - block_), held_ + kRelease * (1 - held_)), block_, left, right);
  emit(held_, int64_t(waiting_[0].size()), left, right);
}

}  // namespace ts
