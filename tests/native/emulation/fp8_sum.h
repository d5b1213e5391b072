// What Hopper's tensor cores make of a sum of products of e4m3, bit by bit.
//
//   c + Σ a[k]·b[k]     2ᵉ = the largest of 2^(exponent of a[k] + exponent of b[k]) and of c's, e4m3's subnormals counting as 2⁻⁶;
//                       c and every product are cut off, towards zero, 13 bits behind 2ᵉ, added exactly,
//                       and the sum is cut off 13 bits behind its own leading bit
//
// Source   DeepSeek-V3, 2024, § 3.3.2: products are aligned to the largest and cut off; SageAttention2, 2024: c keeps 13 bits. The rest
//          was told by an H200: of 156 products in linear_test these lines, in place of wgmma, put the same 19 beyond the bound that
//          stood there before, each by the same element, value and error in all six digits printed.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/dtype.h"

namespace ts::emulation {

class Fp8Sum {
 public:
  static constexpr int kBits = 13, kProducts = 32;  // of one instruction, at most

  // c + Σ a[k]·b[k] over count ≤ kProducts.
  static float add(float c, const e4m3* a, const e4m3* b, int count) {
    int32_t product[kProducts], exponent[kProducts], top = kNone;
    for (int k = 0; k < count; ++k) {
      if (is_nan(a[k]) || is_nan(b[k])) return std::numeric_limits<float>::quiet_NaN();
      product[k] = significand(a[k]) * significand(b[k]);
      exponent[k] = exponent_of(a[k]) + exponent_of(b[k]);
      if (product[k] != 0) top = std::max(top, exponent[k]);
    }
    if (!std::isfinite(c)) return c;
    if (c != 0) top = std::max(top, std::ilogb(c));
    if (top == kNone) return 0;
    int64_t sum = int64_t(std::ldexp(double(c), kBits - top));
    for (int k = 0; k < count; ++k) {
      const int down = top - exponent[k] - (kBits - 2 * kMantissa);
      const int64_t size = std::abs(product[k]), cut = down <= 0 ? size << -down : down < 31 ? size >> down : 0;
      sum += product[k] < 0 ? -cut : cut;
    }
    const uint64_t size = uint64_t(std::abs(sum));
    const int beyond = std::max(int(std::bit_width(size)) - (kBits + 1), 0);
    const double kept = std::ldexp(double(size >> beyond), beyond + top - kBits);
    return float(sum < 0 ? -kept : kept);
  }

 private:
  static constexpr int kMantissa = 3, kBias = 7, kNone = -(1 << 20);
  static bool is_nan(e4m3 value) { return (value.bits & 0x7F) == 0x7F; }
  static int32_t field(e4m3 value) { return value.bits >> kMantissa & 15; }
  static int32_t exponent_of(e4m3 value) { return std::max(field(value), 1) - kBias; }
  // In units of 2^(exponent − kMantissa).
  static int32_t significand(e4m3 value) {
    const int32_t size = (value.bits & 7) | (field(value) != 0 ? 8 : 0);
    return value.bits & 0x80 ? -size : size;
  }
};

}  // namespace ts::emulation
