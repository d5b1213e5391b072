// Reading and writing elements that are f32, bf16 or f16.
#pragma once

#include "core/tensor.h"

namespace ts::plain {

inline void store(float& to, float value) { to = value; }
inline void store(bf16& to, float value) { to = to_bf16(value); }
inline void store(f16& to, float value) { to = to_f16_saturated(value); }

// Calls body(elements) with float*, bf16* or f16*.
template <class Body>
void visit(const Tensor& tensor, const Body& body) {
  if (tensor.dtype == DType::bf16) body(static_cast<bf16*>(tensor.data));
  else if (tensor.dtype == DType::f16) body(static_cast<f16*>(tensor.data));
  else body(tensor.as<float>());
}

// Elements per task for operators that touch each element once.
constexpr int64_t kElementsPerTask = 1 << 14;

// Rows of `cols` elements per task.
inline int64_t rows_per_task(int64_t cols) { return cols >= kElementsPerTask ? 1 : kElementsPerTask / (cols > 0 ? cols : 1); }

}  // namespace ts::plain
