#include "ops/norm.h"

#include "ops/harness.h"

namespace ts {
namespace {

using test::Harness;
using test::normal;

struct Rows {
  int64_t batch, len, cols;
  float mean = 0;  // of the inputs; far from zero, the mean must be taken before squaring
};
const Rows kCases[] = {{1, 1, 1}, {2, 7, 5}, {1, 3, 255}, {2, 65, 257}, {1, 2, 4095}, {1, 5, 64, 1000.0f}, {2, 3, 1024, -300.0f}};

std::vector<float> values_of(const Rows& rows) {
  std::vector<float> x = normal(rows.batch * rows.len * rows.cols);
  for (float& value : x) value += rows.mean;
  return x;
}

// weight(row, column) and bias(row, column) in T.
template <class T, class Scale, class Shift>
std::vector<T> norm(const Rows& c, const std::vector<float>& x, bool centre, float eps, const Scale& scale, const Shift& shift) {
  std::vector<T> y;
  for (int64_t row = 0; row < c.batch * c.len; ++row) {
    const float* values = &x[size_t(row * c.cols)];
    T mean = 0, square = 0;
    for (int64_t d = 0; centre && d < c.cols; ++d) mean += T(values[d]);
    mean /= T(c.cols);
    for (int64_t d = 0; d < c.cols; ++d) square += (T(values[d]) - mean) * (T(values[d]) - mean);
    const T rstd = 1 / std::sqrt(square / T(c.cols) + T(eps));
    for (int64_t d = 0; d < c.cols; ++d) y.push_back((T(values[d]) - mean) * rstd * scale(row, d, T(0)) + shift(row, d, T(0)));
  }
  return y;
}

TEST_CASE("norm: layer_norm and rms_norm stay within twice the error of the obvious loop") {
  TS_FOR_EACH_BACKEND(table)
    for (const Rows& c : kCases)
      for (DType stored : test::product_types(table))
        for (float eps : {1e-5f, 1e-6f}) {
          const std::vector<float> x = values_of(c), weight = normal(c.cols), bias = normal(c.cols);
          Harness h(table);
          const Shape shape{c.batch, c.len, c.cols};
          const Tensor in = h.input(x, shape), w = h.input(weight, {c.cols}), b = h.input(bias, {c.cols});
          const Tensor layer = h.output(shape, stored), rms = h.output(shape, stored);
          h.run([&](Context& ctx) {
            ops::layer_norm(ctx, layer, in, w, b, eps);
            ops::rms_norm(ctx, rms, in, w, eps);
          });
          const auto scale = [&](int64_t, int64_t d, auto zero) { return decltype(zero)(weight[size_t(d)]); };
          const auto shift = [&](int64_t, int64_t d, auto zero) { return decltype(zero)(bias[size_t(d)]); };
          const auto none = [](int64_t, int64_t, auto zero) { return zero; };
          const std::string what = concat(shape.str(), ", mean ", c.mean);
          TS_CHECK_ERROR("layer_norm " + what, h.read(layer), stored, norm, c, x, true, eps, scale, shift);
          TS_CHECK_ERROR("rms_norm " + what, h.read(rms), stored, norm, c, x, false, eps, scale, none);
        }
}

TEST_CASE("norm: layer_norm_modulate takes its chunks per item and per position") {
  TS_FOR_EACH_BACKEND(table)
    for (const Rows& c : kCases)
      for (int64_t len : {int64_t(1), c.len}) {
        constexpr int64_t kChunks = 6, kShift = 3, kScale = 4;
        const std::vector<float> x = values_of(c), chunks = normal(c.batch * len * kChunks * c.cols);
        Harness h(table);
        const Shape shape{c.batch, c.len, c.cols};
        const Tensor in = h.input(x, shape), modulation = h.input(chunks, {c.batch, len, kChunks * c.cols}), y = h.output(shape);
        h.run([&](Context& ctx) { ops::layer_norm_modulate(ctx, y, in, {modulation, kShift, c.cols}, {modulation, kScale, c.cols}, 1e-5f); });
        const auto chunk = [&](int64_t row, int64_t d, int64_t index) {
          const int64_t position = len == 1 ? row / c.len : row;
          return chunks[size_t((position * kChunks + index) * c.cols + d)];
        };
        const auto scale = [&](int64_t row, int64_t d, auto zero) { return 1 + decltype(zero)(chunk(row, d, kScale)); };
        const auto shift = [&](int64_t row, int64_t d, auto zero) { return decltype(zero)(chunk(row, d, kShift)); };
        TS_CHECK_ERROR(shape.str(), h.read(y), DType::f32, norm, c, x, true, 1e-5f, scale, shift);
      }
}

TEST_CASE("norm: layer_norm_modulate with shared rows is the one that lays them out") {
  TS_FOR_EACH_BACKEND(table)
    for (const Rows& c : kCases)
      for (int64_t num_rows : {int64_t(1), int64_t(3)}) {
        const std::vector<float> few = normal(num_rows * 2 * c.cols);
        std::vector<int32_t> rows;
        std::vector<float> many;
        for (int64_t i = 0; i < c.batch * c.len; ++i) {
          rows.push_back(int32_t((i * i + 2) % num_rows));
          const auto row = few.begin() + rows.back() * 2 * c.cols;
          many.insert(many.end(), row, row + 2 * c.cols);
        }
        Harness h(table);
        const Shape shape{c.batch, c.len, c.cols};
        const Tensor x = h.input(values_of(c), shape), shared = h.output(shape), apart = h.output(shape), chosen = h.input(rows, {c.batch, c.len});
        const Tensor table_of_few = h.input(few, {1, num_rows, 2 * c.cols}), table_of_many = h.input(many, {c.batch, c.len, 2 * c.cols});
        h.run([&](Context& ctx) {
          ops::layer_norm_modulate(ctx, shared, x, {table_of_few, 0, c.cols, chosen}, {table_of_few, 1, c.cols, chosen}, 1e-5f);
          ops::layer_norm_modulate(ctx, apart, x, {table_of_many, 0, c.cols}, {table_of_many, 1, c.cols}, 1e-5f);
        });
        CHECK(h.read(shared) == h.read(apart));
      }
}

TEST_CASE("norm: a constant row gives the bias, not noise") {
  TS_FOR_EACH_BACKEND(table) {
    Harness h(table);
    const Tensor x = h.input(std::vector<float>(2 * 512, 3.0f), {1, 2, 512}), y = h.output({1, 2, 512});
    const Tensor w = h.input(std::vector<float>(512, 1.0f), {512}), b = h.input(std::vector<float>(512, 0.25f), {512});
    h.run([&](Context& ctx) { ops::layer_norm(ctx, y, x, w, b, 1e-5f); });
    for (float value : h.read(y)) CHECK(std::abs(value - 0.25f) < 1e-3f);
  }
}

TEST_CASE("norm: arguments that do not fit are refused with their shapes") {
  Harness h(plain_table());
  const Tensor x = h.input(normal(24), {2, 3, 4}), y = h.output({2, 3, 4}), w = h.input(normal(4), {4});
  Serial serial;
  Arena arena = Arena::planning();
  Context ctx(plain_table(), arena, serial, DType::f32);
  CHECK_THROWS_WITH_AS(ops::rms_norm(ctx, y, x, h.input(normal(3), {3}), 1e-6f), "rms_norm: weight is [3], [4] needed", Error);
  CHECK_THROWS_WITH_AS(ops::layer_norm(ctx, x, x, w, w, 1e-6f), "layer_norm: y and x overlap in memory", Error);
  CHECK_THROWS_WITH_AS(ops::layer_norm_modulate(ctx, y, x, {h.input(normal(8), {1, 1, 8}), 0, 4}, {w, 0, 4}, 1e-5f),
                       doctest::Contains("shift is a table [1, 1, 8] for [2, 3, 4]"), Error);
  const Chunk shared{h.input(normal(8), {1, 2, 4}), 0, 4, h.input(std::vector<int32_t>(6), {2, 3})};
  ops::layer_norm_modulate(ctx, y, x, shared, shared, 1e-5f);
  CHECK_THROWS_WITH_AS(ops::layer_norm_modulate(ctx, y, x, shared, {shared.table, 0, 4, h.input(std::vector<int32_t>(5), {1, 5})}, 1e-5f),
                       doctest::Contains("scale is [1, 5], [2, 3] needed"), Error);
}

}  // namespace
}  // namespace ts
