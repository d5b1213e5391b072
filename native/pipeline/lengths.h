// How long everything is for a duration of sound. Spec 00 §2; the exact rule is ours.
#pragma once

#include <cstdint>

#include "thinksound.h"

namespace ts {

struct Lengths {
  int64_t latent = 0;       // N
  int64_t clip = 0;         // C, frames at 8 per second
  int64_t sync = 0;         // S, features, a multiple of 8
  int64_t sync_frames = 0;  // frames at 25 per second that give S features
  int64_t samples = 0;      // of the finished sound, per channel
};

constexpr double kMinDuration = 1.0, kMaxDuration = 60.0;

// TS_INVALID_ARGUMENT outside 1 … 60 s.
//
// The reference rounds N to the nearest and takes whole seconds for C and S, so a fractional duration stretches the
// picture over the sound, and it never cuts the sound. The exact rule covers the duration and cuts it to the sample.
Lengths lengths_for(double duration_s, ts_length_rule rule, int64_t sample_rate, int64_t hop);

}  // namespace ts
