// Attention of one head of one item: two tile products around a softmax, everything in the cache of one core.
//
//   scores = q·kᵀ     [rows, keys] f32        rows such that scores stay in L2
//   weights = e^(scores·scale + terms − max)   as the products' type
//   out = weights·v / Σ weights
//
// Cost     4·rows·keys·dim flop in the products; the exponentials take about as long again at dim 64.
#pragma once

#include <memory>
#include <vector>

#include "ops/cpu/attention_kernels.h"
#include "ops/cpu/product.h"

namespace ts::cpu {

class HeadAttention {
 public:
  // For `num_keys` keys of `stored` type and each number of queries in `query_lens`.
  HeadAttention(DType stored, int64_t num_keys, int64_t dim, std::span<const int64_t> query_lens);

  int64_t slot_bytes() const { return slot_bytes_; }
  void pack(std::byte* slot, std::span<const KeyRows> keys) const;
  // q [num_queries, dim] of `stored` type, dense; num_queries one of query_lens. out rows `out_step` elements apart.
  void attend(std::byte* slot, const void* q, int64_t num_queries, const ScoreTerms& terms, void* out, DType type, int64_t out_step) const;

 private:
  struct Step {
    int64_t rows;
    std::shared_ptr<const Product> scores, means;
  };
  struct Slot;
  int64_t rows_of(int64_t num_queries) const;  // queries of one step
  const Step& step(int64_t rows) const;

  DType stored_, compute_;
  int64_t num_keys_, dim_, max_rows_ = 0, scratch_bytes_ = 0, slot_bytes_ = 0;
  std::vector<Step> steps_;
};

}  // namespace ts::cpu
