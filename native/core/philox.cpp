#include "core/philox.h"

#include <cmath>
#include <numbers>

namespace ts {

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  // Multipliers and Weyl increments of the paper's table 2.
  constexpr uint64_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = kMultiplier0 * counter[0], product1 = kMultiplier1 * counter[2];
    counter = {uint32_t(product1 >> 32) ^ counter[1] ^ key[0], uint32_t(product1),
               uint32_t(product0 >> 32) ^ counter[3] ^ key[1], uint32_t(product0)};
    key = {key[0] + kWeyl0, key[1] + kWeyl1};
  }
  return counter;
}

void fill_normal(std::span<float> out, uint64_t seed, uint64_t stream) {
  const std::array<uint32_t, 2> key{uint32_t(seed), uint32_t(seed >> 32)};
  for (size_t block = 0; block * 4 < out.size(); ++block) {
    const auto random = philox4x32_10(
        {uint32_t(block), uint32_t(uint64_t(block) >> 32), uint32_t(stream), uint32_t(stream >> 32)}, key);
    for (size_t pair = 0; pair < 2; ++pair) {
      // Box and Muller, 1958. The radius draws from (0, 1], so its logarithm is finite.
      const double radius = std::sqrt(-2.0 * std::log((double(random[2 * pair]) + 1.0) * 0x1p-32));
      const double angle = 2.0 * std::numbers::pi * (double(random[2 * pair + 1]) * 0x1p-32);
      const size_t i = block * 4 + pair * 2;
      if (i < out.size()) out[i] = float(radius * std::cos(angle));
      if (i + 1 < out.size()) out[i + 1] = float(radius * std::sin(angle));
    }
  }
}

}  // namespace ts
