#include "ops/cpu/attention_kernels.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "ops/cpu/panels.h"
#include "ops/cpu/product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/cpu/attention_kernels.cpp"
#include <hwy/foreach_target.h>

#include "ops/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace ts::cpu {
namespace HWY_NAMESPACE {

constexpr int64_t kMaxDim = 128;

template <class From, class To>
HWY_INLINE void convert_row(const From* from, To* to, int64_t count) {
  if constexpr (std::is_same_v<From, To>) std::memcpy(to, from, size_t(count) * sizeof(To));
  else over(count, [&](auto lanes, int64_t i) HWY_ATTR { lanes.store(lanes.load(from + i), to + i); });
}

// Keys pass by the panel through a block of the operand's type, wherever they lie and whatever they are.
template <class From, class To>
void pack_keys_as(std::span<const KeyRows> keys, int64_t num_keys, int64_t dim, To* packed) {
  constexpr DType kType = dtype_of<To>();
  const bool in_panels = b_layout(kType) == BLayout::panels;
  const int64_t words = dim * int64_t(sizeof(To)) / 4, panel_numel = panel_rows(kType, dim) * kPanelColumns;
  if (in_panels) std::memset(packed, 0, size_t(b_numel(kType, dim, num_keys)) * sizeof(To));
  alignas(64) To block[kPanelColumns * kMaxDim];
  int64_t first = 0, filled = 0;  // position of the block's first key, keys in it
  const auto flush = [&]() HWY_ATTR {
    if (in_panels) {
      transpose_into_panel(reinterpret_cast<const int32_t*>(block), words, filled, words,
                           reinterpret_cast<int32_t*>(packed + first / kPanelColumns * panel_numel));
    } else {
      for (int64_t j = 0; j < filled; ++j)
        for (int64_t i = 0; i < dim; ++i) packed[i * num_keys + first + j] = block[j * dim + i];
    }
    first += filled;
    filled = 0;
  };
  for (const KeyRows& part : keys)
    for (int64_t j = 0; j < part.count; ++j) {
      convert_row(static_cast<const From*>(part.k) + j * part.row_step, block + filled * dim, dim);
      if (++filled == kPanelColumns) flush();
    }
  if (filled > 0) flush();
}

void pack_keys_kernel(std::span<const KeyRows> keys, DType stored, DType compute, int64_t num_keys, int64_t dim, void* packed) {
  if (compute == DType::bf16) return pack_keys_as<bf16, bf16>(keys, num_keys, dim, static_cast<bf16*>(packed));
  if (stored == DType::bf16) return pack_keys_as<bf16, float>(keys, num_keys, dim, static_cast<float*>(packed));
  pack_keys_as<float, float>(keys, num_keys, dim, static_cast<float*>(packed));
}

// Two rows of bf16 interleaved into `count` pairs; the second may be null = zeros.
void interleave(const uint16_t* even, const uint16_t* odd, int64_t count, uint32_t* pairs) {
  const DU du;
  const hn::Rebind<uint16_t, DU> d16;
  const int64_t lanes = int64_t(hn::Lanes(du));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    auto pair = hn::PromoteTo(du, hn::LoadU(d16, even + i));
    if (odd) pair = hn::Or(pair, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(d16, odd + i))));
    hn::StoreU(pair, du, pairs + i);
  }
  for (; i < count; ++i) pairs[i] = uint32_t(even[i]) | uint32_t(odd ? odd[i] : 0) << 16;
}

