// Element by element, over anything. Inputs f32, bf16 or f16; outputs f32, bf16 or f16; arithmetic in f32.
#pragma once

#include "ops/linear.h"

namespace ts::ops {

// y = a + b. a has the shape of y; b has the same rank and each axis equal or 1. In place is allowed (y = a).
void add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b);
// y += a ⊙ b, all of one shape.
void multiply_add(Context& ctx, const Tensor& y, const Tensor& a, const Tensor& b);
// y = act(x).
void activate(Context& ctx, const Tensor& y, const Tensor& x, Activation activation);
// y = alpha·x + beta·z, f32; z may be empty with beta 0. In place is allowed.
void scale_add(Context& ctx, const Tensor& y, float alpha, const Tensor& x, float beta, const Tensor& z);

}  // namespace ts::ops
