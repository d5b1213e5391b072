// Fits the polynomials of native/ops/cpu/math-inl.h: g++ -std=c++20 scripts/fit_polynomials.cpp -o fit && ./fit
//
// Each is the interpolant of a function in Chebyshev nodes, which is within a small factor of the best polynomial of its
// degree. Printed: the coefficients, lowest power first, and the largest relative error on a fine grid, in double.
#include <cmath>
#include <cstdio>
#include <functional>
#include <numbers>
#include <vector>

using Function = std::function<double(double)>;

std::vector<double> chebyshev_fit(const Function& f, double low, double high, int degree) {
  const int size = degree + 1;
  std::vector<std::vector<double>> rows;
  for (int i = 0; i < size; ++i) {
    const double x = (low + high) / 2 + (high - low) / 2 * std::cos(std::numbers::pi * (2 * i + 1) / (2 * size));
    std::vector<double> row;
    for (int k = 0; k < size; ++k) row.push_back(std::pow(x, k));
    row.push_back(f(x));
    rows.push_back(row);
  }
  for (int col = 0; col < size; ++col) {  // Gauss with pivoting
    int pivot = col;
    for (int r = col; r < size; ++r)
      if (std::abs(rows[r][col]) > std::abs(rows[pivot][col])) pivot = r;
    std::swap(rows[col], rows[pivot]);
    for (int r = 0; r < size; ++r) {
      if (r == col) continue;
      const double factor = rows[r][col] / rows[col][col];
      for (int k = 0; k <= size; ++k) rows[r][k] -= factor * rows[col][k];
    }
  }
  std::vector<double> coefficients;
  for (int i = 0; i < size; ++i) coefficients.push_back(rows[i][size] / rows[i][i]);
  return coefficients;
}

double horner(const std::vector<double>& coefficients, double x) {
  double value = 0;
  for (size_t i = coefficients.size(); i-- > 0;) value = value * x + coefficients[i];
  return value;
}

// (eʳ − 1 − r)/r²
double exp_tail(double r) {
  if (std::abs(r) >= 1e-2) return (std::expm1(r) - r) / (r * r);
  double sum = 0;
  for (int k = 0; k < 8; ++k) sum += std::pow(r, k) / std::tgamma(k + 3);
  return sum;
}

// sin²(√u)/u
double sin_squared(double u) { return u < 1e-8 ? 1 - u / 3 : std::pow(std::sin(std::sqrt(u)), 2) / u; }

// exp(t²)·erfc(t)
double erfcx(double t) {
  if (t < 4) return std::exp(t * t) * std::erfc(t);
  double fraction = 0;  // Laplace's continued fraction
  for (int k = 120; k > 0; --k) fraction = k / 2.0 / (t + fraction);
  return 1 / (std::sqrt(std::numbers::pi) * (t + fraction));
}

void report(const char* name, const Function& f, double low, double high, int degree) {
  const std::vector<double> coefficients = chebyshev_fit(f, low, high, degree);
  double error = 0;
  for (int i = 0; i <= 4000; ++i) {
    const double x = low + (high - low) * i / 4000;
    error = std::max(error, std::abs(horner(coefficients, x) / f(x) - 1));
  }
  std::printf("%s: degree %d on [%.7g, %.7g], relative error %.2e\n ", name, degree, low, high, error);
  for (double c : coefficients) std::printf(" %.9ef,", c);
  std::printf("\n");
}

int main() {
  const double half_ln2 = std::numbers::ln2 / 2 * 1.0001, scale = 0.4;
  report("(exp(r) - 1 - r)/r^2", exp_tail, -half_ln2, half_ln2, 4);
  report("sin(sqrt u)^2/u", sin_squared, 0, std::pow(std::numbers::pi / 2 * 1.001, 2), 5);
  for (int degree : {8, 9, 10})
    report("erfcx((1/s - 1)/0.4)/s", [&](double s) { return erfcx((1 / s - 1) / scale) / s; }, 1 / (1 + scale * 10), 1, degree);
}
