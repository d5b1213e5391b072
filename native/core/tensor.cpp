#include "core/tensor.h"

namespace ts {

std::string Shape::str() const {
  std::string text = "[";
  for (int i = 0; i < rank_; ++i) {
    if (i) text += ", ";
    text += std::to_string(dims_[i]);
  }
  return text + "]";
}

Tensor Tensor::slice(int64_t begin, int64_t length) const {
  require(shape.rank() > 0, "tensor: a scalar has no rows to slice");
  require(begin >= 0 && length >= 0 && begin <= shape[0] && length <= shape[0] - begin, "tensor: ", length,
          " rows from ", begin, " of ", shape.str(), " do not exist");
  Shape part;
  int64_t row_bytes = int64_t(size_of(dtype));
  for (int axis = 0; axis < shape.rank(); ++axis) {
    part.push_back(axis == 0 ? length : shape[axis]);
    if (axis > 0) row_bytes *= shape[axis];
  }
  // As an integer, because a planned tensor's address belongs to no object (core/arena.h).
  return {reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(data) + uintptr_t(begin * row_bytes)), dtype, part};
}

}  // namespace ts
