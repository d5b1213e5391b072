// Luma and chroma of 8 bits → RGB of 8 bits, in the integers of FFmpeg's conversion with x86's vectors, hence of the
// reference's frames.
//
//   L = 8·(Y − black)·y >> 16,  U = 8·(Cb − 128),  V = 8·(Cr − 128)
//   R = L + (V·rv >> 16)        G = L + (U·gu >> 16) + (V·gv >> 16)        B = L + (U·bu >> 16),  cut to 0 … 255
//
// Every factor and every sum fits 16 bits with its sign, so a vector multiplies and keeps the upper half.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ts::ops {

enum class YuvColor : uint8_t { bt601, bt601_full, bt709, bt709_full };

// Factors in units of 2^-13.
struct YuvToRgb {
  int32_t black, y, rv, gu, gv, bu;

  void operator()(int32_t luma, int32_t cb, int32_t cr, uint8_t* rgb) const {
    const int32_t l = (8 * (luma - black) * y) >> 16, u = 8 * (cb - 128), v = 8 * (cr - 128);
    rgb[0] = uint8_t(std::clamp(l + ((v * rv) >> 16), 0, 255));
    rgb[1] = uint8_t(std::clamp(l + ((u * gu) >> 16) + ((v * gv) >> 16), 0, 255));
    rgb[2] = uint8_t(std::clamp(l + ((u * bu) >> 16), 0, 255));
  }
};

// Of limited range y = 2^13·255/219; the others are the matrix's entries times 255/224, of full range without.
constexpr YuvToRgb yuv_to_rgb(YuvColor color) {
  switch (color) {
    case YuvColor::bt601: return {16, 9539, 13075, -3209, -6660, 16525};
    case YuvColor::bt601_full: return {0, 8192, 11485, -2819, -5850, 14516};
    case YuvColor::bt709: return {16, 9539, 14686, -1747, -4366, 17305};
    case YuvColor::bt709_full: break;
  }
  return {0, 8192, 12901, -1534, -3835, 15201};
}

}  // namespace ts::ops
