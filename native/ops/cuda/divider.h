// Division by a number that only the host knows, as a multiplication: kernels divide rows by sequence lengths.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define TS_HOST_DEVICE __host__ __device__
#else
#define TS_HOST_DEVICE
#endif

namespace ts::cuda {

// ⌊n/d⌋ for 0 ≤ n < 2³¹, 1 ≤ d < 2³¹ (Granlund and Montgomery, 1994): with s = ⌈log₂ d⌉ and m = ⌈2^(31 + s)/d⌉ < 2³² the
// error n·(m·d − 2^(31 + s))/(d·2^(31 + s)) stays below 1/d.
struct Divider {
  uint32_t divisor = 1, factor = 0x80000000u, shift = 31;

  Divider() = default;
  constexpr explicit Divider(uint32_t d) : divisor(d) {
    uint32_t s = 0;
    while (s < 31 && (uint64_t(1) << s) < d) ++s;
    shift = 31 + s;
    factor = uint32_t(((uint64_t(1) << shift) + d - 1) / d);
  }
  constexpr TS_HOST_DEVICE uint32_t quotient(uint32_t n) const { return uint32_t(uint64_t(n) * factor >> shift); }
  constexpr TS_HOST_DEVICE uint32_t remainder(uint32_t n) const { return n - quotient(n) * divisor; }
};

}  // namespace ts::cuda
