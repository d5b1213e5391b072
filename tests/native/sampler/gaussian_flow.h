// Sounds of a normal law N(μ, Σ): the one flow that is known exactly.
//
//   x_t ~ N((1 − t)·μ, S_t),  S_t = (1 − t)²·Σ + t²·1
//   v(x, t) = E[noise − sound | x_t = x] = −μ + (t·1 − (1 − t)·Σ)·S_t⁻¹·(x − (1 − t)·μ)
//
// Followed from t = τ to 0 it takes x to μ + Σ^½·S_τ^(−½)·(x − (1 − τ)·μ): each axis of Σ scales by itself.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "ops/table.h"
#include "sampler/sampler.h"

namespace ts::test {

using Vector = std::vector<double>;

struct Matrix {
  size_t rows = 0, cols = 0;
  Vector values;

  Matrix(size_t rows, size_t cols) : rows(rows), cols(cols), values(rows * cols) {}
  double& operator()(size_t i, size_t j) { return values[i * cols + j]; }
  double operator()(size_t i, size_t j) const { return values[i * cols + j]; }
};

inline Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows, b.cols);
  for (size_t i = 0; i < a.rows; ++i)
    for (size_t k = 0; k < a.cols; ++k)
      for (size_t j = 0; j < b.cols; ++j) c(i, j) += a(i, k) * b(k, j);
  return c;
}
inline Vector operator*(const Matrix& a, const Vector& x) {
  Vector y(a.rows);
  for (size_t i = 0; i < a.rows; ++i)
    for (size_t k = 0; k < a.cols; ++k) y[i] += a(i, k) * x[k];
  return y;
}
inline Matrix transpose(const Matrix& a) {
  Matrix t(a.cols, a.rows);
  for (size_t i = 0; i < a.rows; ++i)
    for (size_t j = 0; j < a.cols; ++j) t(j, i) = a(i, j);
  return t;
}

class GaussianFlow {
 public:
  // Σ has these variances along the axes of a reflection at the plane across `normal`: correlated unless that is an axis.
  GaussianFlow(Vector mean, Vector variances, const Vector& normal)
      : mean_(std::move(mean)), variances_(std::move(variances)), axes_(mean_.size(), mean_.size()) {
    double square = 0;
    for (double u : normal) square += u * u;
    for (size_t i = 0; i < size(); ++i)
      for (size_t j = 0; j < size(); ++j) axes_(i, j) = double(i == j) - 2 * normal[i] * normal[j] / square;
  }

  size_t size() const { return mean_.size(); }
  const Vector& mean() const { return mean_; }
  // f(Σ).
  template <class Function>
  Matrix of_covariance(const Function& f) const {
    Matrix scaled = axes_;
    for (size_t i = 0; i < size(); ++i)
      for (size_t j = 0; j < size(); ++j) scaled(i, j) *= f(variances_[j]);
    return scaled * transpose(axes_);
  }
  Matrix covariance() const { return of_covariance([](double variance) { return variance; }); }
  // dv/dx at t.
  Matrix slope(double t) const {
    return of_covariance([t](double variance) { return (t - (1 - t) * variance) / ((1 - t) * (1 - t) * variance + t * t); });
  }
  // What x at τ becomes at 0.
  Vector end_of(const Vector& x, double tau) const {
    const Matrix scale = of_covariance([tau](double variance) { return std::sqrt(variance / ((1 - tau) * (1 - tau) * variance + tau * tau)); });
    Vector centred(size());
    for (size_t i = 0; i < size(); ++i) centred[i] = x[i] - (1 - tau) * mean_[i];
    Vector end = scale * centred;
    for (size_t i = 0; i < size(); ++i) end[i] += mean_[i];
    return end;
  }
  // As a sampler asks it: x and flow [B, size, 1] in host memory.
  void velocity(const Tensor& flow, const Tensor& x, float t) const {
    const Matrix a = slope(t);
    Vector offset = a * mean_;
    for (size_t i = 0; i < size(); ++i) offset[i] = -mean_[i] - (1 - double(t)) * offset[i];
    const float* from = x.as<float>();
    float* to = flow.as<float>();
    for (int64_t b = 0; b < x.shape[0]; ++b, from += size(), to += size())
      for (size_t i = 0; i < size(); ++i) {
        double sum = offset[i];
        for (size_t j = 0; j < size(); ++j) sum += a(i, j) * double(from[j]);
        to[i] = float(sum);
      }
  }
  FlowFunction function(Context& ctx) const {
    return [this, &ctx](const Tensor& flow, const Tensor& x, float t) { if (!ctx.planning()) velocity(flow, x, t); };
  }

 private:
  Vector mean_, variances_;
  Matrix axes_;  // columns
};

// Mean and covariance of many [B, n], and how far those of a sample may be from the truth: five standard errors, each from
// the true law, so that one honest entry in two million fails. Seeds are fixed, so a passing test goes on passing.
struct Moments {
  Vector mean;
  Matrix covariance;

  explicit Moments(size_t n) : mean(n), covariance(n, n) {}
  Moments(const std::vector<float>& samples, size_t n) : Moments(n) {
    const size_t count = samples.size() / n;
    for (size_t b = 0; b < count; ++b)
      for (size_t i = 0; i < n; ++i) mean[i] += samples[b * n + i] / double(count);
    for (size_t b = 0; b < count; ++b)
      for (size_t i = 0; i < n; ++i)
        for (size_t j = 0; j < n; ++j)
          covariance(i, j) += (samples[b * n + i] - mean[i]) * (samples[b * n + j] - mean[j]) / double(count - 1);
  }
  double mean_error(size_t i, size_t count) const { return 5 * std::sqrt(covariance(i, i) / double(count)); }
  double covariance_error(size_t i, size_t j, size_t count) const {
    return 5 * std::sqrt((covariance(i, i) * covariance(j, j) + covariance(i, j) * covariance(i, j)) / double(count));
  }
};

}  // namespace ts::test
