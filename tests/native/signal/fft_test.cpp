#include "signal/fft.h"

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "core/error.h"
#include "core/philox.h"

namespace ts {
namespace {

// The definition, in f64.
std::vector<std::complex<double>> dft(const std::vector<float>& x) {
  const size_t n = x.size();
  std::vector<std::complex<double>> spectrum(n / 2 + 1), turn(n);
  for (size_t i = 0; i < n; ++i) turn[i] = std::polar(1.0, -2 * std::numbers::pi * double(i) / double(n));
  for (size_t k = 0; k <= n / 2; ++k)
    for (size_t i = 0; i < n; ++i) spectrum[k] += turn[i * k % n] * double(x[i]);
  return spectrum;
}

double error_of(const Spectrum& ours, const std::vector<std::complex<double>>& exact) {
  double square = 0, total = 0;
  for (size_t k = 0; k < exact.size(); ++k) {
    square += std::norm(std::complex<double>(ours.re[k], ours.im[k]) - exact[k]);
    total += std::norm(exact[k]);
  }
  return std::sqrt(square / total);
}

TEST_CASE("fft: two real signals at a time equal the definition, and come back") {
  for (int64_t n : {16, 64, 256, 1024, 4096}) {
    CAPTURE(n);
    std::vector<float> a(static_cast<size_t>(n)), b(a.size()), a2(a.size()), b2(a.size());
    fill_normal(a, 3, 0);
    fill_normal(b, 3, 1);
    for (float& value : b) value *= 0.01f;  // one signal far below the other: they must not leak into each other
    PairFft fft(n);
    Spectrum sa(fft.num_bins()), sb(fft.num_bins());
    fft.forward(a.data(), b.data(), sa, sb);
    // Radix 4: log₄ n passes of two roundings each; of the weaker signal relative to the stronger.
    const double rounding = 0x1p-24 * 2 * std::log2(double(n));
    CHECK(error_of(sa, dft(a)) < rounding);
    CHECK(error_of(sb, dft(b)) < 100 * rounding);
    fft.inverse(sa, sb, a2.data(), b2.data());
    for (size_t i = 0; i < a.size(); ++i) {
      REQUIRE(std::abs(a2[i] - a[i]) < 4 * rounding * 5);  // noise reaches five standard deviations
      REQUIRE(std::abs(b2[i] - b[i]) < 4 * rounding * 5);
    }
  }
}

TEST_CASE("fft: lengths that are no powers of four are refused") {
  for (int64_t n : {-4, 0, 1, 4, 15, 32, 512, 1000, 1 << 18}) CHECK_THROWS_WITH_AS(PairFft{n}, doctest::Contains("a power of four"), Error);
}

}  // namespace
}  // namespace ts
