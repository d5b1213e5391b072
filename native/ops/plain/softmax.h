// A softmax-weighted mean of value rows in one pass over the keys, for any number of keys in constant memory.
// Source   Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/dtype.h"

namespace ts::plain {

constexpr int64_t kMaxHeadDim = 128;
constexpr float kNever = -std::numeric_limits<float>::infinity();  // the score of a key that must not be seen

// Eight interleaved sums, so that the compiler may vectorise; `dim` may be any length.
template <class A, class B>
float dot(const A* a, const B* b, int64_t dim) {
  float lanes[8] = {};
  int64_t i = 0;
  for (; i + 8 <= dim; i += 8)
    for (int64_t lane = 0; lane < 8; ++lane) lanes[lane] += to_float(a[i + lane]) * to_float(b[i + lane]);
  for (int64_t lane = 0; i < dim; ++i, ++lane) lanes[lane] += to_float(a[i]) * to_float(b[i]);
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

// out [dim] = Σ_j softmax(score)_j · value(j); score(j) may be kNever, value(j) is a row of f32, bf16 or f16. All kNever: zeros.
template <class Score, class Value>
void softmax_mean(float* out, int64_t dim, int64_t num_keys, const Score& score, const Value& value) {
  constexpr int64_t kChunk = 64;
  float scores[kChunk], top = kNever, total = 0;
  std::fill_n(out, dim, 0.0f);
  for (int64_t begin = 0; begin < num_keys; begin += kChunk) {
    const int64_t count = std::min(kChunk, num_keys - begin);
    float new_top = top;
    for (int64_t j = 0; j < count; ++j) new_top = std::max(new_top, scores[j] = score(begin + j));
    if (new_top == kNever) continue;
    if (new_top > top) {  // what has been summed so far was scaled for a smaller maximum
      const float shrink = std::exp(top - new_top);
      for (int64_t d = 0; d < dim; ++d) out[d] *= shrink;
      total *= shrink;
      top = new_top;
    }
    for (int64_t j = 0; j < count; ++j) {
      if (scores[j] == kNever) continue;
      const float weight = std::exp(scores[j] - top);
      const auto* row = value(begin + j);
      for (int64_t d = 0; d < dim; ++d) out[d] += weight * to_float(row[d]);
      total += weight;
    }
  }
  if (total > 0)
    for (int64_t d = 0; d < dim; ++d) out[d] /= total;
}

}  // namespace ts::plain
