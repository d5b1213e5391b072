#include "pipeline/lengths.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace ts {

Lengths lengths_for(double duration_s, ts_length_rule rule, int64_t sample_rate, int64_t hop) {
  require(duration_s >= kMinDuration && duration_s <= kMaxDuration, "duration ", duration_s, " s is outside ", kMinDuration, " … ",
          kMaxDuration, " s; longer sounds are made in parts");
  Lengths lengths;
  if (rule == TS_LENGTHS_REFERENCE) {
    const int64_t seconds = int64_t(duration_s);
    // Python's round: half to even, which is what nearbyint does in the default rounding mode. The reference divides
    // the rate first by 64, then by 32.
    lengths.latent = int64_t(std::nearbyint(double(sample_rate) / double(hop) * duration_s));
    lengths.clip = 8 * seconds;
    lengths.sync = 24 * seconds;
    lengths.sync_frames = int64_t(25.0 * duration_s);
    lengths.samples = hop * lengths.latent;
    return lengths;
  }
  require(rule == TS_LENGTHS_EXACT, "lengths: unknown rule ", rule);
  lengths.latent = int64_t(std::ceil(duration_s * double(sample_rate) / double(hop)));
  lengths.clip = std::max<int64_t>(1, std::llround(8.0 * duration_s));
  lengths.sync = 8 * std::max<int64_t>(1, std::llround(3.0 * duration_s));
  lengths.sync_frames = lengths.sync + 8;
  lengths.samples = std::llround(duration_s * double(sample_rate));
  return lengths;
}

}  // namespace ts
