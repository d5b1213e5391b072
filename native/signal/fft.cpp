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

struct Twiddles {
  float re[3], im[3];
};

// kLanes butterflies under one twiddle: x[q + s·m·k] → y[q + s·j]. Through local arrays, because a compiler cannot know
// that the rows of y do not overlap.
template <int64_t kLanes>
void butterflies(float* __restrict yr, float* __restrict yi, const float* __restrict xr, const float* __restrict xi, const Twiddles& w,
                 int64_t s, int64_t quarter) {
  float re[4][kLanes], im[4][kLanes];
  for (int64_t q = 0; q < kLanes; ++q) {
    const Butterfly b(xr[q], xi[q], xr[q + quarter], xi[q + quarter], xr[q + 2 * quarter], xi[q + 2 * quarter], xr[q + 3 * quarter],
                      xi[q + 3 * quarter]);
    re[0][q] = b.re[0];
    im[0][q] = b.im[0];
    re[1][q] = b.re[1] * w.re[0] - b.im[1] * w.im[0];
    im[1][q] = b.re[1] * w.im[0] + b.im[1] * w.re[0];
    re[2][q] = b.re[2] * w.re[1] - b.im[2] * w.im[1];
    im[2][q] = b.re[2] * w.im[1] + b.im[2] * w.re[1];
    re[3][q] = b.re[3] * w.re[2] - b.im[3] * w.im[2];
    im[3][q] = b.re[3] * w.im[2] + b.im[3] * w.re[2];
  }
  for (int64_t j = 0; j < 4; ++j)
    for (int64_t q = 0; q < kLanes; ++q) {
      yr[j * s + q] = re[j][q];
      yi[j * s + q] = im[j][q];
    }
}

// The other passes: x[q + s·(p + m·k)] → y[q + s·(4p + j)], q = 0 … s − 1.
template <int64_t kLanes>
void pass(Arrays y, Arrays x, const float* wr, const float* wi, int64_t m, int64_t s) {
  for (int64_t p = 0; p < m; ++p) {
    const Twiddles w{{wr[p], wr[m + p], wr[2 * m + p]}, {wi[p], wi[m + p], wi[2 * m + p]}};
    for (int64_t q = 0; q < s; q += kLanes)
      butterflies<kLanes>(y.re + 4 * s * p + q, y.im + 4 * s * p + q, x.re + s * p + q, x.im + s * p + q, w, s, s * m);
  }
}

// Spectra of a and b from the spectrum of a + i·b, bins 1 … n/2.
void separate(float* __restrict ar, float* __restrict ai, float* __restrict br, float* __restrict bi, const float* __restrict re,
              const float* __restrict im, int64_t n) {
  for (int64_t k = 1; k <= n / 2; ++k) {
    const float mirror_re = re[n - k], mirror_im = im[n - k];
    ar[k] = 0.5f * (re[k] + mirror_re);
    ai[k] = 0.5f * (im[k] - mirror_im);
    br[k] = 0.5f * (im[k] + mirror_im);
    bi[k] = 0.5f * (mirror_re - re[k]);
  }
}

// The other way, bins 1 … n/2 − 1 and their mirrors: in two loops, which vectorise where one does not.
void combine(float* __restrict re, float* __restrict im, const float* __restrict ar, const float* __restrict ai, const float* __restrict br,
             const float* __restrict bi, int64_t n) {
  for (int64_t k = 1; k < n / 2; ++k) {
    re[k] = ar[k] - bi[k];
    im[k] = ai[k] + br[k];
  }
  for (int64_t k = 1; k < n / 2; ++k) {
    re[n - k] = ar[k] + bi[k];
    im[n - k] = br[k] - ai[k];
  }
}

void scale_into(float* __restrict y, const float* __restrict x, float scale, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = scale * x[i];
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
    else if (s == 4) pass<4>(to, from, wr, wi, m, s);
    else pass<16>(to, from, wr, wi, m, s);
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
  a_spectrum.re[0] = re_[0], a_spectrum.im[0] = 0, b_spectrum.re[0] = im_[0], b_spectrum.im[0] = 0;
  separate(a_spectrum.re.data(), a_spectrum.im.data(), b_spectrum.re.data(), b_spectrum.im.data(), re_.data(), im_.data(), n_);
}

// The inverse is the forward transform with real and imaginary parts changed over: Z = A + i·B goes in as (im, re).
void PairFft::inverse(const Spectrum& a_spectrum, const Spectrum& b_spectrum, float* a, float* b) {
  const size_t half = size_t(n_ / 2);
  im_[0] = a_spectrum.re[0], re_[0] = b_spectrum.re[0];
  combine(im_.data(), re_.data(), a_spectrum.re.data(), a_spectrum.im.data(), b_spectrum.re.data(), b_spectrum.im.data(), n_);
  im_[half] = a_spectrum.re[half], re_[half] = b_spectrum.re[half];
  transform();
  const float scale = 1.0f / float(n_);
  scale_into(a, im_.data(), scale, n_);
  scale_into(b, re_.data(), scale, n_);
}

}  // namespace ts
