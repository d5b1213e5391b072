// Weights as a backend wants them: opaque to the networks.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/tensor.h"

namespace ts {

struct OperatorTable;

// How a packed weight is kept.
//   product   as products read it
//   int8      8-bit integers, and an f32 scale for each output channel by which the product's sums are multiplied
//   fp8       the same with e4m3; and what the product reads becomes e4m3 too, each row with the f32 scale that makes its
//             largest value 448. Of linear layers of bf16 alone (WeightUse::linear)
enum class WeightFormat : uint8_t { product, int8, fp8 };

// The matrix of a product or the kernel of a convolution, in a layout that only its backend knows.
class PackedWeight {
 public:
  virtual ~PackedWeight() = default;
  int64_t out = 0;    // output channels (of one half, when gated)
  int64_t in = 0;     // input channels
  int64_t taps = 1;   // kernel length along time; 1 = a linear layer
  bool gated = false; // two matrices of `out` rows for gated_linear
  DType dtype = DType::f32;  // what its products read: f32, bf16 or f16
  WeightFormat format = WeightFormat::product;
  virtual int64_t bytes() const = 0;
};
using Weight = std::shared_ptr<const PackedWeight>;

// What a weight is packed for: backends lay the two kinds of convolution out differently.
enum class WeightUse : uint8_t {
  linear,         // linear, gated_linear, qkv_projection; taps > 1 are "same" convolutions of the DiT
  conv,           // snake_conv1d, any stride and dilation
  conv_transpose  // snake_conv_transpose1d; source is [in, out, taps]
};

struct PackOptions {
  WeightUse use = WeightUse::linear;
  DType dtype = DType::f32;      // f32, bf16 or f16
  WeightFormat format = WeightFormat::product;
  int64_t stride = 1, dilation = 1;
};

// `weight` is f32 on the host: [out, in], [out, in, taps], or [in, out, taps] for conv_transpose. It may be freed
// when the call returns.
Weight pack_weight(const OperatorTable& table, const Tensor& weight, const PackOptions& options);
// Both matrices of a gated layer: y = act(W1 x) ⊙ (W3 x).
Weight pack_gated_weight(const OperatorTable& table, const Tensor& w1, const Tensor& w3, const PackOptions& options);


// For backends. The scale of each output channel of a weight as it is given to pack_weight: its largest value over 127. A
// value is round(value/scale), of a channel of zeros 0; what was quantised so before comes back as it was.
std::vector<float> int8_scales(const Tensor& weight, WeightUse use);
int8_t to_int8(float value, float scale);
// The same of format fp8, whose scale is the largest over 448.
std::vector<float> fp8_scales(const Tensor& weight);
e4m3 to_fp8(float value, float scale);

}  // namespace ts
