#include <doctest/doctest.h>

#include <limits>

#include "core/error.h"
#include "pipeline/lengths.h"

using namespace ts;

TEST_CASE("lengths: the reference's latent lengths of 1 to 20 seconds") {
  // spec 00 §2
  const int64_t expected[] = {22, 43, 65, 86, 108, 129, 151, 172, 194, 215, 237, 258, 280, 301, 323, 345, 366, 388, 409, 431};
  for (int seconds = 1; seconds <= 20; ++seconds) {
    const Lengths lengths = lengths_for(seconds, TS_LENGTHS_REFERENCE, 44100, 2048);
    CHECK(lengths.latent == expected[seconds - 1]);
    CHECK(lengths.clip == 8 * seconds);
    CHECK(lengths.sync == 24 * seconds);
    CHECK(lengths.sync_frames == 25 * seconds);
    CHECK(lengths.samples == 2048 * lengths.latent);
  }
}

TEST_CASE("lengths: the reference's fractional durations stretch the picture") {
  const Lengths lengths = lengths_for(9.75, TS_LENGTHS_REFERENCE, 44100, 2048);
  CHECK(lengths.latent == 210);  // 209.95
  CHECK(lengths.clip == 72);
  CHECK(lengths.sync == 216);
  CHECK(lengths.sync_frames == 243);
}

TEST_CASE("lengths: the exact rule covers every duration and is cut to the sample") {
  for (double duration = 1.0; duration <= 60.0; duration += 0.0137) {
    const Lengths lengths = lengths_for(duration, TS_LENGTHS_EXACT, 44100, 2048);
    CHECK(lengths.latent * 2048 >= lengths.samples);
    CHECK(double((lengths.latent - 1) * 2048) < duration * 44100);
    CHECK(lengths.sync % 8 == 0);
    CHECK(lengths.sync_frames == lengths.sync + 8);
  }
  const Lengths short_one = lengths_for(1.0, TS_LENGTHS_EXACT, 44100, 2048);
  CHECK(short_one.clip == 8);
  CHECK(short_one.sync == 24);
  CHECK(short_one.samples == 44100);
}

TEST_CASE("lengths: durations outside 1 … 60 s are refused, and so is NaN") {
  for (double duration : {0.0, 0.99, 60.01, -1.0, 1e300, std::numeric_limits<double>::quiet_NaN()}) CHECK_THROWS_AS(lengths_for(duration, TS_LENGTHS_EXACT, 44100, 2048), Error);
}
