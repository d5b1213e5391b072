#include "core/tensor.h"

#include <doctest/doctest.h>

#include <array>

using namespace ts;

TEST_CASE("shape: prints, counts and indexes from both ends") {
  const Shape shape{2, 194, 1024};
  CHECK(shape.str() == "[2, 194, 1024]");
  CHECK(Shape{}.str() == "[]");
  CHECK(Shape{}.numel() == 1);
  CHECK(shape.numel() == 2 * 194 * 1024);
  CHECK(shape[-1] == 1024);
  CHECK(shape[0] == shape[-3]);
  CHECK_THROWS_AS((Shape{1, 2, 3, 4, 5, 6}), Error);
  CHECK_THROWS_AS(Shape{-1}, Error);
}

TEST_CASE("tensor: a slice is rows of the first axis, of any element type") {
  std::array<int16_t, 24> values{};
  for (size_t i = 0; i < values.size(); ++i) values[i] = int16_t(i);
  const Tensor tensor = tensor_of(values.data(), {4, 2, 3});
  const Tensor part = tensor.slice(1, 2);
  CHECK(part.shape == Shape{2, 2, 3});
  CHECK(part.as<int16_t>()[0] == 6);
  CHECK(part.slice(1, 1).as<int16_t>()[5] == 17);
  CHECK(tensor.slice(4, 0).numel() == 0);
  CHECK(tensor.slice(0, 4).data == tensor.data);
}

TEST_CASE("tensor: slices outside the first axis are refused, even where the sum overflows") {
  std::array<float, 8> values{};
  const Tensor tensor = tensor_of(values.data(), {4, 2});
  CHECK_THROWS_AS(tensor.slice(-1, 1), Error);
  CHECK_THROWS_AS(tensor.slice(0, 5), Error);
  CHECK_THROWS_AS(tensor.slice(3, 2), Error);
  CHECK_THROWS_AS(tensor.slice(2, INT64_MAX), Error);
  CHECK_THROWS_AS(tensor_of(values.data(), {}).slice(0, 1), Error);
}

TEST_CASE("tensor: reading another type or viewing another size is refused with both named") {
  std::array<float, 8> values{};
  const Tensor tensor = tensor_of(values.data(), {4, 2});
  CHECK_THROWS_WITH_AS(tensor.as<int64_t>(), "tensor: holds f32, read as i64", Error);
  CHECK_THROWS_WITH_AS(tensor.reshape({3, 3}), "tensor: cannot view [4, 2] as [3, 3]", Error);
  CHECK(tensor.reshape({8}).rows() == 1);
  CHECK(tensor.rows() == 4);
  CHECK(tensor.cols() == 2);
}
