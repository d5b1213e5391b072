#include "core/dtype.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

using namespace ts;

namespace {

// The value of an f16 by the definition of the format.
double f16_value(uint16_t bits) {
  const int exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

// Nearest of all finite f16 values, ties to the even one; from halfway beyond the largest on, infinity.
uint16_t nearest_f16(float value) {
  const double magnitude = std::fabs(double(value));
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (magnitude >= 65520) return sign | 0x7C00;
  int low = 0, high = 0x7BFF;  // the bits of positive values are in order of value
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (f16_value(uint16_t(middle)) <= magnitude ? low : high) = middle;
  }
  const double below = magnitude - f16_value(uint16_t(low)), above = f16_value(uint16_t(high)) - magnitude;
  const int nearest = below < above ? low : above < below ? high : (low % 2 == 0 ? low : high);
  return sign | uint16_t(nearest);
}

}  // namespace

TEST_CASE("dtype: every finite f16 has the value that the format defines and survives the way back") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7C00) == 0x7C00) continue;
    const float value = to_float(f16{uint16_t(bits)});
    REQUIRE(double(value) == f16_value(uint16_t(bits)));
    REQUIRE(to_f16(value).bits == bits);
  }
}

TEST_CASE("dtype: f16 keeps infinities, NaN and signs") {
  CHECK(to_float(f16{0x7C00}) == INFINITY);
  CHECK(to_float(f16{0xFC00}) == -INFINITY);
  CHECK(to_f16(INFINITY).bits == 0x7C00);
  CHECK(to_f16(-INFINITY).bits == 0xFC00);
  for (uint32_t payload = 1; payload < 0x400; ++payload) CHECK(std::isnan(to_float(f16{uint16_t(0x7C00 | payload)})));
  // The smallest payload must not be rounded away into infinity.
  CHECK(std::isnan(to_float(to_f16(std::bit_cast<float>(0x7F800001u)))));
  CHECK(std::isnan(to_float(to_f16(-std::bit_cast<float>(0x7FC00000u)))));
  CHECK(to_f16(-0.0f).bits == 0x8000);
}

TEST_CASE("dtype: f32 becomes the nearest f16, ties to even") {
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) {
    const uint32_t bits = uint32_t(random());
    const float value = std::bit_cast<float>(bits);
    if (std::isnan(value)) continue;
    REQUIRE(to_f16(value).bits == nearest_f16(value));
  }
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {  // every midpoint, and its neighbours
    const float middle = float((f16_value(uint16_t(bits)) + f16_value(uint16_t(bits + 1))) / 2);
    for (float value : {std::nextafter(middle, 0.0f), middle, std::nextafter(middle, INFINITY)})
      REQUIRE(to_f16(value).bits == nearest_f16(value));
  }
  CHECK(to_f16(65519.996f).bits == 0x7BFF);
  CHECK(to_f16(65520.0f).bits == 0x7C00);
  CHECK(to_f16(0x1p-25f).bits == 0);                           // halfway to the smallest subnormal: even
  CHECK(to_f16(std::nextafter(0x1p-25f, 1.0f)).bits == 1);
}

TEST_CASE("dtype: f32 becomes the nearest bf16, ties to even, and NaN stays NaN") {
  CHECK(to_bf16(1.0f).bits == 0x3F80);
  CHECK(to_bf16(std::bit_cast<float>(0x3F808000u)).bits == 0x3F80);  // tie, even below
  CHECK(to_bf16(std::bit_cast<float>(0x3F818000u)).bits == 0x3F82);  // tie, even above
  CHECK(to_bf16(std::bit_cast<float>(0x3F808001u)).bits == 0x3F81);
  CHECK(to_bf16(std::bit_cast<float>(0x7F7FFFFFu)).bits == 0x7F80);  // the largest f32 rounds to infinity
  CHECK(std::isnan(to_float(to_bf16(std::bit_cast<float>(0x7F800001u)))));
  CHECK(to_float(to_bf16(-INFINITY)) == -INFINITY);
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = to_float(bf16{uint16_t(bits)});
    if (!std::isnan(value)) REQUIRE(to_bf16(value).bits == bits);
  }
}

TEST_CASE("dtype: every e4m3 has the value that the format defines, and f32 becomes the nearest, ties to even") {
  std::vector<double> values;  // of the positive ones, in order
  for (int bits = 0; bits < 0x7F; ++bits) {
    const int exponent = bits >> 3, mantissa = bits & 7;
    values.push_back(exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10));
    REQUIRE(double(to_float(e4m3{uint8_t(bits)})) == values.back());
    REQUIRE(double(to_float(e4m3{uint8_t(bits | 0x80)})) == -values.back());
    REQUIRE(std::signbit(to_float(e4m3{uint8_t(bits | 0x80)})));
    REQUIRE(to_e4m3(float(values.back())).bits == bits);
    REQUIRE(to_e4m3(-float(values.back())).bits == (bits | 0x80));
  }
  CHECK(values.back() == kLargestE4m3);
  for (size_t bits = 0; bits + 1 < values.size(); ++bits) {
    const float middle = float((values[bits] + values[bits + 1]) / 2);
    REQUIRE(to_e4m3(middle).bits == (bits % 2 ? bits + 1 : bits));
    REQUIRE(to_e4m3(std::nextafter(middle, 0.0f)).bits == bits);
    REQUIRE(to_e4m3(std::nextafter(middle, INFINITY)).bits == bits + 1);
  }
  for (float beyond : {448.1f, 463.9f, 480.0f, 1e30f, INFINITY}) {
    CHECK(to_e4m3(beyond).bits == 0x7E);
    CHECK(to_e4m3(-beyond).bits == 0xFE);
  }
  CHECK(to_e4m3(1e-30f).bits == 0);
  CHECK(to_e4m3(-0.0f).bits == 0x80);
  for (uint8_t bits : {0x7F, 0xFF}) CHECK(std::isnan(to_float(e4m3{bits})));
  CHECK(to_e4m3(NAN).bits == 0x7F);
}
