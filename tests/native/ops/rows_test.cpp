#include "ops/rows.h"

#include "ops/harness.h"

namespace ts {
namespace {

using test::Harness;
using test::normal;
using test::rounded;

TEST_CASE("copy_block: lands where it should, repeats over the batch, and leaves the rest alone") {
  struct Block {
    Shape y, x;
    int64_t row, col;
  };
  const Block cases[] = {{{1, 1, 1}, {1, 1, 1}, 0, 0}, {{2, 9, 7}, {2, 3, 7}, 4, 0}, {{2, 9, 7}, {1, 9, 4}, 0, 3},
                         {{3, 5, 257}, {1, 1, 255}, 4, 1}, {{2, 77, 33}, {2, 77, 33}, 0, 0}, {{1, 4, 5}, {1, 0, 5}, 2, 0}};
  TS_FOR_EACH_BACKEND(table)
    for (const Block& c : cases)
      for (DType x_type : test::product_types(table))
        for (DType y_type : test::product_types(table)) {
          const std::vector<float> x = rounded(normal(c.x), x_type), before = rounded(normal(c.y), y_type);
          Harness h(table);
          const Tensor in = h.input(x, c.x, x_type), y = h.in_out(before, c.y, y_type);
          h.run([&](Context& ctx) { ops::copy_block(ctx, y, c.row, c.col, in); });
          std::vector<float> expected = before;
          for (int64_t b = 0; b < c.y[0]; ++b)
            for (int64_t n = 0; n < c.x[1]; ++n)
              for (int64_t d = 0; d < c.x[2]; ++d)
                expected[size_t((b * c.y[1] + c.row + n) * c.y[2] + c.col + d)] = rounded(x[size_t(((c.x[0] == 1 ? 0 : b) * c.x[1] + n) * c.x[2] + d)], y_type);
          CHECK(h.read(y) == expected);
        }
}

TEST_CASE("gather_rows and embed: pick rows in any order, any number of times") {
  TS_FOR_EACH_BACKEND(table)
    for (int64_t cols : {1, 7, 255, 257})
      for (DType x_type : test::product_types(table))
        for (DType y_type : test::product_types(table)) {
          const std::vector<float> x = rounded(normal(2 * 5 * cols), x_type);
          const std::vector<int32_t> index{4, 0, 0, 3, 2, 4, 1}, ids{9, 0, 3, 3, 8, 1};
          Harness h(table);
          const Tensor rows = h.input(x, {2, 5, cols}, x_type), gathered = h.output({2, 7, cols}, y_type), embedded = h.output({2, 3, cols}, y_type);
          const Tensor which = h.input(index, {7}), tokens = h.input(ids, {2, 3});
          h.run([&](Context& ctx) {
            ops::gather_rows(ctx, gathered, rows, which);
            ops::embed(ctx, embedded, rows.reshape({10, cols}), tokens);
          });
          std::vector<float> by_index, by_id;
          for (int64_t b = 0; b < 2; ++b)
            for (int32_t n : index) by_index.insert(by_index.end(), x.begin() + (b * 5 + n) * cols, x.begin() + (b * 5 + n + 1) * cols);
          for (int32_t id : ids) by_id.insert(by_id.end(), x.begin() + id * cols, x.begin() + (id + 1) * cols);
          CHECK(h.read(gathered) == rounded(by_index, y_type));
          CHECK(h.read(embedded) == rounded(by_id, y_type));
        }
}

// y[b, n] = Σ_m matrix[n, m]·x[b, m].
template <class T>
std::vector<T> weighted(const Shape& shape, const std::vector<float>& x, const std::vector<float>& matrix, T divisor) {
  const int64_t batch = shape[0], len = shape[1], cols = shape[2], rows = int64_t(matrix.size()) / len;
  std::vector<T> y;
  for (int64_t i = 0; i < batch * rows * cols; ++i) {
    T sum = 0;
    for (int64_t m = 0; m < len; ++m) sum += T(matrix[size_t(i / cols % rows * len + m)]) * T(x[size_t((i / cols / rows * len + m) * cols + i % cols)]);
    y.push_back(sum / divisor);
  }
  return y;
}
template <class T>
std::vector<T> mean(const Shape& shape, const std::vector<float>& x) {
  return weighted<T>(shape, x, std::vector<float>(size_t(shape[1]), 1.0f), T(shape[1]));
}
template <class T>
std::vector<T> resampled(const Shape& shape, const std::vector<float>& x, const std::vector<float>& matrix) {
  return weighted<T>(shape, x, matrix, T(1));
}

TEST_CASE("mean_rows and resample_rows: sums over rows of every length") {
  TS_FOR_EACH_BACKEND(table)
    for (const Shape& shape : {Shape{1, 1, 1}, Shape{2, 7, 5}, Shape{2, 255, 3}, Shape{1, 8, 257}, Shape{3, 77, 64}})
      for (DType x_type : test::product_types(table))
        for (DType y_type : test::product_types(table)) {
          const int64_t batch = shape[0], len = shape[1], cols = shape[2], rows = 11;
          const std::vector<float> x = rounded(normal(shape), x_type), matrix = normal(rows * len);
          Harness h(table);
          const Tensor in = h.input(x, shape, x_type), weights = h.input(matrix, {rows, len});
          const Tensor averaged = h.output({batch, cols}, y_type), y = h.output({batch, rows, cols}, y_type);
          h.run([&](Context& ctx) {
            ops::mean_rows(ctx, averaged, in);
            ops::resample_rows(ctx, y, in, weights);
          });
          TS_CHECK_ERROR("mean_rows " + shape.str(), h.read(averaged), y_type, mean, shape, x);
          TS_CHECK_ERROR("resample_rows " + shape.str(), h.read(y), y_type, resampled, shape, x, matrix);
        }
}

TEST_CASE("max_rows: the largest of every column, below zero too") {
  TS_FOR_EACH_BACKEND(table)
    for (const Shape& shape : {Shape{1, 1, 1}, Shape{2, 7, 5}, Shape{2, 255, 3}, Shape{1, 8, 257}, Shape{3, 77, 64}})
      for (DType x_type : test::product_types(table))
        for (DType y_type : test::product_types(table)) {
          const int64_t batch = shape[0], len = shape[1], cols = shape[2];
          std::vector<float> x = normal(shape);
          for (float& value : x) value = rounded(value - 3, x_type);
          Harness h(table);
          const Tensor in = h.input(x, shape, x_type), y = h.output({batch, cols}, y_type);
          h.run([&](Context& ctx) { ops::max_rows(ctx, y, in); });
          std::vector<float> expected;
          for (int64_t i = 0; i < batch * cols; ++i) {
            float largest = -INFINITY;
            for (int64_t n = 0; n < len; ++n) largest = std::max(largest, x[size_t((i / cols * len + n) * cols + i % cols)]);
            expected.push_back(rounded(largest, y_type));
          }
          CHECK(h.read(y) == expected);
        }
}

TEST_CASE("transpose: swaps the last two axes exactly") {
  TS_FOR_EACH_BACKEND(table)
    for (const Shape& shape : {Shape{1, 1, 1}, Shape{2, 7, 5}, Shape{1, 255, 65}, Shape{2, 64, 194}, Shape{3, 1, 257}}) {
      const std::vector<float> x = normal(shape);
      Harness h(table);
      const Tensor in = h.input(x, shape), y = h.output({shape[0], shape[2], shape[1]});
      h.run([&](Context& ctx) { ops::transpose(ctx, y, in); });
      const std::vector<float> ours = h.read(y);
      for (int64_t i = 0; i < shape.numel(); ++i) {
        const int64_t m = i % shape[2], n = i / shape[2] % shape[1], b = i / shape[2] / shape[1];
        REQUIRE(ours[size_t((b * shape[2] + m) * shape[1] + n)] == x[size_t(i)]);
      }
    }
}

TEST_CASE("rows: arguments that do not fit are refused with their shapes") {
  Harness h(plain_table());
  Serial serial;
  Arena arena = Arena::planning();
  Context ctx(plain_table(), arena, serial, DType::f32);
  const Tensor x = h.input(normal(12), {2, 3, 2}), y = h.output({2, 4, 2});
  CHECK_THROWS_WITH_AS(ops::copy_block(ctx, y, 2, 0, x), doctest::Contains("x [2, 3, 2] at row 2, column 0 does not fit into y [2, 4, 2]"), Error);
  CHECK_THROWS_WITH_AS(ops::gather_rows(ctx, y, x, h.input(std::vector<int32_t>{0, 1, 2}, {3})), doctest::Contains("y is [2, 4, 2], [2, 3, 2] needed"), Error);
  CHECK_THROWS_WITH_AS(ops::max_rows(ctx, y, x), doctest::Contains("max_rows: y is [2, 4, 2], [2, 2] needed"), Error);
  CHECK_THROWS_WITH_AS(ops::mean_rows(ctx, h.output({2, 2}), h.output({2, 0, 2})), doctest::Contains("the mean of no rows"), Error);
  CHECK_THROWS_WITH_AS(ops::transpose(ctx, y, x), doctest::Contains("y is [2, 4, 2], [2, 2, 3] needed"), Error);
}

}  // namespace
}  // namespace ts
