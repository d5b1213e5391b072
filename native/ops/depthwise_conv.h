// The first half of a ConvNeXt block: each channel alone over a few neighbouring rows, then a layer norm over the channels.
//
//   y[m] = LN(bias + Σ_j w[j] ⊙ x[m + j − offset])·norm_weight + norm_bias        j = 0 … taps − 1
//
// Fused because the convolution reads and writes as little as the norm does: together one pass over x and one over y.
// As in ops/snake.h the offset is free, so that a chunk is computed from exactly the rows it needs: rows of x outside
// [0, L_in) count as zeros, which is right at the true ends and never reached elsewhere when the caller gave enough.
// Source   Liu et al., "A ConvNet for the 2020s", 2022; docs/mel-codec.md.
#pragma once

#include "ops/context.h"

namespace ts {

struct DepthwiseNorm {
  Tensor weight, bias;            // f32 [taps, C], [C]
  Tensor norm_weight, norm_bias;  // f32 [C]
  float eps = 1e-6f;
};

namespace ops {

// x f32 [B, L_in, C], y f32, bf16 or f16 [B, L_out, C]. `offset` is the padding when x and y begin at the same row.
void depthwise_conv_norm(Context& ctx, const Tensor& y, const Tensor& x, const DepthwiseNorm& layer, int64_t offset);

}  // namespace ops
}  // namespace ts
