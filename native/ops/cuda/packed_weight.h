// Weights of the CUDA backend: the right operands of products, one row per column of the product, the summed axis
// innermost. With C = in, padded with zeros to whole steps of the kernels:
//
//   linear, conv      row o          element j·C + i = W[o, i, j]
//   gated             row g·16 + r, r < 8, of W1's outputs g·8 + r; rows g·16 + 8 + r of W3's
//   conv_transpose    row p·out + o, p < stride:   element i = W[i, o, p + stride],  element C + i = W[i, o, p]
//
// The third is the polyphase form: with q = ⌊(m + offset)/stride⌋ and p the remainder, y[m] takes tap p of x[q] and tap
// p + stride of x[q − 1], so all phases of one q are one row of the product [x[q − 1] | x[q]]·Wᵀ (spec 03 §1).
//
// Weights of 8 bits lie in the same places, integers but for the order of 16 neighbours in a row (int8_place), and behind them the
// scale of every row, f32.
#pragma once

#include "ops/cuda/divider.h"
#include "ops/packed_weight.h"

namespace ts::cuda {

// Outputs of one matrix that lie side by side in a gated pair: so few that wgmma leaves both sums of an output with one thread.
constexpr int64_t kGatedGroup = 8;

// Where output `o` of matrix `which` of a gated pair lies among the rows.
constexpr TS_HOST_DEVICE int64_t gated_row(int64_t o, int64_t which) {
  return o / kGatedGroup * 2 * kGatedGroup + which * kGatedGroup + o % kGatedGroup;
}

// Channels of one tap as stored: whole steps of the kernels' summed axis.
constexpr int64_t channels_of_step(DType stored) { return stored == DType::f32 ? 16 : stored == DType::e4m3 ? 128 : 64; }
constexpr int64_t padded_channels(int64_t in, DType stored) {
  const int64_t step = channels_of_step(stored);
  return (in + step - 1) / step * step;
}

// Where channel `i` of a row of 8-bit weights lies: the four that a thread holds in a fragment of m16n8k16, channels 2t, 2t + 1,
// 2t + 8 and 2t + 9 of 16, are one word.
constexpr TS_HOST_DEVICE int64_t int8_place(int64_t i) { return i / 16 * 16 + i % 8 / 2 * 4 + i / 8 % 2 * 2 + i % 2; }

class CudaWeight final : public PackedWeight {
 public:
  int64_t channels = 0;  // padded
  int64_t rows = 0;      // columns of the product
  int64_t num_taps = 1;  // of the product: 2 for conv_transpose
  std::shared_ptr<void> memory;  // stored() [rows, num_taps·channels], then scales

  int64_t depth() const { return num_taps * channels; }
  DType stored() const { return format == WeightFormat::int8 ? DType::i8 : format == WeightFormat::fp8 ? DType::e4m3 : dtype; }
  bool has_scales() const { return format != WeightFormat::product; }
  int64_t matrix_bytes() const { return (rows * depth() * int64_t(size_of(stored())) + 15) / 16 * 16; }
  int64_t bytes() const override { return matrix_bytes() + (has_scales() ? rows * int64_t(sizeof(float)) : 0); }
  // f32 [rows] on the device, or null.
  const float* scales() const {
    return has_scales() ? reinterpret_cast<const float*>(static_cast<const std::byte*>(memory.get()) + matrix_bytes()) : nullptr;
  }
};

const CudaWeight& cuda_weight(const PackedWeight& weight);

}  // namespace ts::cuda
