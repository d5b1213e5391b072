#include "signal/fft.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"

namespace ts {
namespace {

struct Arrays {
  float *__restrict re, *__restrict im;
};

// One butterfly: y_j = w_j·Σ_k x_k·(−i)^{jk}.
struct Butterfly {
  float re[4], im[4];
  Butterfly(float ar, float ai, float br, float bi, float cr, float ci, float dr, float di) {
    const float apcr = ar + cr, apci = ai + ci, amcr = ar - cr, amci = ai - ci;
    const float bpdr = br + dr, bpdi = bi + di, bmdr = br - dr, bmdi = bi - di;
    re[0] = apcr + bpdr, im[0] = apci + bpdi;
    re[1] = amcr + bmdi, im[1] = amci - bmdr;
    re[2] = apcr - bpdr, im[2] = apci - bpdi;
    re[3] = amcr - bmdi, im[3] = amci + bmdr;
  }
};

// The first pass, where neighbours have stride 1 and every butterfly its own twiddles: x[p + m·k] → y[4p + j].
void first_pass(Arrays y, Arrays x, const float* __restrict wr, const float* __restrict wi, int64_t m) {
  for (int64_t p = 0; p < m; ++p) {
    const Butterfly b(x.re[p], x.im[p], x.re[p + m], x.im[p + m], x.re[p + 2 * m], x.im[p + 2 * m], x.re[p + 3 * m], x.im[p + 3 * m]);
    y.re[4 * p] = b.re[0];
    y.im[4 * p] = b.im[0];
    for (int64_t j = 1; j < 4; ++j) {
      const float ur = wr[(j - 1) * m + p], ui = wi[(j - 1) * m + p];
      y.re[4 * p + j] = b.re[j] * ur - b.im[j] * ui;
      y.im[4 * p + j] = b.re[j] * ui + b.im[j] * ur;
    }
  }
}

// The others: x[q + s·(p + m·k)] → y[q + s·(4p + j)], q = 0 … s − 1 under one twiddle.
void pass(Arrays y, Arrays x, const float* wr, const float* wi, int64_t m, int64_t s) {
  for (int64_t p = 0; p < m; ++p) {
    const float u1r = wr[p], u1i = wi[p], u2r = wr[m + p], u2i = wi[m + p], u3r = wr[2 * m + p], u3i = wi[2 * m + p];
    const float *__restrict ar = x.re + s * p, *__restrict ai = x.im + s * p;
    float *__restrict tr = y.re + 4 * s * p, *__restrict ti = y.im + 4 * s * p;
    const int64_t quarter = s * m;
    for (int64_t q = 0; q < s; ++q) {
      const Butterfly b(ar[q], ai[q], ar[q + quarter], ai[q + quarter], ar[q + 2 * quarter], ai[q + 2 * quarter], ar[q + 3 * quarter],
                        ai[q + 3 * quarter]);
      tr[q] = b.re[0];
      ti[q] = b.im[0];
      tr[q + s] = b.re[1] * u1r - b.im[1] * u1i;
      ti[q + s] = b.re[1] * u1i + b.im[1] * u1r;
      tr[q + 2 * s] = b.re[2] * u2r - b.im[2] * u2i;
      ti[q + 2 * s] = b.re[2] * u2i + b.im[2] * u2r;
      tr[q + 3 * s] = b.re[3] * u3r - b.im[3] * u3i;
      ti[q + 3 * s] = b.re[3] * u3i + b.im[3] * u3r;
    }
  }
}

}  // namespace

PairFft::PairFft(int64_t n) : n_(n) {
  bool is_power_of_four = n >= 16 && n <= 65536;
  for (int64_t rest = n; is_power_of_four && rest > 1; rest /= 4) is_power_of_four = rest % 4 == 0;
  require(is_power_of_four, "fft: length ", n, ", a power of four from 16 to 65536 needed");
  for (std::vector<float>* part : {&re_, &im_, &other_re_, &other_im_}) part->resize(size_t(n));
  for (int64_t m = n / 4; m >= 1; m /= 4)
    for (int64_t j = 1; j < 4; ++j)
      for (int64_t p = 0; p < m; ++p) {
        const double angle = -2 * std::numbers::pi * double(j * p) / double(4 * m);
        twiddle_re_.push_back(float(std::cos(angle)));
        twiddle_im_.push_back(float(std::sin(angle)));
      }
}

void PairFft::transform() {
  const float *wr = twiddle_re_.data(), *wi = twiddle_im_.data();
  for (int64_t m = n_ / 4, s = 1; m >= 1; m /= 4, s *= 4) {
    const Arrays from{re_.data(), im_.data()}, to{other_re_.data(), other_im_.data()};
    if (s == 1) first_pass(to, from, wr, wi, m);
    else pass(to, from, wr, wi, m, s);
    re_.swap(other_re_);
    im_.swap(other_im_);
    wr += 3 * m;
    wi += 3 * m;
  }
}

void PairFft::forward(const float* a, const float* b, Spectrum& a_spectrum, Spectrum& b_spectrum) {
  std::copy_n(a, n_, re_.begin());
  std::copy_n(b, n_, im_.begin());
  transform();
  const float *__restrict re = re_.data(), *__restrict im = im_.data();
  float *__restrict ar = a_spectrum.re.data(), *__restrict ai = a_spectrum.im.data();
  float *__restrict br = b_spectrum.re.data(), *__restrict bi = b_spectrum.im.data();
  ar[0] = re[0], ai[0] = 0, br[0] = im[0], bi[0] = 0;
  for (int64_t k = 1; k <= n_ / 2; ++k) {
    const int64_t mirror = n_ - k;
    ar[k] = 0.5f * (re[k] + re[mirror]);
    ai[k] = 0.5f * (im[k] - im[mirror]);
    br[k] = 0.5f * (im[k] + im[mirror]);
    bi[k] = 0.5f * (re[mirror] - re[k]);
  }
}

// The inverse is the forward transform with real and imaginary parts changed over: Z = A + i·B goes in as (im, re).
void PairFft::inverse(const Spectrum& a_spectrum, const Spectrum& b_spectrum, float* a, float* b) {
  const float *__restrict ar = a_spectrum.re.data(), *__restrict ai = a_spectrum.im.data();
  const float *__restrict br = b_spectrum.re.data(), *__restrict bi = b_spectrum.im.data();
  float *__restrict re = im_.data(), *__restrict im = re_.data();
  re[0] = ar[0], im[0] = br[0];
  for (int64_t k = 1; k < n_ / 2; ++k) {
    re[k] = ar[k] - bi[k];
    im[k] = ai[k] + br[k];
    re[n_ - k] = ar[k] + bi[k];
    im[n_ - k] = br[k] - ai[k];
  }
  re[n_ / 2] = ar[n_ / 2], im[n_ / 2] = br[n_ / 2];
  transform();
  const float scale = 1.0f / float(n_);
  for (int64_t i = 0; i < n_; ++i) {
    a[i] = scale * im_[size_t(i)];
    b[i] = scale * re_[size_t(i)];
  }
}

}  // namespace ts
