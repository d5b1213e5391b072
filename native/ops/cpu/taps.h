// Left operands of products: rows converted to what the product multiplies, the taps of a convolution side by side.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace ts::cpu {

// Where the rows of a convolution's product come from: row m is [x[first(m)] | x[first(m) + dilation] | …] with
// first(m) = m·stride − offset, `taps` of them.
struct TapGeometry {
  int64_t taps = 1, stride = 1, dilation = 1, offset = 0;

  int64_t first(int64_t m) const { return m * stride - offset; }
  // One behind the last row of x that row m reads.
  int64_t end(int64_t m) const { return first(m) + (taps - 1) * dilation + 1; }
};

// Rows [begin, end) of a sequence, dense; all others count as zeros.
struct SourceRows {
  const void* data = nullptr;
  int64_t begin = 0, end = 0;
  int64_t row_bytes = 0;
};

// Product rows [m_begin, m_end), taps·row_bytes each.
void lay_taps(const SourceRows& source, const TapGeometry& geometry, int64_t m_begin, int64_t m_end, void* to);

// `count` elements from f32 or bf16 to f32 or bf16. With `storage` bf16, f32 values are rounded to bf16 even where `to`
// is f32: that product stands in for one of bf16.
void convert(const void* from, DType from_type, void* to, DType to_type, DType storage, int64_t count);
// The same of snake(x), x one row f32; a and inv_b null = identity.
void convert_snake(const float* from, const float* a, const float* inv_b, void* to, DType to_type, DType storage, int64_t count);

}  // namespace ts::cpu
