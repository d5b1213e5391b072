#include "ops/depthwise_conv.h"

#include "ops/harness.h"

namespace ts {
namespace {

using test::Harness;
using test::normal;

struct Case {
  int64_t batch, len_in, len_out, cols, taps, offset;
  std::string str() const { return concat(batch, " of ", len_in, " → ", len_out, " rows, ", cols, " channels, ", taps, " taps, offset ", offset); }
};

struct Data {
  std::vector<float> x, weight, bias, norm_weight, norm_bias;
  float eps = 1e-6f;
};

template <class T>
std::vector<T> depthwise(const Case& c, const Data& data) {
  std::vector<T> y;
  for (int64_t row = 0; row < c.batch * c.len_out; ++row) {
    std::vector<T> sums(data.bias.begin(), data.bias.end());
    for (int64_t j = 0; j < c.taps; ++j) {
      const int64_t n = row % c.len_out + j - c.offset;
      if (n < 0 || n >= c.len_in) continue;
      for (int64_t i = 0; i < c.cols; ++i)
        sums[size_t(i)] += T(data.weight[size_t(j * c.cols + i)]) * T(data.x[size_t((row / c.len_out * c.len_in + n) * c.cols + i)]);
    }
    T mean = 0, square = 0;
    for (T sum : sums) mean += sum;
    mean /= T(c.cols);
    for (T sum : sums) square += (sum - mean) * (sum - mean);
    const T rstd = 1 / std::sqrt(square / T(c.cols) + T(data.eps));
    for (int64_t i = 0; i < c.cols; ++i)
      y.push_back((sums[size_t(i)] - mean) * rstd * T(data.norm_weight[size_t(i)]) + T(data.norm_bias[size_t(i)]));
  }
  return y;
}

TEST_CASE("depthwise_conv: every tail of channels, both ends, parts of a sequence") {
  const Case cases[] = {
      {1, 1, 1, 1, 7, 3},    {2, 7, 7, 5, 7, 3},     {1, 3, 3, 255, 7, 3},  {2, 65, 65, 128, 7, 3}, {1, 40, 34, 257, 7, 0},
      {1, 40, 37, 33, 7, 3}, {1, 40, 37, 33, 7, 0},  {3, 9, 9, 16, 1, 0},   {1, 20, 20, 31, 3, 1},  {1, 2, 9, 24, 7, 5},
  };
  TS_FOR_EACH_BACKEND(table)
    for (const Case& c : cases)
      for (DType stored : test::product_types(table)) {
        const Data data{.x = normal(c.batch * c.len_in * c.cols), .weight = normal(c.taps * c.cols, 0.5f), .bias = normal(c.cols), .norm_weight = normal(c.cols), .norm_bias = normal(c.cols)};
        Harness h(table);
        const Tensor x = h.input(data.x, {c.batch, c.len_in, c.cols}), y = h.output({c.batch, c.len_out, c.cols}, stored);
        const DepthwiseNorm layer{h.input(data.weight, {c.taps, c.cols}), h.input(data.bias, {c.cols}), h.input(data.norm_weight, {c.cols}), h.input(data.norm_bias, {c.cols})};
        h.run([&](Context& ctx) { ops::depthwise_conv_norm(ctx, y, x, layer, c.offset); });
        if (c.cols == 1) {  // one channel less its mean is nothing
          for (float value : h.read(y)) CHECK(value == test::rounded(data.norm_bias[0], stored));
          continue;
        }
        TS_CHECK_ERROR(c.str(), h.read(y), stored, depthwise, c, data);
      }
}

TEST_CASE("depthwise_conv: arguments that do not fit are refused with their shapes") {
  Harness h(plain_table());
  const Tensor x = h.input(normal(24), {2, 3, 4}), y = h.output({2, 3, 4}), v = h.input(normal(4), {4}), w = h.input(normal(28), {7, 4});
  Serial serial;
  Arena arena = Arena::planning();
  Context ctx(plain_table(), arena, serial, DType::f32);
  CHECK_THROWS_WITH_AS(ops::depthwise_conv_norm(ctx, x, x, {w, v, v, v}, 3), "depthwise_conv_norm: y and x overlap in memory", Error);
  CHECK_THROWS_WITH_AS(ops::depthwise_conv_norm(ctx, y, x, {v, v, v, v}, 3), doctest::Contains("weight is [4]"), Error);
  CHECK_THROWS_WITH_AS(ops::depthwise_conv_norm(ctx, y, x, {w, v, v, h.input(normal(3), {3})}, 3), doctest::Contains("norm_bias is [3]"), Error);
  CHECK_THROWS_WITH_AS(ops::depthwise_conv_norm(ctx, h.output({2, 3, 5}), x, {w, v, v, v}, 3), doctest::Contains("y is [2, 3, 5]"), Error);
}

}  // namespace
}  // namespace ts