void pack_values_kernel(std::span<const KeyRows> keys, DType stored, DType compute, int64_t num_keys, int64_t dim, void* packed) {
  const BLayout layout = b_layout(compute);
  const int64_t panel = panel_rows(compute, num_keys) * kPanelColumns;  // elements
  if (layout == BLayout::panels) std::memset(packed, 0, size_t(b_numel(compute, num_keys, dim)) * size_of(compute));
  const uint16_t* waiting = nullptr;  // an even row until its odd neighbour comes
  int64_t row = 0;
  const auto put_pair = [&](const uint16_t* even, const uint16_t* odd, int64_t pair) HWY_ATTR {
    for (int64_t first = 0; first < dim; first += kPanelColumns)
      interleave(even + first, odd ? odd + first : nullptr, std::min(kPanelColumns, dim - first),
                 reinterpret_cast<uint32_t*>(static_cast<bf16*>(packed) + first / kPanelColumns * panel) + pair * kPanelColumns);
  };
  for (const KeyRows& part : keys)
    for (int64_t j = 0; j < part.count; ++j, ++row) {
      if (compute == DType::bf16) {
        const auto* v = static_cast<const uint16_t*>(part.v) + j * part.row_step;
        if (row % 2 == 0) waiting = v;
        else put_pair(waiting, v, row / 2);
        continue;
      }
      for (int64_t first = 0; first < dim; first += kPanelColumns) {
        const int64_t count = std::min(kPanelColumns, dim - first);
        float* to = layout == BLayout::panels ? static_cast<float*>(packed) + first / kPanelColumns * panel + row * kPanelColumns
                                              : static_cast<float*>(packed) + row * dim + first;
        if (stored == DType::bf16) convert_row(static_cast<const bf16*>(part.v) + j * part.row_step + first, to, count);
        else convert_row(static_cast<const float*>(part.v) + j * part.row_step + first, to, count);
      }
    }
  if (compute == DType::bf16 && row % 2 == 1) put_pair(waiting, nullptr, row / 2);
}

constexpr float kNever = -std::numeric_limits<float>::infinity();

// Scores of one row become weights; returns their sum.
template <class Y>
float softmax_row(float* scores, int64_t keys, int64_t seen, float scale, const float* mask, const float* bias, Y* weights) {
  const V factor = set(scale);
  V top = set(kNever);
  over(seen, [&](auto lanes, int64_t i) HWY_ATTR {
    V score = hn::Mul(lanes.load(scores + i), factor);
    if (bias) score = hn::Add(score, lanes.load(bias + i));
    if (mask) score = hn::Add(score, lanes.load(mask + i));
    lanes.store(score, scores + i);
    top = hn::Max(top, lanes.only_or(score, kNever));
  });
  const float highest = max_lanes(top);
  const V offset = set(highest == kNever ? 0.0f : highest);
  V sum = zero();
  over(seen, [&](auto lanes, int64_t i) HWY_ATTR {
    const V weight = lanes.only(exp_of_negative(hn::Sub(lanes.load(scores + i), offset)));
    sum = hn::Add(sum, weight);
    lanes.store(weight, weights + i);
  });
  std::fill(weights + seen, weights + keys, Y{});
  return sum_lanes(sum);
}

template <class Y>
void softmax_rows_as(float* scores, int64_t rows, int64_t keys, const ScoreTerms& terms, Y* weights, float* sums) {
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t seen = terms.causal ? std::min(keys, terms.first_query + r + 1) : keys;
    const float* bias = terms.bias ? terms.bias + r * keys : nullptr;
    sums[r] = softmax_row(scores + r * keys, keys, seen, terms.scale, terms.mask, bias, weights + r * keys);
  }
}

void softmax_rows_kernel(float* scores, int64_t rows, int64_t keys, const ScoreTerms& terms, void* weights, DType type, float* sums) {
  if (type == DType::bf16) return softmax_rows_as(scores, rows, keys, terms, static_cast<bf16*>(weights), sums);
  softmax_rows_as(scores, rows, keys, terms, static_cast<float*>(weights), sums);
}

template <class Y>
void put_means_as(const float* means, const float* sums, int64_t rows, int64_t dim, Y* out, int64_t out_step) {
  for (int64_t r = 0; r < rows; ++r) {
    const V scale = set(sums[r] > 0 ? 1.0f / sums[r] : 0.0f);
    over(dim, [&](auto lanes, int64_t i) HWY_ATTR {
      lanes.store(hn::Mul(lanes.load(means + r * dim + i), scale), out + r * out_step + i);
    });
  }
}

