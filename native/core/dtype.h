// Element types and the conversions between them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ts {

enum class DType : uint8_t { f32, f64, f16, bf16, i64, i32, i16, u8, i8, e4m3 };

constexpr size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f64: case DType::i64: return 8;
    case DType::f32: case DType::i32: return 4;
    case DType::f16: case DType::bf16: case DType::i16: return 2;
    case DType::u8: case DType::i8: case DType::e4m3: return 1;
  }
  return 0;
}

constexpr std::string_view name_of(DType dtype) {
  constexpr std::string_view names[] = {"f32", "f64", "f16", "bf16", "i64", "i32", "i16", "u8", "i8", "e4m3"};
  return names[static_cast<size_t>(dtype)];
}

// Storage-only floats of 16 and of 8 bits: arithmetic happens after widening. e4m3 is sign, four bits of exponent, three of
// mantissa: normal from 2⁻⁶ to 448, without infinities.
struct bf16 { uint16_t bits; };
struct f16 { uint16_t bits; };
struct e4m3 { uint8_t bits; };

inline float to_float(float value) { return value; }
inline float to_float(int8_t value) { return float(value); }
inline float to_float(bf16 value) { return std::bit_cast<float>(uint32_t(value.bits) << 16); }
float to_float(f16 value);
float to_float(e4m3 value);

// Round to nearest, ties to even; NaN stays NaN.
inline bf16 to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return {uint16_t((bits >> 16) | 0x40u)};
  return {uint16_t((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16)};
}
f16 to_f16(float value);

constexpr float kLargestF16 = 65504.0f;
// The same, but everything beyond ±65504, infinity too, becomes that; NaN stays NaN. How values are stored to be read by
// products: an outlier that is cut off costs less than one that makes every sum it meets infinite.
f16 to_f16_saturated(float value);

constexpr float kLargestE4m3 = 448.0f;
// Round to nearest, ties to even; everything beyond ±448 becomes that; NaN stays NaN.
e4m3 to_e4m3(float value);

// f32, or a type whose values products read and accumulate in f32.
constexpr bool is_product_type(DType dtype) { return dtype == DType::f32 || dtype == DType::bf16 || dtype == DType::f16; }
// `value` as a product of `dtype` reads it.
inline float as_stored(float value, DType dtype) {
  return dtype == DType::bf16 ? to_float(to_bf16(value)) : dtype == DType::f16 ? to_float(to_f16_saturated(value)) : value;
}

template <class T> constexpr DType dtype_of();
template <> constexpr DType dtype_of<float>() { return DType::f32; }
template <> constexpr DType dtype_of<double>() { return DType::f64; }
template <> constexpr DType dtype_of<f16>() { return DType::f16; }
template <> constexpr DType dtype_of<bf16>() { return DType::bf16; }
template <> constexpr DType dtype_of<int64_t>() { return DType::i64; }
template <> constexpr DType dtype_of<int32_t>() { return DType::i32; }
template <> constexpr DType dtype_of<int16_t>() { return DType::i16; }
template <> constexpr DType dtype_of<uint8_t>() { return DType::u8; }
template <> constexpr DType dtype_of<int8_t>() { return DType::i8; }

}  // namespace ts
