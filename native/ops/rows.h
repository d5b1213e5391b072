// Moving, choosing and averaging rows of [B, N, D] tensors. Inputs f32, bf16 or f16, outputs f32, bf16 or f16, converted on the way.
#pragma once

#include "ops/context.h"

namespace ts::ops {

// y[b, row + n, col + d] = x[b, n, d] for the whole of x [B, n, d]; x may also be [1, n, d], repeated over the batch.
void copy_block(Context& ctx, const Tensor& y, int64_t row, int64_t col, const Tensor& x);
// y[b, n] = x[b, index[n]]; index i32 [N] on the device.
void gather_rows(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& index);
// y[b, n] = table[ids[b, n]]; table [V, D], ids i32 [B, N], each checked against V by the caller.
void embed(Context& ctx, const Tensor& y, const Tensor& table, const Tensor& ids);
// y[b] = mean over n of x[b, n]; y [B, D].
void mean_rows(Context& ctx, const Tensor& y, const Tensor& x);
// y[b] = the largest of x[b, n] over n, element by element; y [B, D].
void max_rows(Context& ctx, const Tensor& y, const Tensor& x);
// y[b, n] = Σ_m matrix[n, m]·x[b, m]; matrix f32 [N, M]: the natural spline of spec 01 §7a.
void resample_rows(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& matrix);
// y[b, m, n] = x[b, n, m], f32.
void transpose(Context& ctx, const Tensor& y, const Tensor& x);

}  // namespace ts::ops
