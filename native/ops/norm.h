// Normalisations over the last axis, f32 inside; the mean is subtracted before squaring. x f32 [B, N, D]; y f32, bf16 or
// f16 of the same shape, may not overlap x. Sources: spec 01 §2, 04 §1, 05 §3.
#pragma once

#include "ops/linear.h"

namespace ts::ops {

// y = (x − mean)·rsqrt(var + eps)·weight + bias, weight and bias f32 [D].
void layer_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& bias, float eps);
// y = LN(x)·(1 + scale) + shift, LN without parameters: the adaLN of the DiT.
void layer_norm_modulate(Context& ctx, const Tensor& y, const Tensor& x, const Chunk& shift, const Chunk& scale, float eps);
// y = x·rsqrt(mean(x²) + eps)·weight.
void rms_norm(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& weight, float eps);

}  // namespace ts::ops
