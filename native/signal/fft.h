// The discrete Fourier transform of two real signals at a time, for lengths that are powers of four.
//
//   Z = FFT(a + i·b):   FFT(a)[k] = (Z[k] + conj Z[n−k])/2,   FFT(b)[k] = (Z[k] − conj Z[n−k])/(2i)
//
// Method   Stockham's radix-4 passes, real and imaginary parts in arrays of their own: every inner loop runs over
//          neighbours, so any compiler vectorises it, and there is no bit reversal. No sum depends on the vector width.
// Cost     4.25·n·log₂n flop a pair, 4.2 µs for n = 1024 where kissfft took 13. That is why it is no library's: phase
//          reconstruction spends two thirds of its time here, and Debian packages no permissive one that vectorises.
// Source   Stockham, "High-speed convolution and correlation", 1966; radix 4 as in Van Loan, "Computational Frameworks
//          for the Fast Fourier Transform", 1992.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ts {

// Bins 0 … n/2 of a real signal's spectrum.
struct Spectrum {
  explicit Spectrum(int64_t bins) : re(size_t(bins)), im(size_t(bins)) {}
  std::vector<float> re, im;
};

// Holds working memory: one thread at a time.
class PairFft {
 public:
  // TS_INVALID_ARGUMENT unless `n` is a power of four, 16 … 65536.
  explicit PairFft(int64_t n);

  int64_t size() const { return n_; }
  int64_t num_bins() const { return n_ / 2 + 1; }
  // a and b of n samples each → their spectra, unscaled.
  void forward(const float* a, const float* b, Spectrum& a_spectrum, Spectrum& b_spectrum);
  // Spectra of n/2 + 1 bins → the signals, scaled by 1/n: the inverse of forward(). The imaginary parts of bins 0 and
  // n/2 count as zero, as a real signal has them.
  void inverse(const Spectrum& a_spectrum, const Spectrum& b_spectrum, float* a, float* b);

 private:
  void transform();  // of the first pair of arrays, in place

  int64_t n_;
  std::vector<float> re_, im_, other_re_, other_im_;
  std::vector<float> twiddle_re_, twiddle_im_;  // of all passes, one after the other: w¹, w², w³ of each
};

}  // namespace ts
