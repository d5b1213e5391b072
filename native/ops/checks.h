// What the operators ask of their arguments. Messages read "<operator>: <tensor> ... , ... needed".
#pragma once

#include <cstdint>

#include "ops/linear.h"

namespace ts::check {

// One operator's checks, under its name.
class Arguments {
 public:
  explicit Arguments(const char* op) : op_(op) {}

  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    if (!condition) [[unlikely]] fail(TS_INVALID_ARGUMENT, op_, ": ", parts...);
  }
  void present(const char* name, const Tensor& tensor) const { require(bool(tensor), name, " is missing"); }
  void shape(const char* name, const Tensor& tensor, const Shape& shape) const {
    present(name, tensor);
    require(tensor.shape == shape, name, " is ", tensor.shape.str(), ", ", shape.str(), " needed");
  }
  void rank(const char* name, const Tensor& tensor, int rank) const {
    present(name, tensor);
    require(tensor.shape.rank() == rank, name, " is ", tensor.shape.str(), ", ", rank, " axes needed");
  }
  void dtype(const char* name, const Tensor& tensor, DType dtype) const {
    present(name, tensor);
    require(tensor.dtype == dtype, name, " holds ", name_of(tensor.dtype), ", ", name_of(dtype), " needed");
  }
  // f32, bf16 or f16.
  void real(const char* name, const Tensor& tensor) const {
    present(name, tensor);
    require(is_product_type(tensor.dtype), name, " holds ", name_of(tensor.dtype), ", f32, bf16 or f16 needed");
  }
  // f32 of exactly `shape`.
  void f32(const char* name, const Tensor& tensor, const Shape& expected) const {
    shape(name, tensor, expected);
    dtype(name, tensor, DType::f32);
  }
  // A vector for every position, or every item, of a tensor of `shape` [B, N, D].
  void chunk(const char* name, const Chunk& chunk, const Shape& shape) const {
    rank(name, chunk.table, 3);
    dtype(name, chunk.table, DType::f32);
    const Shape& table = chunk.table.shape;
    if (chunk.rows) {
      this->shape(name, chunk.rows, {shape[0], shape[1]});
      dtype(name, chunk.rows, DType::i32);
    }
    const bool fits = chunk.rows ? table[0] == 1 : table[0] == shape[0] && (table[1] == 1 || table[1] == shape[1]);
    require(fits, name, " is a table ", table.str(), " for ", shape.str());
    require(chunk.width == shape[2], name, " is ", chunk.width, " wide, ", shape[2], " needed");
    require(chunk.index >= 0 && chunk.width > 0 && chunk.index < table[2] / chunk.width, name, " ", chunk.index, " of width ",
            chunk.width, " lies outside a table ", table.str());
  }
  // No byte in common. Holds for planned addresses too.
  void distinct(const char* a_name, const Tensor& a, const char* b_name, const Tensor& b) const {
    const auto a_begin = reinterpret_cast<uintptr_t>(a.data), b_begin = reinterpret_cast<uintptr_t>(b.data);
    require(a_begin + uintptr_t(a.bytes()) <= b_begin || b_begin + uintptr_t(b.bytes()) <= a_begin || a.bytes() == 0 || b.bytes() == 0,
            a_name, " and ", b_name, " overlap in memory");
  }
  // The same memory from the first byte to the last, or none in common.
  void same_or_distinct(const char* a_name, const Tensor& a, const char* b_name, const Tensor& b) const {
    if (a.data != b.data || a.dtype != b.dtype) distinct(a_name, a, b_name, b);
  }

 private:
  const char* op_;
};

}  // namespace ts::check
