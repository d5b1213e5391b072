#include "runtime/memory_advice.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "pipeline/lengths.h"

namespace ts {
namespace {

constexpr int64_t kSmallestChunk = 1;
constexpr double kShares[] = {1, 0.75, 0.5, 0.25, 0.125};  // of the duration

double shortened(double duration_s, double share) {
  return share == 1 ? duration_s : std::max(kMinDuration, std::floor(duration_s * share * 10) / 10);
}

}  // namespace

std::optional<MemoryNeed> find_fitting(const MemoryNeed& asked, const std::function<uint64_t(double duration_s, int64_t decode_chunk)>& plan,
                                       const std::function<bool(uint64_t bytes)>& fits) {
  for (double share : kShares) {
    MemoryNeed need{shortened(asked.duration_s, share), asked.decode_chunk, 0};
    for (;; need.decode_chunk /= 2) {
      need.bytes = plan(need.duration_s, need.decode_chunk);
      if (fits(need.bytes)) return need;
      if (need.decode_chunk <= kSmallestChunk) break;
    }
    if (need.duration_s <= kMinDuration) break;
  }
  return std::nullopt;
}

std::string describe_fitting(const MemoryNeed& asked, const std::optional<MemoryNeed>& fitting) {
  if (!fitting) return concat("not even ", kMinDuration, " s of sound would fit");
  const bool is_shorter = fitting->duration_s != asked.duration_s, is_chunked = fitting->decode_chunk != asked.decode_chunk;
  const std::string duration = is_shorter ? concat(fitting->duration_s, " s") : "";
  const std::string chunk = is_chunked ? concat("decode_chunk ", fitting->decode_chunk) : "";
  const std::string change = duration + (is_shorter && is_chunked ? " with " : "") + chunk;
  return concat("what would fit: ", change.empty() ? "the same again, now that other memory is free" : change, ", ", fitting->bytes / 1e6,
                " MB of activations");
}

}  // namespace ts
