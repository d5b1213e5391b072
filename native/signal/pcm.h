// The last steps of a sound: its exact length, its end, its gain, its 16-bit form.
#pragma once

#include <cstdint>
#include <span>

namespace ts {

// round(duration_s · sample_rate): what a sound of that duration is trimmed to. TS_INVALID_ARGUMENT unless the
// duration is finite and not negative, and the result below 2⁵³.
int64_t samples_of(double duration_s, int64_t sample_rate);

// A sound that is cut at its exact length ends in a raised-cosine fade of this duration, so that the cut is no click.
inline constexpr double kEndFade_s = 0.005;
// Fades one channel of one block in place: `block` holds samples [offset, offset + size) of a sound of num_samples.
// Block by block or whole, the result is the same; samples before the fade are not touched.
void fade_end(std::span<float> block, int64_t offset, int64_t num_samples, int64_t sample_rate);

// max|x|, NaN ignored, 0 for nothing. Over one item, or over the whole batch as the reference does (spec 03 §6).
float peak_of(std::span<const float> samples);

// The reference's output stage: x/peak, clamped to ±1, ×32767, truncated toward zero, every step in f32. Peak 1 leaves
// the gain alone. A peak of 0 (silence, where the reference divides by zero) and NaN samples give 0.
// TS_INVALID_ARGUMENT when the lengths differ or the peak is negative or NaN.
void to_int16(std::span<const float> samples, float peak, std::span<int16_t> out);

}  // namespace ts
