// The layers of the Oobleck VAE, channel-last [B, L, C] f32 (spec 03 §1).
//
//   snake(x) = x + sin²(a·x)·inv_b        a = exp(alpha), inv_b = 1/(exp(beta) + 1e-9), per channel
//
// Offsets are free, so that a chunk of the sequence can be computed from exactly the rows it needs: rows of x outside
// [0, L_in) count as zeros, which is right at the true ends and never reached elsewhere when the caller gave enough.
#pragma once

#include "ops/context.h"
#include "ops/packed_weight.h"

namespace ts {

struct Snake {
  Tensor a, inv_b;  // f32 [C]; empty = identity
};

struct ConvGeometry {
  int64_t stride = 1, dilation = 1;
  // conv: y[m] = Σ_j W_j·x[m·stride + j·dilation − offset].  transposed: y[m] = Σ_n W_{m + offset − n·stride}·x[n].
  // So `offset` is the padding when x and y both start at the beginning of the sequence.
  int64_t offset = 0;
};

namespace ops {

// y = snake(x), for those who want to look at it.
void snake(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake);
// y [B, L_out, out] = residual + conv(snake(x)) + bias. residual f32, shape of y, may be y; empty = none. bias f32
// [out]; empty = none.
void snake_conv1d(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                  const ConvGeometry& geometry, const Tensor& bias, const Tensor& residual = {});
// Transposed convolution with kernel 2·stride: every output has at most two contributing inputs per channel.
void snake_conv_transpose1d(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                            const ConvGeometry& geometry, const Tensor& bias);

}  // namespace ops
}  // namespace ts
