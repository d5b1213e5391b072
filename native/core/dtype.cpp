#include "core/dtype.h"

namespace ts {
namespace {

constexpr uint32_t kF32ExponentBias = 127, kF16ExponentBias = 15, kE4m3ExponentBias = 7;
constexpr int kMantissaDrop = 23 - 10;  // mantissa bits that f32 has and f16 has not
constexpr int kE4m3MantissaDrop = 23 - 3;

}  // namespace

float to_float(f16 value) {
  const uint32_t sign = uint32_t(value.bits & 0x8000u) << 16;
  const uint32_t exponent = (value.bits >> 10) & 0x1Fu;
  const uint32_t mantissa = value.bits & 0x3FFu;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << kMantissaDrop));
  if (exponent == 0) {  // zero and subnormals: mantissa · 2⁻²⁴, exact in f32
    const float magnitude = float(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  return std::bit_cast<float>(sign | ((exponent + kF32ExponentBias - kF16ExponentBias) << 23) |
                              (mantissa << kMantissaDrop));
}

float to_float(e4m3 value) {
  const uint32_t sign = uint32_t(value.bits & 0x80u) << 24, exponent = (value.bits >> 3) & 0xFu, mantissa = value.bits & 7u;
  if ((value.bits & 0x7Fu) == 0x7F) return std::bit_cast<float>(sign | 0x7FC00000u);
  if (exponent == 0) return std::bit_cast<float>(std::bit_cast<uint32_t>(float(mantissa) * 0x1p-9f) | sign);
  return std::bit_cast<float>(sign | ((exponent + kF32ExponentBias - kE4m3ExponentBias) << 23) | (mantissa << kE4m3MantissaDrop));
}

e4m3 to_e4m3(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value), magnitude = bits & 0x7FFFFFFFu;
  const uint8_t sign = uint8_t(bits >> 24 & 0x80u), largest = 0x7E;
  if (magnitude > 0x7F800000u) return {uint8_t(sign | 0x7Fu)};
  if (magnitude >= std::bit_cast<uint32_t>(kLargestE4m3)) return {uint8_t(sign | largest)};
  if (magnitude < std::bit_cast<uint32_t>(0x1p-6f)) {  // subnormal: the unit in the last place of 2¹⁴ is 2⁻⁹, and the addition rounds
    const float aligned = std::bit_cast<float>(magnitude) + 0x1p14f;
    return {uint8_t(sign | (std::bit_cast<uint32_t>(aligned) - std::bit_cast<uint32_t>(0x1p14f)))};
  }
  const uint32_t rounded = magnitude + ((1u << (kE4m3MantissaDrop - 1)) - 1u) + (magnitude >> kE4m3MantissaDrop & 1u);
  return {uint8_t(sign | ((rounded - ((kF32ExponentBias - kE4m3ExponentBias) << 23)) >> kE4m3MantissaDrop))};
}

f16 to_f16_saturated(float value) {
  return to_f16(value > kLargestF16 ? kLargestF16 : value < -kLargestF16 ? -kLargestF16 : value);
}

f16 to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = uint16_t((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u)  // NaN: keep the top of the payload, quiet
    return {uint16_t(sign | 0x7E00u | ((magnitude >> kMantissaDrop) & 0x1FFu))};
  if (magnitude >= 0x47800000u) return {uint16_t(sign | 0x7C00u)};  // 2¹⁶ and above
  if (magnitude < 0x38800000u) {
    // Below 2⁻¹⁴ the result is subnormal. Adding 0.5 aligns the mantissa so that the unit in the last place is 2⁻²⁴,
    // and the addition itself rounds to nearest even.
    const float aligned = std::bit_cast<float>(magnitude) + 0.5f;
    return {uint16_t(sign | (std::bit_cast<uint32_t>(aligned) - std::bit_cast<uint32_t>(0.5f)))};
  }
  // A carry out of the mantissa moves into the exponent, up to infinity, as it should.
  const uint32_t odd = (magnitude >> kMantissaDrop) & 1u;
  const uint32_t rounded = magnitude + ((1u << (kMantissaDrop - 1)) - 1u) + odd;
  return {uint16_t(sign | ((rounded - ((kF32ExponentBias - kF16ExponentBias) << 23)) >> kMantissaDrop))};
}

}  // namespace ts
