// High dynamic range and wide gamut to 8-bit sRGB.
//
//   code ─EOTF─► BT.2020 light, 1 = 203 cd/m² ─curve─► 0 … 1 ─matrix─► BT.709 light, clipped ─sRGB─► 8 bits
//
// PQ codes are light on the display; HLG codes are light of the scene, made a display's of 1000 cd/m² by its system
// gamma, 1.2. The curve is the EETF of BT.2390: in PQ units, unchanged below a knee, above it a Hermite spline that
// brings the content's peak to reference white; it acts on the largest of R, G, B and scales all three, so hues stay.
// Wide-gamut SDR takes the same way without a curve, by the display gamma of BT.1886.
//
// Cost     about 12 ns a pixel on one core: table look-ups, two square roots and one 3×3 product.
// Source   SMPTE ST 2084, ITU-R BT.2100 (HLG), BT.2390-10 §5.4.1, BT.2408 (203 cd/m²), BT.2087 (matrix), IEC 61966-2-1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ts::media {

enum class Transfer { kPq, kHlg, kGamma };

class ToneMap {
 public:
  // peak_nits: the brightest that the content holds, in cd/m²; used by PQ only. Brought to 203 … 10 000.
  ToneMap(Transfer transfer, double peak_nits);
  // RGB with 16 bits a channel, BT.2020 primaries, `transfer`-coded → RGB with 8 bits, sRGB.
  void convert(const uint16_t* from, uint8_t* to, size_t num_pixels) const;

 private:
  static constexpr size_t kSteps = 4096;  // tables over the square root of light, fine where the eye is
  using Table = std::array<float, kSteps + 1>;
  static float look_up(const Table& table, float root);

  Transfer transfer_;
  float max_light_;               // of the curve's table
  std::vector<float> light_;      // by code
  Table curve_{};                 // factor on the light, by √(largest / max_light)
  Table system_gamma_{};          // HLG: factor on the scene's light, by √luminance
  std::array<uint8_t, kSteps + 1> srgb_{};  // by √light
};

}  // namespace ts::media
