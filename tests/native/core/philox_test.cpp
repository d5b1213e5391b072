#include "core/philox.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace ts;

namespace {
using Counter = std::array<uint32_t, 4>;

std::vector<float> normals(size_t count, uint64_t seed, uint64_t stream) {
  std::vector<float> values(count);
  fill_normal(values, seed, stream);
  return values;
}
}  // namespace

TEST_CASE("philox: gives the known answers of its authors") {
  // Random123, tests/kat_vectors, philox4x32 with 10 rounds.
  CHECK(philox4x32_10({0, 0, 0, 0}, {0, 0}) == Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32_10({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) == Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox: element i depends on seed, stream and i alone, for every tail length") {
  const std::vector<float> whole = normals(1003, 42, 7);
  for (size_t length : {0, 1, 2, 3, 4, 5, 6, 7, 255, 257, 1002}) {
    const std::vector<float> part = normals(length, 42, 7);
    CHECK(std::equal(part.begin(), part.end(), whole.begin()));
  }
}

TEST_CASE("philox: all 64 bits of seed and stream matter") {
  const std::vector<float> base = normals(8, 1, 1);
  for (int bit = 0; bit < 64; ++bit) {
    CHECK(normals(8, 1 ^ (uint64_t(1) << bit), 1) != base);
    CHECK(normals(8, 1, 1 ^ (uint64_t(1) << bit)) != base);
  }
}

TEST_CASE("philox: the noise is normal in moments, in distribution and between streams") {
  constexpr size_t kCount = 1 << 20;
  const double n = double(kCount);
  for (uint64_t seed : {0ull, 1ull, 0xFFFFFFFFFFFFFFFFull}) {
    std::vector<float> values = normals(kCount, seed, 3);
    const std::vector<float> other = normals(kCount, seed, 4);
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0, cross = 0, lag = 0;
    for (size_t i = 0; i < kCount; ++i) {
      const double x = values[i];
      m1 += x, m2 += x * x, m3 += x * x * x, m4 += x * x * x * x, cross += x * other[i];
      if (i) lag += x * values[i - 1];
    }
    // Five standard deviations of each estimate; those of x, x², x³, x⁴ are 1, √2, √15, √96.
    const double sigma = 5 / std::sqrt(n);
    CHECK(std::fabs(m1 / n) < sigma);
    CHECK(std::fabs(m2 / n - 1) < sigma * std::sqrt(2.0));
    CHECK(std::fabs(m3 / n) < sigma * std::sqrt(15.0));
    CHECK(std::fabs(m4 / n - 3) < sigma * std::sqrt(96.0));
    CHECK(std::fabs(cross / n) < sigma);
    CHECK(std::fabs(lag / n) < sigma);
    // Kolmogorov and Smirnov: 1.95/√n is exceeded by chance once in a thousand.
    std::sort(values.begin(), values.end());
    double distance = 0;
    for (size_t i = 0; i < kCount; ++i) {
      const double cdf = 0.5 * std::erfc(-double(values[i]) / std::sqrt(2.0));
      distance = std::max({distance, std::fabs(cdf - double(i) / n), std::fabs(cdf - double(i + 1) / n)});
    }
    CHECK(distance < 1.95 / std::sqrt(n));
    CHECK(std::isfinite(values.front()));
    CHECK(values.back() < 6.7f);  // √(2·ln 2³²)
  }
}
