#include "models/mmdit_tables.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_map>

#include "core/error.h"
#include "core/linspace.h"

namespace ts {
namespace {

constexpr double kTheta = 10000.0;

// powf(10000, exponent), correctly rounded.
float power_of_theta(float exponent) { return float(std::pow(kTheta, double(exponent))); }

// Arguments reach 10⁴ rad; double has the range reduction for that.
float cos_f32(float x) { return float(std::cos(double(x))); }
float sin_f32(float x) { return float(std::sin(double(x))); }

}  // namespace

std::vector<float> rope_table(int64_t length, int64_t head_dim, float scale) {
  const int64_t pairs = head_dim / 2;
  std::vector<float> table(size_t(length * pairs * 2));
  for (int64_t k = 0; k < pairs; ++k) {
    const float frequency = 1.0f / power_of_theta(float(2 * k) / float(head_dim)) * scale;
    for (int64_t n = 0; n < length; ++n) {
      const float angle = float(n) * frequency;
      table[size_t((n * pairs + k) * 2)] = cos_f32(angle);
      table[size_t((n * pairs + k) * 2 + 1)] = sin_f32(angle);
    }
  }
  return table;
}

std::vector<float> timestep_frequencies(int64_t dim, bool v2) {
  std::vector<float> frequencies(size_t(dim / 2));
  const float scale = v2 ? float(kTheta) : 1.0f;
  for (int64_t j = 0; j < dim / 2; ++j)
    frequencies[size_t(j)] = scale * (1.0f / power_of_theta(float(2 * j) / float(dim)));
  if (v2 && dim == 1024) {  // where the reference's vectorised powf is not correctly rounded
    frequencies[444] = std::bit_cast<float>(0x40597C3Fu);
    frequencies[479] = std::bit_cast<float>(0x3FE7C05Fu);
    frequencies[509] = std::bit_cast<float>(0x3F8718FAu);
  }
  return frequencies;
}

std::vector<float> timestep_embedding(std::span<const float> t, std::span<const float> frequencies) {
  const size_t half = frequencies.size();
  std::vector<float> table(t.size() * 2 * half);
  for (size_t b = 0; b < t.size(); ++b)
    for (size_t j = 0; j < half; ++j) {
      const float argument = t[b] * frequencies[j];
      table[b * 2 * half + j] = cos_f32(argument);
      table[b * 2 * half + half + j] = sin_f32(argument);
    }
  return table;
}

std::vector<int32_t> nearest_exact_index(int64_t source_len, int64_t target_len) {
  std::vector<int32_t> index(static_cast<size_t>(target_len));
  const float scale = float(source_len) / float(target_len);
  for (int64_t n = 0; n < target_len; ++n) {
    const float position = (float(n) + 0.5f) * scale;
    index[size_t(n)] = int32_t(std::min(int64_t(position), source_len - 1));
  }
  return index;
}

SharedRows share_rows(std::span<const int64_t> keys) {
  SharedRows rows;
  std::unordered_map<int64_t, int32_t> known;
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto [place, is_new] = known.try_emplace(keys[i], int32_t(rows.distinct.size()));
    if (is_new) rows.distinct.push_back(int32_t(i));
    rows.chosen.push_back(place->second);
  }
  return rows;
}

std::vector<float> natural_spline_matrix(int64_t source_len, int64_t target_len) {
  require(source_len >= 2, "add_video: a spline through ", source_len, " CLIP frame needs two or more; give at least 2, or as many as latents");
  // The reference's time axis: 9 s for any clip, both ends included. The 9 cancels but for rounding.
  const std::vector<float> knots_f32 = linspace_f32(0, 9, source_len), queries = linspace_f32(0, 9, target_len);
  const std::vector<double> t(knots_f32.begin(), knots_f32.end());
  const size_t c = t.size();

  // Second derivatives as a matrix of the values: M = solve(tridiagonal, divided differences), by the Thomas
  // algorithm for all right-hand sides at once. M at both ends is zero.
  std::vector<double> second(c * c, 0.0), upper(c, 0.0);
  for (size_t i = 1; i + 1 < c; ++i) {
    const double h0 = t[i] - t[i - 1], h1 = t[i + 1] - t[i];
    const double pivot = 2 * (h0 + h1) - h0 * upper[i - 1];
    upper[i] = h1 / pivot;
    double* row = &second[i * c];
    row[i - 1] += 6 / h0;
    row[i] -= 6 / h0 + 6 / h1;
    row[i + 1] += 6 / h1;
    for (size_t m = 0; m < c; ++m) row[m] = (row[m] - h0 * second[(i - 1) * c + m]) / pivot;
  }
  for (size_t i = c - 1; i-- > 1;)
    for (size_t m = 0; m < c; ++m) second[i * c + m] -= upper[i] * second[(i + 1) * c + m];

  std::vector<float> matrix(queries.size() * c);
  for (size_t n = 0; n < queries.size(); ++n) {
    const double q = queries[n];
    const size_t next = size_t(std::upper_bound(t.begin(), t.end(), q) - t.begin());
    const size_t i = std::min(std::max<size_t>(next, 1), c - 1) - 1;
    const double h = t[i + 1] - t[i], a = (t[i + 1] - q) / h, b = (q - t[i]) / h;
    for (size_t m = 0; m < c; ++m) {
      double value = ((a * a * a - a) * second[i * c + m] + (b * b * b - b) * second[(i + 1) * c + m]) * h * h / 6;
      if (m == i) value += a;
      if (m == i + 1) value += b;
      matrix[n * c + m] = float(value);
    }
  }
  return matrix;
}

}  // namespace ts
