#include "media/tone_map.h"

#include <algorithm>
#include <cmath>

namespace ts::media {
namespace {

constexpr double kWhite = 203;        // cd/m² of reference white, which becomes sRGB's 1
constexpr double kHlgPeak = 1000;     // cd/m² of the display that HLG is graded for
constexpr double kHlgGamma = 1.2;     // its system gamma
constexpr double kDisplayGamma = 2.4; // BT.1886 on a black of 0

// ST 2084.
constexpr double kM1 = 2610.0 / 16384, kM2 = 2523.0 / 4096 * 128;
constexpr double kC1 = 3424.0 / 4096, kC2 = 2413.0 / 4096 * 32, kC3 = 2392.0 / 4096 * 32;

double pq_to_nits(double code) {
  const double p = std::pow(code, 1 / kM2);
  return 10000 * std::pow(std::max(p - kC1, 0.0) / (kC2 - kC3 * p), 1 / kM1);
}
double nits_to_pq(double nits) {
  const double y = std::pow(nits / 10000, kM1);
  return std::pow((kC1 + kC2 * y) / (1 + kC3 * y), kM2);
}

double hlg_to_scene(double code) {
  constexpr double a = 0.17883277, b = 1 - 4 * a;
  static const double c = 0.5 - a * std::log(4 * a);
  return code <= 0.5 ? code * code / 3 : (std::exp((code - c) / a) + b) / 12;
}

// BT.2390's EETF from a peak of `source` to reference white; everything in cd/m².
double roll_off(double nits, double source) {
  const double white = nits_to_pq(source);
  const double max_lum = nits_to_pq(kWhite) / white;
  const double knee = 1.5 * max_lum - 0.5;
  const double e = nits_to_pq(nits) / white;
  if (max_lum >= 1 || e < knee) return nits;
  const double t = (std::min(e, 1.0) - knee) / (1 - knee), t2 = t * t, t3 = t2 * t;
  const double out = (2 * t3 - 3 * t2 + 1) * knee + (t3 - 2 * t2 + t) * (1 - knee) + (-2 * t3 + 3 * t2) * max_lum;
  return pq_to_nits(out * white);
}

double srgb_encode(double v) { return v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055; }

// BT.2020 to BT.709 light, BT.2087 inverted.
constexpr float kToBt709[3][3] = {{1.660491f, -0.587641f, -0.072850f},
                                  {-0.124550f, 1.132900f, -0.008349f},
                                  {-0.018151f, -0.100579f, 1.118730f}};

}  // namespace

ToneMap::ToneMap(Transfer transfer, double peak_nits) : transfer_(transfer), light_(65536) {
  const double peak = transfer == Transfer::kPq ? std::clamp(peak_nits, kWhite, 10000.0) : kHlgPeak;
  max_light_ = float((transfer == Transfer::kPq ? 10000 : kHlgPeak) / kWhite);
  for (size_t i = 0; i < light_.size(); ++i) {
    const double code = double(i) / 65535;
    light_[i] = float(transfer == Transfer::kPq    ? pq_to_nits(code) / kWhite
                      : transfer == Transfer::kHlg ? hlg_to_scene(code)
                                                   : std::pow(code, kDisplayGamma));
  }
  for (size_t i = 0; i <= kSteps; ++i) {
    const double light = double(i) / kSteps * (double(i) / kSteps);
    const double nits = light * max_light_ * kWhite;
    curve_[i] = nits > 0 ? float(roll_off(nits, peak) / nits) : 1.0f;
    system_gamma_[i] = float(kHlgPeak / kWhite * std::pow(light, kHlgGamma - 1));
    srgb_[i] = uint8_t(std::lround(255 * srgb_encode(light)));
  }
}

float ToneMap::look_up(const Table& table, float root) {
  const float at = std::min(root, 1.0f) * float(kSteps);
  const size_t i = std::min(size_t(at), kSteps - 1);
  return table[i] + (at - float(i)) * (table[i + 1] - table[i]);
}

void ToneMap::convert(const uint16_t* from, uint8_t* to, size_t num_pixels) const {
  for (size_t i = 0; i < num_pixels; ++i, from += 3, to += 3) {
    float r = light_[from[0]], g = light_[from[1]], b = light_[from[2]];
    if (transfer_ != Transfer::kGamma) {
      float factor = 1;
      if (transfer_ == Transfer::kHlg) factor = look_up(system_gamma_, std::sqrt(0.2627f * r + 0.6780f * g + 0.0593f * b));
      factor *= look_up(curve_, std::sqrt(factor * std::max({r, g, b}) / max_light_));
      r *= factor;
      g *= factor;
      b *= factor;
    }
    for (int c = 0; c < 3; ++c) {
      const float light = kToBt709[c][0] * r + kToBt709[c][1] * g + kToBt709[c][2] * b;
      to[c] = srgb_[size_t(std::sqrt(std::clamp(light, 0.0f, 1.0f)) * float(kSteps) + 0.5f)];
    }
  }
}

}  // namespace ts::media
