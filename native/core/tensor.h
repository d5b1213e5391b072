// Tensors as operators see them: a pointer, an element type and a shape, owning nothing.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>

#include "core/dtype.h"
#include "core/error.h"

namespace ts {

// Up to five axes, slowest first.
class Shape {
 public:
  static constexpr int kMaxRank = 5;

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    for (int64_t dim : dims) push_back(dim);
  }
  explicit Shape(std::span<const int64_t> dims) {
    for (int64_t dim : dims) push_back(dim);
  }

  void push_back(int64_t dim) {
    require(rank_ < kMaxRank, "shape: more than ", kMaxRank, " axes");
    require(dim >= 0, "shape: axis of negative length ", dim);
    dims_[rank_++] = dim;
  }
  int rank() const { return rank_; }
  // Negative axes count from the end.
  int64_t operator[](int axis) const { return dims_[axis < 0 ? rank_ + axis : axis]; }
  int64_t numel() const {
    int64_t count = 1;
    for (int i = 0; i < rank_; ++i) count *= dims_[i];
    return count;
  }
  std::span<const int64_t> dims() const { return {dims_.data(), size_t(rank_)}; }
  bool operator==(const Shape& other) const {
    if (rank_ != other.rank_) return false;
    for (int i = 0; i < rank_; ++i)
      if (dims_[i] != other.dims_[i]) return false;
    return true;
  }
  std::string str() const;  // "[2, 194, 1024]"

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

// A contiguous tensor in the memory of one device. Copying copies the view. While a forward is being
// planned (core/arena.h) the pointer is meaningless and must not be followed.
struct Tensor {
  void* data = nullptr;
  DType dtype = DType::f32;
  Shape shape;

  Tensor() = default;
  Tensor(void* data, DType dtype, Shape shape) : data(data), dtype(dtype), shape(shape) {}

  explicit operator bool() const { return data != nullptr; }
  int64_t numel() const { return shape.numel(); }
  int64_t bytes() const { return numel() * int64_t(size_of(dtype)); }
  // All axes but the last, and the last: how row-wise operators read a tensor.
  int64_t cols() const { return shape.rank() ? shape[-1] : 1; }
  int64_t rows() const { return cols() ? numel() / cols() : 0; }

  template <class T>
  T* as() const {
    require(dtype == dtype_of<std::remove_const_t<T>>(), "tensor: holds ", name_of(dtype), ", read as ",
            name_of(dtype_of<std::remove_const_t<T>>()));
    return static_cast<T*>(data);
  }
  // The same elements under another shape.
  Tensor reshape(Shape to) const {
    require(to.numel() == numel(), "tensor: cannot view ", shape.str(), " as ", to.str());
    return {data, dtype, to};
  }
  // Elements [begin, begin + length) of the first axis.
  Tensor slice(int64_t begin, int64_t length) const;
};

// The caller keeps the memory alive and does not write through a tensor made from const data.
template <class T>
Tensor tensor_of(T* data, Shape shape) {
  return {const_cast<std::remove_const_t<T>*>(data), dtype_of<std::remove_const_t<T>>(), shape};
}

}  // namespace ts
