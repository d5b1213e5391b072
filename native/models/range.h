// Parts of a sequence: which rows a layer needs so that a chunk equals the whole.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/tensor.h"

namespace ts {

// Positions [begin, end) of a sequence.
struct Range {
  int64_t begin = 0, end = 0;
  int64_t length() const { return end - begin; }
};

// The rows that reach `out` through a kernel of `reach` rows to either side, cut at the ends of the sequence.
inline Range widen(Range out, int64_t reach, int64_t length) {
  return {std::max<int64_t>(0, out.begin - reach), std::min(length, out.end + reach)};
}

// Rows `part` of x [B, L, C], which holds rows `whole`. A batch is only ever passed whole.
inline Tensor rows_of(const Tensor& x, Range whole, Range part) {
  if (part.begin == whole.begin && part.end == whole.end) return x;
  const Tensor rows = x.reshape({x.shape[1], x.shape[2]}).slice(part.begin - whole.begin, part.length());
  return rows.reshape({1, part.length(), x.shape[2]});
}

}  // namespace ts
