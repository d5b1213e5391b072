#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "runtime/pcm_ring.h"

using namespace ts;

TEST_CASE("pcm ring: gives back what was written, interleaved, across the seam") {
  PcmRing ring(5);
  const float left[] = {1, 2, 3, 4, 5, 6, 7}, right[] = {-1, -2, -3, -4, -5, -6, -7};
  float out[14] = {};
  CHECK(ring.write(left, right, 3) == 3);
  CHECK(ring.read(out, 2) == 2);
  CHECK(out[0] == 1);
  CHECK(out[1] == -1);
  CHECK(out[3] == -2);
  CHECK(ring.write(left + 3, right + 3, 4) == 4);  // full: 3, 4, 5, 6, 7
  CHECK(ring.write(left, right, 1) == 0);
  CHECK(ring.read(out, 7) == 5);
  for (int i = 0; i < 5; ++i) {
    CHECK(out[2 * i] == left[i + 2]);
    CHECK(out[2 * i + 1] == right[i + 2]);
  }
  CHECK(ring.read(out, 1) == 0);
  CHECK(ring.written() == 7);
}

TEST_CASE("pcm ring: one writer and one reader at full speed lose nothing") {
  constexpr uint64_t kTotal = 300'000;
  PcmRing ring(97);
  std::thread writer([&] {
    for (uint64_t at = 0; at < kTotal;) {
      float left[31], right[31];
      const uint64_t count = std::min<uint64_t>(31, kTotal - at);
      for (uint64_t i = 0; i < count; ++i) left[i] = float(at + i), right[i] = -float(at + i);
      const uint64_t written = ring.write(left, right, count);
      if (written == 0) std::this_thread::yield();  // two threads may share one core
      at += written;
    }
  });
  std::vector<float> block(2 * 53);
  uint64_t at = 0, wrong = 0;
  while (at < kTotal) {
    const uint64_t count = ring.read(block.data(), 53);
    for (uint64_t i = 0; i < count; ++i) wrong += block[2 * i] != float(at + i) || block[2 * i + 1] != -float(at + i);
    if (count == 0) std::this_thread::yield();
    at += count;
  }
  writer.join();
  CHECK(wrong == 0);
}
