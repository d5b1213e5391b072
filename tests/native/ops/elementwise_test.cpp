#include "ops/elementwise.h"

#include "ops/harness.h"
#include "ops/obvious.h"

namespace ts {
namespace {

using test::Harness;
using test::normal;
using test::rounded;

// b repeated over a: its offset for element i of `shape`.
size_t repeated(int64_t i, const Shape& shape, const Shape& b) {
  int64_t offset = 0, stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (b[axis] != 1) offset += i % shape[axis] * stride;
    stride *= b[axis];
    i /= shape[axis];
  }
  return size_t(offset);
}

TEST_CASE("add: b repeats over every axis of length one, in any storage, in place too") {
  const std::pair<Shape, Shape> cases[] = {{{1}, {1}},           {{257}, {257}},         {{257}, {1}},         {{2, 7, 5}, {2, 7, 5}},
                                           {{2, 7, 5}, {1, 7, 5}}, {{2, 7, 5}, {2, 1, 5}}, {{2, 7, 5}, {1, 1, 5}}, {{2, 7, 5}, {2, 7, 1}},
                                           {{3, 2, 4, 5}, {3, 1, 4, 1}}, {{2, 3, 2, 3, 255}, {1, 3, 1, 3, 255}}};
  TS_FOR_EACH_BACKEND(table)
    for (const auto& [shape, b_shape] : cases)
      for (DType a_type : test::product_types(table))
        for (DType b_type : test::product_types(table))
          for (DType y_type : test::product_types(table)) {
            const std::vector<float> a = rounded(normal(shape), a_type), b = rounded(normal(b_shape), b_type);
            Harness h(table);
            const Tensor left = h.input(a, shape, a_type), right = h.input(b, b_shape, b_type);
            const Tensor y = h.output(shape, y_type), in_place = h.in_out(a, shape, a_type);
            h.run([&](Context& ctx) {
              ops::add(ctx, y, left, right);
              ops::add(ctx, in_place, in_place, right);
            });
            std::vector<float> expected;
            for (int64_t i = 0; i < shape.numel(); ++i) expected.push_back(a[size_t(i)] + b[repeated(i, shape, b_shape)]);
            CHECK(h.read(y) == rounded(expected, y_type));
            CHECK(h.read(in_place) == rounded(expected, a_type));
          }
}

template <class T>
std::vector<T> multiplied(const std::vector<float>& y, const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<T> sum;
  for (size_t i = 0; i < y.size(); ++i) sum.push_back(T(y[i]) + T(a[i]) * T(b[i]));
  return sum;
}

TEST_CASE("multiply_add: y += a ⊙ b in any storage") {
  TS_FOR_EACH_BACKEND(table)
    for (int64_t count : {1, 7, 255, 257, 20011})
      for (DType y_type : test::product_types(table))
        for (DType a_type : test::product_types(table))
          for (DType b_type : test::product_types(table)) {
            const std::vector<float> start = rounded(normal(count), y_type), a = rounded(normal(count), a_type), b = rounded(normal(count), b_type);
            Harness h(table);
            const Tensor y = h.in_out(start, {count}, y_type), left = h.input(a, {count}, a_type), right = h.input(b, {count}, b_type);
            h.run([&](Context& ctx) { ops::multiply_add(ctx, y, left, right); });
            TS_CHECK_ERROR("multiply_add", h.read(y), y_type, multiplied, start, a, b);
          }
}

template <class T>
std::vector<T> activated(const std::vector<float>& x, Activation activation) {
  std::vector<T> y;
  for (float value : x) y.push_back(test::obvious_activation(T(value), activation));
  return y;
}

TEST_CASE("activate: every activation over small and ordinary values") {
  TS_FOR_EACH_BACKEND(table)
    for (Activation activation : test::kActivations)
      for (DType x_type : test::product_types(table))
        for (DType y_type : test::product_types(table))
          for (float scale : {1e-3f, 1.0f, 4.0f}) {
            const std::vector<float> x = rounded(normal(4095, scale), x_type);
            Harness h(table);
            const Tensor in = h.input(x, {4095}, x_type), y = h.output({4095}, y_type), in_place = h.in_out(x, {4095}, x_type);
            h.run([&](Context& ctx) {
              ops::activate(ctx, y, in, activation);
              ops::activate(ctx, in_place, in_place, activation);
            });
            TS_CHECK_ERROR(concat("activation ", int(activation), " of ", scale), h.read(y), y_type, activated, x, activation);
            if (x_type == y_type) CHECK(h.read(in_place) == h.read(y));
          }
}

TEST_CASE("activate: values far out stay finite and reach their limits") {
  TS_FOR_EACH_BACKEND(table)
    for (Activation activation : test::kActivations) {
      const std::vector<float> x{-1e4f, -200.0f, -100.0f, -30.0f, -0.0f, 0.0f, 30.0f, 100.0f, 200.0f, 1e4f};
      const int64_t count = int64_t(x.size());
      Harness h(table);
      const Tensor in = h.input(x, {count}), y = h.output({count});
      h.run([&](Context& ctx) { ops::activate(ctx, y, in, activation); });
      const std::vector<float> ours = h.read(y);
      const std::vector<double> exact = activated<double>(x, activation);
      for (size_t i = 0; i < x.size(); ++i) CHECK_MESSAGE(std::abs(ours[i] - exact[i]) <= 1e-6 * std::abs(exact[i]) + 1e-10, "activation " << int(activation) << " of " << x[i] << " is " << ours[i]);
    }
}

TEST_CASE("scale_add: alpha·x + beta·z, with z or without, in place too") {
  TS_FOR_EACH_BACKEND(table)
    for (int64_t count : {1, 7, 255, 257, 20011}) {
      const std::vector<float> x = normal(count), z = normal(count);
      Harness h(table);
      const Tensor a = h.input(x, {count}), b = h.input(z, {count}), both = h.output({count}), one = h.output({count}), in_place = h.in_out(x, {count});
      h.run([&](Context& ctx) {
        ops::scale_add(ctx, both, 0.75f, a, -0.5f, b);
        ops::scale_add(ctx, one, 0.75f, a, 0.0f, {});
        ops::scale_add(ctx, in_place, 0.75f, in_place, -0.5f, b);
      });
      const std::vector<float> ours = h.read(both), half = h.read(one);
      for (size_t i = 0; i < x.size(); ++i) {
        CHECK(std::abs(ours[i] - (0.75 * x[i] - 0.5 * z[i])) <= 2e-7 * (std::abs(x[i]) + std::abs(z[i])));
        CHECK(half[i] == 0.75f * x[i]);
      }
      CHECK(h.read(in_place) == ours);
    }
}

TEST_CASE("elementwise: arguments that do not fit are refused with their shapes") {
  Harness h(plain_table());
  Serial serial;
  Arena arena = Arena::planning();
  Context ctx(plain_table(), arena, serial, DType::f32);
  const Tensor a = h.input(normal(6), {2, 3}), y = h.output({2, 3});
  CHECK_THROWS_WITH_AS(ops::add(ctx, y, a, h.input(normal(2), {1, 2})), doctest::Contains("b is [1, 2], which does not repeat over [2, 3]"), Error);
  CHECK_THROWS_WITH_AS(ops::multiply_add(ctx, y, a, h.input(normal(3), {1, 3})), doctest::Contains("b is [1, 3], [2, 3] needed"), Error);
  CHECK_THROWS_WITH_AS(ops::scale_add(ctx, y, 1, a, 1, {}), doctest::Contains("beta is 1 but z is missing"), Error);
}

}  // namespace
}  // namespace ts
