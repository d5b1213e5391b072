#include "runtime/memory_advice.h"

#include <doctest/doctest.h>

#include "pipeline/lengths.h"

namespace ts {
namespace {

// Sampling takes 10 bytes a second, decoding 1 a latent of its chunk.
uint64_t plan(double duration_s, int64_t decode_chunk) { return std::max(uint64_t(10 * duration_s), uint64_t(decode_chunk)); }

std::optional<MemoryNeed> within(uint64_t available, const MemoryNeed& asked) {
  return find_fitting(asked, plan, [=](uint64_t bytes) { return bytes <= available; });
}

TEST_CASE("memory advice: smaller decode chunks before shorter sounds, the largest of either that fits") {
  const MemoryNeed asked{8, 256, 0};
  const auto is = [&](uint64_t available, double duration_s, int64_t chunk) {
    CAPTURE(available);
    const auto found = within(available, asked);
    REQUIRE(found);
    CHECK(found->duration_s == duration_s);
    CHECK(found->decode_chunk == chunk);
    CHECK(found->bytes == plan(duration_s, chunk));
    CHECK(found->bytes <= available);
  };
  is(256, 8, 256);
  is(255, 8, 128);
  is(80, 8, 64);
  is(79, 6, 64);
  is(45, 4, 32);
  is(10, 1, 8);
  CHECK(!within(9, asked));
  CHECK(within(60, {8, 0, 0})->duration_s == 6);  // nothing is decoded
  CHECK(within(15, {1.25, 1, 0})->duration_s == 1.25);
  CHECK(within(11, {1.25, 1, 0})->duration_s == kMinDuration);
}

TEST_CASE("memory advice: the sentence says what to change and what it takes") {
  const MemoryNeed asked{8, 32, 0};
  CHECK(describe_fitting(asked, MemoryNeed{8, 16, 21'400'000}) == "what would fit: decode_chunk 16, 21.4 MB of activations");
  CHECK(describe_fitting(asked, MemoryNeed{4, 32, 1'000'000}) == "what would fit: 4 s, 1 MB of activations");
  CHECK(describe_fitting(asked, MemoryNeed{4, 2, 500'000}) == "what would fit: 4 s with decode_chunk 2, 0.5 MB of activations");
  CHECK(describe_fitting(asked, std::nullopt) == "not even 1 s of sound would fit");
}

}  // namespace
}  // namespace ts