void put_means_kernel(const float* means, const float* sums, int64_t rows, int64_t dim, void* out, DType type, int64_t out_step) {
  if (type == DType::bf16) return put_means_as(means, sums, rows, dim, static_cast<bf16*>(out), out_step);
  put_means_as(means, sums, rows, dim, static_cast<float*>(out), out_step);
}

// A few queries and keys of one stored type. Scores are padded to whole vectors with −∞.
template <class T>
void attend_directly_as(const DirectAttention& job, float* scores) {
  const int64_t step = int64_t(hn::Lanes(D())), dim = job.dim;
  for (int64_t n = 0; n < job.num_queries; ++n) {
    const T* query = static_cast<const T*>(job.q) + n * job.q_step;
    int64_t num_keys = 0;
    for (const KeyRows& part : job.keys) {
      const T* key = static_cast<const T*>(part.k);
      for (int64_t j = 0; j < part.count; ++j, key += part.row_step) {
        V sum = zero();
        over(dim, [&](auto lanes, int64_t i) HWY_ATTR { sum = hn::MulAdd(lanes.load(query + i), lanes.load(key + i), sum); });
        scores[num_keys++] = sum_lanes(sum);
      }
    }
    const int64_t padded = (num_keys + step - 1) / step * step;
    std::fill(scores + num_keys, scores + padded, kNever);
    const float total = softmax_row(scores, padded, padded, job.scale, nullptr, nullptr, scores);
    const V norm = set(total > 0 ? 1.0f / total : 0.0f);
    const auto put = [&](auto* out) HWY_ATTR {
      over(dim, [&](auto lanes, int64_t i) HWY_ATTR {
        V mean = zero();
        const float* weight = scores;
        for (const KeyRows& part : job.keys) {
          const T* value = static_cast<const T*>(part.v) + i;
          for (int64_t j = 0; j < part.count; ++j, value += part.row_step) mean = hn::MulAdd(set(*weight++), lanes.load(value), mean);
        }
        lanes.store(hn::Mul(mean, norm), out + n * job.out_step + i);
      });
    };
    if (job.type == DType::bf16) put(static_cast<bf16*>(job.out));
    else put(static_cast<float*>(job.out));
  }
}

void attend_directly_kernel(const DirectAttention& job, float* scores) {
  if (job.stored == DType::bf16) return attend_directly_as<bf16>(job, scores);
  attend_directly_as<float>(job, scores);
}

}  // namespace HWY_NAMESPACE
}  // namespace ts::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace ts::cpu {

HWY_EXPORT(pack_keys_kernel);
HWY_EXPORT(pack_values_kernel);
HWY_EXPORT(softmax_rows_kernel);
HWY_EXPORT(put_means_kernel);
HWY_EXPORT(attend_directly_kernel);

void pack_keys(std::span<const KeyRows> keys, DType stored, DType compute, int64_t num_keys, int64_t dim, void* packed) {
  HWY_DYNAMIC_DISPATCH(pack_keys_kernel)(keys, stored, compute, num_keys, dim, packed);
}
void pack_values(std::span<const KeyRows> keys, DType stored, DType compute, int64_t num_keys, int64_t dim, void* packed) {
  HWY_DYNAMIC_DISPATCH(pack_values_kernel)(keys, stored, compute, num_keys, dim, packed);
}
void softmax_rows(float* scores, int64_t rows, int64_t keys, const ScoreTerms& terms, void* weights, DType type, float* sums) {
  HWY_DYNAMIC_DISPATCH(softmax_rows_kernel)(scores, rows, keys, terms, weights, type, sums);
}
void put_means(const float* means, const float* sums, int64_t rows, int64_t dim, void* out, DType type, int64_t out_step) {
  HWY_DYNAMIC_DISPATCH(put_means_kernel)(means, sums, rows, dim, out, type, out_step);
}
void attend_directly(const DirectAttention& job, float* scores) { HWY_DYNAMIC_DISPATCH(attend_directly_kernel)(job, scores); }

}  // namespace ts::cpu
#endif
