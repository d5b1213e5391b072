#include "signal/pcm.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"

namespace ts {

int64_t samples_of(double duration_s, int64_t sample_rate) {
  const double samples = std::round(duration_s * double(sample_rate));
  require(samples >= 0 && samples < 0x1p53, "pcm: no sound lasts ", duration_s, " s");
  return int64_t(samples);
}

void fade_end(std::span<float> block, int64_t offset, int64_t num_samples, int64_t sample_rate) {
  require(offset >= 0 && int64_t(block.size()) <= num_samples - offset, "pcm: samples ", offset, " to ",
          offset + int64_t(block.size()), " lie outside a sound of ", num_samples);
  const int64_t length = std::min(samples_of(kEndFade_s, sample_rate), num_samples);
  const int64_t first = num_samples - length;
  for (int64_t i = std::max(first, offset); i < offset + int64_t(block.size()); ++i) {
    // Falls from just below 1 to just above 0; half-sample steps make it the mirror of itself.
    const double done = (double(i - first) + 0.5) / double(length);
    block[size_t(i - offset)] *= float(0.5 + 0.5 * std::cos(std::numbers::pi * done));
  }
}

float peak_of(std::span<const float> samples) {
  float peak = 0;
  for (float sample : samples) peak = std::fabs(sample) > peak ? std::fabs(sample) : peak;
  return peak;
}

void to_int16(std::span<const float> samples, float peak, std::span<int16_t> out) {
  require(samples.size() == out.size(), "pcm: ", samples.size(), " samples into ", out.size());
  require(peak >= 0, "pcm: the peak is ", peak);
  for (size_t i = 0; i < out.size(); ++i) {
    const float scaled = peak > 0 ? samples[i] / peak : 0.0f;
    const float clamped = std::isnan(scaled) ? 0.0f : std::clamp(scaled, -1.0f, 1.0f);
    out[i] = int16_t(clamped * 32767.0f);
  }
}

}  // namespace ts
