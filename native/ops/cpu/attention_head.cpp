#include "ops/cpu/attention_head.h"

#include <algorithm>

#include "ops/cpu/scratch.h"
#include "ops/cpu/taps.h"

namespace ts::cpu {
namespace {
constexpr int64_t kScoreBytes = 256 << 10, kMinRows = 16, kMaxRows = 96;
}

struct HeadAttention::Slot {
  Slot(std::byte* base, const HeadAttention& head) {
    const int64_t element = int64_t(size_of(head.compute_)), rows = head.max_rows_;
    Carver carver(base);
    k = carver.take<std::byte>(b_numel(head.compute_, head.dim_, head.num_keys_) * element);
    v = carver.take<std::byte>(b_numel(head.compute_, head.num_keys_, head.dim_) * element);
    q = carver.take<std::byte>(head.stored_ == head.compute_ ? 0 : rows * head.dim_ * element);
    scores = carver.take<float>(rows * head.num_keys_);
    weights = carver.take<std::byte>(rows * head.num_keys_ * element);
    sums = carver.take<float>(rows);
    means = carver.take<float>(rows * head.dim_);
    scratch = carver.take<std::byte>(head.scratch_bytes_);
    bytes = carver.used();
  }
  std::byte *k, *v, *q, *weights, *scratch;
  float *scores, *sums, *means;
  int64_t bytes;
};

HeadAttention::HeadAttention(DType stored, int64_t num_keys, int64_t dim, std::span<const int64_t> query_lens)
    : stored_(stored), compute_(compute_dtype(stored)), num_keys_(num_keys), dim_(dim) {
  for (const int64_t len : query_lens) {
    if (len == 0) continue;
    const int64_t rows = rows_of(len), last = len - (len - 1) / rows * rows;
    for (const int64_t m : {rows, last}) {
      if (std::any_of(steps_.begin(), steps_.end(), [&](const Step& step) { return step.rows == m; })) continue;
      const Step& added = steps_.emplace_back(Step{m, product_for(m, num_keys, dim, compute_), product_for(m, dim, num_keys, compute_)});
      scratch_bytes_ = std::max({scratch_bytes_, added.scores->scratch_bytes(), added.means->scratch_bytes()});
      max_rows_ = std::max(max_rows_, m);
    }
  }
  slot_bytes_ = Slot(nullptr, *this).bytes;
}

int64_t HeadAttention::rows_of(int64_t num_queries) const {
  const int64_t fitting = std::clamp(kScoreBytes / (num_keys_ * 4), kMinRows, kMaxRows), count = (num_queries + fitting - 1) / fitting;
  return (num_queries + count - 1) / count;
}

const HeadAttention::Step& HeadAttention::step(int64_t rows) const {
  return *std::find_if(steps_.begin(), steps_.end(), [&](const Step& step) { return step.rows == rows; });
}

void HeadAttention::pack(std::byte* base, std::span<const KeyRows> keys) const {
  const Slot slot(base, *this);
  pack_keys(keys, stored_, compute_, num_keys_, dim_, slot.k);
  pack_values(keys, stored_, compute_, num_keys_, dim_, slot.v);
}

void HeadAttention::attend(std::byte* base, const void* q, int64_t num_queries, const ScoreTerms& terms, void* out, DType type,
                           int64_t out_step) const {
  const Slot slot(base, *this);
  const int64_t rows_per_step = num_queries > 0 ? rows_of(num_queries) : 1;
  for (int64_t begin = 0; begin < num_queries; begin += rows_per_step) {
    const int64_t rows = std::min(rows_per_step, num_queries - begin);
    const Step& products = step(rows);
    const void* queries = static_cast<const std::byte*>(q) + begin * dim_ * int64_t(size_of(stored_));
    if (stored_ != compute_) {
      convert(queries, stored_, slot.q, compute_, compute_, rows * dim_);
      queries = slot.q;
    }
    products.scores->run(queries, slot.k, slot.scores, slot.scratch);
    ScoreTerms part = terms;
    part.first_query += begin;
    if (part.bias) part.bias += begin * num_keys_;
    softmax_rows(slot.scores, rows, num_keys_, part, slot.weights, compute_, slot.sums);
    products.means->run(slot.weights, slot.v, slot.means, slot.scratch);
    put_means(slot.means, slot.sums, rows, dim_, static_cast<std::byte*>(out) + begin * out_step * int64_t(size_of(type)), type, out_step);
  }
}

}  // namespace ts::cpu
