// The SIMD parts of attention; the products between them are oneDNN's.
#pragma once

#include <cstdint>
#include <span>

#include "core/dtype.h"

namespace ts::cpu {

// Some rows of keys and values of one head, `row_step` elements from one to the next.
struct KeyRows {
  const void *k = nullptr, *v = nullptr;
  int64_t count = 0, row_step = 0;
};

// Right operands of the two products, in the layouts of product.h: kᵀ [dim, keys] and v [keys, dim], the latter over
// `num_keys` rounded up as the layout wants. `stored` is the type in memory, `compute` that of the operands.
void pack_keys(std::span<const KeyRows> keys, DType stored, DType compute, int64_t num_keys, int64_t dim, void* packed);
void pack_values(std::span<const KeyRows> keys, DType stored, DType compute, int64_t num_keys, int64_t dim, void* packed);

// What is added to scale·q·k before the softmax. Positions of queries count from 0 in this call.
struct ScoreTerms {
  float scale = 1;
  const float* mask = nullptr;  // [keys] of 0 or −∞, for every query
  const float* bias = nullptr;  // [queries, keys]
  bool causal = false;
  int64_t first_query = 0;      // position of row 0, for `causal`
};

// e^(score − max) of each of `rows` rows of scores [rows, keys] f32 as `type` (f32 or bf16), dense; sums [rows] f32,
// of the unrounded values. A row without visible keys becomes zeros with sum 0. Scores are overwritten.
void softmax_rows(float* scores, int64_t rows, int64_t keys, const ScoreTerms& terms, void* weights, DType type, float* sums);

// out[row] = means[row] / sums[row], `dim` elements a row; out rows `out_step` elements apart. A sum of 0 gives zeros.
void put_means(const float* means, const float* sums, int64_t rows, int64_t dim, void* out, DType type, int64_t out_step);

// Attention of a few queries to a few keys, without products.
struct DirectAttention {
  const void* q = nullptr;  // rows q_step apart
  int64_t q_step = 0, num_queries = 0;
  std::span<const KeyRows> keys;
  DType stored = DType::f32;
  int64_t dim = 0;
  float scale = 1;
  void* out = nullptr;      // rows out_step apart
  DType type = DType::f32;
  int64_t out_step = 0;
};
// `scores` is room for direct_scores_numel(keys) f32.
constexpr int64_t direct_scores_numel(int64_t num_keys) { return num_keys + 64; }
void attend_directly(const DirectAttention& job, float* scores);

}  // namespace ts::cpu
