// A bijection of 64-bit numbers in which every bit of the answer hangs on every bit of the question.
// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
#pragma once

#include <cstdint>

namespace ts {

constexpr uint64_t kGoldenGamma = 0x9E3779B97F4A7C15u;  // the step between the questions of one sequence

constexpr uint64_t split_mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xBF58476D1CE4E5B9u;
  x ^= x >> 27;
  x *= 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace ts
