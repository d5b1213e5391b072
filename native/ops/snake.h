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

// What the next layer reads, stored by the layer before: snake(y), as products read it.
struct SnakedOutput {
  Tensor y = {};      // of the dtype of the weight that will read it; shape of the output; empty = not wanted
  Snake snake = {};
  explicit operator bool() const { return bool(y); }
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
// On backends that store snake (OperatorTable::stores_snake), and not elsewhere: x may be an earlier layer's snaked output, in
// the weight's dtype and with an empty snake; `snaked` also stores snake of y, and y itself may then be empty.
void snake_conv1d(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                  const ConvGeometry& geometry, const Tensor& bias, const Tensor& residual = {}, const SnakedOutput& snaked = {});
// Transposed convolution with kernel 2·stride: every output has at most two contributing inputs per channel.
void snake_conv_transpose1d(Context& ctx, const Tensor& y, const Tensor& x, const Snake& snake, const PackedWeight& weight,
                            const ConvGeometry& geometry, const Tensor& bias, const SnakedOutput& snaked = {});

}  // namespace ops
}  // namespace ts
