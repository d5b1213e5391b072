#include "signal/mel.h"

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "core/error.h"
#include "core/philox.h"
#include "runtime/thread_pool.h"

namespace ts {
namespace {

// docs/mel-codec.md, "Analysis", in f64 and in the plainest way.
std::vector<double> analyse_plainly(const std::vector<float>& left, const std::vector<float>& right, const MelShape& s, int64_t frame) {
  std::vector<double> centres, y;
  for (int64_t b = 0; b < s.num_bands; ++b)
    centres.push_back(mel_to_hz(hz_to_mel(s.bin_hz()) + (hz_to_mel(s.max_hz) - hz_to_mel(s.bin_hz())) * double(b) / double(s.num_bands - 1)));
  for (const std::vector<float>* sound : {&left, &right}) {
    std::vector<double> a;
    for (int64_t k = 0; k < s.num_bins(); ++k) {
      std::complex<double> sum = 0;
      for (int64_t i = 0; i < s.n_fft; ++i) {
        const int64_t at = 256 * frame - 384 + i;
        if (at < 0 || at >= int64_t(sound->size())) continue;
        const double window = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * double(i) / double(s.n_fft));
        sum += std::polar(window * double((*sound)[size_t(at)]), -2 * std::numbers::pi * double(i * k % s.n_fft) / double(s.n_fft));
      }
      a.push_back(std::abs(sum) * 4 / double(s.n_fft));
    }
    for (size_t b = 0; b < centres.size(); ++b) {
      const double below = b == 0 ? centres[1] - centres[0] : centres[b] - centres[b - 1];
      const double above = b + 1 == centres.size() ? centres[b] - centres[b - 1] : centres[b + 1] - centres[b];
      double sum = 0, total = 0;
      for (size_t k = 0; k < a.size(); ++k) {
        const double off = double(k) * s.bin_hz() - centres[b];
        const double weight = std::max(0.0, 1 - std::abs(off) / std::max(s.bin_hz(), off < 0 ? below : above));
        sum += weight * a[k];
        total += weight;
      }
      y.push_back((std::log(sum / total + 1e-4) + 5) / 2);
    }
  }
  return y;
}

TEST_CASE("mel: log-mel equals its definition in f64, at both ends and inside") {
  const MelShape shape;
  const MelAnalysis analysis(shape);
  std::vector<float> left(2048 * 2), right(left.size());
  fill_normal(left, 11, 0);
  for (size_t i = 0; i < right.size(); ++i) right[i] = float(0.01 * std::sin(0.2 * double(i)));
  for (float& value : left) value *= 0.1f;
  ThreadPool pool(2);
  std::vector<float> y(16 * 192), part(3 * 192);
  analysis.analyse(pool, left, right, 0, y);
  for (int64_t frame : {0, 1, 2, 7, 14, 15}) {
    const std::vector<double> exact = analyse_plainly(left, right, shape, frame);
    double worst = 0;
    for (size_t b = 0; b < exact.size(); ++b) worst = std::max(worst, std::abs(double(y[size_t(frame) * 192 + b]) - exact[b]));
    // The transform errs by 20 units of 2⁻²⁴ of the loudest bin, here 0.1 of a bin's noise; the floor of 1e-4 divides that.
    CHECK(worst < 1e-3);
  }
  analysis.analyse(pool, left, right, 5, part);
  CHECK(std::equal(part.begin(), part.end(), y.begin() + 5 * 192));
}

TEST_CASE("mel: every band sums to one, covers its centre and leaves no bin below max_hz unseen") {
  for (const MelShape& shape : {MelShape{}, MelShape{.n_fft = 256, .hop = 64, .num_bands = 20, .sample_rate = 16000, .max_hz = 7000}}) {
    const MelAnalysis analysis(shape);
    std::vector<double> seen(size_t(shape.num_bins()));
    for (int64_t b = 0; b < shape.num_bands; ++b) {
      double sum = 0;
      for (int64_t k = 0; k < shape.num_bins(); ++k) {
        sum += double(analysis.filter(b, k));
        seen[size_t(k)] += double(analysis.filter(b, k));
      }
      CHECK(sum == doctest::Approx(1).epsilon(1e-6));
    }
    for (int64_t k = 1; double(k) * shape.bin_hz() < shape.max_hz; ++k) CHECK(seen[size_t(k)] > 0);
  }
}

TEST_CASE("mel: a sine reaches its amplitude, silence the floor, and the way back finds both") {
  const MelShape shape;
  const MelAnalysis analysis(shape);
  const MelInversion inversion(shape);
  const int64_t bin = 100;
  std::vector<float> sound(2048 * 4), silence(sound.size()), y(32 * 192), a(size_t(shape.num_bins()));
  for (size_t i = 0; i < sound.size(); ++i) sound[i] = float(0.5 * std::sin(2 * std::numbers::pi * double(bin) * double(i) / 1024));
  Serial serial;
  analysis.analyse(serial, sound, silence, 0, y);
  const std::span<const float> frame = std::span(y).subspan(16 * 192, 192);
  // The channels are transformed as a pair: one leaves the other no more than half a unit in its last place.
  const double leaves = 0.5 * 0x1p-25;
  for (float value : frame.last(96)) CHECK(std::abs(double(value) - (std::log(1e-4) + 5) / 2) < leaves / 1e-4);
  inversion.magnitudes(frame.last(96), a);
  for (float magnitude : a) CHECK(magnitude < leaves);
  inversion.magnitudes(frame.first(96), a);
  // A band is wider than a sine's three bins, and its filter averages: the peak is lower, the sum of the peak is not.
  double sum = 0;
  for (float magnitude : a) sum += double(magnitude);
  CHECK(std::max_element(a.begin(), a.end()) - a.begin() == doctest::Approx(double(bin)).epsilon(0.03));
  CHECK(sum == doctest::Approx(0.5 * 2).epsilon(0.25));  // a Hann window spreads a sine as ½, 1, ½
  for (int64_t k = 0; k < shape.num_bins(); ++k)
    if (k == 0 || double(k) * shape.bin_hz() > shape.max_hz) CHECK(a[size_t(k)] == 0);
}

TEST_CASE("mel: whatever a network says, magnitudes are finite and not negative") {
  const MelInversion inversion{MelShape{}};
  std::vector<float> y(96), a(513);
  for (float level : {-1e30f, -50.0f, 0.0f, 50.0f, 1e30f}) {
    std::fill(y.begin(), y.end(), level);
    inversion.magnitudes(y, a);
    for (float magnitude : a) REQUIRE((std::isfinite(magnitude) && magnitude >= 0));
  }
}

}  // namespace
}  // namespace ts
